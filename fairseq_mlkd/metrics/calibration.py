"""Calibration: whether a model is as often right as its probabilities say.

The probability is that of a row's whole answer, and it is right if all of the answer
is: the class of a pair, an intent with its slots, all tags of a sentence, a parse.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairseq_mlkd.metrics.metric import Score

BINS = 15
ECE = f"calibration error (ECE, {BINS} bins)"


class Calibration:
    """The expected calibration error (Guo et al., 2017), from counts that add up."""

    def count(self, right: NDArray[Any], probs: NDArray[Any]) -> NDArray[np.float64]:
        """Sort answers by probability; counts of several batches can be added.

        Args:
            right: `(rows,)`, whether each answer is.
            probs: `(rows,)`, 0 to 1.
        Returns:
            `(BINS, 3)`: of each bin, `(low, high]`, answers, right ones, and the sum of
            their probabilities.
        """
        counts = np.zeros((BINS, 3))
        bins = np.clip(np.ceil(probs * BINS).astype(int) - 1, 0, BINS - 1)
        np.add.at(counts, bins, np.stack([np.ones_like(probs), right, probs], axis=-1))
        return counts

    def score(self, counts: NDArray[Any]) -> Score:
        """Return the error in percent; 0 without answers.

        `sum_b n_b / n * |right_b / n_b - mean probability_b|`

        Args:
            counts: `(BINS, 3)`, as `count` gives them.
        """
        answers, right, probs = counts.T
        error = float(np.abs(right - probs).sum() / max(answers.sum(), 1))
        return Score(ECE, 100.0 * error, int(answers.sum()))
