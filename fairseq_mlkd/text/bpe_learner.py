"""Byte-pair merges as subword-nmt learns them, pair for pair, many times as fast.

The result depends on how subword-nmt 0.3.8 (`learn_bpe.py`) counts, so its counting is
kept to the letter where it departs from the true number of occurrences:

- Of pairs that are equally frequent the greatest pair of strings is merged.
- Only pairs above a threshold are looked at. The counts of the others rest in a second
  table, which a pair's recent change may overwrite (`prune_stats` there).
- A word in which a symbol follows itself twice, or that holds a symbol which a later
  merge spells again, gets counts that are too low or too high, and may be skipped when
  such a pair is merged. `_surplus` holds these differences.

What is faster: all words lie in one array, each pair knows its places in it, many
places are merged at once by numpy, and a heap finds the next pair.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

import numpy as np

WORD_END = "</w>"
_MIN_FREQUENCY = 2
_PRUNE_EVERY = 100  # merges
_FEW = 48  # places, for which a loop is faster than numpy
_BITS = 32  # a pair's key is its first symbol's id, then its second's
_MASK = (1 << _BITS) - 1
_NOTHING = -1
_INVERTED = bytes(range(255, -1, -1))


def learn_merges(word_counts: Mapping[str, int], n: int) -> Iterator[Tuple[str, str]]:
    """Yield at most `n` merges, the first learnt first.

    Args:
        word_counts: how often each word occurs. No word is empty or holds white space,
            `</w>` or NUL, which subword-nmt does not keep apart from its own marks.
        n: most merges; there are less once no pair occurs twice.
    """
    words = _Words(word_counts)
    counts = _PairCounts(words.count_pairs(), words.symbols)
    words.index_places(counts.stats)
    for number in range(n):
        key = counts.pop_best()
        if key is None:
            counts.restart(number)
            words.index_places(counts.stats)
            key = counts.pop_best()
        if key is None or counts.stats[key] < _MIN_FREQUENCY:
            return
        yield words.symbols[key >> _BITS], words.symbols[key & _MASK]
        words.merge(key, counts)
        counts.stats[key] = 0
        if number % _PRUNE_EVERY == 0:
            counts.prune()


class _PairCounts:
    """The two tables of subword-nmt, and a heap over the first.

    Args:
        counts: of all pairs, by key.
        symbols: the strings of the ids; more come while merging.
    """

    def __init__(self, counts: Dict[int, int], symbols: List[str]) -> None:
        self._symbols = symbols
        self._inverted: Dict[int, bytes] = {}
        self._rest = counts
        self.threshold = max(counts.values(), default=0) / 10
        self._take_frequent()

    def _take_frequent(self) -> None:
        pairs = self._rest.items()
        self.stats = {key: n for key, n in pairs if n >= self.threshold}
        self._heap = [self._entry(key, n) for key, n in self.stats.items()]
        heapq.heapify(self._heap)

    def restart(self, number: int) -> None:
        """Look at all pairs again and set the threshold for merge `number`."""
        self.prune()
        best = max(self._rest.values(), default=0)
        self.threshold = best * number / (number + 10000.0)
        self._take_frequent()
        for key in [key for key, n in self._rest.items() if n < 0]:
            self._rest[key] *= 2  # added to itself by prune_stats

    def prune(self) -> None:
        """Move what is below the threshold to the second table."""
        threshold = self.threshold
        for key in [key for key, n in self.stats.items() if n < threshold]:
            n = self.stats.pop(key)
            self._rest[key] = self._rest.get(key, 0) + n if n < 0 else n

    def push(self, key: int) -> None:
        """Tell that a pair's count has grown."""
        if self.stats[key] >= self.threshold:
            heapq.heappush(self._heap, self._entry(key, self.stats[key]))

    def pop_best(self) -> Optional[int]:
        """Return the most frequent pair, None if it is below the threshold."""
        while self._heap:
            negative, _, _, key = heapq.heappop(self._heap)
            count = self.stats.get(key, 0)
            if count == -negative:
                return key
            if self.threshold <= count < -negative:
                heapq.heappush(self._heap, self._entry(key, count))
        return None

    def _entry(self, key: int, count: int) -> Tuple[int, bytes, bytes, int]:
        return -count, self._invert(key >> _BITS), self._invert(key & _MASK), key

    def _invert(self, symbol: int) -> bytes:
        """Bytes that sort in the opposite order of the strings."""
        found = self._inverted.get(symbol)
        if found is None:
            code_points = self._symbols[symbol].encode("utf-32-be", "surrogatepass")
            found = code_points.translate(_INVERTED) + b"\xff" * 4
            self._inverted[symbol] = found
        return found


