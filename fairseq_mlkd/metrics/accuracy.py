"""XNLI and PAWS-X: how many rows have the right class."""

from collections.abc import Sequence

import numpy as np

from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Labels, Metric, Score, percent


class Accuracy(Metric):
    """The share of rows whose `label` is right.

    Args:
        num_classes: how many there are to guess from; None: not known.
    """

    counters = ("ncorrect", EXAMPLES)
    main = "accuracy"

    def __init__(self, num_classes: int | None = None) -> None:
        self.chance = 100.0 / num_classes if num_classes else None

    def count(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> Counts:
        right = sum(g["label"] == p["label"] for g, p in zip(gold, predicted))
        return {"ncorrect": np.asarray(right)}

    def scores(self, counts: Counts) -> list[Score]:
        accuracy = percent(counts["ncorrect"], counts[EXAMPLES])
        examples = int(counts[EXAMPLES])
        return [Score("accuracy", accuracy, examples, "accuracy", self.chance)]
