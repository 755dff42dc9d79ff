"""The paper's formulas as slow loops over Python's floats."""

import math

import torch
from torch import Tensor


def slow_softmax(logits: list[float], temperature: float) -> list[float]:
    top = max(logits)
    powers = [math.exp((x - top) / temperature) for x in logits]
    return [power / sum(powers) for power in powers]


def slow_output_losses(
    student: Tensor, target: Tensor, teacher: Tensor, temperature: float
) -> tuple[float, float]:
    """Hard cross-entropy and equation 2, -z_t . log z_s, summed over rows."""
    ce = kd = 0.0
    for s, label, t in zip(student.tolist(), target.tolist(), teacher.tolist()):
        ce -= math.log(slow_softmax(s, 1.0)[label])
        z_s, z_t = slow_softmax(s, temperature), slow_softmax(t, temperature)
        kd -= sum(b * math.log(a) for a, b in zip(z_s, z_t))
    return ce, kd


def slow_distance(pairs: list[tuple[list[float], list[float]]], kind: str) -> float:
    """Equation 3 over rows: the mean square of all cells, or the mean norm of a row."""
    squares = [[(a - b) ** 2 for a, b in zip(*pair)] for pair in pairs]
    if not squares:
        return 0.0
    if kind == "mse":
        return sum(map(sum, squares)) / sum(map(len, squares))
    return sum(math.sqrt(sum(row)) for row in squares) / len(squares)


def slow_hidden_loss(
    student: Tensor, teacher: Tensor, pad: Tensor, kind: str
) -> list[float]:
    """Equation 3 of each sentence."""
    return [
        slow_distance(
            [
                (student[b, t].tolist(), teacher[b, t].tolist())
                for t in range(student.size(1))
                if not pad[b, t]
            ],
            kind,
        )
        for b in range(student.size(0))
    ]


def slow_attention_loss(
    student: Tensor, teacher: Tensor, pad: Tensor, kind: str
) -> list[float]:
    """Equation 3 of each sentence."""
    bsz, heads, src_len, _ = student.shape
    found = []
    for b in range(bsz):
        rows = []
        keys = [k for k in range(src_len) if not pad[b, k]]
        for h in range(heads):
            for q in keys:
                cells = (
                    [x[b, h, q, k].item() for k in keys] for x in (student, teacher)
                )
                rows.append(tuple(cells))
        found.append(slow_distance(rows, kind))
    return found


def slow_relation_loss(
    student: Tensor, teacher: Tensor, pad: Tensor, heads: int
) -> list[float]:
    """Equation 2 of MiniLMv2: KL(teacher || student) of each sentence's relations."""
    found = []
    for b in range(len(pad)):
        divergences = []
        real = [t for t in range(pad.size(1)) if not pad[b, t]]
        for h in range(heads):
            for t in real:
                q, p = (
                    slow_relations(x[b], h, heads, t, real) for x in (student, teacher)
                )
                divergences.append(
                    sum(a * math.log(a / c) for a, c in zip(p, q) if a > 0)
                )
        found.append(sum(divergences) / len(divergences))
    return found


def slow_relations(
    vectors: Tensor, head: int, heads: int, position: int, real: list[int]
) -> list[float]:
    """Relate each vector to all: vectors `(attention heads, src_len, head_dim)`."""
    rows = {t: [x for part in vectors[:, t].tolist() for x in part] for t in real}
    size = len(rows[position]) // heads
    part = slice(head * size, head * size + size)
    products = [
        sum(x * y for x, y in zip(rows[position][part], rows[t][part]))
        / math.sqrt(size)
        for t in real
    ]
    return slow_softmax(products, 1.0)


def assert_same_gradients(
    ours: Tensor, slow: Tensor, params: list[Tensor], *, rtol: float, atol: float
) -> None:
    """Two losses have the same gradients, and reach the same parameters."""
    for a, b in zip(
        torch.autograd.grad(ours, params, allow_unused=True),
        torch.autograd.grad(slow, params, allow_unused=True),
    ):
        assert (a is None) == (b is None)
        assert a is None or torch.allclose(a, b, rtol=rtol, atol=atol)


def calibration_slowly(answers: list[tuple[bool, float]]) -> float:
    """Return the error over 15 bins in percent (Guo et al., 2017)."""
    error = 0.0
    for b in range(15):
        own = [(ok, p) for ok, p in answers if b / 15 < p <= (b + 1) / 15]
        if own:
            right = sum(ok for ok, _ in own) / len(own)
            error += len(own) * abs(right - sum(p for _, p in own) / len(own))
    return 100 * error / len(answers)
