"""Calibration: whether a model is as often right as its probabilities say."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Labels, Metric, Score

BINS = 15
ECE = f"calibration error (ECE, {BINS} bins)"
_COUNTER = "calibration"


class Calibrated(Metric):
    """A metric, and beside its scores the calibration error.

    The probability of a row is that of its whole answer, and it is right if all of the
    answer is: the class of a pair, an intent with its slots, all tags of a sentence, a
    parse.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric, self.main = metric, metric.main
        self.counters = (*metric.counters, _COUNTER)

    def count(
        self,
        gold: Sequence[Labels],
        predicted: Sequence[Labels],
        probs: Sequence[float] = (),
    ) -> Counts:
        """Do as the base; `probs` are the probabilities `(rows,)` of `predicted`."""
        right = [dict(g) == dict(p) for g, p in zip(gold, predicted)]
        bins = count_bins(np.array(probs, float), np.array(right, bool))
        return {**self.metric.count(gold, predicted), _COUNTER: bins}

    def scores(self, counts: Counts) -> list[Score]:
        error = calibration_error(counts[_COUNTER])
        others = self.metric.scores(counts)
        return [*others, Score(ECE, error, int(counts[EXAMPLES]))]

    def outcomes(
        self, gold: Sequence[Labels], predicted: Sequence[Labels]
    ) -> NDArray[np.int64]:
        return self.metric.outcomes(gold, predicted)


def count_bins(probs: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Sort answers by probability; counts of several batches can be added.

    Args:
        probs: `(rows,)`, 0 to 1.
        right: `(rows,)`, whether each answer is.
    Returns:
        `(BINS, 3)`: of each bin, `(low, high]`, answers, right ones, and the sum of
        their probabilities.
    """
    counts = np.zeros((BINS, 3))
    bins = np.clip(np.ceil(probs * BINS).astype(int) - 1, 0, BINS - 1)
    np.add.at(counts, bins, np.stack([np.ones_like(probs), right, probs], axis=-1))
    return counts


def calibration_error(counts: NDArray[Any]) -> float:
    """Return the expected calibration error in percent (Guo et al., 2017, eq. 3).

    `sum_b n_b / n * |right_b / n_b - mean probability_b|`; 0 without answers.

    Args:
        counts: `(BINS, 3)`, as `count_bins` gives them.
    """
    answers, right, probs = counts.T
    return 100.0 * float(np.abs(right - probs).sum() / max(answers.sum(), 1))
