"""mTOP: how well a predicted parse agrees with the true one."""

from collections.abc import Sequence

import numpy as np

from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Labels, Metric, Score, percent
from fairseq_mlkd.text.parse_tree import (
    Tree,
    is_decoupled,
    is_word,
    parse_tree,
    sort_tree,
)

# Keys of the counts, and what result lines call their percentages.
PARSE_METRICS = {
    "exact_match": "exact match (decoupled form)",
    "unordered_match": "exact match (unordered tree)",
    "structure_match": "exact match (tree without slot text)",
    "intent_accuracy": "intent accuracy",
    "invalid": "invalid outputs",
}


class ParseMatch(Metric):
    """Exact match of parses, and what it leaves open: see `parse_counts`.

    The symbols of a row's `target` have words in the place of pointers.
    """

    counters = (EXAMPLES, *PARSE_METRICS)
    main = next(iter(PARSE_METRICS))

    def count(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> Counts:
        counts = [
            parse_counts(true["target"], found["target"])
            for true, found in zip(gold, predicted)
        ]
        return {
            key: np.asarray(sum(count[key] for count in counts))
            for key in PARSE_METRICS
        }

    def scores(self, counts: Counts) -> list[Score]:
        examples = int(counts[EXAMPLES])
        return [
            Score(metric, percent(counts[key], examples), examples, key)
            for key, metric in PARSE_METRICS.items()
        ]


def parse_counts(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, int]:
    """Return what one prediction adds, 0 or 1, to the count of each metric.

    Pointers are resolved by the caller: exact match compares words. `exact_match`
    is equality of all symbols; `unordered_match` lets the slots of an intent (and
    the intents of a slot) change places; `structure_match` leaves out the words;
    `intent_accuracy` looks at the outermost intent, `invalid` says that the
    prediction is no well-formed tree. An invalid prediction can still have the
    right outermost intent.

    Args:
        gold: symbols of a well-formed parse.
        predicted: any symbols, also none.
    Raises:
        ValueError: `gold` has wrong brackets.
    """
    tree, found = parse_tree(gold), _well_formed(predicted)
    return {
        "exact_match": int(list(predicted) == list(gold)),
        "unordered_match": int(
            found is not None and sort_tree(found) == sort_tree(tree)
        ),
        "structure_match": int(
            found is not None and _structure(predicted) == _structure(gold)
        ),
        "intent_accuracy": int(list(predicted[:1]) == list(gold[:1])),
        "invalid": int(found is None),
    }


def _well_formed(symbols: Sequence[str]) -> Tree | None:
    try:
        tree = parse_tree(symbols)
    except ValueError:
        return None
    return tree if is_decoupled(tree) else None


def _structure(symbols: Sequence[str]) -> Sequence[str]:
    return [symbol for symbol in symbols if not is_word(symbol)]
