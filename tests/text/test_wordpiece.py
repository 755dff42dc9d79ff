import pytest
from huggingface import LETTERS, TEXTS, VOCABULARY, transformers, write_wordpiece

from fairseq_mlkd.text.tokenizer import Tokenizer
from fairseq_mlkd.text.wordpiece import WordPiece, read_vocabulary

OPTIONS = [
    {"do_lower_case": False},
    {"do_lower_case": True},
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True},
    {"do_lower_case": False, "tokenize_chinese_chars": False},
]
OTHERS = ["\u3000", "\u200d", "\u0300", "\u0903", "\ufffd", "\ue000", "☃", "\U00020000"]


def build(**options: object) -> Tokenizer:
    subwords = WordPiece(
        VOCABULARY,
        lowercase=options["do_lower_case"],
        strip_accents=options.get("strip_accents"),
        split_chinese=options.get("tokenize_chinese_chars", True),
    )
    return Tokenizer(subwords, "none")


@pytest.mark.parametrize("options", OPTIONS)
def test_pieces_are_those_of_transformers_for_whole_texts(tmp_path, options):
    write_wordpiece(tmp_path / "hf", **options)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf")
    ours = build(**options)
    characters = [*map(chr, range(1, 0x250)), *OTHERS, *LETTERS]
    texts = [*TEXTS, *(f"ab{character}ed the" for character in characters)]
    for text in texts:
        pieces = ["<unk>" if p == "[UNK]" else p for p in theirs.tokenize(text)]
        assert ours.tokenize(text, "en") == pieces, ascii(text)


def test_what_a_folder_holds_cuts_the_same(tmp_path):
    for options in OPTIONS:
        ours = build(**options)
        ours.save(str(tmp_path))
        again = Tokenizer.load(str(tmp_path))
        for text in TEXTS:
            assert again.tokenize(text, "en") == ours.tokenize(text, "en")


def test_special_symbols_in_a_text_are_text():
    assert build(do_lower_case=False).tokenize("[SEP] a", "en") == [
        "<unk>",
        "<unk>",
        "<unk>",
        "a",
    ]


def test_a_word_that_vanishes_keeps_no_place():
    pieces, owners = build(do_lower_case=False).tokenize_words(
        ["the", "\x85", "a\x85b", "\u200b"], "en"
    )
    assert pieces == ["the", "a", "##b"]
    assert owners == [0, 2, 2]


@pytest.mark.parametrize(
    "content, message",
    {
        "a\nb\n": r"vocab.txt: not a WordPiece vocabulary, \[UNK\] is missing",
        "": "vocab.txt: not a WordPiece vocabulary",
        "[UNK]\na\nb\na\n": "vocab.txt:4: 'a' stands in line 2 already",
    }.items(),
)
def test_a_bad_vocabulary_is_one_clear_error(tmp_path, content, message):
    path = tmp_path / "vocab.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_vocabulary(str(path))
