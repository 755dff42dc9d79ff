"""Inputs that are longer than the model takes: cut, or read in overlapping windows."""

from __future__ import annotations

import numpy as np

LONG_INPUTS = ("refuse", "window", "truncate")  # what to do with them

# in place of a word's column
NO_SUBWORD = -1  # normalisation left nothing of the word
CUT = -2  # truncation took the word


def pair_lengths(first: int, second: int, room: int) -> tuple[int, int]:
    """Return the lengths to which a pair is cut, the longer one first, to fit."""
    most = max(room // 2, room - min(first, second))
    return min(first, most), min(second, room - min(first, most))


def count_windows(lengths: np.ndarray, size: int) -> np.ndarray:
    """Return how many windows of `size` subwords each of these lengths needs."""
    return np.asarray(1 + np.maximum(0, -((size - lengths) // _stride(size))))


def window_starts(length: int, size: int) -> np.ndarray:
    """Return where windows begin that together cover `length` subwords.

    Each shares half with the one before it; the last ends where the sentence ends, and
    shares more.
    """
    if length <= size:
        return np.zeros(1, dtype=np.int64)
    return np.append(np.arange(0, length - size, _stride(size)), length - size)


def locate(
    positions: np.ndarray, starts: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose for each position the window in which it stands farthest from an edge.

    Returns:
        The windows `(n,)`, and the offsets in them `(n,)`: `size` or more where no
        window reaches.
    """
    offsets = positions[:, None] - starts  # positions x windows
    to_edge = np.minimum(offsets, size - 1 - offsets)
    best = to_edge.argmax(axis=1)
    return best, offsets[np.arange(len(positions)), best]


def place_words(
    pieces: np.ndarray, starts: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose where each word is read: at its first subword.

    Args:
        pieces: `(words,)`, how many subwords each has.
        starts: of the windows.
        size: of each, special symbols left out.
    Returns:
        The windows `(words,)`, and the columns in them `(words,)`, after one `<s>`;
        or `NO_SUBWORD` or `CUT`.
    """
    windows, offsets = locate(np.cumsum(pieces) - pieces, starts, size)
    columns = np.where(offsets < size, 1 + offsets, CUT)
    return windows, np.where(pieces > 0, columns, NO_SUBWORD)


def _stride(size: int) -> int:
    return max(1, size // 2)
