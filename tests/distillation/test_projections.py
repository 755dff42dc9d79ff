"""f(x) of equation 3."""

import pytest
import torch

from fairseq_mlkd.distillation.projections import (
    ONE_TO_ONE,
    HeadMap,
    Projections,
    choose_head_map,
    choose_relation_heads,
)


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


def test_a_map_that_is_fitted_has_the_least_error():
    projections = Projections([1], 4, 6)
    x, weight, bias = torch.randn(50, 4), torch.randn(6, 4), torch.randn(6)
    noise = 0.1 * torch.randn(50, 6)
    y = x @ weight.T + bias + noise
    projections.fit(x, y, 1)
    ones = torch.cat([x, torch.ones(50, 1)], dim=1)
    best = ones @ torch.linalg.lstsq(ones, y).solution
    error, least = ((y - z).square().sum() for z in (projections(x, 1), best))
    assert least <= error < 1.001 * least


def test_states_without_variance_are_fitted_by_their_mean():
    projections = Projections([1], 4, 6)
    y = torch.randn(50, 6)
    projections.fit(torch.ones(50, 4), y, 1)
    torch.testing.assert_close(projections(torch.ones(4), 1), y.mean(dim=0))


def test_auto_keeps_heads_that_agree_and_mixes_others():
    assert choose_head_map("auto", 4, 4) == ONE_TO_ONE
    assert choose_head_map("auto", 4, 6) == "linear"
    for kind in ("mean", "linear", "relation", "none"):
        assert choose_head_map(kind, 4, 4) == choose_head_map(kind, 4, 6) == kind
    scores = torch.randn(2, 4, 3, 3)
    same = HeadMap(ONE_TO_ONE, [0], 4, 4)
    assert same.map_student(scores, 0) is scores and same.map_teacher(scores) is scores
    assert not list(same.parameters())


@pytest.mark.parametrize(
    "wanted, dims, teacher_heads, expected",
    [
        (0, (768, 1024), 16, 16),
        (0, (8, 12), 4, 4),
        (0, (96, 64), 12, 8),
        (0, (5, 7), 3, 1),
        (64, (768, 1024), 16, 64),
    ],
)
def test_relation_heads_divide_both_widths(wanted, dims, teacher_heads, expected):
    assert choose_relation_heads(wanted, *dims, teacher_heads) == expected


@pytest.mark.parametrize("wanted", [-1, 3, 512])
def test_relation_heads_that_do_not_fit_are_refused(wanted):
    with pytest.raises(ValueError, match=f"--relation-heads {wanted} does not divide"):
        choose_relation_heads(wanted, 768, 1024, 16)


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
        choose_head_map("max", 2, 2)
