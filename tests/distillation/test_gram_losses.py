"""Losses on the Gram matrices of a batch's tokens, beside three plain lines."""

import pytest
import torch
from tiny import Distillation, weigh
from torch import Tensor

from fairseq_mlkd.distillation.losses import GRAM_LOSSES, hidden_loss

each_kind = pytest.mark.parametrize("kind", GRAM_LOSSES)
# 8 valid tokens: in 9 and 12 dimensions they are few, in 3 and 4 many
each_width = pytest.mark.parametrize("widths", [(9, 12), (3, 4), (3, 12)])
PADDING = torch.arange(5)[None] >= torch.tensor([4, 3, 1])[:, None]


def batch(widths: tuple[int, int]) -> tuple[Tensor, Tensor]:
    student, teacher = (torch.randn(3, 5, n, dtype=torch.float64) for n in widths)
    return student + 1, teacher - 1


def plain(kind: str, x: Tensor, y: Tensor) -> float:
    x, y = (
        s - s.mean(0) if kind == "cka" else s / s.norm(dim=1)[:, None] for s in (x, y)
    )
    k, m = x @ x.T, y @ y.T
    cka = 1 - (k * m).sum() / (k.square().sum() * m.square().sum()).sqrt()
    return float(cka if kind == "cka" else (k - m).square().mean())


def value(student: Tensor, teacher: Tensor, kind: str, pad: Tensor = PADDING) -> float:
    found = hidden_loss(student, teacher, pad, kind=kind)
    assert found.shape == (len(student),) and len(set(found.tolist())) == 1
    return found[0].item()


@each_kind
@each_width
def test_it_is_the_plain_formula_on_what_is_no_padding(kind, widths):
    student, teacher = batch(widths)
    expected = plain(kind, student[~PADDING], teacher[~PADDING])
    assert value(student, teacher, kind) == pytest.approx(expected, rel=1e-12)
    assert expected > 0.01
    student[PADDING] = teacher[PADDING] = -50.0
    assert value(student, teacher, kind) == pytest.approx(expected, rel=1e-12)
    whole = hidden_loss(student, teacher, None, kind=kind)[0].item()
    everything = (x.flatten(0, 1) for x in (student, teacher))
    assert whole == pytest.approx(plain(kind, *everything), rel=1e-12)


@each_kind
@each_width
def test_rotation_scale_and_order_do_not_count(kind, widths):
    student, teacher = batch(widths)
    before = value(student, teacher, kind)
    turn = torch.linalg.qr(torch.randn(2 * widths[:1], dtype=torch.float64)).Q
    assert value(3 * student @ turn, teacher, kind) == pytest.approx(before, rel=1e-9)
    order = torch.tensor([2, 0, 1])
    moved = (x[order].flip(1) for x in (student, teacher, PADDING))
    student_, teacher_, pad = moved
    assert value(student_, teacher_, kind, pad) == pytest.approx(before, rel=1e-9)
    stretched = student * torch.linspace(1, 2, widths[0], dtype=torch.float64)
    assert value(stretched, teacher, kind) != pytest.approx(before, rel=1e-3)


@each_kind
@pytest.mark.parametrize("width", [4, 12])
def test_a_rotated_teacher_has_nothing_to_teach(kind, width):
    teacher = batch((width, width))[1]
    turn = torch.linalg.qr(torch.randn(width, width, dtype=torch.float64)).Q
    student = (0.5 * teacher @ turn).requires_grad_()
    loss = hidden_loss(student, teacher, PADDING, kind=kind)[0]
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert student.grad.abs().max() < 1e-12


def test_centring_tells_them_apart():
    student, teacher = batch((9, 12))
    for kind, alike in (("cka", True), ("gram", False)):
        before, after = (value(student + n, teacher, kind) for n in (0, 5))
        assert (after == pytest.approx(before, rel=1e-9)) == alike


@each_kind
@each_width
def test_gradcheck(kind, widths):
    student, teacher = batch(widths)
    student.requires_grad_(), teacher.requires_grad_()

    def total(states: Tensor) -> Tensor:
        counts = torch.tensor([2.0, 1.0, 5.0], dtype=torch.float64)
        return (counts * hidden_loss(states, teacher, PADDING, kind=kind)).sum()

    assert torch.autograd.gradcheck(total, student)
    total(student).backward()
    assert teacher.grad is None and not student.grad[PADDING].any()


@each_kind
@pytest.mark.parametrize("tokens", [0, 1])
def test_a_token_alone_relates_to_nothing(kind, tokens):
    student, teacher = batch((4, 4))
    student.requires_grad_()
    pad = torch.arange(15).view(3, 5) >= tokens
    loss = hidden_loss(student, teacher, pad, kind=kind)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([0, 0, 0], abs=1e-15)
    assert student.grad.abs().max() < 1e-15


@each_kind
def test_half_precision_is_lifted(kind):
    student, teacher = (100 * x.half() for x in batch((3, 4)))
    loss = hidden_loss(student, teacher, PADDING, kind=kind)
    expected = plain(kind, student[~PADDING].double(), teacher[~PADDING].double())
    assert loss.dtype == torch.float32
    assert loss[0].item() == pytest.approx(expected, rel=1e-4)


@each_kind
def test_widths_that_differ_make_no_projection(tmp_path, kind):
    setting = Distillation(tmp_path)
    weights = weigh(embedding=1.0, hidden=1.0, attention=1.0)
    projected = setting.criterion(head_map="mean", **weights)
    criterion = setting.criterion(head_map="mean", inter_loss=kind, **weights)
    assert list(projected.parameters()) and not list(criterion.parameters())
    loss, _, log = criterion(setting.student, setting.sample)
    loss.backward()
    # attention scores are compared as they were
    expected = projected(setting.student, setting.sample)[2]["attention_loss"]
    assert log["attention_loss"] == expected and log["hidden_loss"] > 0
    assert all(p.grad.isfinite().all() for p in setting.student.encoder.parameters())
