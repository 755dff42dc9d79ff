"""Parse metrics against a slow comparison of trees, and on hand-made cases."""

import itertools
import random
from typing import Any

import pytest

from fairseq_mlkd.metrics.parsing import PARSE_METRICS, parse_counts

GOLD = "[IN:A [SL:X one two ] [SL:Y [IN:B [SL:X three ] [SL:Z four ] ] ] ]"


def counts(predicted: str, gold: str = GOLD) -> list[str]:
    """Return the keys of the metrics that count this prediction."""
    found = parse_counts(gold.split(), predicted.split())
    assert list(found) == list(PARSE_METRICS)
    return [key for key, value in found.items() if value == 1]


ALL = ["exact_match", "unordered_match", "structure_match", "intent_accuracy"]


@pytest.mark.parametrize(
    "predicted, expected",
    [
        (GOLD, ALL),
        # the other order of slots, at two levels
        (
            "[IN:A [SL:Y [IN:B [SL:Z four ] [SL:X three ] ] ] [SL:X one two ] ]",
            ["unordered_match", "intent_accuracy"],
        ),
        # other words
        (GOLD.replace("three", "3"), ["structure_match", "intent_accuracy"]),
        (GOLD.replace("one two", "two one"), ["structure_match", "intent_accuracy"]),
        (
            GOLD.replace("one two", "one two one"),
            ["structure_match", "intent_accuracy"],
        ),
        # another slot, another inner intent, another outer intent
        (GOLD.replace("SL:Z", "SL:X"), ["intent_accuracy"]),
        (GOLD.replace("IN:B", "IN:A"), ["intent_accuracy"]),
        (GOLD.replace("IN:A", "IN:B"), []),
        # not well-formed
        ("", ["invalid"]),
        ("hello", ["invalid"]),
        (GOLD + " ]", ["intent_accuracy", "invalid"]),
        (GOLD[:-2], ["intent_accuracy", "invalid"]),
        ("[IN:A [SL:X ] ]", ["intent_accuracy", "invalid"]),
        (GOLD[:-2] + " word ]", ["intent_accuracy", "invalid"]),
        ("[IN:A [IN:B ] ]", ["intent_accuracy", "invalid"]),
    ],
)
def test_cases(predicted, expected):
    assert counts(predicted) == expected


def test_siblings_count_as_often_as_they_occur():
    gold = "[IN:A [SL:X a ] [SL:X a ] [SL:X b ] ]"
    assert counts("[IN:A [SL:X a ] [SL:X b ] [SL:X b ] ]", gold) == [
        *("structure_match", "intent_accuracy")
    ]
    assert counts("[IN:A [SL:X b ] [SL:X a ] [SL:X a ] ]", gold) == ALL[1:]


def test_any_sequences_of_symbols_will_do():
    gold = tuple(GOLD.split())
    assert parse_counts(gold, list(gold)) == parse_counts(list(gold), gold)
    assert parse_counts(gold, list(gold))["exact_match"] == 1
    assert parse_counts(gold, ())["invalid"] == 1


def test_a_true_parse_must_be_one():
    with pytest.raises(ValueError, match="never closed"):
        parse_counts(["[IN:A"], ["[IN:A", "]"])


# --- a slow reference: trees as (name, children), every order tried


def random_tree(rng: random.Random, depth: int = 0) -> tuple[str, list[Any]]:
    slots: list[Any] = []
    for _ in range(rng.randint(0, 3)):
        if depth < 2 and rng.random() < 0.3:
            content: list[Any] = [random_tree(rng, depth + 1)]
        else:
            content = rng.choices(["a", "b"], k=rng.randint(1, 2))
        slots.append((rng.choice(["[SL:X", "[SL:Y"]), content))
    return (rng.choice(["[IN:A", "[IN:B"]), slots)


def spell(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    inner = itertools.chain.from_iterable(map(spell, tree[1]))
    return [tree[0], *inner, "]"]


def same(left: Any, right: Any) -> bool:
    """Equal if the subtrees of some node of one stand in another order."""
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    if left[0] != right[0] or len(left[1]) != len(right[1]):
        return False
    if any(isinstance(child, str) for child in left[1]):
        return left[1] == right[1]
    orders = itertools.permutations(right[1])
    return any(all(map(same, left[1], order)) for order in orders)


def shuffled(tree: Any, rng: random.Random) -> Any:
    if isinstance(tree, str) or any(isinstance(child, str) for child in tree[1]):
        return tree
    children = [shuffled(child, rng) for child in tree[1]]
    return (tree[0], rng.sample(children, len(children)))


def without_words(tree: Any) -> Any:
    inner = [without_words(child) for child in tree[1] if not isinstance(child, str)]
    return (tree[0], inner)


def test_random_trees_agree_with_the_slow_comparison():
    seen = set()
    for seed in range(500):
        rng = random.Random(seed)
        gold = random_tree(rng)
        other = shuffled(gold, rng) if rng.random() < 0.5 else random_tree(rng)
        expected = {
            "exact_match": gold == other,
            "unordered_match": same(gold, other),
            "structure_match": without_words(gold) == without_words(other),
            "intent_accuracy": gold[0] == other[0],
            "invalid": False,
        }
        assert parse_counts(spell(gold), spell(other)) == expected
        seen.add(tuple(expected.values()))
    assert len(seen) >= 6  # the cases do not all look alike


def test_random_symbols_are_never_fatal():
    symbols = ["[IN:A", "[SL:X", "]", "word"]
    invalid = 0
    for seed in range(500):
        rng = random.Random(seed)
        predicted = rng.choices(symbols, k=rng.randint(0, 7))
        invalid += parse_counts(["[IN:A", "]"], predicted)["invalid"]
    assert 400 < invalid < 500
