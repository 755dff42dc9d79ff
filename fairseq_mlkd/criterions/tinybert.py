"""Distillation on any task of ours: hard loss + equation 2 + equation 3."""

from dataclasses import dataclass, field
from typing import Any, Optional

import torch
from fairseq import utils
from fairseq.criterions import register_criterion
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.logging import metrics
from fairseq.tasks import FairseqTask
from torch import Tensor, nn

from fairseq_mlkd.criterions._matching import match_models, run_both
from fairseq_mlkd.criterions._output_terms import output_terms
from fairseq_mlkd.criterions._teacher_view import open_reader, view_batch
from fairseq_mlkd.criterions._teachers import AnyTeacher, open_teacher
from fairseq_mlkd.criterions._unlabelled import StageOne, unlabelled_loss
from fairseq_mlkd.criterions.task_cross_entropy import (
    TaskCrossEntropyCriterion,
    hard_loss,
    log_mean,
)
from fairseq_mlkd.distillation.losses import INTER_LOSSES
from fairseq_mlkd.distillation.projections import HEAD_MAPS
from fairseq_mlkd.distillation.signals import DTYPES

# what is logged in bits; other losses as they are
_IN_BITS = ("loss", "nll_loss", "logits_loss", "distillation_loss")


@dataclass
class TinyBertCriterionConfig(FairseqDataclass):
    teacher_path: Optional[str] = field(
        default=None, metadata={"help": "checkpoint of the teacher, of the same task"}
    )
    teacher_data: Optional[str] = field(
        default=None,
        metadata={"help": "the same benchmark, prepared with the teacher's tokenizer"},
    )
    ce_weight: float = field(
        default=1.0, metadata={"help": "weight of the hard cross-entropy; 0 disables"}
    )
    logits_weight: float = field(
        default=1.0, metadata={"help": "weight of equation 2 on the logits; 0 disables"}
    )
    embedding_weight: float = field(
        default=1.0, metadata={"help": "weight of equation 3 on embeddings; 0 disables"}
    )
    hidden_weight: float = field(
        default=1.0,
        metadata={"help": "weight of equation 3 on the layers' outputs; 0 disables"},
    )
    attention_weight: float = field(
        default=1.0,
        metadata={"help": "weight of equation 3 on attention scores; 0 disables"},
    )
    temperature: float = field(
        default=1.0,
        metadata={"help": "divides both logits in equation 2; 1: unchanged"},
    )
    layer_map: str = field(
        default="uniform",
        metadata={
            "help": "teacher layers to learn from: uniform, last, last-K (only the "
            "student's last K layers learn), or their numbers from 1, one a student "
            "layer, such as 3,6,9,12"
        },
    )
    attention_map: Optional[str] = field(
        default=None,
        metadata={"help": "the same for attention; default: as --layer-map"},
    )
    decoder_layer_map: str = field(
        default="uniform",
        metadata={"help": "as --layer-map, of the decoders of zero_shot_parsing"},
    )
    head_map: ChoiceEnum(HEAD_MAPS) = field(  # type: ignore[valid-type]
        default="auto",
        metadata={
            "help": "attention heads: mean over heads, linear (learned mixture), "
            "relation (MiniLMv2's, of queries, keys and values), none (attention is "
            "not compared), or auto: linear where the numbers differ, else one to one"
        },
    )
    relation_heads: int = field(
        default=0,
        metadata={
            "help": "heads of --head-map relation, a divisor of both widths; 0: as "
            "many as the teacher's attention has, or the next lower number that fits"
        },
    )
    inter_loss: ChoiceEnum(INTER_LOSSES) = field(  # type: ignore[valid-type]
        default="mse",
        metadata={
            "help": "equation 3 as TinyBERT's mse or as the l2 norm of the paper"
        },
    )
    teacher_cache: Optional[str] = field(
        default=None,
        metadata={
            "help": "folder that keeps what the teacher says of each training example, "
            "for later epochs and other students; default: the teacher always runs"
        },
    )
    teacher_cache_top_k: int = field(
        default=0,
        metadata={
            "help": "logits that are kept of each label, the largest, to share its "
            "probability; 0: all"
        },
    )
    teacher_cache_dtype: ChoiceEnum(DTYPES) = field(  # type: ignore[valid-type]
        default="float16",
        metadata={"help": "what is kept is rounded to this; float32 is exact"},
    )
    valid_distillation: bool = field(
        default=False,
        metadata={
            "help": "validation runs the teacher, too, and reports the terms and their "
            "weighted sum, distillation_loss"
        },
    )
    unlabelled_weight: float = field(
        default=1.0,
        metadata={
            "help": "weight of equations 2 and 3, as weighted above, on the task's "
            "--unlabelled-data; 0 disables"
        },
    )
    stage_1_weight: float = field(
        default=0.0,
        metadata={
            "help": "weight of the loss of stage 1 on the same sentences, with masks; "
            "0 disables"
        },
    )
    stage_1_teacher_path: Optional[str] = field(
        default=None,
        metadata={"help": "checkpoint of the pretrained model that teaches there"},
    )


