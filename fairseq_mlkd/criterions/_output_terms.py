"""The hard cross-entropy and equation 2, at the labels of all heads."""

from functools import reduce
from operator import add

import torch
from torch import Tensor

from fairseq_mlkd.criterions._matching import Logits
from fairseq_mlkd.criterions.task_cross_entropy import hard_loss
from fairseq_mlkd.distillation.losses import output_losses


def output_terms(
    logits: Logits,
    targets: dict[str, Tensor],
    teacher_logits: Logits,
    *,
    shared: dict[str, Tensor] | None = None,
    ce_weight: float,
    logits_weight: float,
    temperature: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted loss, and its terms as they are; each summed over labels.

    Args:
        logits: `(n, classes)` of each head; empty if nothing has a weight.
        targets: `(n,)` of each head.
        teacher_logits: as `logits`, or of the shared labels; empty without equation 2.
        shared: `(n,)` of each head, true at the labels that the teacher reads, too;
            None: it reads them all.
    """
    if not logits_weight and not ce_weight:
        device = next(iter(targets.values())).device
        return torch.zeros((), device=device), {}
    if not logits_weight:
        ce = hard_loss(logits, targets)
        return ce_weight * ce, {"nll_loss": ce}
    losses = [
        losses_of_head(
            logits[name],
            target,
            teacher_logits[name],
            shared=None if shared is None else shared[name],
            ce_weight=ce_weight,
            logits_weight=logits_weight,
            temperature=temperature,
        )
        for name, target in targets.items()
    ]
    total, ce, kd = (reduce(add, parts) for parts in zip(*losses))
    return total, {"nll_loss": ce, "logits_loss": kd}


def losses_of_head(
    logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    shared: Tensor | None,
    ce_weight: float,
    logits_weight: float,
    temperature: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """As `output_losses`; labels that are not shared have the hard loss alone."""
    weights = {"ce_weight": ce_weight, "logits_weight": logits_weight}
    if shared is None:
        return output_losses(
            logits, target, teacher_logits, temperature=temperature, **weights
        )
    total, ce, kd = output_losses(
        logits[shared],
        target[shared],
        teacher_logits,
        temperature=temperature,
        **weights,
    )
    rest = hard_loss({"": logits[~shared]}, {"": target[~shared]})
    return total + ce_weight * rest, ce + rest.detach(), kd
