import pytest
from huggingface import IS_OLD, TEXTS, transformers, write_sentencepiece
from sentencepiece import SentencePieceProcessor

from fairseq_mlkd.text.sentencepieces import (
    SentencePieces,
    learn_sentencepieces,
    read_model,
)
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


COUNTS = {"walking": 9, "walked": 7, "talking": 8, "talk": 5, "日本語": 4, "日本": 3}
COUNTS.update({"काम": 3, "e\u0301te\u0301": 2, "ＡＢ": 2, "walk": 6, "king": 5, "x": 1})


def test_a_learnt_model_cuts_as_likely_as_its_library(tmp_path):
    path = str(tmp_path / "model")
    learn_sentencepieces(COUNTS, 60, path)
    model = read_model(path)
    scores = {piece.piece: piece.score for piece in model.pieces}
    ours, theirs = SentencePieces(model), SentencePieceProcessor(model_file=path)
    assert max(map(len, scores)) > 3
    for word in [*COUNTS, "walks", "talked", "kingwalk", "日語", "Ａx"]:
        pieces = ours.cut(word)
        # as they are, full-width letters too
        assert "".join(pieces) == f"\u2581{word}".replace("s", "<unk>")
        known = [piece for piece in pieces if piece != "<unk>"]
        expected = [p for p in theirs.encode(word, out_type=str) if p in scores]
        likelihood = sum(scores[piece] for piece in known)
        assert likelihood == pytest.approx(sum(scores[p] for p in expected), abs=1e-4)


def test_learning_pieces_does_not_depend_on_the_order_of_counts(tmp_path):
    learn_sentencepieces(COUNTS, 60, str(tmp_path / "a"))
    learn_sentencepieces(dict(reversed(list(COUNTS.items()))), 60, str(tmp_path / "b"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "counts, n, message",
    [
        ({}, 60, "60 pieces cannot be learnt from 0 different words .too little text"),
        (COUNTS, 9, "9 pieces cannot be learnt from 12 .*Increase vocab_size"),
    ],
)
def test_too_little_leaves_no_model(tmp_path, counts, n, message):
    with pytest.raises(ValueError, match=message) as raised:
        learn_sentencepieces(counts, n, str(tmp_path / "model"))
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


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
