"""Windows cover a sentence, and each word is read far from their edges."""

import numpy as np
import pytest

from fairseq_mlkd.data.windows import count_windows, locate, window_starts

SIZES = [1, 2, 3, 7, 8]


@pytest.mark.parametrize("size", SIZES)
def test_windows_cover_the_sentence(size):
    for length in range(40):
        starts = window_starts(length, size)
        ends = np.minimum(starts + size, length)
        covered = {i for s, e in zip(starts, ends) for i in range(s, e)}
        assert covered == set(range(length))
        assert count_windows(np.array([length]), size) == [len(starts)]
        assert len(starts) == 1 or ends[-1] - starts[-1] == size


def test_neighbours_share_half():
    assert window_starts(30, 8).tolist() == [0, 4, 8, 12, 16, 20, 22]
    assert window_starts(8, 8).tolist() == [0]


@pytest.mark.parametrize("size", SIZES)
def test_positions_are_read_far_from_the_edges(size):
    for length in range(1, 30):
        starts = window_starts(length, size)
        windows, offsets = locate(np.arange(length), starts, size)
        assert ((offsets >= 0) & (offsets < size)).all()
        assert (starts[windows] + offsets == np.arange(length)).all()
        for i, offset in enumerate(offsets):
            inside = [i - s for s in starts if s <= i < s + size]
            best = max(min(o, size - 1 - o) for o in inside)
            assert min(offset, size - 1 - offset) == best


def test_what_no_window_reaches():
    windows, offsets = locate(np.array([0, 4, 5, 9]), np.zeros(1, dtype=int), 5)
    assert windows.tolist() == [0, 0, 0, 0]
    assert [o < 5 for o in offsets] == [True, True, False, False]
