"""Wikiann, MultiATIS++ and MASSIVE: spans as in seqeval's default mode (conlleval).

A tag that is none of `O`, `B-NAME`, `I-NAME` is read as seqeval reads it: such as `o`
or `0` after a span begins a span of the type `_`.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from seqeval.metrics.sequence_labeling import get_entities

from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Labels, Metric, Score, percent

ENTITY_F1 = "entity F1 (seqeval default mode)"
SLOT_F1 = "slot F1 (seqeval default mode)"
INTENT_ACCURACY = "intent accuracy"
INTENT_SLOT_EXACT_MATCH = "exact match (intent and slots)"

OUTSIDE = "O"
# no tag at all, and what is written for a word that was cut off
_NO_TAG = ("", "<unk>")
_TAG = re.compile(r"O|[BI]-.+")

Span = tuple[str, int, int]  # type, first word, last word


class EntityF1(Metric):
    """F1 over all entities, and of each type.

    Args:
        types: of all spans that can occur (`span_types`).
    """

    counters = ("spans", EXAMPLES)
    main = "f1"

    def __init__(self, types: Sequence[str]) -> None:
        self.types = types

    def count(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> Counts:
        return {"spans": count_spans(_tags(gold), _tags(predicted), self.types)}

    def scores(self, counts: Counts) -> list[Score]:
        examples, spans = int(counts[EXAMPLES]), counts["spans"]
        by_type = [
            Score(f"{ENTITY_F1}: {kind}", span_f1(row), examples, f"f1_{kind}")
            for kind, row in zip(self.types, spans)
        ]
        return [Score(ENTITY_F1, span_f1(spans), examples, "f1"), *by_type]

    def outcomes(
        self, gold: Sequence[Labels], predicted: Sequence[Labels]
    ) -> NDArray[np.int64]:
        """Return `(rows, 3)`: spans that are in both, predicted ones, gold ones."""
        rows = zip(_tags(gold), _tags(predicted))
        counts = [count_spans([g], [p], self.types).sum(axis=0) for g, p in rows]
        return np.array(counts, np.int64).reshape(-1, 3)


class IntentSlotMatch(Metric):
    """Intent and all slots right, the intent right, and the F1 of slots.

    Args:
        types: of all slots that can occur (`span_types`).
    """

    counters = ("nexact", "nintents", "spans", EXAMPLES)
    main = "exact_match"

    def __init__(self, types: Sequence[str]) -> None:
        self.types = types

    def count(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> Counts:
        right = [_are_right(*row) for row in zip(gold, predicted)]
        return {
            "nexact": np.asarray(sum(intent and slots for intent, slots in right)),
            "nintents": np.asarray(sum(intent for intent, _ in right)),
            "spans": count_spans(_tags(gold), _tags(predicted), self.types),
        }

    def scores(self, counts: Counts) -> list[Score]:
        examples = int(counts[EXAMPLES])
        exact, intents = (percent(counts[k], examples) for k in ("nexact", "nintents"))
        return [
            Score(INTENT_SLOT_EXACT_MATCH, exact, examples, "exact_match"),
            Score(INTENT_ACCURACY, intents, examples, "intent_accuracy"),
            Score(SLOT_F1, span_f1(counts["spans"]), examples, "slot_f1"),
        ]


def span_types(sequences: Iterable[Sequence[str]]) -> list[str]:
    """Return the types of the spans in sequences of tags, sorted.

    Of a list of tags that may come in any order, give each as a sequence of its own.
    """
    return sorted({kind for tags in sequences for kind, _, _ in find_spans(tags)})


def find_odd_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags that are none of `O`, `B-NAME`, `I-NAME`; no tag is as `O`."""
    return [tag for tag in tags if tag not in _NO_TAG and not _TAG.fullmatch(tag)]


def find_spans(tags: Sequence[str]) -> set[Span]:
    """Return the spans that the tags of one sentence mark; no tag is as `O`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval warns of odd tags, once per process
        return set(get_entities([OUTSIDE if t in _NO_TAG else t for t in tags]))


def count_spans(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    types: Sequence[str],
) -> NDArray[np.int64]:
    """Count spans by type; the counts of several sets of sentences can be added.

    Args:
        gold: the tags of each sentence's words.
        predicted: the same of a model, as many.
        types: every type that occurs in either (`span_types`).
    Returns:
        `(types, 3)`: spans that are in both, predicted ones, gold ones.
    """
    row = {kind: i for i, kind in enumerate(types)}
    counts = np.zeros((len(types), 3), np.int64)
    for tags in zip(gold, predicted):
        wanted, found = map(find_spans, tags)
        for column, spans in enumerate((wanted & found, found, wanted)):
            for kind, _, _ in spans:
                counts[row[kind], column] += 1
    return counts


def span_f1(counts: NDArray[Any]) -> float:
    """Return the micro-averaged F1 in percent; 0 without any span, as in seqeval.

    Args:
        counts: `(types, 3)`, or of one type `(3,)`.
    """
    both, predicted, gold = counts.reshape(-1, 3).sum(axis=0).tolist()
    return 200.0 * both / (predicted + gold) if predicted + gold else 0.0


def _tags(rows: Sequence[Labels]) -> list[Sequence[str]]:
    return [row["label"] for row in rows]


def _are_right(gold: Labels, predicted: Labels) -> tuple[bool, bool]:
    """Return whether the intent is right, and whether all slots are."""
    return gold["intent"] == predicted["intent"], gold["label"] == predicted["label"]
