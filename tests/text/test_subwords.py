import lzma
import os
import random
from collections import Counter

import pytest
from subword_nmt.apply_bpe import BPE

from fairseq_mlkd.text import segmentation
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

COUNTS = {"low": 5, "lower": 2, "newest": 6, "widest": 3, "größe": 2, "日本語": 2}


@pytest.fixture
def codes(tmp_path):
    path = str(tmp_path / "codes")
    learn_codes(COUNTS, 12, path)
    return path


def test_pieces_equal_subword_nmt(codes):
    bpe = BpeCodes(codes)
    with open(codes, encoding="utf-8") as file:
        reference = BPE(file)
    for word in [*COUNTS, "lowest", "x", "日", "unseen", "wider", "don't", ""]:
        assert bpe.pieces(word) == reference.segment(word).split()
    assert bpe.pieces("lowx") == ["lo@@", "w@@", "x"]


HOSTILE = [
    "a\u2028b",
    "\u00a0a",
    "e\u0301e\u0301",
    "क्षि",
    "ab@@",
    "@@",
    "</w>",
    "a</w>b",
]
HOSTILE += ["\ud800", "ab\udfffab", "<unk>", "\x1ca", "\0", "\U0001f600ab", "\uffff"]
HOSTILE += ["abc" * 7, "abcabd" * 50, "aaaaaaa", " "]
MERGES = [("a", "b"), ("b", "c"), ("ab", "c"), ("abc", "a"), ("a", "bc"), ("a", "a")]
MERGES += [("e", "\u0301"), ("<", "/"), ("@", "@"), ("b", "c</w>"), ("abc", "abc")]
MERGES += [("a", "b"), ("x", "yz"), ("</w>", "b"), ("c", "</w>"), ("<unk>", "a")]


@pytest.mark.parametrize("version", ["0.1", "0.2"])
@pytest.mark.parametrize("seed", range(20))
def test_any_merges_cut_any_word_as_subword_nmt_does(tmp_path, version, seed):
    rng = random.Random(seed)
    merges = rng.sample(MERGES, rng.randint(1, len(MERGES)))
    lines = [f"#version: {version}", *(" ".join(pair) for pair in merges), ""]
    path = tmp_path / "codes"
    path.write_text("\n".join(lines), encoding="utf-8")
    bpe = BpeCodes(str(path))
    with open(path, encoding="utf-8") as file:
        reference = BPE(file)
    translate = bpe.translator(lambda piece: piece.encode("utf-32-le", "surrogatepass"))
    words = HOSTILE + ["".join(rng.choices("aabbcx<", k=n)) for n in range(1, 30)]
    for word in words:
        pieces = reference.segment_tokens([word])
        assert bpe.cut(word) == pieces, ascii(word)
        assert translate(word).decode("utf-32-le", "surrogatepass") == "".join(pieces)


def test_a_merge_that_an_earlier_one_needs_is_cut_right(tmp_path):
    path = tmp_path / "codes"
    path.write_text("#version: 0.2\nabc a\nb c\na bc\n")
    bpe = BpeCodes(str(path))
    assert bpe.cut("abcabcx") == ["abc@@", "abc@@", "x"]
    # what the doubt is for: the fast engine alone would go on with an earlier merge
    bpe._is_doubtful = None
    assert bpe.cut("abcabcx") == ["abca@@", "bc@@", "x"]


@pytest.mark.parametrize("most", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_lines_of_real_text_are_cut_as_subword_nmt_does(mlkd_data, tmp_path, most):
    lines = []
    for path in sorted((mlkd_data / "text").glob("*/*.xz")):
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            lines += [line.rstrip("\r\n") for line, _ in zip(file, range(most))]
    assert len(lines) > 3000
    path = str(tmp_path / "codes")
    learn_codes(
        Counter(word for line in lines[::2] for word in line.split()), 800, path
    )
    tokenizer = Tokenizer(BpeCodes(path), "none")
    with open(path, encoding="utf-8") as file:
        reference = BPE(file)
    for line in lines:
        assert " ".join(tokenizer.segment(line)) == reference.segment(line)


def test_caches_are_bounded(codes, monkeypatch):
    monkeypatch.setattr(segmentation, "_CACHED_WORDS", 4)
    bpe = BpeCodes(codes)
    for number in range(50):
        bpe.pieces(f"word{number}")
    assert len(bpe._bpe.cache) <= 1
    assert bpe._cached_pieces.cache_info().currsize == 4


def test_learning_does_not_depend_on_the_order_of_counts(codes, tmp_path):
    learn_codes(dict(reversed(list(COUNTS.items()))), 12, str(tmp_path / "other"))
    assert (tmp_path / "other").read_bytes() == (tmp_path / "codes").read_bytes()


@pytest.mark.parametrize("counts", [{}, {"a": 9}, {"ab": 1}])
def test_too_little_text_leaves_no_file(tmp_path, counts):
    with pytest.raises(ValueError, match="too little text"):
        learn_codes(counts, 5, str(tmp_path / "codes"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "codes:1: not a subword-nmt codes file"),
        ("l o\n", "codes:1: not a subword-nmt codes file"),
        ("#version: 0.2\n", "holds no merges"),
        ("#version: 0.2\nl o\nlo w x\n", "codes:3: two symbols expected"),
        ("#version: 0.2\nl o\nlo", "codes:3: two symbols expected"),
    ],
)
def test_damaged_codes_are_one_clear_error(tmp_path, content, message):
    path = tmp_path / "codes"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        BpeCodes(str(path))
