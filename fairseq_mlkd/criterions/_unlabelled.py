"""What a model learns from unlabelled sentences while it is fine-tuned."""

import logging
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import torch
from fairseq.dataclass import FairseqDataclass
from fairseq.tasks import FairseqTask
from torch import Tensor, nn

from fairseq_mlkd.criterions._matching import match_models, run_both
from fairseq_mlkd.criterions._output_terms import output_terms
from fairseq_mlkd.criterions._teachers import AnyTeacher
from fairseq_mlkd.distillation.inner_losses import InnerLosses
from fairseq_mlkd.distillation.losses import mean_soft_loss
from fairseq_mlkd.distillation.teacher import load_teacher

logger = logging.getLogger(__name__)

HEAD = "lm_head"


def unlabelled_loss(
    model: nn.Module,
    teacher: AnyTeacher,
    inner_losses: InnerLosses,
    inputs: dict[str, Any],
    places: dict[str, Tensor],
    *,
    logits_weight: float,
    temperature: float,
    keys: Tensor | None = None,
) -> Tensor:
    """Equations 2 and 3 with the teacher's outputs as the only target.

    Args:
        model: the student.
        inputs: the sentences, for both models.
        places: head -> `(n,)`, where it has something to say.
        logits_weight: of equation 2; the weights of equation 3 are `inner_losses`'.
        temperature: as in `output_losses`.
        keys: as in `run_both`.
    Returns:
        The weighted sum of means over what is valid; 0 if there is nothing to learn.
    """
    soft = bool(places and logits_weight)
    if not soft and not inner_losses.requests(0, encoder_only=True):
        return torch.zeros((), device=inputs["src_tokens"].device)
    logits, teacher_logits, inner = run_both(
        model,
        teacher,
        inner_losses,
        {**inputs, **({"heads": places} if soft else {})},
        places,
        scored=soft,
        soft=soft,
        encoder_only=True,
        keys=keys,
    )
    losses = weigh(inner, inner_losses.weights)
    if soft:
        mean = mean_soft_loss(logits, teacher_logits, temperature)
        losses.append(logits_weight * mean)
    return reduce(add, losses)


def weigh(terms: dict[str, Tensor], weights: Mapping[str, float]) -> list[Tensor]:
    return [weights[name] * term for name, term in terms.items()]


class StageOne(nn.Module):
    """The loss of stage 1: masked LM, equation 2 at the masked tokens, equation 3.

    The weights are those of the criterion's flags. The first two terms need the
    masked-LM head that the task keeps, equation 2 the teacher's as well; what is
    missing is left out, and the log says so.

    Args:
        cfg: of the criterion.
        task: the fine-tuning task.
    Raises:
        ValueError: no teacher, one that does not fit, or nothing to learn.
    """

    def __init__(self, cfg: FairseqDataclass, task: FairseqTask) -> None:
        super().__init__()
        flag = "--stage-1-teacher-path"
        if cfg.stage_1_teacher_path is None:
            raise ValueError(f"--stage-1-weight needs {flag}")
        self.teacher = load_teacher(
            cfg.stage_1_teacher_path, task, flag=flag, is_pretrained=True
        )
        self.inner_losses = match_models(cfg, task.model_cfg, self.teacher.cfg)
        self.padding_idx = task.source_dictionary.pad()
        self.temperature = cfg.temperature
        has_head = task.cfg.keep_lm_head
        is_taught = (
            has_head and getattr(self.teacher.model, "lm_head", None) is not None
        )
        self.ce_weight = cfg.ce_weight if has_head else 0.0
        self.logits_weight = cfg.logits_weight if is_taught else 0.0
        self._describe(has_head, is_taught)

    def _describe(self, has_head: bool, is_taught: bool) -> None:
        kinds = {
            "masked LM": self.ce_weight,
            "equation 2": self.logits_weight,
            "equation 3": bool(self.inner_losses.requests(0, encoder_only=True)),
        }
        used = [kind for kind, weight in kinds.items() if weight]
        if not used:
            raise ValueError("--stage-1-weight: no term of stage 1 has a weight")
        reason = ""
        if not has_head:
            reason = " (without --keep-lm-head the student has no masked-LM head)"
        elif not is_taught:
            reason = " (the teacher has no masked-LM head)"
        logger.info("stage 1 loss: %s%s", ", ".join(used), reason)

    def forward(self, model: nn.Module, sample: dict[str, Any]) -> Tensor:
        """The weighted loss of a batch: means over what is masked and what is valid.

        Args:
            model: the student.
            sample: as `MaskedLMDataset` makes.
        """
        target = sample["target"]
        masked = target.ne(self.padding_idx)
        soft = bool(self.logits_weight)
        scored = soft or bool(self.ce_weight)
        where = {"masked_tokens": masked} if scored else {}
        logits, teacher_logits, inner = run_both(
            model,
            self.teacher,
            self.inner_losses,
            {**sample["net_input"], **where},
            [HEAD],
            scored=scored,
            soft=soft,
            encoder_only=True,
        )
        losses = weigh(inner, self.inner_losses.weights)
        if scored:
            output_loss, _ = output_terms(
                logits,
                {HEAD: target[masked]},
                teacher_logits,
                ce_weight=self.ce_weight,
                logits_weight=self.logits_weight,
                temperature=self.temperature,
            )
            losses.append(output_loss / masked.sum().clamp(min=1))
        return reduce(add, losses)