class _Words:
    """All words in one array, and where each frequent pair of symbols stands in it.

    `_text` holds, for each character of each word, the id of the symbol that begins
    there. Where a longer symbol ends it holds minus its length, so that the symbol
    before any other can be found. `_NOTHING` fills the rest and parts the words.

    Attributes:
        symbols: the string of each id.
    """

    def __init__(self, word_counts: Mapping[str, int]) -> None:
        self._counts = array("q", word_counts.values())
        joined = " ".join(["", *word_counts, ""]).encode("utf-32-le", "surrogatepass")
        characters = np.frombuffer(joined, np.uint32).astype(np.int64)
        spaces = characters == ord(" ")
        words = np.cumsum(spaces) - 1
        self._word = array("i", words.astype(np.int32).tobytes())
        characters[:-1][spaces[1:]] |= _MASK + 1  # the last of a word is another symbol
        known, ids = np.unique(characters[~spaces], return_inverse=True)
        self.symbols = [
            chr(character & _MASK) + (WORD_END if character > _MASK else "")
            for character in known.tolist()
        ]
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols)}
        self._lengths = [1] * len(self.symbols)
        text = np.full(len(characters), _NOTHING, np.int32)
        text[~spaces] = ids
        self._starts = np.flatnonzero(spaces)[:-1] + 1
        self._text = array("i", text.tobytes())
        self._text_view = np.frombuffer(self._text, np.int32)
        self._word_view = np.frombuffer(self._word, np.int32)
        self._counts_view = np.frombuffer(self._counts, np.int64)
        self._places: Dict[int, np.ndarray] = {}
        # the word's count of a pair in subword-nmt less its true one, where they differ
        self._surplus: Dict[int, Dict[int, int]] = {}

    def count_pairs(self) -> Dict[int, int]:
        """Return how often each pair occurs, pairs that overlap included."""
        places, keys = self._pairs()
        return {key: n for key, n, _ in _by_key(keys, self._weights(places), places)}

    def index_places(self, wanted: Iterable[int]) -> None:
        """Find all places of the wanted pairs, and forget those of others."""
        places, keys = self._pairs()
        kept = np.isin(keys, np.fromiter(wanted, np.int64))
        places, keys = places[kept], keys[kept]
        self._places = {key: found for key, _, found in _by_key(keys, keys, places)}

    def merge(self, key: int, counts: _PairCounts) -> None:
        """Merge a pair wherever subword-nmt does, and change `counts` as it does."""
        left, right = key >> _BITS, key & _MASK
        merged, is_new = self._merged_symbol(left, right)
        surplus = self._surplus.pop(key, {})
        places = self._places.pop(key, None)
        if places is None:
            places = np.flatnonzero(self._text_view == left)
        if is_new and not surplus and left != right and len(places) <= _FEW:
            self._merge_few(places, left, right, merged, counts)
            return
        places = places[self._text_view[places] == left]
        places = places[self._text_view[places + self._lengths[left]] == right]
        odd = np.zeros(0, np.int32)
        words = self._word_view[places]
        if surplus or not is_new:
            odd = np.union1d(words, np.fromiter(surplus, np.int32, len(surplus)))
        elif left == right:
            after = self._text_view[places + self._lengths[merged]]
            odd = np.unique(words[after == left])
        if len(odd):
            places = places[~np.isin(words, odd)]
        if len(places):
            self._merge_many(places, left, right, merged, counts)
        if len(odd):
            self._merge_odd(odd.tolist(), surplus, (left, right, merged), counts)

    def _merged_symbol(self, left: int, right: int) -> Tuple[int, bool]:
        """Return the id of the merged symbol and whether it is a new one."""
        symbol = self.symbols[left] + self.symbols[right]
        merged = self._ids.setdefault(symbol, len(self.symbols))
        if merged < len(self.symbols):
            return merged, False
        self.symbols.append(symbol)
        self._lengths.append(self._lengths[left] + self._lengths[right])
        return merged, True

    def _pairs(self) -> Tuple[np.ndarray, np.ndarray]:
        """Return place and key of every pair in the text."""
        places = np.flatnonzero(self._text_view >= 0)
        first = self._text_view[places].astype(np.int64)
        second = self._text_view[places + np.array(self._lengths)[first]]
        kept = second >= 0
        return places[kept], (first << _BITS | second)[kept]

    def _weights(self, places: np.ndarray) -> np.ndarray:
        return self._counts_view[self._word_view[places]]

    def _merge_few(
        self,
        places: np.ndarray,
        left: int,
        right: int,
        merged: int,
        counts: _PairCounts,
    ) -> None:
        """Merge one after the other; each merge sees those before it."""
        text, word, word_counts = self._text, self._word, self._counts
        size, whole = self._lengths[left], self._lengths[merged]
        stats = counts.stats
        gains: Dict[int, List[int]] = {}
        for place in places.tolist():
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
                key = previous << _BITS | left
                stats[key] = stats.get(key, 0) - n
                key = previous << _BITS | merged
                stats[key] = stats.get(key, 0) + n
                gains.setdefault(key, []).append(before)
            if following >= 0:
                key = right << _BITS | following
                stats[key] = stats.get(key, 0) - n
                key = merged << _BITS | following
                stats[key] = stats.get(key, 0) + n
                gains.setdefault(key, []).append(place)
        for key, found in gains.items():
            if stats[key] >= counts.threshold:
                self._places[key] = np.array(found)
                counts.push(key)

    def _merge_many(
        self,
        places: np.ndarray,
        left: int,
        right: int,
        merged: int,
        counts: _PairCounts,
    ) -> None:
        """Merge all at once; no two overlap."""
        text = self._text_view
        whole = self._lengths[merged]
        n = self._weights(places)
        after = places + whole
        old_previous = text[self._before(places)]
        old_following = text[after]
        text[places + self._lengths[left]] = _NOTHING
        text[after - 1] = -whole
        text[places] = merged
        before = self._before(places)
        previous, following = text[before].astype(np.int64), text[after]
        has_left = previous >= 0
        # what follows and is merged too has just been counted as what precedes
        has_right = (following >= 0) & (following != merged)
        old_left = old_previous[has_left].astype(np.int64) << _BITS | left
        old_right = old_following[has_right].astype(np.int64) | right << _BITS
        lost = np.concatenate([old_left, old_right])
        new_left = previous[has_left] << _BITS | merged
        new_right = following[has_right].astype(np.int64) | merged << _BITS
        gained = np.concatenate([new_left, new_right])
        n = np.concatenate([n[has_left], n[has_right]])
        found = np.concatenate([before[has_left], places[has_right]])
        stats = counts.stats
        for key, total, _ in _by_key(lost, n, found):
            stats[key] = stats.get(key, 0) - total
        for key, total, its_places in _by_key(gained, n, found):
            stats[key] = total
            if total >= counts.threshold:
                self._places[key] = its_places
                counts.push(key)

    def _before(self, places: np.ndarray) -> np.ndarray:
        """Return where the symbols before these begin, or a place of no symbol."""
        back = self._text_view[places - 1]
        return places + np.where(back < _NOTHING, back, -1)

    def _merge_odd(
        self,
        words: List[int],
        surplus: Dict[int, int],
        symbols: Tuple[int, int, int],
        counts: _PairCounts,
    ) -> None:
        """Merge in words whose counts subword-nmt does not keep as they are."""
        pair, merged = symbols[:2], symbols[2]
        key = pair[0] << _BITS | pair[1]
        for word in words:
            old = self._symbols_of(word)
            pairs = Counter(zip(old, old[1:]))
            if pairs[pair] + surplus.get(word, 0) < 1:
                self._add_surplus(key, word, -pairs[pair])
                continue
            new, fresh = _replace(old, pair, merged)
            changes = _counted_changes(old, new, pair, merged)
            true_changes = Counter(zip(new, new[1:]))
            true_changes.subtract(pairs)
            true_changes[pair] = 0  # forgotten by both
            self._write(word, new, fresh)
            for (first, second), n in changes.items():
                changed = first << _BITS | second
                stats = counts.stats
                stats[changed] = stats.get(changed, 0) + n * self._counts[word]
                counts.push(changed)
            for first, second in changes.keys() | true_changes.keys():
                n = changes[first, second] - true_changes[first, second]
                self._add_surplus(first << _BITS | second, word, n)

    def _add_surplus(self, key: int, word: int, n: int) -> None:
        if n:
            of_words = self._surplus.setdefault(key, {})
            of_words[word] = of_words.get(word, 0) + n

    def _symbols_of(self, word: int) -> List[int]:
        place = int(self._starts[word])
        symbols = []
        while self._text[place] != _NOTHING:
            symbols.append(self._text[place])
            place += self._lengths[symbols[-1]]
        return symbols

    def _write(self, word: int, symbols: List[int], fresh: Set[int]) -> None:
        """Write a word's symbols; pairs with a fresh one get their new places."""
        place = int(self._starts[word])
        for index, symbol in enumerate(symbols):
            size = self._lengths[symbol]
            self._text_view[place : place + size] = _NOTHING
            self._text[place + size - 1] = -size
            self._text[place] = symbol
            key = symbol << _BITS | (symbols[index + 1 : index + 2] or [0])[0]
            if {index, index + 1} & fresh and key in self._places:
                self._places[key] = np.append(self._places[key], place)
            place += size


