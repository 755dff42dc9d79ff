"""Overlapping windows over a sentence that is longer than the model takes."""

from __future__ import annotations

import numpy as np


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


def _stride(size: int) -> int:
    return max(1, size // 2)
