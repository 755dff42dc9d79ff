"""Distillation on any task of ours: hard loss + equation 2 + equation 3."""

import logging
import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from fairseq import utils
from fairseq.criterions import register_criterion
from fairseq.logging import metrics
from torch import Tensor, nn

from fairseq_mlkd.criterions.task_cross_entropy import (
    TaskCrossEntropyCriterion,
    log_mean,
)
from fairseq_mlkd.distillation.build import (
    build_distiller,
    build_stage_1,
    open_teacher,
)
from fairseq_mlkd.distillation.config import (
    CRITERION,
    DistillationConfig,
    extra_weights,
)
from fairseq_mlkd.distillation.contract import (
    Distillable,
    Sample,
    Supervision,
    supervise_masked,
)
from fairseq_mlkd.distillation.distiller import Distiller, count_by_row
from fairseq_mlkd.distillation.first_step import describe_oddities
from fairseq_mlkd.distillation.inner_losses import inner_weights
from fairseq_mlkd.distillation.losses import hard_loss
from fairseq_mlkd.distillation.other_subwords import view_batch

logger = logging.getLogger(__name__)

# what is logged in bits; other losses as they are
_IN_BITS = ("loss", "nll_loss", "logits_loss", "distillation_loss")
# the losses on unlabelled sentences, in the order of their `ExtraWeights`
_EXTRA = ("unlabelled_loss", "stage_1_loss")
# unlabelled sentences that count, of those that were read; `_`: no columns of a log
_KEPT = ("_unlabelled_kept", "_unlabelled_read")


@dataclass
class TinyBertCriterionConfig(DistillationConfig):
    """The flags of distillation are those of this criterion."""


