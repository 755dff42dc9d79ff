"""Words of a parse <-> pointers to the words of its sentence.

`@ptr_3` stands for the fourth word. Where a word occurs more than once, its slot's
span in the sentence tells which one is meant; where there is no span, the words of a
slot are kept together, and the leftmost ones that no slot has taken are preferred.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from fairseq_mlkd.text.parse_tree import (
    CLOSE,
    Tree,
    leaf_words,
    parse_tree,
    tree_symbols,
)

MAX_POINTERS = 256
_POINTER = re.compile(r"@ptr_(\d+)", re.ASCII)


class Span(NamedTuple):
    """The place of a slot of the outermost intent: words `start` to `stop - 1`."""

    slot: str
    start: int
    stop: int


def pointer(position: int) -> str:
    """Return the symbol that stands for the word at `position`, counted from 0."""
    return f"@ptr_{position}"


def pointer_position(symbol: str) -> int | None:
    """Return the position that `symbol` points at, `None` if it is no pointer."""
    match = _POINTER.fullmatch(symbol)
    return int(match[1]) if match else None


def to_pointers(
    parse: Sequence[str], words: Sequence[str], spans: Sequence[Span] = ()
) -> list[str]:
    """Replace the words of a parse by pointers.

    Args:
        parse: symbols of a bracketed parse.
        words: the sentence.
        spans: of the outermost slots, as far as they are known.
    Raises:
        ValueError: the brackets are wrong, or the parse has a word that the
            sentence lacks.
    """
    tree = parse_tree(parse)
    missing = [word for word in leaf_words(parse) if word not in words]
    if missing:
        raise ValueError(f"{missing[0]!r} stands in the parse, not in the sentence")
    return _Aligner(words, spans).symbols(tree)


def from_pointers(symbols: Sequence[str], words: Sequence[str]) -> list[str]:
    """Replace pointers by words; one that points past the sentence stays."""
    by_pointer = {pointer(i): word for i, word in enumerate(words)}
    return [by_pointer.get(symbol, symbol) for symbol in symbols]


class _Aligner:
    """Finds the words of one parse in its sentence, slot after slot."""

    def __init__(self, words: Sequence[str], spans: Sequence[Span]) -> None:
        self._words = list(words)
        self._spans = list(spans)
        self._taken: set[int] = set()

    def symbols(self, tree: Tree, window: range | None = None) -> list[str]:
        """Return the tree with pointers, its words looked for in `window` first."""
        symbols = [tree.symbol]
        for _, children in groupby(tree.children, type):
            group = list(children)
            words = [child for child in group if isinstance(child, str)]
            symbols += map(pointer, self._locate(words, window))
            for child in group:
                if isinstance(child, Tree):
                    inner = self._claim_span(child) if window is None else window
                    symbols += self.symbols(child, inner)
        return [*symbols, CLOSE]

    def _claim_span(self, slot: Tree) -> range:
        """Return the first span left that has the slot's name and its words."""
        needed = Counter(leaf_words(tree_symbols(slot)))
        for span in self._spans:
            inside = Counter(self._words[span.start : span.stop])
            if span.slot == slot.symbol and not needed - inside:
                self._spans.remove(span)
                return range(span.start, span.stop)
        return range(len(self._words))

    def _locate(self, words: list[str], window: range | None) -> list[int]:
        if not words:
            return []
        everywhere = range(len(self._words))
        choices = [
            [i for i in window or everywhere if i not in self._taken],
            [i for i in everywhere if i not in self._taken],
            list(everywhere),  # two slots may share a word
        ]
        for positions in choices:
            found = self._find_together(words, positions) or self._find_apart(
                words, positions
            )
            if found:
                break
        self._taken.update(found)
        return found

    def _find_together(self, words: list[str], positions: list[int]) -> list[int]:
        """Return the leftmost unbroken run, empty if there is none."""
        for start in positions:
            run = list(range(start, start + len(words)))
            if self._words[start : run[-1] + 1] == words and set(run) <= set(positions):
                return run
        return []

    def _find_apart(self, words: list[str], positions: list[int]) -> list[int]:
        """Find each word as soon as possible after the one before; [] if one lacks."""
        found: list[int] = []
        for word in words:
            last = found[-1] if found else -1
            places = [i for i in positions if self._words[i] == word]
            if not places:
                return []
            found.append(min(places, key=lambda i: (i in found, i < last, i)))
        return found
