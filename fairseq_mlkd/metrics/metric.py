"""The base of metrics: counts that add up, and the scores that they give."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EXAMPLES = "nsentences"  # the counter that every metric has: how many rows

# by name; a number each, or an array of the same shape for all batches
Counts = dict[str, NDArray[Any]]
# one row: by folder of the prepared data (`data/folders.py`), its symbols
Labels = Mapping[str, Sequence[str]]


class Score(NamedTuple):
    """A number that says how good predictions are.

    Args:
        metric: its full name, for result lines.
        value: in percent; perplexities as they are.
        examples: how many rows it rests on.
        key: its short name, for logs and `--best-checkpoint-metric`; None: the result
            lines alone have it.
        chance: what guessing scores, where that is known.
    """

    metric: str
    value: float
    examples: int
    key: str | None = None
    chance: float | None = None


class Metric(ABC):
    """The scores of one benchmark.

    `count` takes in a batch; counts of batches, languages and workers are added up
    (`add_up`), and `scores` turns them into numbers, so that a number does not depend
    on how rows were batched.

    Attributes:
        counters: the names of the counts, `EXAMPLES` among them.
        main: the key of the score that says best how good a model is.
    """

    counters: tuple[str, ...]
    main: str

    @abstractmethod
    def count(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> Counts:
        """Return the counts of a batch, with all of `counters` but `EXAMPLES`.

        Args:
            gold: the true labels of each row.
            predicted: those of a model, for the same rows.
        """

    @abstractmethod
    def scores(self, counts: Counts) -> list[Score]:
        """Return the scores, most important first."""

    def outcomes(
        self, gold: Sequence[Labels], predicted: Sequence[Labels]
    ) -> NDArray[np.int64]:
        """Return counts of each row that add up to the score `main`.

        Returns:
            `(rows, 2)`: whether all of the answer is right, and 1; or what
            `outcomes.outcome_score` knows instead.
        """
        right = find_right(gold, predicted).astype(np.int64)
        return np.stack([right, np.ones_like(right)], axis=1)

    def keys(self) -> list[str]:
        """Return the keys of the scores."""
        return [score.key for score in self.score_rows([], []) if score.key]

    def score_rows(
        self, gold: Sequence[Labels], predicted: Sequence[Labels]
    ) -> list[Score]:
        """Return the scores of rows that are all at hand."""
        examples = {EXAMPLES: np.asarray(len(gold))}
        return self.scores({**self.count(gold, predicted), **examples})


def find_right(
    gold: Sequence[Labels], predicted: Sequence[Labels]
) -> NDArray[np.bool_]:
    """Return `(rows,)`: whether all of each answer is right."""
    return np.array([dict(g) == dict(p) for g, p in zip(gold, predicted)], np.bool_)


def percent(count: Any, examples: Any) -> float:
    """Return a count in percent of the rows; 0 where there are none."""
    return 100.0 * float(count) / max(int(examples), 1)


def add_up(several: Iterable[Counts]) -> Counts:
    """Return the sums of several, counter by counter; nothing at all of none."""
    total: Counts = {}
    for counts in several:
        for name, count in counts.items():
            total[name] = total[name] + count if name in total else count
    return total
