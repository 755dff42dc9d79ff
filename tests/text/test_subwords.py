import os

import pytest
from subword_nmt.apply_bpe import BPE

from fairseq_mlkd.text import segmentation
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes

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
