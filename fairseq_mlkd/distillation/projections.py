"""f(x) of equation 3: what makes student and teacher comparable where shapes differ."""

from typing import Iterable

import torch
from torch import Tensor, nn

HEAD_MAPS = ("auto", "mean", "linear")


class Projections(nn.Module):
    """One linear map a point whose width differs; nothing where widths agree.

    They are trained with the student, saved with the criterion for resuming, and are no
    part of the student.

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
        """`(..., student_dim)` at hidden point `point` -> `(..., teacher_dim)`."""
        return self.linear[str(point)](x) if self.linear else x


class HeadMap(nn.Module):
    """Brings the attention scores of student and teacher to the same number of heads.

    Args:
        kind: `mean` averages the heads on both sides; `linear` learns, a student layer,
            the matrix that mixes the student's heads into the teacher's; `auto` changes
            nothing where the numbers agree and is `linear` where they do not.
        layers: attention layers of the student that are matched.
        student_heads: number of heads of the student.
        teacher_heads: number of heads of the teacher.
    Raises:
        ValueError: `kind` is none of these.
    """

    def __init__(
        self, kind: str, layers: Iterable[int], student_heads: int, teacher_heads: int
    ) -> None:
        super().__init__()
        if kind not in HEAD_MAPS:
            raise ValueError(f"--head-map {kind}: choose one of {', '.join(HEAD_MAPS)}")
        if kind == "auto":
            kind = "none" if student_heads == teacher_heads else "linear"
        self.kind = kind
        mix = torch.full((teacher_heads, student_heads), 1.0 / student_heads)
        self.mix = nn.ParameterDict(
            {str(i): nn.Parameter(mix.clone()) for i in layers}
            if kind == "linear"
            else {}
        )

    def map_student(self, scores: Tensor, layer: int) -> Tensor:
        """`(bsz, student_heads, src_len, src_len)` -> the heads to compare."""
        if self.kind == "linear":
            return torch.einsum("ts,bsqk->btqk", self.mix[str(layer)], scores)
        return scores.mean(dim=1, keepdim=True) if self.kind == "mean" else scores

    def map_teacher(self, scores: Tensor) -> Tensor:
        """`(bsz, teacher_heads, src_len, src_len)` -> the heads to compare."""
        return scores.mean(dim=1, keepdim=True) if self.kind == "mean" else scores