@register_criterion("tinybert", dataclass=TinyBertCriterionConfig)
class TinyBertCriterion(TaskCrossEntropyCriterion):
    """Hard loss + equation 2 at the labels + equation 3 inside (Jiao et al., 2019).

    Stage 1 on `multilingual_mlm`, stage 2 on a fine-tuning task. The terms of equation
    3 are means over what is valid, summed over the mapped layers, and count once a
    label like the other two; decoders add terms of their own. A term of weight 0 is not
    computed; without any, no teacher is loaded. Validation reports the hard loss; the
    other terms, too, with `--valid-distillation`.

    Against forgetting, a task may give unlabelled sentences. Equations 2 and 3 on them,
    and the loss of stage 1, are means that count once a label, too.

    Raises:
        ValueError: no teacher, one that does not fit, or nothing to learn from.
    """

    def __init__(self, cfg: TinyBertCriterionConfig, task: FairseqTask) -> None:
        super().__init__(task)
        self.cfg = cfg
        self.teacher: AnyTeacher | None = None
        self.reader: FairseqTask | None = None  # of a teacher's own subwords
        inner = (cfg.embedding_weight, cfg.hidden_weight, cfg.attention_weight)
        distils = bool(cfg.logits_weight or any(inner))
        if not distils and not cfg.ce_weight:
            raise ValueError("all weights of the tinybert criterion are 0")
        if cfg.temperature <= 0:
            raise ValueError(f"--temperature {cfg.temperature} is not above 0")
        if distils and not task.is_restored:
            self.reader = open_reader(cfg, task)
            self.teacher = open_teacher(cfg, self.reader or task)
            if self.reader is not None:
                self.reader.model_cfg = self.teacher.cfg
            self.inner_losses = match_models(cfg, task.model_cfg, self.teacher.cfg)
            requests = self.inner_losses.requests(1)
            self.teacher.check_signals(requests, logits=bool(cfg.logits_weight))
        # what is learnt from unlabelled sentences beside the labelled ones
        self.more_weights: dict[str, float] = {}
        if not task.is_restored:
            self._mix(task)

    def _mix(self, task: FairseqTask) -> None:
        """Get ready for the task's unlabelled sentences."""
        if not task.unlabelled_data and self.cfg.stage_1_weight:
            raise ValueError("--stage-1-weight needs sentences: --unlabelled-data DIR")
        if not task.unlabelled_data:
            return
        weights = {
            "unlabelled_loss": self.cfg.unlabelled_weight,
            "stage_1_loss": self.cfg.stage_1_weight,
        }
        self.more_weights = {name: w for name, w in weights.items() if w}
        if self.more_weights and self.teacher is None:
            raise ValueError("--unlabelled-data: there is no teacher to learn from")
        if self.cfg.stage_1_weight:
            self.stage_1 = StageOne(self.cfg, task)

    def forward(
        self, model: nn.Module, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Return the weighted loss, the number of labels, and what to log."""
        if self.teacher and (self.training or self.cfg.valid_distillation):
            return self._distil(model, sample)
        loss, sample_size, log = super().forward(model, sample, reduce)
        if self.training:
            loss = self.cfg.ce_weight * loss
        return loss, sample_size, log

    def _distil(
        self, model: nn.Module, sample: dict[str, Any]
    ) -> tuple[Tensor, int, dict[str, Any]]:
        assert self.teacher is not None
        inputs, targets = self.task.supervise(sample)
        inputs = {**sample["net_input"], **inputs}
        view = self.reader and view_batch(self.task, self.reader, sample)
        soft = bool(self.cfg.logits_weight)
        scored = soft or bool(self.cfg.ce_weight) or not self.training
        logits, teacher_logits, inner = run_both(
            model,
            self.teacher,
            self.inner_losses,
            inputs,
            targets,
            scored=scored,
            soft=soft,
            # the cache holds examples of training alone
            keys=sample["keys"] if self.training else None,
            view=view,
        )
        loss, terms = output_terms(
            logits,
            targets,
            teacher_logits,
            shared=view and view.shared,
            ce_weight=self.cfg.ce_weight,
            logits_weight=self.cfg.logits_weight,
            temperature=self.cfg.temperature,
        )
        log = self.logging_output(sample, loss, logits, targets)
        sample_size = log["sample_size"]
        for name, term in inner.items():
            terms[name] = sample_size * term
            loss = loss + self.inner_losses.weights[name] * terms[name]
        for name, weight in self.more_weights.items() if self.training else ():
            terms[name] = sample_size * self._more_loss(name, model, sample)
            loss = loss + weight * terms[name]
        log.update({name: term.detach() for name, term in terms.items()})
        log["loss"] = loss.detach()
        if not self.training:
            loss = hard_loss(logits, targets)
            log.update(distillation_loss=log["loss"], loss=loss)
        return loss, sample_size, log

    def _more_loss(self, name: str, model: nn.Module, sample: dict[str, Any]) -> Tensor:
        """A loss on the unlabelled sentences of a batch; 0 where it has none."""
        assert self.teacher is not None
        if "unlabelled" not in sample:
            return torch.zeros((), device=sample["net_input"]["src_tokens"].device)
        if name == "stage_1_loss":
            return self.stage_1(model, sample["masked"])
        return unlabelled_loss(
            model,
            self.teacher,
            self.inner_losses,
            sample["unlabelled"]["net_input"],
            self.task.place_heads(sample["unlabelled"]),
            logits_weight=self.cfg.logits_weight,
            temperature=self.cfg.temperature,
            keys=sample["unlabelled"]["keys"],
        )

    def load_state_dict(
        self, state_dict: dict[str, Tensor] | None, strict: bool = True
    ) -> Any:
        """As upstream; a checkpoint of a run without a teacher has no state (None)."""
        if state_dict is not None:
            return super().load_state_dict(state_dict, strict)

    @staticmethod
    def reduce_metrics(logging_outputs: list[dict[str, Any]]) -> None:
        for name in logging_outputs[0]:
            if name == "loss" or name.endswith("_loss"):
                log_mean(name, logging_outputs, bits=name in _IN_BITS)
        hard = _hard_loss_of(logging_outputs[0])
        if hard:
            metrics.log_derived(
                "ppl", lambda meters: utils.get_perplexity(meters[hard].avg)
            )


def _hard_loss_of(log: dict[str, Any]) -> str | None:
    """The name of the hard cross-entropy; None: it was not computed."""
    if "nll_loss" in log:
        return "nll_loss"
    distilled = any(name.endswith("_loss") for name in log)
    return None if distilled and "distillation_loss" not in log else "loss"
