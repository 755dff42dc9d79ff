"""Distillation on any task of ours: hard loss + equation 2 + equation 3."""

import logging
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, Dict, List, Optional, Tuple, Union

import torch
from fairseq import utils
from fairseq.criterions import register_criterion
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.logging import metrics
from fairseq.tasks import FairseqTask
from torch import Tensor, nn

from fairseq_mlkd.criterions.task_cross_entropy import (
    TaskCrossEntropyCriterion,
    by_head,
    hard_loss,
    log_mean,
)
from fairseq_mlkd.distillation.layer_map import build_layer_map
from fairseq_mlkd.distillation.losses import (
    INTER_LOSSES,
    attention_loss,
    hidden_loss,
    output_losses,
)
from fairseq_mlkd.distillation.projections import HEAD_MAPS, HeadMap, Projections
from fairseq_mlkd.distillation.teacher import Teacher, load_teacher

logger = logging.getLogger(__name__)

_INTER_TERMS = ("embedding_loss", "hidden_loss", "attention_loss")
_TERMS = ("nll_loss", "logits_loss", *_INTER_TERMS)


@dataclass
class TinyBertCriterionConfig(FairseqDataclass):
    teacher_path: Optional[str] = field(
        default=None, metadata={"help": "checkpoint of the teacher, of the same task"}
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
            "help": "teacher layers to learn from: uniform, last, or their numbers "
            "from 1, one a student layer, such as 3,6,9,12"
        },
    )
    head_map: ChoiceEnum(HEAD_MAPS) = field(  # type: ignore[valid-type]
        default="auto",
        metadata={
            "help": "attention heads: mean over heads, linear (learned mixture), or "
            "auto: linear where the numbers differ, else head by head"
        },
    )
    inter_loss: ChoiceEnum(INTER_LOSSES) = field(  # type: ignore[valid-type]
        default="mse",
        metadata={
            "help": "equation 3 as TinyBERT's mse or as the l2 norm of the paper"
        },
    )


