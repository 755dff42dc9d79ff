"""Numbers that say how good a model is in each language, from sums over batches."""

import logging
import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from fairseq.criterions import FairseqCriterion
from fairseq.dataclass import FairseqDataclass
from fairseq.logging import metrics
from fairseq.models import BaseFairseqModel
from fairseq.tasks import FairseqTask
from torch import Tensor

from fairseq_mlkd.metrics.results import Result, append_results

logger = logging.getLogger(__name__)


class Measure(NamedTuple):
    """A number that says how good a model is in one language.

    Args:
        metric: its full name, for the results.
        value: in percent; perplexities as they are.
        examples: how many examples it rests on.
        key: its short name, for logs and `--best-checkpoint-metric`; None: the results
            alone have it.
        chance: what guessing scores, where that is known.
    """

    metric: str
    value: float
    examples: int
    key: str | None = None
    chance: float | None = None


Sums = dict[str, Tensor]  # counter -> its sum over examples, a number or a vector


class MeasuringTask(FairseqTask):
    """A task whose metrics are logged for each language, and written as results."""

    # what valid_step sums up per language, out of the criterion's logging output and
    # what is counted; `nsentences` is always among them
    counters: tuple[str, ...] = ("nsentences",)

    def __init__(self, cfg: FairseqDataclass) -> None:
        super().__init__(cfg)
        self.is_restored = False  # a checkpoint is evaluated, none is trained
        # of the subset that was iterated over last
        self.subset = ""
        self.langs: list[str] = []

    # --- what a task says of itself

    def count(self, sample: dict[str, Any], logits: dict[str, Tensor]) -> Sums:
        """What to sum over batches, so that the task's metrics follow from it.

        Args:
            logits: head -> `(n, classes)`, at the labels that `supervise` named.
        """
        return {}

    def count_generated(self, sample: dict[str, Any], model: BaseFairseqModel) -> Sums:
        """As `count`, for metrics that need more than the logits at the labels."""
        return {}

    def measure(self, sums: Sums) -> list[Measure]:
        """The task's metrics, most important first, from sums of `counters`."""
        raise NotImplementedError

    # --- fairseq's interface

    def valid_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: FairseqCriterion,
    ) -> tuple[Tensor, int, dict[str, Any]]:
        loss, sample_size, log = super().valid_step(sample, model, criterion)
        log.update(self.count_generated(sample, model))
        for key in self.counters:
            count = torch.as_tensor(log[key])
            for lang in self.langs:
                here = lang == sample["lang"]
                log[f"{key}/{lang}"] = count if here else torch.zeros_like(count)
        return loss, sample_size, log

    def reduce_metrics(
        self, logging_outputs: list[dict[str, Any]], criterion: FairseqCriterion
    ) -> None:
        super().reduce_metrics(logging_outputs, criterion)
        found = {lang: self._sum_up(logging_outputs, lang) for lang in self.langs}
        found = {lang: sums for lang, sums in found.items() if sums.get("nsentences")}
        for lang, sums in found.items():
            self._log(sums, f"_{lang}")
        if found:
            self._log(add_up(found.values()), "")
        if self.is_restored and is_first_worker():
            self.write_results(found)

    def _sum_up(self, logging_outputs: list[dict[str, Any]], lang: str) -> Sums:
        return add_up(
            {key: log[f"{key}/{lang}"] for key in self.counters}
            for log in logging_outputs
            if f"nsentences/{lang}" in log
        )

    def _log(self, sums: Sums, suffix: str) -> None:
        """Log each metric such that it is exact over any number of batches."""
        for key, value in sums.items():
            metrics.log_scalar_sum(f"_{key}{suffix}", value)

        def value_of(i: int, meters: Mapping[str, Any]) -> float:
            sums = {key: meters[f"_{key}{suffix}"].sum for key in self.counters}
            return round(self.measure(sums)[i].value, 2)

        for i, measure in enumerate(self.measure(sums)):
            if measure.key:
                metrics.log_derived(f"{measure.key}{suffix}", partial(value_of, i))

    # --- results

    def dropped_rows(self, lang: str) -> int:
        """Rows that preprocessing left out of the current subset in `lang`."""
        return 0

    def dataset_name(self) -> str:
        return os.path.basename(os.path.normpath(self.cfg.data))

    def write_results(self, found: dict[str, Sums]) -> None:
        checkpoint = self.cfg.path or ""
        folder = os.path.dirname(os.path.abspath(checkpoint))
        results = [
            Result(
                dataset=self.dataset_name(),
                model=self.cfg.model_name or os.path.basename(folder),
                lang=lang,
                split=self.subset.split(".")[0],
                dropped=self.dropped_rows(lang),
                seed=self.cfg.seed,
                checkpoint=checkpoint,
                metric=measure.metric,
                value=measure.value,
                examples=measure.examples,
                chance=measure.chance,
            )
            for lang, sums in found.items()
            for measure in self.measure(sums)
        ]
        path = self.cfg.results or os.path.join(folder, "results.jsonl")
        append_results(path, results)
        logger.info("%d results appended to %s", len(results), path)


def is_first_worker() -> bool:
    """Of several processes, one speaks and writes."""
    return not dist.is_initialized() or dist.get_rank() == 0


def add_up(several: Iterable[Sums]) -> Sums:
    """The sums of several, counter by counter; nothing at all of none."""
    total: Sums = {}
    for sums in several:
        for key, value in sums.items():
            total[key] = total[key] + value if key in total else value
    return total
