"""Semantic parses in the bracketed decoupled form of mTOP.

`[IN:GET_WEATHER [SL:LOCATION Maricopa County ] ]`: intents hold slots, slots hold
either words or intents, and words outside slots are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CLOSE = "]"
INTENT = "[IN:"
SLOT = "[SL:"
# Real parses have 8 levels. The limit keeps recursion over trees safe.
MAX_DEPTH = 100


@dataclass(frozen=True)
class Tree:
    """An intent or a slot.

    Attributes:
        symbol: its opening symbol, such as `[IN:GET_WEATHER`.
        children: words and trees, in order.
    """

    symbol: str
    children: tuple[str | Tree, ...]

    @property
    def is_intent(self) -> bool:
        """Whether this is an intent, not a slot."""
        return self.symbol.startswith(INTENT)

    @property
    def words(self) -> list[str]:
        """The words of the tree's own slot, without those further down."""
        return [child for child in self.children if isinstance(child, str)]

    @property
    def subtrees(self) -> list[Tree]:
        """The intents or slots directly below."""
        return [child for child in self.children if isinstance(child, Tree)]


def split_symbols(text: str) -> list[str]:
    """Return the symbols of a bracketed parse; only the space divides them."""
    return [symbol for symbol in text.split(" ") if symbol]


def is_opening(symbol: str) -> bool:
    """Return whether `symbol` opens an intent or a slot."""
    return symbol.startswith((INTENT, SLOT))


def is_word(symbol: str) -> bool:
    """Return whether `symbol` is a word (or a pointer), no part of the structure."""
    return symbol != CLOSE and not is_opening(symbol)


def leaf_words(symbols: Sequence[str]) -> list[str]:
    """Return the words of a parse without its structure."""
    return [symbol for symbol in symbols if is_word(symbol)]


def parse_tree(symbols: Sequence[str]) -> Tree:
    """Return the tree that `symbols` write down.

    Raises:
        ValueError: the brackets are not those of one tree; the message says where.
    """
    open_nodes: list[tuple[str, list[Tree | str]]] = []
    for position, symbol in enumerate(symbols, start=1):
        if is_opening(symbol):
            if len(open_nodes) == MAX_DEPTH:
                raise ValueError(f"the parse nests deeper than {MAX_DEPTH} levels")
            open_nodes.append((symbol, []))
            continue
        if not open_nodes:
            raise ValueError(f"the parse begins with {symbol!r}, not with a bracket")
        if symbol != CLOSE:
            open_nodes[-1][1].append(symbol)
            continue
        opening, children = open_nodes.pop()
        tree = Tree(opening, tuple(children))
        if open_nodes:
            open_nodes[-1][1].append(tree)
        elif position < len(symbols):
            raise ValueError(f"the parse goes on after its end: {symbols[position]!r}")
        else:
            return tree
    if not open_nodes:
        raise ValueError("the parse is empty")
    raise ValueError(f"{open_nodes[-1][0]!r} is never closed")


def is_decoupled(tree: Tree) -> bool:
    """Return whether the root is an intent, intents hold slots, and slots something.

    A slot holds words or intents; one that mixes them counts as decoupled.
    """
    return tree.is_intent and _is_decoupled(tree)


def _is_decoupled(tree: Tree) -> bool:
    fits = not tree.words if tree.is_intent else bool(tree.children)
    return fits and all(
        child.is_intent != tree.is_intent and _is_decoupled(child)
        for child in tree.subtrees
    )


def decouple(tree: Tree) -> Tree:
    """Return the tree without the words of intents that are in none of their slots."""
    children = tree.subtrees if tree.is_intent else tree.children
    return Tree(
        tree.symbol, tuple(c if isinstance(c, str) else decouple(c) for c in children)
    )


def tree_symbols(tree: Tree) -> list[str]:
    """Return the inverse of `parse_tree`."""
    symbols = [tree.symbol]
    for child in tree.children:
        symbols += [child] if isinstance(child, str) else tree_symbols(child)
    return [*symbols, CLOSE]


def sort_tree(tree: Tree) -> str:
    """Return a text that two trees share if they differ in the order of subtrees alone.

    The words of a slot keep their order, and stand before its subtrees.
    """
    subtrees = sorted(map(sort_tree, tree.subtrees))
    return " ".join([tree.symbol, *tree.words, *subtrees, CLOSE])


def ontology_pairs(tree: Tree) -> list[tuple[str, str]]:
    """Return every (intent, slot directly below it) of the tree, as opening symbols."""
    pairs = [(tree.symbol, slot.symbol) for slot in tree.subtrees if tree.is_intent]
    for child in tree.subtrees:
        pairs += ontology_pairs(child)
    return pairs
