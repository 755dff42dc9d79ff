"""What is dropped and held out, against a slow loop over all sentences."""

from collections import Counter

import numpy as np
import pytest

from fairseq_mlkd.prepare.corpus.clean import SENTENCES, CleaningRule, clean_piece
from fairseq_mlkd.prepare.corpus.draw import CleanPiece
from fairseq_mlkd.prepare.corpus.duplicates import (
    find_duplicates,
    find_threshold,
    part_piece,
)
from fairseq_mlkd.prepare.corpus.pieces import piece_path, read_packed, write_pieces
from fairseq_mlkd.prepare.corpus.readers import Document

RULE = CleaningRule(1, 1, 256, None, 3)
VALID = 9


@pytest.fixture
def pieces(tmp_path, seed) -> list[str]:
    """Four pieces that share many sentences, one of them without any of its own."""
    rng = np.random.default_rng(seed)
    folders = []
    for i, size in enumerate([60, 40, 0, 80]):
        lines = [f"sentence {n}" for n in rng.integers(100, size=size)]
        raw, folder = tmp_path / f"raw{i}", tmp_path / f"clean{i}"
        raw.mkdir()
        folder.mkdir()
        write_pieces([Document("\n".join(lines))], str(raw))
        clean_piece(str(folder), piece_path(str(raw), 0), "xx", RULE)
        folders.append(str(folder))
    return folders


def part(pieces: list[str], tmp_path, ranges: int) -> list[CleanPiece]:
    """Return all of the step, with so many ranges of hashes."""
    compared = [str(tmp_path / f"range{ranges}-{n}") for n in range(ranges)]
    for number, folder in enumerate(compared):
        (tmp_path / folder).mkdir()
        find_duplicates(folder, pieces, number, ranges)
    threshold = find_threshold("", pieces, VALID)["threshold"]
    parted = []
    for i, piece in enumerate(pieces):
        folder = tmp_path / f"part{ranges}-{i}"
        folder.mkdir()
        counts = part_piece(str(folder), i, piece, compared, threshold)
        parted.append(CleanPiece("xx", i, piece, str(folder), 1))
        size = len(list(read_packed(f"{piece}/{SENTENCES}")))
        assert counts["train"] + counts["valid"] + counts["duplicate"] == size
    return parted


@pytest.mark.parametrize("ranges", [1, 2, 7])
def test_first_of_equal_sentences_stays_smallest_hashes_are_held_out(
    pieces, tmp_path, ranges
):
    texts = [list(read_packed(f"{piece}/{SENTENCES}")) for piece in pieces]
    distinct = sorted(set(sum(texts, [])), key=RULE.hash)
    held_out, seen = set(distinct[:VALID]), set()
    expected: dict[int, list[str]] = {i: [] for i in range(len(pieces))}
    for i, sentences in enumerate(texts):
        expected[i] = [text for text in sentences if text not in seen]
        seen.update(sentences)
    found_valid: set[str] = set()
    for i, piece in enumerate(part(pieces, tmp_path, ranges)):
        mine = [text for text in expected[i] if text not in held_out]
        assert (piece.train(len(mine), "any") if mine else []) == mine
        assert piece.valid() == [text for text in expected[i] if text in held_out]
        found_valid.update(piece.valid())
    assert found_valid == held_out and len(held_out) == VALID


def test_draws_are_whole_passes_and_a_distinct_rest(pieces, tmp_path):
    piece = part(pieces, tmp_path, 1)[0]
    size = len(np.load(f"{piece.parts}/train.npy"))
    few, many = piece.train(size - 5, "a"), piece.train(2 * size + 3, "a")
    assert len(set(few)) == len(few) == size - 5
    assert few == piece.train(size - 5, "a") != piece.train(size - 5, "b")
    times = Counter(many).values()
    assert sum(times) == 2 * size + 3 and set(times) == {2, 3} and len(times) == size
    assert piece.train(0, "a") == []
