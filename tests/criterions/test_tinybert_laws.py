"""The laws of distillation, for every task, head map and layer map."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import pytest
import torch
from laws import (
    HEAD_MAPS,
    INNER,
    LAYER_MAPS,
    TASKS,
    Case,
    World,
    all_weights,
    equal_models,
    term_weight,
)
from slow_losses import assert_same_gradients
from tiny import WEIGHTS, weigh
from torch import Tensor

from fairseq_mlkd.criterions.task_cross_entropy import TaskCrossEntropyCriterion
from fairseq_mlkd.distillation import losses as losses_module
from fairseq_mlkd.distillation.losses import DISTANCES

slow = pytest.mark.slow
SPECS = ("uniform", "last-1", "1,2")  # of layer maps
each_task = pytest.mark.parametrize("name", TASKS)
each_head_map = pytest.mark.parametrize("head_map", HEAD_MAPS)


def crossed(first: Iterable[str], second: Sequence[str], *apart: int) -> list[Any]:
    """Return all pairs; fast are those whose places are so far `apart`."""
    pairs = product(enumerate(first), enumerate(second))
    return [
        pytest.param(a, b, marks=() if (j - i) % len(second) in apart else slow)
        for (i, a), (j, b) in pairs
    ]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[str, World]:
    return {name: World(name, tmp_path_factory.mktemp(name)) for name in TASKS}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((name, *pair.values), marks=pair.marks)
        for name in TASKS
        for pair in crossed(HEAD_MAPS, [*LAYER_MAPS], 0, 2)
    ],
    ids=", ".join,
)
def case(request, worlds) -> Case:
    name, head_map, layer_map = request.param
    return Case(worlds[name], head_map, LAYER_MAPS[layer_map])


def losses(log: dict[str, Any]) -> dict[str, float]:
    return {name: float(log[name]) for name in log if name.endswith("loss")}


def assert_close(
    found: dict[str, float], expected: dict[str, Any], rel: float = 1e-9
) -> None:
    assert set(found) == set(expected)
    for name, value in found.items():
        assert value == pytest.approx(float(expected[name]), rel=rel), name


def test_it_is_the_weighted_sum_of_the_formulas(case):
    weights, criterion = all_weights(), case.whole
    loss, _, log = criterion(case.student, case.sample)
    terms = case.slow_terms(criterion)
    expected = sum(term_weight(name, weights) * term for name, term in terms.items())
    slow = {name: term.detach() for name, term in terms.items()}
    assert_close(losses(log), {"loss": expected.detach(), **slow})

    params = [*case.student.parameters(), *criterion.parameters()]
    assert_same_gradients(loss, expected, params, rtol=1e-8, atol=1e-9)


def test_further_padding_keeps_the_loss(case):
    padded = case.pad()
    lengths = [s["net_input"]["src_tokens"].size(1) for s in (case.sample, padded)]
    assert lengths[0] < lengths[1]
    found, after = (case.whole(case.student, s)[2] for s in (case.sample, padded))
    assert_close(losses(after), losses(found))


def test_the_teacher_gets_no_gradient(case):
    criterion = case.whole
    loss, _, _ = criterion(case.student, case.sample)
    loss.backward()
    assert all(p.grad is None for p in criterion.distiller.teacher.model.parameters())
    assert all(p.grad is not None for p in criterion.parameters())
    case.student.zero_grad()


@each_task
@pytest.mark.parametrize(
    "head_map, terms",
    [
        ("auto", WEIGHTS[1:]),
        # only the attention term knows the head map
        *((x, ["attention"]) for x in HEAD_MAPS if x != "auto"),
        *(pytest.param(x, WEIGHTS[1:], marks=slow) for x in HEAD_MAPS if x != "auto"),
    ],
)
def test_a_term_of_weight_0_is_left_out_and_changes_no_other(
    worlds, name, head_map, terms
):
    case = Case(worlds[name], head_map, LAYER_MAPS["uniform"])
    whole = losses(case.whole(case.student, case.sample)[2])
    for off in terms:
        weights = all_weights(**{off: 0.0})
        criterion = case.criterion(**weights)
        _, _, log = criterion(case.student, case.sample)
        rest = {k: v for k, v in whole.items() if f"{off}_loss" not in k}
        rest["loss"] = sum(
            term_weight(k, weights) * v for k, v in rest.items() if k != "loss"
        )
        # alone, the hard loss is fairseq's, in float32
        assert_close(losses(log), rest, rel=1e-6 if off == "logits" else 1e-9)


CUTS = ((1, 2), (2, 1), (1, 1, 1))


def may_be_cut(case: Case, criterion: Any) -> bool:
    """Return whether a batch is the sum of its parts, in every term and gradient."""
    whole = case.learn(criterion, [3])
    return all(
        torch.allclose(a.double(), b.double(), rtol=1e-6, atol=1e-9)
        for sizes in CUTS
        for a, b in zip(whole, case.learn(criterion, sizes))
    )


@each_task
@pytest.mark.parametrize("head_map, inter_loss", crossed(HEAD_MAPS, DISTANCES, 0))
def test_a_batch_may_be_cut_anywhere(worlds, name, head_map, inter_loss):
    case = Case(worlds[name], head_map, LAYER_MAPS["uniform"])
    assert may_be_cut(case, case.criterion(inter_loss=inter_loss, **all_weights()))


@each_task
def test_a_mean_over_the_batch_is_caught(worlds, name, monkeypatch):
    def wrong(x: Tensor, valid: Tensor | None) -> Tensor:
        valid = torch.ones_like(x) if valid is None else valid.expand_as(x)
        return ((x * valid).sum() / valid.sum()).expand(len(x))

    case = Case(worlds[name], "auto", LAYER_MAPS["uniform"])
    criterion = case.criterion(**all_weights())
    assert may_be_cut(case, criterion)
    monkeypatch.setattr(losses_module, "_mean_by_sentence", wrong)
    assert not may_be_cut(case, criterion)


@each_task
def test_without_distillation_it_is_the_hard_loss_bit_for_bit(worlds, name):
    case = Case(worlds[name], "auto", LAYER_MAPS["uniform"])
    hard = TaskCrossEntropyCriterion(case.task)

    def learn(criterion: Any) -> dict[str, Tensor]:
        case.student.zero_grad()
        loss, _, _ = criterion(case.student, case.sample)
        loss.backward()
        params = case.student.named_parameters()
        return {"loss": loss, **{n: p.grad for n, p in params if p.grad is not None}}

    ours, theirs = learn(case.criterion(**weigh(ce=1.0))), learn(hard)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@each_task
@pytest.mark.parametrize("head_map, spec", crossed(HEAD_MAPS, SPECS, 0))
def test_equal_models_have_nothing_to_learn_inside(worlds, name, head_map, spec):
    case, criterion = equal_models(worlds[name], head_map, spec)
    loss, _, log = criterion(case.student, case.sample)
    attention = () if head_map == "none" else ("attention",)
    assert {f"{kind}_loss" for kind in (*INNER[:2], *attention)} <= set(log)
    assert all(abs(value) < 1e-12 for value in losses(log).values())
    assert loss.item() == pytest.approx(0, abs=1e-12)
