"""Equations 2 and 3 of the paper, and MiniLMv2's relations, as functions of tensors.

Equation 2, at each label, z_s and z_t being the softmax of the student's and of the
teacher's logits divided by the temperature:

    -z_t . log z_s

Equation 3, at each point of the teacher that the layer map g sends to a point of the
student, f(x_s) being the student's states brought to the teacher's shape:

    ||f(x_s) - x_t||

the norm of each valid row (`l2`), or as TinyBERT has it, the square of each valid cell
(`mse`). Plainly, for one sentence without padding:

    def equation_3(f_x_s, x_t, kind):  # (src_len, dim), or (heads, tgt_len, src_len)
        squared = (f_x_s - x_t) ** 2
        return (squared.sum(-1).sqrt() if kind == "l2" else squared).mean()

A sentence's term is this mean over its own cells, and counts as often as the sentence
has labels, as the hard loss and equation 2 do. So every term is a sum over sentences,
which fairseq divides by the number of labels: a batch may be cut anyhow between
micro-batches and workers, and padded further, without changing it.

Two more compare the Gram matrices of tokens, and need no f where widths differ.
Plainly, for the states of all n tokens of a batch, which cannot be cut:

    def gram_loss(x_s, x_t, kind):  # (n, student's dim), (n, teacher's dim)
        of = {"cka": lambda x: x - x.mean(0), "gram": lambda x: normalize(x, dim=1)}
        g_s, g_t = (x @ x.T for x in map(of[kind], (x_s, x_t)))
        cosine = (g_s * g_t).sum() / (g_s.norm() * g_t.norm())
        return 1 - cosine if kind == "cka" else (g_s - g_t).square().mean()

`cka` is 1 less linear CKA (Kornblith et al., 2019, section 3). `gram` is the squared
distance of Gram matrices, which keeps geometry that CKA can lose (Bhattarai et al.,
2025, arXiv 2509.25253), here of vectors of length 1 as in DINOv3 (arXiv 2508.10104): it
compares cosines. Neither notices a rotation or a scaling of either side.

Every loss is computed in float32 (float64 stays float64) whatever the model's
precision. Padding is known by a boolean mask, never guessed from a value. The teacher's
tensors get no gradient.
"""

import math
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

DISTANCES, GRAM_LOSSES = ("mse", "l2"), ("cka", "gram")
INTER_LOSSES = DISTANCES + GRAM_LOSSES
ByHead = Mapping[str, Tensor]  # head -> its labels, logits or places

# rows of logits at a time: what is between them and the loss stays in the cache
_ROWS = 8


NO_LABEL = -100  # in place of a class id; PyTorch's cross-entropy passes over it


def count_labels(target: Tensor) -> int:
    """Count the labels of `(n,)` class ids, some of which may be `NO_LABEL`."""
    return int(target.ge(0).sum())


def hard_loss(
    logits: ByHead, targets: ByHead, label_weights: ByHead | None = None
) -> Tensor:
    """Return the cross-entropy summed over the labels of all heads.

    Args:
        logits: head -> `(n, classes)`.
        targets: head -> `(n,)` class ids, `NO_LABEL` where there is none.
        label_weights: head -> `(n,)`, how often each label counts; None: once.
    """
    losses = []
    for head, target in targets.items():
        x = _lift(logits[head])
        if label_weights is None:
            loss = F.cross_entropy(x, target, reduction="sum")
        else:
            loss = F.cross_entropy(x, target, reduction="none")
            loss = (loss * label_weights[head].to(loss)).sum()
        losses.append(loss)
    return reduce(add, losses)


