"""f(x) of equation 3: what makes student and teacher comparable where shapes differ."""

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

HEAD_MAPS = ("auto", "mean", "linear", "relation", "none")
ONE_TO_ONE = "one to one"
_RIDGE = 1e-3  # of the mean square of the student's states


class Projections(nn.Module):
    """One linear map per point whose width differs; nothing where widths agree.

    They are trained with the student, saved with the criterion for resuming, and are no
    part of the student. They start at random, which drags a student away from what it
    already knows; `fit` gives them a better start.

    Args:
        points: hidden points of the student (0 = embeddings) that are matched.
        student_dim: the student's width.
        teacher_dim: the teacher's width.
    """

    def __init__(
        self, points: Iterable[int], student_dim: int, teacher_dim: int
    ) -> None:
        super().__init__()
        self.linear = nn.ModuleDict(
            {str(p): nn.Linear(student_dim, teacher_dim) for p in points}
            if student_dim != teacher_dim
            else {}
        )

    def forward(self, x: Tensor, point: int) -> Tensor:
        """Map `(..., student_dim)` at hidden point `point` to `(..., teacher_dim)`."""
        return self.linear[str(point)](x) if self.linear else x

    @torch.no_grad()
    def fit(self, x: Tensor, y: Tensor, point: int) -> None:
        """Start a map at that of the least squared error, with a little ridge.

        Args:
            x: `(n, student_dim)`, the student's states at hidden point `point`.
            y: `(n, teacher_dim)`, the teacher's.
        """
        linear = cast(nn.Linear, self.linear[str(point)])
        mean_x, mean_y = x.mean(dim=0), y.mean(dim=0)
        x, y = x - mean_x, y - mean_y
        moments = x.T @ x
        size = moments.diagonal().mean().clamp(min=1e-9)  # states may not vary
        moments.diagonal().add_(_RIDGE * size)
        weight = torch.linalg.solve(moments, x.T @ y).T
        linear.weight.copy_(weight)
        linear.bias.copy_(mean_y - weight @ mean_x)


def choose_head_map(kind: str, student_heads: int, teacher_heads: int) -> str:
    """Return what `--head-map` means for these models.

    Returns:
        `auto` becomes `ONE_TO_ONE` where the numbers of heads agree and `linear` where
        they do not; any other kind stays as it is.
    Raises:
        ValueError: `kind` is none of `HEAD_MAPS`.
    """
    if kind not in HEAD_MAPS:
        raise ValueError(f"--head-map {kind}: choose one of {', '.join(HEAD_MAPS)}")
    if kind != "auto":
        return kind
    return ONE_TO_ONE if student_heads == teacher_heads else "linear"


def choose_relation_heads(
    wanted: int, student_dim: int, teacher_dim: int, teacher_heads: int
) -> int:
    """Return the number of relation heads that `--relation-heads` means.

    Args:
        wanted: that many; 0: the teacher's attention heads, or the next lower number
            that divides both widths.
    Raises:
        ValueError: `wanted` does not divide both widths.
    """
    common = math.gcd(student_dim, teacher_dim)
    if wanted < 0 or (wanted and common % wanted):
        raise ValueError(
            f"--relation-heads {wanted} does not divide the widths of student "
            f"({student_dim}) and teacher ({teacher_dim})"
        )
    return wanted or next(n for n in range(teacher_heads, 0, -1) if not common % n)


class HeadMap(nn.Module):
    """A map of student's and teacher's attention scores to the same number of heads.

    Args:
        kind: `mean` averages the heads on both sides; `linear` learns one matrix per
            student layer, which mixes the student's heads into the teacher's;
            `ONE_TO_ONE` changes nothing.
        layers: attention layers of the student that are matched.
        student_heads: number of heads of the student.
        teacher_heads: number of heads of the teacher.
    """

    def __init__(
        self, kind: str, layers: Iterable[int], student_heads: int, teacher_heads: int
    ) -> None:
        super().__init__()
        self.kind = kind
        mix = torch.full((teacher_heads, student_heads), 1.0 / student_heads)
        self.mix = nn.ParameterDict(
            {str(i): nn.Parameter(mix.clone()) for i in layers}
            if kind == "linear"
            else {}
        )

    def map_student(self, scores: Tensor, layer: int) -> Tensor:
        """Map `(bsz, student_heads, tgt_len, src_len)` to the heads to compare."""
        if self.kind == "linear":
            return torch.einsum("ts,bsqk->btqk", self.mix[str(layer)], scores)
        return self.map_teacher(scores)

    def map_teacher(self, scores: Tensor) -> Tensor:
        """Map `(bsz, teacher_heads, tgt_len, src_len)` to the heads to compare."""
        return scores.mean(dim=1, keepdim=True) if self.kind == "mean" else scores
