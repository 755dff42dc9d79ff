"""Calibration: against slow loops, over batches, and at the edges."""

import numpy as np
import pytest
from slow_losses import calibration_slowly

from fairseq_mlkd.metrics.accuracy import Accuracy
from fairseq_mlkd.metrics.calibration import (
    ECE,
    Calibrated,
    calibration_error,
    count_bins,
)
from fairseq_mlkd.metrics.metric import EXAMPLES, add_up


def labels(classes):
    return [{"label": [c]} for c in classes]


def test_agrees_with_a_slow_loop_whatever_the_batches():
    rng = np.random.default_rng(1)
    probs, right = rng.random(400), rng.random(400) < 0.6
    slow = calibration_slowly(list(zip(right.tolist(), probs.tolist())))
    counts = sum(
        count_bins(p, r)
        for p, r in zip(np.split(probs, [7, 90]), np.split(right, [7, 90]))
    )
    assert calibration_error(counts) == pytest.approx(slow)
    assert slow > 10
    # one bin alone would call random probabilities well calibrated
    assert calibration_error(counts.sum(0, keepdims=True)) < slow - 5


def test_certain_and_right_has_no_error_certain_and_wrong_all():
    one = np.ones(3)
    assert calibration_error(count_bins(one, one)) == 0
    assert calibration_error(count_bins(one, 0 * one)) == 100
    assert calibration_error(count_bins(one[:0], one[:0])) == 0
    assert count_bins(np.zeros(1), np.zeros(1))[0, 0] == 1


def test_stands_after_the_scores_of_its_metric():
    metric = Calibrated(Accuracy(2))
    assert metric.main == "accuracy" and metric.keys() == ["accuracy"]
    gold, predicted = labels("aab"), labels("abb")
    parts = [
        metric.count(gold[:1], predicted[:1], [0.9]),
        metric.count(gold[1:], predicted[1:], [0.9, 0.7]),
    ]
    counts = add_up([*parts, {EXAMPLES: np.asarray(3)}])
    accuracy, error = metric.scores(counts)
    assert accuracy.value == pytest.approx(200 / 3)
    assert (error.metric, error.key) == (ECE, None)
    assert error.value == pytest.approx(100 * (abs(1 - 1.8) + abs(1 - 0.7)) / 3)