def output_losses(
    student_logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    ce_weight: float,
    logits_weight: float,
    temperature: float = 1.0,
    label_weights: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the hard cross-entropy and equation 2 in one pass over the logits.

    There is no factor temperature^2, as in the paper and TinyBERT. Equal student and
    teacher give the teacher's entropy. Plainly:

        ce = cross_entropy(student, target, reduction="sum")
        z_t = softmax(teacher / temperature)
        kd = -(z_t * log_softmax(student / temperature)).sum()

    Args:
        student_logits: `(n, classes)`, one row per label.
        target: `(n,)` class ids; a row of `NO_LABEL` is left out.
        teacher_logits: `(n, classes)`.
        ce_weight: weight of the hard cross-entropy in the total.
        logits_weight: weight of equation 2 in the total.
        temperature: above 0; 1 leaves the logits unchanged.
        label_weights: `(n,)`, how often each row counts; None: once.
    Returns:
        The weighted total, which carries the gradient, then the hard cross-entropy and
        equation 2, detached and without the weights of the total; each summed over the
        n rows (0 if n = 0).
    """
    labelled = target.ge(0)
    if not labelled.all():
        student_logits, teacher_logits, target = (
            x[labelled] for x in (student_logits, teacher_logits, target)
        )
        label_weights = None if label_weights is None else label_weights[labelled]
    with torch.autocast(student_logits.device.type, enabled=False):
        return _OutputLosses.apply(
            student_logits,
            target,
            teacher_logits,
            ce_weight,
            logits_weight,
            temperature,
            label_weights,
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
        label_weights: Tensor | None,
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
                label_weights=None if label_weights is None else label_weights[part],
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
        return grad.to(ctx.dtype), None, None, None, None, None, None


def _output_losses_of_rows(
    student_logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    grad: Tensor,
    *,
    ce_weight: float,
    logits_weight: float,
    temperature: float,
    label_weights: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return both losses of a few rows; `grad` gets the gradient of their total."""
    student = _lift(student_logits)
    soft = _soften(student, temperature)
    teacher_probs = _soften(_lift(teacher_logits), temperature).softmax(dim=-1)
    index = target.unsqueeze(-1)
    lse = student.logsumexp(dim=-1)
    soft_lse = lse if soft is student else soft.logsumexp(dim=-1)
    ce = lse - student.gather(-1, index).squeeze(-1)
    kd = soft_lse - torch.einsum("nc,nc->n", teacher_probs, soft)
    torch.sub(student, lse.unsqueeze(-1), out=grad).exp_()
    if soft is student:
        grad *= ce_weight + logits_weight
    else:
        soft_probs = (soft - soft_lse.unsqueeze(-1)).exp_()
        grad.mul_(ce_weight).add_(soft_probs, alpha=logits_weight / temperature)
    grad.sub_(teacher_probs, alpha=logits_weight / temperature)
    grad.scatter_add_(-1, index, torch.full_like(index, -ce_weight, dtype=grad.dtype))
    if label_weights is not None:
        counts = label_weights.to(grad)
        grad.mul_(counts.unsqueeze(-1))
        ce, kd = ce * counts, kd * counts
    return ce.sum(), kd.sum()


def hidden_loss(
    student: Tensor, teacher: Tensor, padding_mask: Tensor | None, *, kind: str = "mse"
) -> Tensor:
    """Return equation 3 on embeddings or the outputs of a layer, of each sentence.

    Args:
        student: `(bsz, src_len, dim)`, f(x): projected to the teacher's width; of any
            width for one of `GRAM_LOSSES`.
        teacher: `(bsz, src_len, dim)`.
        padding_mask: `(bsz, src_len)`, true at padding; None where nothing is padded.
        kind: one of `INTER_LOSSES`, as at the head of this file.
    Returns:
        `(bsz,)`; 0 for a sentence of padding alone. Of `GRAM_LOSSES`, the loss of the
        batch in each place.
    """
    if kind in GRAM_LOSSES:
        return _gram_loss(student, teacher, padding_mask, kind).expand(len(student))
    valid = None if padding_mask is None else ~padding_mask[:, :, None]
    return _distance(student, teacher, valid, kind)


def attention_loss(
    student: Tensor, teacher: Tensor, cells: Tensor | None, *, kind: str = "mse"
) -> Tensor:
    """Return equation 3 on attention scores before softmax, of each sentence.

    Args:
        student: `(bsz, heads, tgt_len, src_len)`, with as many heads as the teacher.
        teacher: same shape.
        cells: the cells that count, as `valid_cells` gives them; None: all.
        kind: one of `DISTANCES`; a row of `l2` is the keys of one query.
    Returns:
        `(bsz,)`; 0 for a sentence of padding alone.
    """
    valid = None if cells is None else cells[:, None]
    return _distance(student, teacher, valid, kind)


def valid_cells(
    query_padding: Tensor | None, key_padding: Tensor | None, *, causal: bool = False
) -> Tensor | None:
    """Return the cells of attention whose query and key are both real.

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
    """Return equation 2 of MiniLMv2 (Wang et al., 2021): how vectors relate.

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
        `(bsz,)`, each sentence's mean over valid positions and relation heads; 0 for a
        sentence of padding alone.
    """
    own, theirs = (
        _log_relations(x, padding_mask, heads) for x in (student, teacher.detach())
    )
    # B x H x T x T -> B x H x T
    divergence = (theirs.exp() * (theirs - own)).sum(dim=-1)
    valid = None if padding_mask is None else ~padding_mask[:, None]
    return _mean_by_sentence(divergence, valid)


def _log_relations(x: Tensor, padding_mask: Tensor | None, heads: int) -> Tensor:
    """Map `(bsz, any heads, src_len, head_dim)` to `(bsz, heads, src_len, src_len)`."""
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
    """Return equation 3 of each sentence; `valid` broadcasts to the states' shape."""
    if kind not in DISTANCES:
        raise ValueError(
            f"--inter-loss {kind}: choose one of {', '.join(INTER_LOSSES)}"
        )
    squared = (_lift(student) - _lift(teacher.detach())).square()
    if kind == "mse":
        return _mean_by_sentence(squared, valid)
    if valid is not None:
        squared, valid = squared.masked_fill(~valid, 0.0), valid.any(dim=-1)
    norms = squared.sum(dim=-1)
    # the square root has no gradient at 0: rows that agree (or are padding) stay out
    differs = norms > 0
    roots = norms.where(differs, norms.new_ones(())).sqrt()
    return _mean_by_sentence(roots.where(differs, norms.new_zeros(())), valid)


def _gram_loss(
    student: Tensor, teacher: Tensor, padding_mask: Tensor | None, kind: str
) -> Tensor:
    """Return `cka` or `gram` of all valid positions of a batch, 0 dimensions."""
    # B x T x C -> n x C
    x, y = (
        _lift(s.flatten(0, 1) if padding_mask is None else s[~padding_mask])
        for s in (student, teacher.detach())
    )
    with torch.autocast(x.device.type, enabled=False):
        if kind == "gram":
            x, y = (F.normalize(s, dim=1) for s in (x, y))
            xx, yy, xy = _gram_products(x, y)
            return (xx + yy - 2 * xy) / max(len(x), 1) ** 2
        xx, yy, xy = _gram_products(x - x.mean(dim=0), y - y.mean(dim=0))
        # one token relates to nothing: neither loss nor gradient
        vary = (xx > 0) & (yy > 0)
        norm, its = (s.where(vary, s.new_ones(())).sqrt() for s in (xx, yy))
        return (1 - xy / (norm * its)).where(vary, xy.new_zeros(()))


def _gram_products(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return <K, K>, <L, L> and <K, L> of the Gram matrices K = x x^T and L = y y^T.

    Of no more tokens than either side is wide, K and L are small. Of more, the same
    numbers are the squared norms of x^T x, y^T y and y^T x (Kornblith et al., 2019,
    section 3), whose memory does not grow with the tokens.
    """
    if len(x) <= min(x.size(1), y.size(1)):
        x, y = x @ x.T, y @ y.T  # n x n
        return x.square().sum(), y.square().sum(), (x * y).sum()
    xx, yy, xy = (a.T @ b for a, b in ((x, x), (y, y), (y, x)))
    return xx.square().sum(), yy.square().sum(), xy.square().sum()


def _mean_by_sentence(x: Tensor, valid: Tensor | None) -> Tensor:
    """Average `(bsz, ...)` to `(bsz,)` over what is valid; 0 where nothing is.

    Args:
        valid: broadcasts to `x`, true where a cell counts; None: all do.
    """
    cells = math.prod(x.shape[1:])
    if valid is None:
        return x.flatten(1).sum(dim=1) / max(cells, 1)
    total = x.masked_fill(~valid, 0.0).flatten(1).sum(dim=1)
    # an axis of length 1 in `valid` stands for as many cells as `x` has there
    shared = cells // max(math.prod(valid.shape[1:]), 1)
    return total / (valid.flatten(1).sum(dim=1) * shared).clamp(min=1)


def _soften(logits: Tensor, temperature: float) -> Tensor:
    return logits if temperature == 1 else logits / temperature


def _lift(x: Tensor) -> Tensor:
    return x.to(_lifted(x))


def _lifted(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32
