"""Calibration: against slow loops, over batches, and at the edges."""

import numpy as np
import pytest
from slow_losses import calibration_slowly

from fairseq_mlkd.metrics.calibration import ECE, Calibration

METRIC = Calibration()


def test_agrees_with_a_slow_loop_whatever_the_batches():
    rng = np.random.default_rng(1)
    probs, right = rng.random(400), rng.random(400) < 0.6
    slow = calibration_slowly(list(zip(right.tolist(), probs.tolist())))
    parts = zip(np.split(right, [7, 90]), np.split(probs, [7, 90]))
    counts = sum(METRIC.count(*part) for part in parts)
    score = METRIC.score(counts)
    assert score.value == pytest.approx(slow) and slow > 10
    assert (score.metric, score.examples, score.key) == (ECE, 400, None)
    # one bin alone would call random probabilities well calibrated
    assert METRIC.score(counts.sum(0, keepdims=True)).value < slow - 5


def test_certain_and_right_has_no_error_certain_and_wrong_all():
    one = np.ones(3)
    assert METRIC.score(METRIC.count(one, one)).value == 0
    assert METRIC.score(METRIC.count(0 * one, one)).value == 100
    assert METRIC.score(METRIC.count(one[:0], one[:0])).value == 0
    assert METRIC.count(np.zeros(1), np.zeros(1))[0, 0] == 1