def _by_key(
    keys: np.ndarray, n: np.ndarray, places: np.ndarray
) -> Iterator[Tuple[int, int, np.ndarray]]:
    """Yield each different key with the sum of its `n` and its places."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    sums = np.add.reduceat(n[order], starts)
    ends = [*starts[1:].tolist(), len(keys)]
    places = places[order]
    firsts = keys[starts].tolist()
    for key, total, start, end in zip(firsts, sums.tolist(), starts.tolist(), ends):
        yield key, total, places[start:end]


def _replace(
    symbols: List[int], pair: Tuple[int, ...], merged: int
) -> Tuple[List[int], Set[int]]:
    """Return the symbols after a merge, and which of them it made."""
    new: List[int] = []
    fresh = set()
    index = 0
    while index < len(symbols):
        if tuple(symbols[index : index + 2]) == pair:
            fresh.add(len(new))
            new.append(merged)
            index += 2
        else:
            new.append(symbols[index])
            index += 1
    return new, fresh


def _counted_changes(
    old: List[int], new: List[int], pair: Tuple[int, ...], merged: int
) -> Counter[Tuple[int, int]]:
    """Return by how much subword-nmt changes the counts of pairs in a word.

    This follows its `update_pair_statistics`, a change of 0 included.
    """
    changes: Counter[Tuple[int, int]] = Counter()
    index = 0
    while index < len(old) - 1:
        if tuple(old[index : index + 2]) != pair:
            index += 1
            continue
        if index:
            changes[old[index - 1], pair[0]] -= 1
        after = tuple(old[index + 2 : index + 4])
        if after and after != pair:
            changes[pair[1], after[0]] -= 1
        index += 2
    for index, symbol in enumerate(new):
        if symbol == merged and index:
            changes[new[index - 1], merged] += 1
        if symbol == merged and new[index + 1 : index + 2] not in ([], [merged]):
            changes[merged, new[index + 1]] += 1
    return changes
