"""The losses of the paper, and MiniLMv2's, as functions of tensors.

Every loss is computed in float32 (float64 stays float64) whatever the model's
precision. Padding is known by a boolean mask, never guessed from a value, and adds
nothing: a batch that is padded further keeps its loss. The teacher's tensors get no
gradient.
"""

import math
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import torch
from fairseq import modules
from torch import Tensor

INTER_LOSSES = ("mse", "l2")

# rows of logits at a time: what is between them and the loss stays in the cache
_ROWS = 8


def count_labels(target: Tensor) -> int:
    """Count the labels: those that no model can predict are below 0."""
    return int(target.ge(0).sum())


def hard_loss(logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Return the cross-entropy summed over the `(n,)` targets of all heads."""
    losses = [
        modules.cross_entropy(logits[name], target, reduction="sum")
        for name, target in targets.items()
    ]
    return reduce(add, losses)


def output_losses(
    student_logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    ce_weight: float,
    logits_weight: float,
    temperature: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Hard cross-entropy and equation 2, -z_t . log z_s, in one pass over the logits.

    z_s and z_t are softmax(logits / temperature); there is no factor temperature^2, as
    in the paper and TinyBERT. Equal student and teacher give the teacher's entropy.

    Args:
        student_logits: `(n, classes)`, one row a supervised position.
        target: `(n,)`, class ids; below 0 there is no label, and the row is left out.
        teacher_logits: `(n, classes)`.
        ce_weight: weight of the hard cross-entropy in the total.
        logits_weight: weight of equation 2 in the total.
        temperature: above 0; 1 leaves the logits unchanged.
    Returns:
        The weighted total, which carries the gradient, then the hard cross-entropy and
        equation 2, both detached and unweighted; each summed over the n rows (0 if
        n = 0).
    """
    labelled = target.ge(0)
    if not labelled.all():
        student_logits, teacher_logits = (
            x[labelled] for x in (student_logits, teacher_logits)
        )
        target = target[labelled]
    with torch.autocast(student_logits.device.type, enabled=False):
        return _OutputLosses.apply(
            student_logits,
            target,
            teacher_logits,
            ce_weight,
            logits_weight,
            temperature,
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
    ) -> tuple[Tensor, Tensor, Tensor]:
        total_ce = total_kd = student_logits.new_zeros(
            (), dtype=_lifted(student_logits)
        )
        grad = torch.empty_like(student_logits, dtype=_lifted(student_logits))
        for rows in range(0, len(target), _ROWS):
            part = slice(rows, rows + _ROWS)
            ce, kd = _output_losses_of_rows(
                student_logits[part],
                target[part],
                teacher_logits[part],
                grad[part],
                ce_weight=ce_weight,
                logits_weight=logits_weight,
                temperature=temperature,
            )
            total_ce, total_kd = total_ce + ce, total_kd + kd
        ctx.save_for_backward(grad)
        ctx.dtype = student_logits.dtype
        ctx.mark_non_differentiable(total_ce, total_kd)
        return ce_weight * total_ce + logits_weight * total_kd, total_ce, total_kd

    @staticmethod
    def backward(ctx: Any, grad_total: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = ctx.saved_tensors
        if grad_total.is_cuda or grad_total != 1:
            # scaled before it is rounded: half precision loses small numbers
            grad = grad * grad_total
        return grad.to(ctx.dtype), None, None, None, None, None


def _output_losses_of_rows(
    student_logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    grad: Tensor,
    *,
    ce_weight: float,
    logits_weight: float,
    temperature: float,
) -> tuple[Tensor, Tensor]:
    """The two losses of a few rows; `grad` receives the gradient of their total."""
    student = _lift(student_logits)
    soft = _soften(student, temperature)
    teacher_probs = _soften(_lift(teacher_logits), temperature).softmax(dim=-1)
    index = target.unsqueeze(-1)
    lse = student.logsumexp(dim=-1)
    soft_lse = lse if soft is student else soft.logsumexp(dim=-1)
    ce = (lse - student.gather(-1, index).squeeze(-1)).sum()
    kd = (soft_lse - torch.einsum("nc,nc->n", teacher_probs, soft)).sum()
    torch.sub(student, lse.unsqueeze(-1), out=grad).exp_()
    if soft is student:
        grad *= ce_weight + logits_weight
    else:
        soft_probs = (soft - soft_lse.unsqueeze(-1)).exp_()
        grad.mul_(ce_weight).add_(soft_probs, alpha=logits_weight / temperature)
    grad.sub_(teacher_probs, alpha=logits_weight / temperature)
    grad.scatter_add_(-1, index, torch.full_like(index, -ce_weight, dtype=grad.dtype))
    return ce, kd


def hidden_loss(
    student: Tensor,
    teacher: Tensor,
    padding_mask: Tensor | None,
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
    student: Tensor, teacher: Tensor, cells: Tensor | None, *, kind: str = "mse"
) -> Tensor:
    """Equation 3 on attention scores before softmax.

    `l2` takes the norm over the keys of one query, averaged over queries and heads.

    Args:
        student: `(bsz, heads, tgt_len, src_len)`, with as many heads as the teacher.
        teacher: same shape.
        cells: the cells that count, as `valid_cells` gives them; None: all.
        kind: as in `hidden_loss`.
    Returns:
        A scalar; 0 for a batch of padding alone.
    """
    if cells is not None:
        cells = cells[:, None].expand_as(student)
    return _distance(student, teacher, cells, kind)


def valid_cells(
    query_padding: Tensor | None,
    key_padding: Tensor | None,
    *,
    causal: bool = False,
) -> Tensor | None:
    """The cells of attention whose query and key are both real.

    Args:
        query_padding: `(bsz, tgt_len)`, true at padding; None: nothing is padded.
        key_padding: `(bsz, src_len)`, likewise.
        causal: only keys that do not come after their query; needs both masks.
    Returns:
        What broadcasts to `(bsz, tgt_len, src_len)`, true where valid; None: valid
        everywhere.
    """
    if query_padding is None:
        return None if key_padding is None else ~key_padding[:, None, :]
    cells = ~query_padding[:, :, None]
    if key_padding is not None:
        cells = cells & ~key_padding[:, None, :]
    return cells.tril() if causal else cells


def relation_loss(
    student: Tensor, teacher: Tensor, padding_mask: Tensor | None, *, heads: int
) -> Tensor:
    """Equation 2 of MiniLMv2 (Wang et al., 2021): how vectors relate to one another.

    The vectors of all attention heads are laid side by side and cut into relation
    heads anew, so that neither widths nor numbers of heads need to agree. In each, the
    relation of a vector is the softmax of its scaled products with all others; what
    counts is KL(teacher || student).

    Args:
        student: `(bsz, student_heads, src_len, head_dim)`, queries, keys or values.
        teacher: `(bsz, teacher_heads, src_len, head_dim)`, the same of the teacher.
        padding_mask: as in `hidden_loss`.
        heads: number of relation heads; divides both widths.
    Returns:
        The mean over valid positions and relation heads, a scalar; 0 for a batch of
        padding alone.
    """
    own, taught = (
        _log_relations(x, padding_mask, heads) for x in (student, teacher.detach())
    )
    divergence = (taught.exp() * (taught - own)).sum(dim=-1)
    valid = None
    if padding_mask is not None:
        valid = ~padding_mask[:, None].expand_as(divergence)
        divergence = divergence.masked_fill(~valid, 0.0)
    return divergence.sum() / _count(valid, divergence)


def _log_relations(x: Tensor, padding_mask: Tensor | None, heads: int) -> Tensor:
    """`(bsz, any heads, src_len, head_dim)` -> `(bsz, heads, src_len, src_len)`."""
    x = _lift(x).transpose(1, 2).flatten(2)
    # B x T x C -> B x H x T x D
    x = x.view(*x.shape[:2], heads, -1).transpose(1, 2)
    with torch.autocast(x.device.type, enabled=False):
        products = torch.matmul(x / math.sqrt(x.size(-1)), x.transpose(-2, -1))
    if padding_mask is not None:
        lowest = torch.finfo(products.dtype).min
        products = products.masked_fill(padding_mask[:, None, None], lowest)
    return torch.log_softmax(products, dim=-1)


def _distance(
    student: Tensor, teacher: Tensor, valid: Tensor | None, kind: str
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


def _count(valid: Tensor | None, like: Tensor) -> int | Tensor:
    return max(like.numel(), 1) if valid is None else valid.sum().clamp(min=1)


def _soften(logits: Tensor, temperature: float) -> Tensor:
    return logits if temperature == 1 else logits / temperature


def _lift(x: Tensor) -> Tensor:
    return x.to(_lifted(x))


def _lifted(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32
