"""Byte-pair merges as subword-nmt learns them, pair for pair, many times as fast.

Each merge takes the most frequent pair of symbols; of equally frequent ones the
greatest pair of strings, as subword-nmt 0.3.8 does (`learn_bpe.py`). The thresholds and
second table there affect its speed alone: no symbol is made by two different merges
(where a symbol stands, no merge has crossed its bounds, so every word has gone through
the same merges within them), hence a pair's count never grows once it is there.

What is faster: all words lie in one array, each pair knows its places in it, many
places are merged at once by numpy, and a heap finds the next pair.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Mapping

import numpy as np

WORD_END = "</w>"  # of the last symbol of a word
_MIN_FREQUENCY = 2
_FEW = 48  # places, for which a loop is faster than numpy
_NOTHING = -1
_BITS = 32  # a pair's key is its first symbol's id, then its second's
_MASK = (1 << _BITS) - 1
_LAST = 1 << 31  # tells the last character of a word from others
_INVERTED = bytes(range(255, -1, -1))


def learn_merges(word_counts: Mapping[str, int], n: int) -> Iterator[tuple[str, str]]:
    """Yield at most `n` merges, the first learnt first.

    Args:
        word_counts: how often each word occurs. None holds white space, `</w>` or NUL,
            which subword-nmt does not keep apart from its own marks.
        n: most merges; there are less once no pair occurs twice.
    """
    learner = _Learner(word_counts)
    for _ in range(n):
        key = learner.pop_best()
        if key is None:
            return
        yield learner.symbols[key >> _BITS], learner.symbols[key & _MASK]
        learner.merge(key)


class _Learner:
    """All words in one array, and the counts and places of pairs of symbols.

    `_text` holds, for each character of each word, the id of the symbol that begins
    there. Where a longer symbol ends it holds minus its length, so that the symbol
    before any other can be found. `_NOTHING` fills the rest and parts the words.

    Attributes:
        symbols: the string of each id.
    """

    def __init__(self, word_counts: Mapping[str, int]) -> None:
        text, words = self._read(word_counts)
        # each array is read in two ways: by itself in loops, by numpy in bulk
        self._text = array("i", text.tobytes())
        self._word = array("i", words.tobytes())
        self._word_counts = array("q", word_counts.values())
        self._text_view = np.frombuffer(self._text, np.int32)
        self._word_view = np.frombuffer(self._word, np.int32)
        self._word_counts_view = np.frombuffer(self._word_counts, np.int64)
        self._lengths = [1] * len(self.symbols)  # in characters
        self._inverted = [_invert(symbol) for symbol in self.symbols]
        self._counts: dict[int, int] = {}
        self._places: dict[int, np.ndarray] = {}
        self._heap: list[tuple[int, bytes, bytes, int]] = []
        self._count_pairs()

    def _read(self, word_counts: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return id and word of each character and of the space before each word."""
        joined = " ".join(["", *word_counts, ""]).encode("utf-32-le", "surrogatepass")
        characters = np.frombuffer(joined, np.uint32).copy()
        spaces = characters == ord(" ")
        characters[:-1][spaces[1:]] |= _LAST
        known = np.unique(characters[~spaces])
        self.symbols = [
            chr(character & ~_LAST) + (WORD_END if character & _LAST else "")
            for character in known.tolist()
        ]
        text = np.searchsorted(known, characters).astype(np.int32)
        text[spaces] = _NOTHING
        return text, np.cumsum(spaces, dtype=np.int32) - 1

    def _count_pairs(self) -> None:
        places = np.flatnonzero(self._text_view[:-1] >= 0).astype(np.int32)
        places = places[self._text_view[places + 1] >= 0]
        following = self._text_view[places + 1].astype(np.int64)
        keys = _keys(self._text_view[places], following)
        self._remember(keys, self._weights(places), places)

    def pop_best(self) -> int | None:
        """Return the most frequent pair, None if no pair occurs twice."""
        while self._heap:
            negative, _, _, key = heapq.heappop(self._heap)
            count = self._counts[key]
            if count == -negative:
                return key
            if count >= _MIN_FREQUENCY:
                self._push(key)
        return None

    def merge(self, key: int) -> None:
        """Merge a pair wherever it stands, in a run of equal symbols from the left."""
        left, right = key >> _BITS, key & _MASK
        merged = len(self.symbols)
        self.symbols.append(self.symbols[left] + self.symbols[right])
        self._lengths.append(self._lengths[left] + self._lengths[right])
        self._inverted.append(_invert(self.symbols[merged]))
        places = self._places.pop(key)
        if left == right or len(places) <= _FEW:
            self._merge_few(np.sort(places).tolist(), left, right, merged)
        else:
            self._merge_many(places, left, right, merged)
        self._counts[key] = 0

    def _merge_few(self, places: list[int], left: int, right: int, merged: int) -> None:
        """Merge one after the other; each sees those before it. Places may be stale."""
        text, word, word_counts = self._text, self._word, self._word_counts
        size, whole = self._lengths[left], self._lengths[merged]
        counts = self._counts
        gains: dict[int, list[int]] = {}
        for place in places:
            if text[place] != left or text[place + size] != right:
                continue
            n = word_counts[word[place]]
            back = text[place - 1]
            before = place + back if back < _NOTHING else place - 1
            after = place + whole
            previous, following = text[before], text[after]
            text[place + size] = _NOTHING
            text[after - 1] = -whole
            text[place] = merged
            if previous >= 0:
                counts[previous << _BITS | left] -= n
                key = previous << _BITS | merged
                counts[key] = counts.get(key, 0) + n
                gains.setdefault(key, []).append(before)
            if following >= 0:
                counts[right << _BITS | following] -= n
                key = merged << _BITS | following
                counts[key] = counts.get(key, 0) + n
                gains.setdefault(key, []).append(place)
        for key, found in gains.items():
            if counts[key] >= _MIN_FREQUENCY:
                self._places[key] = np.array(found, np.int32)
                self._push(key)

    def _merge_many(
        self, places: np.ndarray, left: int, right: int, merged: int
    ) -> None:
        """Merge all at once; no two overlap. Places may be stale."""
        text, counts = self._text_view, self._counts
        size, whole = self._lengths[left], self._lengths[merged]
        places = places[text[places] == left]
        places = places[text[places + size] == right]
        after = places + whole
        old_previous, old_following = text[self._before(places)], text[after]
        text[places + size] = _NOTHING
        text[after - 1] = -whole
        text[places] = merged
        before = self._before(places)
        previous, following = text[before], text[after]
        has_left = previous >= 0
        # what follows and is merged too counts this pair as the one before it
        has_right = (following >= 0) & (following != merged)
        n = self._weights(places)
        n = np.concatenate([n[has_left], n[has_right]])
        found = np.concatenate([before[has_left], places[has_right]])
        lost = np.concatenate(
            [
                _keys(old_previous[has_left], left),
                _keys(right, old_following[has_right]),
            ]
        )
        for key, count, _ in _by_key(lost, n, found):
            counts[key] -= count
        gained = np.concatenate(
            [_keys(previous[has_left], merged), _keys(merged, following[has_right])]
        )
        self._remember(gained, n, found)

    def _remember(self, keys: np.ndarray, n: np.ndarray, places: np.ndarray) -> None:
        """Note counts and places of pairs that are new."""
        for key, count, found in _by_key(keys, n, places):
            self._counts[key] = count
            if count >= _MIN_FREQUENCY:
                self._places[key] = found
                self._push(key)

    def _push(self, key: int) -> None:
        left, right = self._inverted[key >> _BITS], self._inverted[key & _MASK]
        heapq.heappush(self._heap, (-self._counts[key], left, right, key))

    def _before(self, places: np.ndarray) -> np.ndarray:
        """Return where the symbols before these begin, or a place of no symbol."""
        back = self._text_view[places - 1]
        return places + np.where(back < _NOTHING, back, -1)

    def _weights(self, places: np.ndarray) -> np.ndarray:
        weights: np.ndarray = self._word_counts_view[self._word_view[places]]
        return weights


def _keys(first: np.ndarray | int, second: np.ndarray | int) -> np.ndarray:
    return np.left_shift(first, _BITS, dtype=np.int64) | second


def _by_key(
    keys: np.ndarray, n: np.ndarray, places: np.ndarray
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield each different key with the sum of its `n` and its places."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    sums = np.add.reduceat(n[order], starts).tolist()
    firsts, starts_list = keys[starts].tolist(), starts.tolist()
    ends = [*starts_list[1:], len(keys)]
    for key, total, start, end in zip(firsts, sums, starts_list, ends):
        yield key, total, places[start:end]


def _invert(symbol: str) -> bytes:
    """Return bytes that sort in the opposite order of the strings."""
    code_points = symbol.encode("utf-32-be", "surrogatepass")
    return code_points.translate(_INVERTED) + b"\xff" * 4
