import pytest
from huggingface import IS_OLD, TEXTS, transformers, write_sentencepiece

from fairseq_mlkd.text.sentencepieces import SentencePieces, read_model
from fairseq_mlkd.text.tokenizer import Tokenizer

OTHERS = ["\u3000", "\u200b", "\u200d", "\u2028", "\ufeff", "\u2581", "\u00b4", "☃"]


@pytest.fixture
def folder(tmp_path):
    write_sentencepiece(tmp_path / "hf")
    return tmp_path / "hf"


def build(folder) -> Tokenizer:
    model = read_model(str(folder / "sentencepiece.bpe.model"))
    return Tokenizer(SentencePieces(model), "none")


@pytest.mark.skipif(IS_OLD, reason="needs transformers 5 for odd white space")
@pytest.mark.parametrize("rule", ["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "identity"])
def test_pieces_are_those_of_transformers_for_whole_texts(tmp_path, rule):
    write_sentencepiece(tmp_path / "hf", normalization_rule_name=rule)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf")
    ours = build(tmp_path / "hf")
    characters = [*map(chr, range(1, 0x250)), *OTHERS]
    texts = [*TEXTS, *(f"ab{character}ed the" for character in characters)]
    for text in texts:
        ids = theirs(text, add_special_tokens=False)["input_ids"]
        pieces = theirs.convert_ids_to_tokens(ids)
        assert ours.tokenize(text, "en") == pieces, ascii(text)


def test_what_a_folder_holds_cuts_the_same(folder, tmp_path):
    ours = build(folder)
    ours.save(str(tmp_path))
    again = Tokenizer.load(str(tmp_path))
    for text in TEXTS:
        assert again.tokenize(text, "en") == ours.tokenize(text, "en")


def test_special_symbols_in_a_text_are_text(folder):
    pieces = build(folder).tokenize("</s> a", "en")
    assert "</s>" not in pieces and pieces[-1].endswith("a")


def test_a_word_that_vanishes_keeps_no_place(folder):
    ours = build(folder)
    pieces, owners = ours.tokenize_words(["the", "\u200b", "a\x0bb", "\x0b"], "en")
    the, ab = ours.tokenize("the", "en"), ours.tokenize("ab", "en")
    assert pieces == the + ab
    assert owners == [0] * len(the) + [2] * len(ab)


def test_what_is_no_unigram_model_is_one_clear_error(folder, tmp_path):
    path = tmp_path / "spm.model"
    whole = (folder / "sentencepiece.bpe.model").read_bytes()
    for content in (b"no model\n", whole[:1000], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="spm.model: not a SentencePiece model"):
            read_model(str(path))
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="without pieces"):
        read_model(str(path))
    with pytest.raises(ValueError, match="missing.model: not a SentencePiece model"):
        read_model(str(tmp_path / "missing.model"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"model_type": "bpe"}, "not a unigram model"),
        ({"user_defined_symbols": ["[X]"]}, "user-defined symbol '\\[X\\]'"),
    ],
)
def test_models_that_cut_in_another_way_are_refused(tmp_path, options, message):
    write_model = write_sentencepiece
    with pytest.raises(ValueError, match=message):
        try:
            write_model(tmp_path / "hf", **options)
        finally:
            build(tmp_path / "hf")
