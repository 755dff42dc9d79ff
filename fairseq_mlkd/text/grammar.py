"""A state machine for decoding: the symbols that may come next in a parse.

A parse is one intent. An intent holds slots, also none; a slot holds pointers, or else
intents, at least one. The end-of-sentence symbol follows the last bracket. All states
are values: beams may share them and go back to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np

from fairseq_mlkd.text.parse_tree import CLOSE, INTENT, SLOT
from fairseq_mlkd.text.pointers import pointer_position


class Kind(Enum):
    """The role of a symbol."""

    INTENT = "opens an intent"
    SLOT = "opens a slot"
    POINTER = "points at a word"
    CLOSE = "closes what is open"
    END = "ends the sentence"


class OpenNode(NamedTuple):
    """An intent or slot that is not closed yet.

    Attributes:
        symbol: index of its opening symbol.
        kind: whether it is an intent or a slot.
        holds: the kind of what it holds, `None` while it is empty.
    """

    symbol: int
    kind: Kind
    holds: Kind | None = None


class State(NamedTuple):
    """The state of a parse: the open nodes, outermost first, or a whole tree."""

    open_nodes: tuple[OpenNode, ...] = ()
    complete: bool = False


START = State()
GRAMMARS = ("none", "tree", "ontology")  # what to admit: anything, trees, known pairs


class Grammar:
    """Tells which of the given symbols keep a parse well-formed.

    Args:
        symbols: all that can be written, by index; those which are neither part of
            a parse nor `end` are never admitted.
        pairs: the (intent, slot) pairs to admit, as opening symbols; `None`: all.
        end: the end-of-sentence symbol.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        pairs: Iterable[tuple[str, str]] | None = None,
        *,
        end: str = "</s>",
    ) -> None:
        self._kinds = [_kind(symbol, end) for symbol in symbols]
        self._members = {
            kind: np.array([other is kind for other in self._kinds]) for kind in Kind
        }
        self._slots: dict[int, np.ndarray] | None = None
        if pairs is not None:
            self._slots = _slots_by_intent(symbols, pairs)

    def advance(self, state: State | None, symbol: int) -> State | None:
        """Return the state after `symbol`; None after the end or what is refused."""
        kind = self._kinds[symbol]
        if state is None or kind is None or not self._may_follow(state, kind)[symbol]:
            return None
        return _next_state(state, kind, symbol)

    def allowed(self, state: State | None, budget: int | None = None) -> np.ndarray:
        """Return `(symbols,)` of bool: what may follow `state`.

        Args:
            state: of the prefix; nothing may follow `None`.
            budget: how many symbols may still be written, the end included. What
                leaves too few to finish is not admitted; from `START` with a budget
                of 3 or more, there is always a symbol to go on with.
        """
        mask = np.zeros(len(self._kinds), dtype=bool)
        if state is None:
            return mask
        for kind in _kinds_after(state):
            after = _next_state(state, kind, 0)
            if budget is None or symbols_to_finish(after) < budget:
                mask |= self._may_follow(state, kind)
        return mask

    def accepts(self, symbols: Iterable[int]) -> bool:
        """Return whether `symbols`, without the end, are a whole parse."""
        state: State | None = START
        for symbol in symbols:
            state = self.advance(state, symbol)
        return state is not None and state.complete

    def _may_follow(self, state: State, kind: Kind) -> np.ndarray:
        if kind not in _kinds_after(state):
            return np.zeros(len(self._kinds), dtype=bool)
        if kind is Kind.SLOT and self._slots is not None:
            return self._slots[state.open_nodes[-1].symbol]
        return self._members[kind]


class Followed:
    """The parses that a search follows, step by step.

    Args:
        grammar: over the symbols that are searched.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._states: dict[tuple[int, ...], State | None] = {}

    def allowed(self, prefixes: Sequence[tuple[int, ...]], budget: int) -> np.ndarray:
        """Return `(prefixes, symbols)` of bool: what may follow each.

        Args:
            prefixes: symbols so far; empty, or one of the last call's and one symbol.
            budget: as of `Grammar.allowed`.
        """
        self._states = {prefix: self._state(prefix) for prefix in prefixes}
        rows = [self._grammar.allowed(self._states[x], budget) for x in prefixes]
        return np.stack(rows)

    def _state(self, prefix: tuple[int, ...]) -> State | None:
        if not prefix:
            return START
        return self._grammar.advance(self._states[prefix[:-1]], prefix[-1])


def symbols_to_finish(state: State | None) -> int:
    """Return how many symbols, the end included, make `state` a sentence, at least."""
    if state is None:
        return 0
    if not state.open_nodes:
        return 1 if state.complete else 3
    innermost = state.open_nodes[-1]
    is_empty_slot = innermost.kind is Kind.SLOT and innermost.holds is None
    return len(state.open_nodes) + 1 + is_empty_slot


def _kinds_after(state: State) -> tuple[Kind, ...]:
    if state.complete:
        return (Kind.END,)
    if not state.open_nodes:
        return (Kind.INTENT,)
    innermost = state.open_nodes[-1]
    if innermost.kind is Kind.INTENT:
        return (Kind.SLOT, Kind.CLOSE)
    if innermost.holds is None:
        return (Kind.POINTER, Kind.INTENT)
    return (innermost.holds, Kind.CLOSE)


def _next_state(state: State, kind: Kind, symbol: int) -> State | None:
    """Return the state after an admitted symbol, `None` after the end."""
    if kind is Kind.END:
        return None
    nodes = state.open_nodes
    if kind is Kind.CLOSE:
        return State(nodes[:-1], complete=len(nodes) == 1)
    if nodes:
        nodes = (*nodes[:-1], nodes[-1]._replace(holds=kind))
    return State(nodes if kind is Kind.POINTER else (*nodes, OpenNode(symbol, kind)))


def _kind(symbol: str, end: str) -> Kind | None:
    if symbol in (CLOSE, end):
        return Kind.CLOSE if symbol == CLOSE else Kind.END
    if pointer_position(symbol) is not None:
        return Kind.POINTER
    if symbol.startswith(INTENT):
        return Kind.INTENT
    return Kind.SLOT if symbol.startswith(SLOT) else None


def _slots_by_intent(
    symbols: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> dict[int, np.ndarray]:
    """Return the mask of the slots that each intent may hold, by the intent's index."""
    known = set(pairs)
    return {
        index: np.array([(intent, slot) in known for slot in symbols])
        for index, intent in enumerate(symbols)
        if intent.startswith(INTENT)
    }
