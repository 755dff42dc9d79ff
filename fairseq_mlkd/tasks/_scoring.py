"""Scores per language: counts in fairseq's logs, and result lines."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from fairseq.logging import metrics
from numpy.typing import NDArray
from torch import Tensor

from fairseq_mlkd.metrics.calibration import Calibration
from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Labels, Metric, Score, add_up
from fairseq_mlkd.metrics.outcomes import write_outcomes
from fairseq_mlkd.metrics.results import Result, append_results
from fairseq_mlkd.tasks._outcomes import Outcomes

logger = logging.getLogger(__name__)

ALL = "all"  # all languages together


class LanguageScores:
    """The scores of each language and of all together, from a metric's counts.

    fairseq adds up what a batch logs, name by name, over batches and workers. So the
    names say of which subset and language a count is: `valid.all/fr/nsentences`.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric

    def count(
        self, gold: Sequence[Labels], predicted: Sequence[Labels]
    ) -> dict[str, Tensor]:
        """Return the metric's counts; fairseq adds up tensors of any shape alone."""
        counts = self.metric.count(gold, predicted)
        return {name: torch.as_tensor(count) for name, count in counts.items()}

    def by_language(
        self, sample: dict[str, Any], counts: Mapping[str, Any]
    ) -> dict[str, Tensor]:
        """Return the counts of a batch under its language, zeros under the others.

        Args:
            sample: a batch of one language, as `MultilingualDataset` makes.
            counts: each of the metric's counters.
        """
        found = {}
        for name in self.metric.counters:
            count = torch.as_tensor(counts[name])
            for lang in sample["langs"]:
                here = lang == sample["lang"]
                key = f"{sample['subset']}/{lang}/{name}"
                found[key] = count if here else torch.zeros_like(count)
        return found

    def add_up(self, logs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Counts]]:
        """Return the counts in logs, by subset and language that has examples."""
        found: dict[str, dict[str, Counts]] = {}
        for log in logs:
            for key, value in log.items():
                subset, *rest = key.split("/")
                if len(rest) == 2:
                    lang, name = rest
                    counts = found.setdefault(subset, {}).setdefault(lang, {})
                    count = _to_array(value)
                    counts[name] = counts[name] + count if name in counts else count
        return {
            subset: {lang: c for lang, c in langs.items() if c[EXAMPLES]}
            for subset, langs in found.items()
        }

    def log(self, found: dict[str, dict[str, Counts]]) -> None:
        """Log each score such that it is exact over any number of batches."""
        for subset, langs in found.items():
            for lang, counts in langs.items():
                self._log(f"{subset}/{lang}/", counts, f"_{lang}")
            if langs:
                self._log(f"{subset}/", add_up(langs.values()), "")

    def _log(self, prefix: str, counts: Counts, suffix: str) -> None:
        for name, count in counts.items():
            metrics.log_scalar_sum(f"_{prefix}{name}", torch.as_tensor(count))

        def value_of(i: int, meters: Mapping[str, Any]) -> float:
            names = self.metric.counters
            sums = {n: _to_array(meters[f"_{prefix}{n}"].sum) for n in names}
            return round(self.metric.scores(sums)[i].value, 2)

        for i, score in enumerate(self.metric.scores(counts)):
            if score.key:
                metrics.log_derived(f"{score.key}{suffix}", partial(value_of, i))

    def main_scores(self, meters: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """Return subset -> language -> the main score, from what `log` logged."""
        sums = {k[1:]: m.sum for k, m in meters.items() if k[:1] == "_" and "/" in k}
        return {
            subset: {lang: self._main_score(c) for lang, c in langs.items()}
            for subset, langs in self.add_up([sums]).items()
        }

    def _main_score(self, counts: Counts) -> float:
        scores = self.metric.scores(counts)
        return next(round(s.value, 2) for s in scores if s.key == self.metric.main)

    def write(
        self,
        path: str,
        counts: Mapping[str, Counts],
        dropped: Mapping[str, int],
        outcomes: Mapping[str, Outcomes],
        **about: Any,
    ) -> None:
        """Append the scores of a subset to a file, a line per language and score.

        Args:
            counts: of each language.
            dropped: of each language, how many rows preparation left out.
            outcomes: of each language, what became of each example.
            about: the other fields of a `Result`.
        """
        results = []
        for lang, sums in counts.items():
            scores = self.metric.scores(sums)
            rows = outcomes.get(lang)
            if rows is not None:
                scores = [*scores, _calibration(rows)]
            lines = [
                Result(
                    metric=score.metric,
                    value=score.value,
                    examples=score.examples,
                    chance=score.chance,
                    lang=lang,
                    dropped=dropped[lang],
                    **about,
                )
                for score in scores
            ]
            if rows is not None:
                write_outcomes(path, lines[0], rows.counts)
            results += lines
        append_results(path, results)
        logger.info("%d results appended to %s", len(results), path)

    def keys(self, langs: Iterable[str]) -> list[str]:
        """Return what scores are called in logs: over all languages, and of each."""
        keys = self.metric.keys()
        return [*keys, *(f"{key}_{lang}" for lang in langs for key in keys)]


def _calibration(rows: Outcomes) -> Score:
    calibration = Calibration()
    return calibration.score(calibration.count(rows.right, rows.probs))


def _to_array(count: Any) -> NDArray[Any]:
    return np.asarray(torch.as_tensor(count).cpu())


def is_first_worker() -> bool:
    """Return whether this process is the one that speaks and writes."""
    return not dist.is_initialized() or dist.get_rank() == 0