@register_criterion(CRITERION, dataclass=TinyBertCriterionConfig)
class TinyBertCriterion(TaskCrossEntropyCriterion):
    """Hard loss + equation 2 at the labels + equation 3 inside (Jiao et al., 2019).

    Stage 1 on `multilingual_mlm`, stage 2 on a fine-tuning task. Each term is a sum
    over sentences whose denominator is the number of labels; those of equation 3 are
    summed over the mapped layers, and decoders add terms of their own. A term of weight
    0 is not computed, but for the hard loss, which comes with equation 2; without any,
    no teacher is loaded. Validation reports the hard loss; the other terms, too, with
    `--valid-distillation`.

    Against forgetting, a task may give unlabelled sentences: equations 2 and 3 on them,
    and the loss of stage 1.

    Raises:
        ValueError: no teacher, one that does not fit, or nothing to learn from.
    """

    def __init__(self, cfg: TinyBertCriterionConfig, task: Distillable) -> None:
        super().__init__(task)
        self.cfg = cfg
        self.distiller: Distiller | None = None
        self.stage_1: Distiller | None = None
        self._is_first = True  # the first batch of training is to come
        self.reader = task  # of the teacher's data
        self.extra_weights = extra_weights(cfg)
        distils = bool(cfg.logits_weight or any(inner_weights(cfg).values()))
        if not distils and not cfg.ce_weight:
            raise ValueError("all weights of the tinybert criterion are 0")
        if not cfg.temperature > 0:
            raise ValueError(f"--temperature {cfg.temperature} is not above 0")
        for name in (field.name for field in fields(TinyBertCriterionConfig)):
            weight = getattr(cfg, name)
            if name.endswith("_weight") and not 0 <= weight < math.inf:
                flag = f"--{name.replace('_', '-')} {weight}"
                problem = "is below 0" if weight < 0 else "is no finite number"
                raise ValueError(f"{flag} {problem}: give 0 to leave the term out")
        if task.is_restored:
            return
        if distils:
            teacher, self.reader = open_teacher(cfg, task)
            self.distiller = build_distiller(
                cfg,
                teacher,
                task,
                ce_weight=cfg.ce_weight,
                logits_weight=cfg.logits_weight,
            )
        self._mix(task)

    def _mix(self, task: Distillable) -> None:
        """Get ready for the task's unlabelled sentences."""
        weights = self.extra_weights
        if self.cfg.unlabelled_confidence:
            self._check_confidence(task)
        if not task.unlabelled_data and weights.masked:
            raise ValueError("--stage-1-weight needs sentences: --unlabelled-data DIR")
        if not task.unlabelled_data:
            return
        if any(weights) and self.distiller is None:
            raise ValueError("--unlabelled-data: there is no teacher to learn from")
        if weights.masked:
            self.stage_1 = build_stage_1(self.cfg, task)

    def _check_confidence(self, task: Distillable) -> None:
        """Refuse a threshold that is none, or that nothing is compared with."""
        cfg, shape = self.cfg, task.model_shape
        flag = f"--unlabelled-confidence {cfg.unlabelled_confidence:g}"
        if not 0 <= cfg.unlabelled_confidence <= 1:
            raise ValueError(f"{flag} is not between 0 and 1")
        if shape is not None and shape.decoder_layers is not None:
            raise ValueError(
                f"{flag}: a parser is sure of nothing without a parse: leave it out"
            )
        reads = task.unlabelled_data and self.extra_weights.plain
        if not (reads and cfg.logits_weight):
            raise ValueError(
                f"{flag} needs --unlabelled-data, and --unlabelled-weight and "
                "--logits-weight above 0"
            )

    def forward(
        self, model: nn.Module, sample: Sample, reduce: bool = True
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Return the weighted loss, the number of labels, and what to log."""
        if self.distiller and (self.training or self.cfg.valid_distillation):
            return self._distil(self.distiller, model, sample)
        loss, sample_size, log = super().forward(model, sample, reduce)
        if self.training:
            loss = self.cfg.ce_weight * loss
        return loss, sample_size, log

    def _distil(
        self, distiller: Distiller, model: nn.Module, sample: Sample
    ) -> tuple[Tensor, int, dict[str, Any]]:
        labels = self.task.supervise(sample)
        found = distiller(
            model,
            sample["net_input"],
            *labels,
            with_logits=not self.training,
            # the cache holds examples of training alone
            keys=sample["keys"] if self.training else None,
            view=None
            if self.reader is self.task
            else view_batch(self.task, self.reader, sample),
        )
        loss, terms = found.loss, found.terms
        if self.training and self._is_first:
            self._is_first = False
            self._warn(model, distiller, terms)
        log = self.logging_output(sample, loss, found.logits, labels.targets)
        if self.training and self.task.unlabelled_data:
            extra, kept = self._compare_unlabelled(model, sample, labels)
            for name, weight in zip(_EXTRA, self.extra_weights):
                if weight:
                    terms[name] = extra[name].detach()
                    loss = loss + weight * extra[name]
            if self.cfg.unlabelled_confidence:
                log.update(zip(_KEPT, kept))
        log.update(terms, loss=loss.detach())
        if not self.training:
            loss = hard_loss(found.logits, labels.targets)
            log.update(distillation_loss=log["loss"], loss=loss)
        return loss, log["sample_size"], log

    def _warn(
        self, model: nn.Module, distiller: Distiller, terms: dict[str, Tensor]
    ) -> None:
        """Say what is odd about the models and about the first batch's losses."""
        weights = {"ce": self.cfg.ce_weight, "logits": self.cfg.logits_weight}
        weights.update(inner_weights(self.cfg))
        teacher = getattr(distiller.teacher, "model", None)
        for line in describe_oddities(model, teacher, terms, weights):
            logger.warning(line)

    def _compare_unlabelled(
        self, model: nn.Module, sample: Sample, labels: Supervision
    ) -> tuple[dict[str, Tensor], tuple[Any, int]]:
        """Return the losses on a batch's unlabelled sentences, without their weights.

        A sentence counts as many times as the example beside it has labels, times
        `examples_per_unlabelled`: over an epoch these counts add up to the number of
        labels. Sentences below `--unlabelled-confidence` count 0 times.

        Returns:
            The losses of `_EXTRA`, 0 where the batch has no sentences; and how many
            sentences count, and how many were compared.
        """
        weights = self.extra_weights
        plain, masked = sample.get("unlabelled"), sample.get("masked")
        nothing = torch.zeros((), device=sample["net_input"]["src_tokens"].device)
        losses, kept = dict.fromkeys(_EXTRA, nothing), (0, 0)
        counts = None
        if "owners" in sample:
            counts = self._count_unlabelled(sample, labels)
        if plain is not None and weights.plain:
            assert self.distiller is not None
            found = self.distiller(
                model,
                plain["net_input"],
                self.task.place_heads(plain),
                counts=counts,
                confidence=self.cfg.unlabelled_confidence,
                keys=plain["keys"],
            )
            losses["unlabelled_loss"] = found.loss
            if found.kept is not None:
                kept = (found.kept, len(sample["owners"]))
        if masked is not None and weights.masked:
            assert self.stage_1 is not None
            padding_idx = self.task.source_dictionary.pad()
            losses["stage_1_loss"] = self.stage_1(
                model,
                masked["net_input"],
                *supervise_masked(masked, padding_idx),
                counts=counts,
            ).loss
        return losses, kept

    @staticmethod
    def _count_unlabelled(sample: Sample, labels: Supervision) -> Tensor:
        """Return how often each unlabelled sentence counts, `(n,)`."""
        by_row = count_by_row(sample["net_input"], *labels)
        by_example = by_row.new_zeros(sample["nsentences"])
        by_example.index_add_(0, sample["examples"], by_row)
        return by_example[sample["owners"]] * sample["examples_per_unlabelled"]

    def load_state_dict(
        self, state_dict: dict[str, Tensor] | None, strict: bool = True
    ) -> Any:
        """Load what was saved; a run without a teacher has no state (None)."""
        if state_dict is None:
            return None
        return super().load_state_dict(state_dict, strict)

    def validation_losses(self) -> list[str]:
        if self.distiller is None or not self.cfg.valid_distillation:
            return []
        inner = self.distiller.inner_losses.terms
        if self.cfg.logits_weight:
            return ["distillation_loss", "nll_loss", "logits_loss", *inner]
        hard = ["nll_loss"] if self.cfg.ce_weight else []
        return ["distillation_loss", *hard, *inner]

    @staticmethod
    def reduce_metrics(logging_outputs: list[dict[str, Any]]) -> None:
        # a worker without a batch logs nothing
        first = next(filter(None, logging_outputs), {})
        for name in first:
            if name == "loss" or name.endswith("_loss"):
                log_mean(name, logging_outputs, bits=name in _IN_BITS)
        if _KEPT[0] in first:
            for name in _KEPT:
                total = sum(int(log.get(name, 0)) for log in logging_outputs)
                metrics.log_scalar_sum(name, total)
            metrics.log_derived("unlabelled_kept", _describe_kept)
        hard = _hard_loss_of(first)
        if hard:
            metrics.log_derived(
                "ppl", lambda meters: utils.get_perplexity(meters[hard].avg)
            )


def _describe_kept(meters: Any) -> str:
    kept, read = (meters[name].sum for name in _KEPT)
    return f"{kept} of {read}"


def _hard_loss_of(log: dict[str, Any]) -> str | None:
    """Return the name of the hard cross-entropy; None: it was not computed."""
    if "nll_loss" in log:
        return "nll_loss"
    distilled = any(name.endswith("_loss") for name in log)
    return None if distilled and "distillation_loss" not in log else "loss"
