"""What a task has to score each language: counts in fairseq's logs, result lines."""

import logging
import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from fairseq.logging import metrics
from numpy.typing import NDArray
from torch import Tensor

from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Metric, Score, add_up
from fairseq_mlkd.metrics.results import Result, append_results

logger = logging.getLogger(__name__)

ALL = "all"  # all languages together


class LanguageScores:
    """The scores of each language and of all together, from a metric's counts.

    fairseq adds up what a batch logs, name by name, over batches and workers. So the
    names say of which subset and language a count is: `valid.all/fr/nsentences`.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric

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

    def keys(self, langs: Iterable[str]) -> list[str]:
        """Return what scores are called in logs: over all languages, and of each."""
        keys = self.metric.keys()
        return [*keys, *(f"{key}_{lang}" for lang in langs for key in keys)]


def _to_array(count: Any) -> NDArray[Any]:
    return np.asarray(torch.as_tensor(count).cpu())


def write_results(path: str, scores: Iterable[tuple[Score, dict[str, Any]]]) -> None:
    """Append result lines to a file.

    Args:
        scores: each with the other fields of its line (`Result`).
    """
    results = [
        Result(
            metric=score.metric,
            value=score.value,
            examples=score.examples,
            chance=score.chance,
            **fields,
        )
        for score, fields in scores
    ]
    append_results(path, results)
    logger.info("%d results appended to %s", len(results), path)


def check_results_path(path: str) -> None:
    """Refuse a file that result lines cannot be appended to, before they are measured.

    Raises:
        ValueError: the file or its folder cannot be written.
    """
    is_new = not os.path.exists(path)
    try:
        append_results(path, [])
    except OSError as error:
        reason = f"--results {path}: {error.strerror}"
        raise ValueError(f"{reason}: name a file that can be written") from None
    if is_new:
        os.remove(path)


def is_first_worker() -> bool:
    """Return whether this process is the one that speaks and writes."""
    return not dist.is_initialized() or dist.get_rank() == 0
