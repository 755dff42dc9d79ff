"""The grammar admits well-formed parses, all of them, and lets them end in time."""

import itertools
import random
from pathlib import Path

import pytest

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import WordRow
from fairseq_mlkd.text.grammar import START, Grammar, symbols_to_finish
from fairseq_mlkd.text.parse_tree import is_decoupled, ontology_pairs, parse_tree

SYMBOLS = ["<s>", "</s>", "[IN:A", "[IN:B", "[SL:X", "[SL:Y", "]", "@ptr_0", "@ptr_1"]
PAIRS = [("[IN:A", "[SL:X"), ("[IN:A", "[SL:Y"), ("[IN:B", "[SL:Y")]
END = SYMBOLS.index("</s>")


def is_well_formed(symbols: list[str], pairs: list | None) -> bool:
    """Return what the grammar admits, by the tree: no slot mixes words and intents."""
    try:
        tree = parse_tree(symbols)
    except ValueError:
        return False
    mixed = any(
        a.startswith("@") and b[:3] == "[IN" for a, b in zip(symbols, symbols[1:])
    )
    mixed |= any(
        symbols[i] == "]" and symbols[i + 1].startswith("@")
        for i in range(len(symbols) - 1)
    )
    known = pairs is None or set(ontology_pairs(tree)) <= set(pairs)
    return is_decoupled(tree) and not mixed and known


@pytest.mark.parametrize("pairs", [None, PAIRS])
def test_short_sequences_are_accepted_if_and_only_if_well_formed(pairs):
    grammar = Grammar(SYMBOLS, pairs)
    accepted = 0
    for length in range(6):
        for ids in itertools.product(range(2, len(SYMBOLS)), repeat=length):
            expected = is_well_formed([SYMBOLS[i] for i in ids], pairs)
            assert grammar.accepts(ids) is expected, [SYMBOLS[i] for i in ids]
            accepted += expected
    assert accepted == (2 + 2 * 2 * 2 if pairs is None else 2 + 3 * 2)


def write(grammar: Grammar, budget: int | None, rng: random.Random) -> list[int]:
    """Admitted symbols at random, until there are none."""
    state, ids = START, []
    while True:
        left = None if budget is None else budget - len(ids)
        choices = grammar.allowed(state, left).nonzero()[0].tolist()
        if not choices:
            return ids
        # more brackets than closing ones, to meet the budget
        opening = [i for i in choices if SYMBOLS[i].startswith("[")]
        ids.append(rng.choice(opening if opening and rng.random() < 0.6 else choices))
        state = grammar.advance(state, ids[-1])


@pytest.mark.parametrize("pairs", [None, PAIRS])
@pytest.mark.parametrize("budget", [3, 4, 5, 6, 11, 40])
def test_whatever_is_admitted_ends_in_time(pairs, budget):
    grammar = Grammar(SYMBOLS, pairs)
    lengths = set()
    for seed in range(60):
        *ids, last = write(grammar, budget, random.Random(seed))
        assert last == END and len(ids) < budget
        assert is_well_formed([SYMBOLS[i] for i in ids], pairs)
        lengths.add(len(ids) + 1)
    # the budget is used up where a parse of that length exists
    assert max(lengths) == (3 if budget < 6 else budget)


def test_too_small_a_budget_admits_nothing():
    grammar = Grammar(SYMBOLS)
    assert grammar.allowed(START, 3).any() and not grammar.allowed(START, 2).any()


def test_the_distance_to_the_end_is_the_shortest_one():
    grammar = Grammar(SYMBOLS)
    frontier, found = {START}, {}
    for _ in range(4):
        following = set()
        for state in frontier:
            found[state] = symbols_to_finish(state)
            for symbol in grammar.allowed(state).nonzero()[0]:
                following.add(grammar.advance(state, int(symbol)))
        frontier = following - {None}
    for state, distance in found.items():
        nexts = [
            grammar.advance(state, int(i)) for i in grammar.allowed(state).nonzero()[0]
        ]
        assert distance == 1 + min(map(symbols_to_finish, nexts))


def test_nothing_follows_the_end_or_a_mistake():
    grammar = Grammar(SYMBOLS)
    state = grammar.advance(START, SYMBOLS.index("]"))
    assert state is None
    assert not grammar.allowed(state).any() and grammar.advance(state, 2) is None
    done = grammar.advance(grammar.advance(START, 2), SYMBOLS.index("]"))
    assert grammar.allowed(done).nonzero()[0].tolist() == [END]
    assert grammar.advance(done, END) is None
    assert not grammar.accepts([2]) and grammar.accepts([2, 6])


def test_every_real_parse_is_accepted(mlkd_data: Path):
    benchmark = READERS["mtop"]
    paths = sorted((mlkd_data / "mtop").glob("**/*.txt"))
    rows = {
        tuple(row.parse)
        for path in paths
        for row in benchmark.read(path, "en")
        if isinstance(row, WordRow)
    }
    assert len(rows) > 9000
    ids = {symbol: i for i, symbol in enumerate({s for row in rows for s in row})}
    pairs_of = {row: set(ontology_pairs(parse_tree(row))) for row in rows}
    pairs = set().union(*pairs_of.values())
    for known in (None, pairs):
        grammar = Grammar(list(ids), known)
        assert all(grammar.accepts([ids[s] for s in row]) for row in rows)
    # a pair less, and its rows are refused
    missing = max(pairs)
    grammar = Grammar(list(ids), pairs - {missing})
    for row in (row for row in rows if missing in pairs_of[row]):
        assert not grammar.accepts([ids[s] for s in row])
