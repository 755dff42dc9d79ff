"""Whether two models differ by more than luck: examples and seeds drawn anew.

A paired, hierarchical bootstrap. Each draw takes test examples with replacement, the
same for every model and, where test sets have as many rows, for every language, since
translated sets hold the same sentences; and, of a model's n seeds, n - 1 with
replacement (so that the variance over few seeds is not too small: Rao and Wu, 1988).
With one seed, examples alone are drawn, and what another seed would give stays open.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairseq_mlkd.metrics.outcomes import outcome_score
from fairseq_mlkd.report.tables import Table

DRAWS = 2000
LEVEL = 0.05
_CELLS = 4_000_000  # drawn at once

Key = tuple[str, str, int]  # model, language, seed
Outcomes = Mapping[Key, NDArray[np.int64]]
Scores = NDArray[np.float64]


class Comparison(NamedTuple):
    """What a model has more than another.

    Attributes:
        difference: of the scores, in points.
        low: and `high`, the ends of the interval that holds 95% of the draws.
        p: twice the share of the draws on the other side of 0.
    """

    difference: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        star = "*" if self.p < LEVEL else ""
        return f"{self.difference:+.2f} [{self.low:+.2f}, {self.high:+.2f}]{star}"


class Resampled:
    """The scores of a table's models over draws of its examples.

    Args:
        outcomes: those that were kept, `(examples, counts)`.
    """

    def __init__(self, table: Table, outcomes: Outcomes) -> None:
        self.table = table
        self._draws = resample(outcomes, f"{table.dataset}/{table.split}")

    @property
    def is_known(self) -> bool:
        """Whether there are any outcomes."""
        return bool(self._draws)

    def compare(
        self, model: str, other: str, langs: Sequence[str]
    ) -> Comparison | None:
        """Compare the means over some languages; None without outcomes of both."""
        if model == other or not langs:
            return None
        ours, theirs = (self._scores(name, langs) for name in (model, other))
        if ours is None or theirs is None:
            return None
        found = compare(ours, theirs, zlib.crc32(f"{model}\0{other}".encode()))
        return found._replace(
            difference=self._mean(model, langs) - self._mean(other, langs)
        )

    def _scores(self, model: str, langs: Sequence[str]) -> Scores | None:
        """Return `(draws, seeds)`, the means over languages of seeds that have all."""
        columns = [
            [self._draws[model, lang, seed] for lang in langs]
            for seed in self.table.seeds(model)
            if all((model, lang, seed) in self._draws for lang in langs)
        ]
        return np.mean(columns, axis=1).T if columns else None

    def _mean(self, model: str, langs: Sequence[str]) -> float:
        score = self.table.mean(model, langs)
        return score.mean if score else float("nan")


def resample(outcomes: Outcomes, label: str) -> dict[Key, Scores]:
    """Return the scores `(DRAWS,)` of each, over the same draws of examples.

    Args:
        outcomes: `(examples, counts)`.
        label: seeds the draws.
    """
    found: dict[Key, Scores] = {}
    for size in sorted({len(rows) for rows in outcomes.values()} - {0}):
        keys = [key for key, rows in outcomes.items() if len(rows) == size]
        columns = np.concatenate([outcomes[key] for key in keys], axis=1)
        rng = np.random.default_rng(zlib.crc32(f"{label}/{size}".encode()))
        sums = _draw_sums(columns.astype(float), rng)
        start = 0
        for key in keys:
            width = outcomes[key].shape[1]
            found[key] = outcome_score(sums[:, start : start + width])
            start += width
    return found


def _draw_sums(columns: Scores, rng: np.random.Generator) -> Scores:
    """Return `(DRAWS, counts)`: the sums of examples drawn with replacement."""
    size, sums = len(columns), []
    at_once = max(1, _CELLS // size)
    for start in range(0, DRAWS, at_once):
        draws = min(at_once, DRAWS - start)
        cells = (
            rng.integers(size, size=(draws, size)) + size * np.arange(draws)[:, None]
        )
        times = np.bincount(cells.ravel(), minlength=draws * size)
        sums.append(times.reshape(draws, size) @ columns)
    return np.concatenate(sums)


def compare(ours: Scores, theirs: Scores, seed: int) -> Comparison:
    """Compare scores over the same draws of examples.

    Args:
        ours: `(draws, seeds)` of a model.
        theirs: of another one; it may have other seeds.
        seed: of the draws of seeds.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_seeds(ours, rng) - draw_seeds(theirs, rng)
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2])
    fewer = 1 + min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    difference = float(ours.mean() - theirs.mean())
    p = min(1.0, 2.0 * fewer / (len(drawn) + 1))
    return Comparison(difference, float(low), float(high), p)


def draw_seeds(scores: Scores, rng: np.random.Generator) -> Scores:
    """Return `(draws,)`: means over n - 1 of n seeds, drawn with replacement."""
    draws, seeds = scores.shape
    if seeds == 1:
        return scores[:, 0]
    chosen = rng.integers(seeds, size=(draws, seeds - 1))
    means: Scores = np.take_along_axis(scores, chosen, axis=1).mean(axis=1)
    return means


def adjust(ps: Sequence[float]) -> list[float]:
    """Return p-values of several tests, adjusted by Holm's method (1979)."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = least
    return adjusted
