"""What is dropped and held out, against a slow loop over all sentences."""

from collections import Counter

import numpy as np
import pytest

from fairseq_mlkd.prepare.corpus.chunks import chunk_path, read_packed, write_chunks
from fairseq_mlkd.prepare.corpus.clean import SENTENCES, CleaningRule, clean_chunk
from fairseq_mlkd.prepare.corpus.draw import CleanChunk
from fairseq_mlkd.prepare.corpus.duplicates import (
    find_duplicates,
    find_threshold,
    part_chunk,
)
from fairseq_mlkd.prepare.corpus.readers import Document

RULE = CleaningRule(1, 1, 256, None, 3)
VALID = 9


@pytest.fixture
def chunks(tmp_path, seed) -> list[str]:
    """Four chunks that share many sentences, one of them without any of its own."""
    rng = np.random.default_rng(seed)
    folders = []
    for i, size in enumerate([60, 40, 0, 80]):
        lines = [f"sentence {n}" for n in rng.integers(100, size=size)]
        raw, folder = tmp_path / f"raw{i}", tmp_path / f"clean{i}"
        raw.mkdir()
        folder.mkdir()
        write_chunks([Document("\n".join(lines))], str(raw))
        clean_chunk(str(folder), chunk_path(str(raw), 0), "xx", RULE)
        folders.append(str(folder))
    return folders


def part(chunks: list[str], tmp_path, ranges: int) -> list[CleanChunk]:
    """Return all of the step, with so many ranges of hashes."""
    compared = [str(tmp_path / f"range{ranges}-{n}") for n in range(ranges)]
    for number, folder in enumerate(compared):
        (tmp_path / folder).mkdir()
        find_duplicates(folder, chunks, number, ranges)
    threshold = find_threshold("", chunks, VALID)["threshold"]
    parted = []
    for i, chunk in enumerate(chunks):
        folder = tmp_path / f"part{ranges}-{i}"
        folder.mkdir()
        counts = part_chunk(str(folder), i, chunk, compared, threshold)
        parted.append(CleanChunk("xx", i, chunk, str(folder), 1))
        size = len(list(read_packed(f"{chunk}/{SENTENCES}")))
        assert counts["train"] + counts["valid"] + counts["duplicate"] == size
    return parted


@pytest.mark.parametrize("ranges", [1, 2, 7])
def test_first_of_equal_sentences_stays_smallest_hashes_are_held_out(
    chunks, tmp_path, ranges
):
    texts = [list(read_packed(f"{chunk}/{SENTENCES}")) for chunk in chunks]
    distinct = sorted(set(sum(texts, [])), key=RULE.hash)
    held_out, seen = set(distinct[:VALID]), set()
    expected: dict[int, list[str]] = {i: [] for i in range(len(chunks))}
    for i, sentences in enumerate(texts):
        expected[i] = [text for text in sentences if text not in seen]
        seen.update(sentences)
    found_valid: set[str] = set()
    for i, chunk in enumerate(part(chunks, tmp_path, ranges)):
        mine = [text for text in expected[i] if text not in held_out]
        assert (chunk.train(len(mine), "any") if mine else []) == mine
        assert chunk.valid() == [text for text in expected[i] if text in held_out]
        found_valid.update(chunk.valid())
    assert found_valid == held_out and len(held_out) == VALID


def test_draws_are_whole_passes_and_a_distinct_rest(chunks, tmp_path):
    chunk = part(chunks, tmp_path, 1)[0]
    size = len(np.load(f"{chunk.parts}/train.npy"))
    few, many = chunk.train(size - 5, "a"), chunk.train(2 * size + 3, "a")
    assert len(set(few)) == len(few) == size - 5
    assert few == chunk.train(size - 5, "a") != chunk.train(size - 5, "b")
    times = Counter(many).values()
    assert sum(times) == 2 * size + 3 and set(times) == {2, 3} and len(times) == size
    assert chunk.train(0, "a") == []
