"""Step 3: which sentences of which chunk are for training, and which are held out.

Hashes of all chunks are compared range by range, so memory does not grow with them.
Of equal sentences the first stays. Those with the smallest hashes are held out: the
choice does not depend on their order, and no sentence is both held out and trained on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from fairseq_mlkd.prepare.corpus.clean import HASHES, LENGTHS, ORDER
from fairseq_mlkd.prepare.corpus.tasks import Result

RANGE_SIZE = 1 << 19  # about so many hashes are compared at a time: 20 MB
TRAIN, VALID = "train.npy", "valid.npy"  # indices of a chunk's sentences
_DROPS = "drops.npy"
_NUMBER_SHIFT = 32  # a place is the chunk's number, then the sentence's index


def count_ranges(sentences: int) -> int:
    """Return how many ranges of hashes so many sentences are compared in."""
    return max(1, -(-sentences // RANGE_SIZE))


def hash_files(chunk: str) -> list[str]:
    """Return the files of `clean_chunk` that no later step reads."""
    return [os.path.join(chunk, name) for name in (HASHES, ORDER, LENGTHS)]


def find_duplicates(
    folder: str, chunks: Sequence[str], number: int, ranges: int
) -> Result:
    """Write the places of all but the first of equal sentences in a range of hashes.

    Args:
        chunks: folders of `clean_chunk`, all of a language, in order.
        number: of the range, below `ranges`.
    """
    found = [_read_range(chunk, number, ranges) for chunk in chunks]
    hashes = np.concatenate([part for part, _ in found])
    places = np.concatenate(
        [_place(i, indices) for i, (_, indices) in enumerate(found)]
    )
    by_hash = np.argsort(hashes, kind="stable")
    hashes = hashes[by_hash]
    drops = places[by_hash[1:][hashes[1:] == hashes[:-1]]]
    np.save(os.path.join(folder, _DROPS), np.sort(drops))
    return {}


def find_threshold(folder: str, chunks: Sequence[str], valid: int) -> Result:
    """Find the hash up to which sentences are held out.

    Returns:
        `threshold`: the `valid`-th smallest of the hashes, or the largest.
    """
    smallest = np.empty(0, dtype=np.uint64)
    for chunk in chunks:
        hashes = np.load(os.path.join(chunk, HASHES), mmap_mode="r")
        smallest = np.union1d(smallest, hashes[:valid])[:valid]
    return {"threshold": int(smallest[-1]) if len(smallest) else 0}


def part_chunk(
    folder: str, number: int, chunk: str, ranges: Sequence[str], threshold: int
) -> Result:
    """Write the indices of a chunk's sentences to train on, and of those held out.

    Args:
        number: of the chunk, as in `find_duplicates`.
        ranges: folders of `find_duplicates`, all of the language.
        threshold: of `find_threshold`.
    Returns:
        `train` and `valid` sentences, `characters` of both; `duplicate` sentences and
        `duplicate_characters` that other chunks have, too.
    """
    lengths = np.load(os.path.join(chunk, LENGTHS))
    hashes = np.load(os.path.join(chunk, HASHES))
    order = np.load(os.path.join(chunk, ORDER))
    kept = np.ones(len(lengths), dtype=bool)
    kept[_read_drops(ranges, number)] = False
    held_out = np.zeros(len(lengths), dtype=bool)
    held_out[order[hashes <= np.uint64(threshold)]] = True
    train, valid = np.flatnonzero(kept & ~held_out), np.flatnonzero(kept & held_out)
    np.save(os.path.join(folder, TRAIN), train.astype(np.uint32))
    np.save(os.path.join(folder, VALID), valid.astype(np.uint32))
    return {
        "train": len(train),
        "valid": len(valid),
        "characters": int(lengths[kept].sum(dtype=np.int64)),
        "duplicate": int((~kept).sum()),
        "duplicate_characters": int(lengths[~kept].sum(dtype=np.int64)),
    }


def _read_range(chunk: str, number: int, ranges: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of one range in a chunk and the indices of their sentences."""
    hashes = np.load(os.path.join(chunk, HASHES), mmap_mode="r")
    first, last = ((number << 64) // ranges, ((number + 1) << 64) // ranges - 1)
    begin = np.searchsorted(hashes, np.uint64(first), side="left")
    end = np.searchsorted(hashes, np.uint64(last), side="right")
    order = np.load(os.path.join(chunk, ORDER), mmap_mode="r")
    return np.array(hashes[begin:end]), np.array(order[begin:end])


def _read_drops(ranges: Sequence[str], number: int) -> np.ndarray:
    """Return the indices that all ranges drop of one chunk."""
    bounds = np.array([number, number + 1], dtype=np.uint64) << np.uint64(_NUMBER_SHIFT)
    found: list[np.ndarray] = []
    for folder in ranges:
        drops = np.load(os.path.join(folder, _DROPS), mmap_mode="r")
        begin, end = np.searchsorted(drops, bounds)
        found.append(np.array(drops[begin:end]))
    places: np.ndarray = np.concatenate(found) - bounds[0]
    return places.astype(np.int64)


def _place(number: int, indices: np.ndarray) -> np.ndarray:
    return np.uint64(number << _NUMBER_SHIFT) | indices.astype(np.uint64)
