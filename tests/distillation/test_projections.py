"""f(x) of equation 3."""

import pytest
import torch

from fairseq_mlkd.distillation.projections import HeadMap, Projections


def test_no_projection_where_widths_agree():
    projections = Projections([0, 1], 4, 4)
    x = torch.randn(2, 3, 4)
    assert projections(x, 1) is x
    assert not list(projections.parameters())


def test_one_projection_a_point():
    projections = Projections([0, 2], 4, 6)
    x = torch.randn(2, 3, 4)
    assert projections(x, 0).shape == (2, 3, 6)
    assert not torch.equal(projections(x, 0), projections(x, 2))
    assert len(list(projections.parameters())) == 4


def test_auto_keeps_heads_that_agree_and_mixes_others():
    scores = torch.randn(2, 4, 3, 3)
    same = HeadMap("auto", [0], 4, 4)
    assert same.map_student(scores, 0) is scores and same.map_teacher(scores) is scores
    mixed = HeadMap("auto", [0], 4, 6)
    assert mixed.kind == "linear"
    assert mixed.map_student(scores, 0).shape == (2, 6, 3, 3)


def test_mean_averages_both_sides():
    student, teacher = torch.randn(2, 4, 3, 3), torch.randn(2, 6, 3, 3)
    heads = HeadMap("mean", [0, 1], 4, 6)
    assert not list(heads.parameters())
    expected = sum(student[:, h] for h in range(4))[:, None] / 4
    assert torch.allclose(heads.map_student(student, 1), expected)
    assert torch.allclose(heads.map_teacher(teacher), teacher.mean(1, keepdim=True))


def test_linear_is_one_learned_matrix_a_layer():
    scores = torch.randn(2, 2, 3, 3)
    heads = HeadMap("linear", [0, 3], 2, 3)
    matrix = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]])
    heads.mix["3"].data.copy_(matrix)
    for t in range(3):
        expected = sum(matrix[t, s] * scores[:, s] for s in range(2))
        assert torch.allclose(heads.map_student(scores, 3)[:, t], expected)
    assert torch.allclose(heads.map_student(scores, 0), scores.mean(1, keepdim=True))
    heads.map_student(scores, 3).sum().backward()
    assert heads.mix["3"].grad.any() and heads.mix["0"].grad is None
    assert heads.map_teacher(scores) is scores


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="--head-map max: choose one of"):
        HeadMap("max", [0], 2, 2)
