"""What a run is refused for before it begins: options that lose scores, or none."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from fairseq.criterions import CRITERION_REGISTRY, FairseqCriterion
from fairseq.data import FairseqDataset
from fairseq.models import (
    ARCH_MODEL_NAME_REGISTRY,
    ARCH_MODEL_REGISTRY,
    MODEL_REGISTRY,
)
from numpy.typing import NDArray

from fairseq_mlkd.metrics.results import append_results

logger = logging.getLogger(__name__)


def check_criterion(name: str, task: str, others: Sequence[str]) -> None:
    """Refuse a criterion that does not know our tasks: its loss would be no score.

    Args:
        name: of the criterion.
        task: the name of the task.
        others: criterions of fairseq under which the scores are right, too.
    Raises:
        ValueError: it is another one, and does not count for the task.
    """
    ours = [n for n, c in CRITERION_REGISTRY.items() if _counts_for_task(c)]
    if name not in (*ours, *others):
        raise ValueError(
            f"--criterion {name} does not know --task {task}: choose "
            f"{' or '.join((*ours, *others))}"
        )


def check_arch(cfg: Any) -> None:
    """Refuse a model of somebody else's, which cannot hand out what we compare.

    Args:
        cfg: of the model.
    Raises:
        ValueError: it is none of ours.
    """
    name = str(getattr(cfg, "_name", None) or getattr(cfg, "arch", None))
    model = MODEL_REGISTRY.get(ARCH_MODEL_NAME_REGISTRY.get(name, name))
    if model is None or not model.__module__.startswith("fairseq_mlkd."):
        ours = sorted(
            arch
            for arch, built in ARCH_MODEL_REGISTRY.items()
            if built.__module__.startswith("fairseq_mlkd.")
        )
        raise ValueError(f"--arch {name} is none of ours: choose {', '.join(ours)}")


def _counts_for_task(criterion: type[FairseqCriterion]) -> bool:
    """Return whether a criterion hands the logits of validation to `count`."""
    return getattr(criterion, "counts_for_task", False)


def check_best_metric(
    metric: str, keys: Sequence[str], terms: Sequence[str], criterion: Any, subset: str
) -> None:
    """Refuse a `--best-checkpoint-metric` that no validation will have.

    Args:
        keys: what scores are called, as `LanguageScores.keys` gives them.
        terms: of distillation, that validation logs, too.
        criterion: its config.
        subset: that is validated first.
    Raises:
        ValueError: naming those that it will have.
    """
    hard = dict.fromkeys(["loss", "ppl", *keys])
    learns = [getattr(criterion, f"{name}_weight", 1) for name in ("ce", "logits")]
    if metric in hard and not any(learns):
        logger.warning(
            "checkpoint_best.pt is chosen by %s, of a head that --ce-weight 0 and "
            "--logits-weight 0 leave as it is: give --valid-distillation "
            "--best-checkpoint-metric distillation_loss",
            metric,
        )
    if metric not in (*hard, *terms):
        raise ValueError(
            f"--best-checkpoint-metric {metric}: validation on {subset} has "
            f"{', '.join((*hard, *terms))}"
        )


def check_direction(metric: str, maximize: bool) -> None:
    """Warn where `checkpoint_best.pt` would be the worst one."""
    is_loss = metric.endswith("loss") or metric.startswith("ppl")
    if is_loss == maximize:
        end, advice = ("highest", "leave out") if maximize else ("lowest", "give")
        logger.warning(
            "checkpoint_best.pt is the one of the %s %s: %s "
            "--maximize-best-checkpoint-metric",
            *(end, metric, advice),
        )


def check_longest(name: str, dataset: FairseqDataset, max_tokens: int) -> None:
    """Refuse a `--max-tokens` that would keep examples out of a score.

    Raises:
        ValueError: one of `dataset`, the subset `name`, is longer.
    """
    longest = int(np.max(dataset.sizes, initial=0))
    if longest > max_tokens:
        raise ValueError(
            f"--max-tokens {max_tokens}: {name} has an example of {longest} tokens, "
            "and none may leave the score: give at least that"
        )


def check_example_lengths(
    name: str, dataset: FairseqDataset, indices: NDArray[np.int64], max_positions: Any
) -> None:
    """Refuse examples that the model cannot take: they would leave the score.

    Raises:
        ValueError: one of `indices` is longer than `max_positions`.
    """
    _, ignored = dataset.filter_indices_by_size(indices, max_positions)
    if len(ignored):
        raise ValueError(
            f"{name}: {len(ignored)} of {len(indices)} examples are longer than the "
            f"{max_positions} subwords that the model takes: no score is given without "
            "them, with --skip-invalid-size-inputs-valid-test neither: prepare shorter "
            "ones"
        )


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