@register_criterion("tinybert", dataclass=TinyBertCriterionConfig)
class TinyBertCriterion(TaskCrossEntropyCriterion):
    """Hard loss + equation 2 at the labels + equation 3 inside (Jiao et al., 2019).

    Stage 1 on `multilingual_mlm`, stage 2 on a fine-tuning task. The terms of equation
    3 are means over what is valid, summed over the mapped layers, and count once a
    label like the other two. A term of weight 0 is not computed; without any, no
    teacher is loaded. The teacher teaches in training alone: validation reports the
    hard loss.

    Raises:
        ValueError: no teacher, one that does not fit, or nothing to learn from.
    """

    def __init__(self, cfg: TinyBertCriterionConfig, task: FairseqTask) -> None:
        super().__init__(task)
        self.cfg = cfg
        self.teacher: Optional[Teacher] = None
        self.weights = {
            "embedding_loss": cfg.embedding_weight,
            "hidden_loss": cfg.hidden_weight,
            "attention_loss": cfg.attention_weight,
        }
        distils = bool(cfg.logits_weight or any(self.weights.values()))
        if not distils and not cfg.ce_weight:
            raise ValueError("all weights of the tinybert criterion are 0")
        if cfg.temperature <= 0:
            raise ValueError(f"--temperature {cfg.temperature} is not above 0")
        if distils and not task.is_restored:
            if cfg.teacher_path is None:
                raise ValueError("the tinybert criterion needs --teacher-path")
            self.teacher = load_teacher(cfg.teacher_path, task)
            if cfg.logits_weight:
                task.check_head(
                    self.teacher.model, f"--teacher-path {cfg.teacher_path}"
                )
            self._match(task.model_cfg, self.teacher.model.cfg)

    def _match(self, student: FairseqDataclass, teacher: FairseqDataclass) -> None:
        """Decide what is compared with what, and say so."""
        layers = build_layer_map(
            self.cfg.layer_map, None, student.encoder_layers, teacher.encoder_layers
        )
        pairs = {
            "embedding_loss": layers.hidden[:1],
            "hidden_loss": layers.hidden[1:],
            "attention_loss": layers.attention,
        }
        self.pairs = {name: p for name, p in pairs.items() if self.weights[name]}
        hidden = [
            *self.pairs.get("embedding_loss", ()),
            *self.pairs.get("hidden_loss", ()),
        ]
        attention = self.pairs.get("attention_loss", ())
        self.projections = Projections(
            [i for i, _ in hidden], student.encoder_embed_dim, teacher.encoder_embed_dim
        )
        heads = (student.encoder_attention_heads, teacher.encoder_attention_heads)
        self.head_map = HeadMap(self.cfg.head_map, [i for i, _ in attention], *heads)
        self.student_extras, self.teacher_extras = (
            {
                "hidden_states": [pair[side] for pair in hidden],
                "attention_scores": [pair[side] for pair in attention],
            }
            for side in (0, 1)
        )
        for line in layers.describe():
            logger.info(line)
        logger.info(
            "head map: %s (%d student heads, %d teacher heads)",
            self.head_map.kind,
            *heads,
        )

    def forward(
        self, model: nn.Module, sample: Dict[str, Any], reduce: bool = True
    ) -> Tuple[Tensor, int, Dict[str, Any]]:
        """Return the weighted loss, the number of labels, and what to log."""
        if not self.training:
            return super().forward(model, sample, reduce)
        if self.teacher is None:
            loss, sample_size, log = super().forward(model, sample, reduce)
            return self.cfg.ce_weight * loss, sample_size, log
        inputs, targets = self.task.supervise(sample)
        inputs = {**sample["net_input"], **inputs}
        teacher_logits, taught = self.teacher.run(
            next(model.parameters()),
            features_only=not self.cfg.logits_weight,
            **inputs,
            **self.teacher_extras,
        )
        logits, own = model(
            features_only=not (self.cfg.ce_weight or self.cfg.logits_weight),
            **inputs,
            **self.student_extras,
        )
        loss, terms = self._output_terms(logits, targets, teacher_logits)
        log = self.logging_output(sample, loss, logits, targets)
        sample_size = log["sample_size"]
        for name, term in self._inter_terms(own, taught).items():
            terms[name] = sample_size * term
            loss = loss + self.weights[name] * terms[name]
        log.update({name: term.detach() for name, term in terms.items()})
        log["loss"] = loss.detach()
        return loss, sample_size, log

    def _output_terms(
        self,
        logits: Union[Tensor, Dict[str, Tensor]],
        targets: Dict[str, Tensor],
        teacher_logits: Union[Tensor, Dict[str, Tensor]],
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """The weighted loss on the logits of all heads, and its terms as they are."""
        if self.cfg.logits_weight:
            own, taught = by_head(logits, targets), by_head(teacher_logits, targets)
            losses = [
                output_losses(
                    own[name],
                    target,
                    taught[name],
                    ce_weight=self.cfg.ce_weight,
                    logits_weight=self.cfg.logits_weight,
                    temperature=self.cfg.temperature,
                )
                for name, target in targets.items()
            ]
            total, ce, kd = (reduce(add, parts) for parts in zip(*losses))
            return total, {"nll_loss": ce, "logits_loss": kd}
        if self.cfg.ce_weight:
            ce = hard_loss(by_head(logits, targets), targets)
            return self.cfg.ce_weight * ce, {"nll_loss": ce}
        device = next(iter(targets.values())).device
        return torch.zeros((), device=device), {}

    def _inter_terms(
        self, student: Dict[str, Any], teacher: Dict[str, Any]
    ) -> Dict[str, Tensor]:
        """Equation 3, a term each, summed over its layers."""
        return {
            name: reduce(
                add, (self._inter_loss(name, *p, student, teacher) for p in pairs)
            )
            for name, pairs in self.pairs.items()
        }

    def _inter_loss(
        self,
        name: str,
        i: int,
        j: int,
        student: Dict[str, Any],
        teacher: Dict[str, Any],
    ) -> Tensor:
        padding_mask, kind = student["padding_mask"], str(self.cfg.inter_loss)
        if name == "attention_loss":
            return attention_loss(
                self.head_map.map_student(student["attention_scores"][i], i),
                self.head_map.map_teacher(teacher["attention_scores"][j]),
                padding_mask,
                kind=kind,
            )
        return hidden_loss(
            self.projections(student["hidden_states"][i], i),
            teacher["hidden_states"][j],
            padding_mask,
            kind=kind,
        )

    def load_state_dict(
        self, state_dict: Optional[Dict[str, Tensor]], strict: bool = True
    ) -> Any:
        """As upstream; a checkpoint of a run without a teacher has no state (None)."""
        if state_dict is not None:
            return super().load_state_dict(state_dict, strict)

    @staticmethod
    def reduce_metrics(logging_outputs: List[Dict[str, Any]]) -> None:
        log_mean("loss", logging_outputs, bits=True)
        for name in _TERMS:
            if name in logging_outputs[0]:
                log_mean(name, logging_outputs, bits=name not in _INTER_TERMS)
        hard = "nll_loss" if "nll_loss" in logging_outputs[0] else "loss"
        metrics.log_derived(
            "ppl", lambda meters: utils.get_perplexity(meters[hard].avg)
        )
