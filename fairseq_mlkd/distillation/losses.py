"""The losses of the paper as functions of tensors, one per equation.

Every loss is computed in float32 (float64 stays float64) whatever the model's
precision. Padding is known by a boolean mask, never guessed from a value, and adds
nothing: a batch that is padded further keeps its loss. The teacher's tensors get no
gradient.
"""

from typing import Any, Optional, Tuple, Union

import torch
from torch import Tensor

INTER_LOSSES = ("mse", "l2")


def output_losses(
    student_logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    ce_weight: float,
    logits_weight: float,
    temperature: float = 1.0,
) -> Tuple[Tensor, Tensor, Tensor]:
    """Hard cross-entropy and equation 2, -z_t . log z_s, in one pass over the logits.

    z_s and z_t are softmax(logits / temperature); there is no factor temperature^2, as
    in the paper and TinyBERT. Equal student and teacher give the teacher's entropy.

    Args:
        student_logits: `(n, classes)`, one row a supervised position.
        target: `(n,)`, class ids.
        teacher_logits: `(n, classes)`.
        ce_weight: weight of the hard cross-entropy in the total.
        logits_weight: weight of equation 2 in the total.
        temperature: above 0; 1 leaves the logits unchanged.
    Returns:
        The weighted total, which carries the gradient, then the hard cross-entropy and
        equation 2, both detached and unweighted; each summed over the n rows (0 if
        n = 0).
    """
    return _OutputLosses.apply(
        student_logits, target, teacher_logits, ce_weight, logits_weight, temperature
    )


class _OutputLosses(torch.autograd.Function):
    """Builds the gradient in the forward pass, so that one buffer of logits is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        student_logits: Tensor,
        target: Tensor,
        teacher_logits: Tensor,
        ce_weight: float,
        logits_weight: float,
        temperature: float,
    ) -> Tuple[Tensor, Tensor, Tensor]:
        student = _lift(student_logits)
        teacher_probs = torch.softmax(_lift(teacher_logits) / temperature, dim=-1)
        rows = target.unsqueeze(-1)
        lse = student.logsumexp(dim=-1)
        ce = (lse - student.gather(-1, rows).squeeze(-1)).sum()
        soft_lse = (
            lse if temperature == 1 else (student / temperature).logsumexp(dim=-1)
        )
        kd = (
            soft_lse - torch.einsum("nc,nc->n", teacher_probs, student) / temperature
        ).sum()
        grad = (student - lse.unsqueeze(-1)).exp_()
        if temperature == 1:
            grad *= ce_weight + logits_weight
        else:
            soft_probs = (student / temperature).sub_(soft_lse.unsqueeze(-1)).exp_()
            grad.mul_(ce_weight).add_(soft_probs, alpha=logits_weight / temperature)
        grad.sub_(teacher_probs, alpha=logits_weight / temperature)
        grad.scatter_add_(-1, rows, torch.full_like(rows, -ce_weight, dtype=grad.dtype))
        ctx.save_for_backward(grad)
        ctx.dtype = student_logits.dtype
        ctx.mark_non_differentiable(ce, kd)
        return ce_weight * ce + logits_weight * kd, ce, kd

    @staticmethod
    def backward(
        ctx: Any, grad_total: Tensor, *_: Tensor
    ) -> Tuple[Optional[Tensor], ...]:
        (grad,) = ctx.saved_tensors
        # scaled before it is rounded: half precision loses small numbers
        return (grad * grad_total).to(ctx.dtype), None, None, None, None, None


def hidden_loss(
    student: Tensor,
    teacher: Tensor,
    padding_mask: Optional[Tensor],
    *,
    kind: str = "mse",
) -> Tensor:
    """Equation 3 on embeddings or the outputs of a layer.

    Args:
        student: `(bsz, src_len, dim)`, projected to the teacher's width.
        teacher: `(bsz, src_len, dim)`.
        padding_mask: `(bsz, src_len)`, true at padding; None where nothing is padded.
        kind: `mse`, the mean of the squared differences (TinyBERT), or `l2`, the norm
            of the difference at each position, averaged over positions (equation 3).
    Returns:
        A scalar; 0 for a batch of padding alone.
    """
    valid = None if padding_mask is None else ~padding_mask
    return _distance(student, teacher, valid, kind)


def attention_loss(
    student: Tensor,
    teacher: Tensor,
    padding_mask: Optional[Tensor],
    *,
    kind: str = "mse",
) -> Tensor:
    """Equation 3 on attention scores before softmax.

    Only cells whose query and key are both real count; `l2` takes the norm over the
    keys of one query, averaged over queries and heads.

    Args:
        student: `(bsz, heads, src_len, src_len)`, with as many heads as the teacher.
        teacher: same shape.
        padding_mask: as in `hidden_loss`.
        kind: as in `hidden_loss`.
    Returns:
        A scalar; 0 for a batch of padding alone.
    """
    if padding_mask is None:
        return _distance(student, teacher, None, kind)
    valid = ~padding_mask
    heads = student.size(1)
    cells = (valid[:, :, None] & valid[:, None, :])[:, None].expand(-1, heads, -1, -1)
    return _distance(student, teacher, cells, kind)


def _distance(
    student: Tensor, teacher: Tensor, valid: Optional[Tensor], kind: str
) -> Tensor:
    """Distance over the last axis; `valid` covers all axes or all but the last."""
    if kind not in INTER_LOSSES:
        raise ValueError(
            f"--inter-loss {kind}: choose one of {', '.join(INTER_LOSSES)}"
        )
    squared = (_lift(student) - _lift(teacher.detach())).square()
    if valid is not None and valid.dim() < squared.dim():
        valid = valid.unsqueeze(-1).expand_as(squared)
    if valid is not None:
        squared = squared.masked_fill(~valid, 0.0)
    if kind == "mse":
        return squared.sum() / _count(valid, squared)
    # the square root has no gradient at 0: rows that agree (or are padding) stay out
    norms = squared.sum(dim=-1)
    differs = norms > 0
    total = (
        norms.where(differs, norms.new_ones(()))
        .sqrt()
        .where(differs, norms.new_zeros(()))
    )
    return total.sum() / _count(None if valid is None else valid.any(dim=-1), norms)


def _count(valid: Optional[Tensor], like: Tensor) -> Union[int, Tensor]:
    return max(like.numel(), 1) if valid is None else valid.sum().clamp(min=1)


def _lift(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
