"""The losses against the slow loops of the paper's formulas, and their laws."""

import math
from collections.abc import Callable

import pytest
import torch
from slow_losses import (
    slow_attention_loss,
    slow_hidden_loss,
    slow_output_losses,
    slow_softmax,
)
from torch import Tensor

from fairseq_mlkd.distillation import losses
from fairseq_mlkd.distillation.losses import output_losses, valid_cells

KINDS = ("mse", "l2")
CLASSES = 7
COUNTS = torch.tensor([2.0, 1.0, 5.0], dtype=torch.float64)  # of labels by sentence


def attention_loss(
    student: Tensor, teacher: Tensor, pad: Tensor | None, **options: str
) -> Tensor:
    """Return that of self-attention, summed over sentences."""
    cells = valid_cells(pad, pad)
    found = losses.attention_loss(student, teacher, cells, **options)
    return (COUNTS.to(found) * found).sum()


def hidden_loss(
    student: Tensor, teacher: Tensor, pad: Tensor | None, **options: str
) -> Tensor:
    """Return it summed over sentences."""
    found = losses.hidden_loss(student, teacher, pad, **options)
    return (COUNTS.to(found) * found).sum()


def add_up(values: list[float]) -> float:
    return sum(n * value for n, value in zip(COUNTS.tolist(), values))


def output_batch(rows: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    student, teacher = 2 * torch.randn(2, rows, CLASSES, dtype=torch.float64)
    return student, torch.randint(CLASSES, (rows,)), teacher


def padding(*lengths: int, src_len: int = 5) -> Tensor:
    return torch.arange(src_len)[None] >= torch.tensor(lengths)[:, None]


def inner_batch(loss: Callable) -> tuple[Tensor, Tensor, Tensor]:
    shape = (3, 5, 4) if loss is hidden_loss else (3, 2, 5, 5)
    student, teacher = torch.randn(2, *shape, dtype=torch.float64)
    return student, teacher, padding(5, 3, 1)


inner_losses = pytest.mark.parametrize("loss", [hidden_loss, attention_loss])
kinds = pytest.mark.parametrize("kind", KINDS)
temperatures = pytest.mark.parametrize("temperature", [1.0, 2.0, 0.5])


@temperatures
@pytest.mark.parametrize("ce_weight, logits_weight", [(1, 1), (0.3, 2), (0, 1), (1, 0)])
def test_output_losses_match_the_formulas(temperature, ce_weight, logits_weight):
    student, target, teacher = output_batch()
    total, ce, kd = output_losses(
        student,
        target,
        teacher,
        ce_weight=ce_weight,
        logits_weight=logits_weight,
        temperature=temperature,
    )
    slow_ce, slow_kd = slow_output_losses(student, target, teacher, temperature)
    assert ce.item() == pytest.approx(slow_ce, rel=1e-12)
    assert kd.item() == pytest.approx(slow_kd, rel=1e-12)
    expected = ce_weight * slow_ce + logits_weight * slow_kd
    assert total.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "loss, slow",
    [(hidden_loss, slow_hidden_loss), (attention_loss, slow_attention_loss)],
)
@kinds
def test_inner_losses_match_the_formulas(loss, slow, kind):
    student, teacher, pad = inner_batch(loss)
    actual = loss(student, teacher, pad, kind=kind).item()
    expected = add_up(slow(student, teacher, pad, kind))
    assert actual == pytest.approx(expected, rel=1e-12)


@inner_losses
@kinds
def test_no_mask_means_no_padding(loss, kind):
    student, teacher, _ = inner_batch(loss)
    expected = loss(student, teacher, padding(5, 5, 5), kind=kind)
    assert torch.allclose(loss(student, teacher, None, kind=kind), expected, rtol=1e-12)


@temperatures
def test_equal_logits_give_the_teachers_entropy(temperature):
    _, target, teacher = output_batch()
    _, _, kd = output_losses(
        teacher, target, teacher, ce_weight=1, logits_weight=1, temperature=temperature
    )
    z_t = [slow_softmax(row, temperature) for row in teacher.tolist()]
    entropy = -sum(p * math.log(p) for row in z_t for p in row)
    assert kd.item() == pytest.approx(entropy, rel=1e-12)


@inner_losses
@kinds
def test_equal_inner_states_give_zero_and_a_finite_gradient(loss, kind):
    _, teacher, pad = inner_batch(loss)
    student = teacher.clone().requires_grad_()
    value = loss(student, teacher, pad, kind=kind)
    value.backward()
    assert value.item() == 0
    assert torch.equal(student.grad, torch.zeros_like(student))


@inner_losses
@kinds
def test_a_sentence_counts_for_itself(loss, kind):
    """Whatever stands beside it, and however long that is."""
    student, teacher, pad = inner_batch(loss)
    whole = loss(student, teacher, pad, kind=kind)
    parts = []
    for i, count in enumerate(COUNTS):
        own = [x.roll(-i, 0)[:1].expand_as(x) for x in (student, teacher, pad)]
        parts.append(count * loss(*own, kind=kind) / COUNTS.sum())
    assert torch.allclose(whole, sum(parts), rtol=1e-12)


@pytest.mark.parametrize("ce_weight, logits_weight", [(0.3, 2), (0, 1), (1, 0)])
def test_labels_can_count_more_or_less_than_once(ce_weight, logits_weight):
    student, target, teacher = output_batch()
    student.requires_grad_()
    counts = torch.tensor([2, 0, 1, 3, 1])
    repeated = torch.repeat_interleave(torch.arange(5), counts)
    weights = {"ce_weight": ce_weight, "logits_weight": logits_weight}
    found = output_losses(
        student, target, teacher, temperature=2.0, label_weights=counts, **weights
    )
    rows = (x[repeated] for x in (student, target, teacher))
    expected = output_losses(*rows, temperature=2.0, **weights)
    for ours, theirs in zip(found, expected):
        assert torch.allclose(ours, theirs, rtol=1e-12)
    grads = [torch.autograd.grad(x[0], student)[0] for x in (found, expected)]
    assert torch.allclose(*grads, rtol=1e-12, atol=1e-14)


# --- a batch that is padded further keeps its loss


def pad_further(x: Tensor, cells: int = 3) -> Tensor:
    """Give padding values, too: here large ones, as masked scores often have."""
    amount = (0, cells, 0, cells) if x.dim() == 4 else (0, 0, 0, cells)
    return torch.nn.functional.pad(x, amount, value=-50.0)


def keeps_loss(loss: Callable, batch: tuple[Tensor, Tensor, Tensor]) -> bool:
    student, teacher, pad = batch
    longer = torch.nn.functional.pad(pad, (0, 3), value=True)
    before = loss(student, teacher, pad)
    after = loss(pad_further(student), 0.5 * pad_further(teacher), longer)
    halved = loss(student, 0.5 * teacher, pad)
    return bool(torch.isclose(after, halved, rtol=1e-12)) and bool(before > 0)


@inner_losses
@kinds
def test_further_padding_keeps_the_loss(loss, kind):
    assert keeps_loss(lambda s, t, m: loss(s, t, m, kind=kind), inner_batch(loss))


@inner_losses
def test_a_mean_over_all_cells_is_caught(loss):
    def wrong(student: Tensor, teacher: Tensor, pad: Tensor) -> Tensor:
        cells = pad.numel() * student.numel() / pad.numel()
        valid = (~pad).sum() * student.size(-1)
        return loss(student, teacher, pad) * valid / cells

    assert not keeps_loss(wrong, inner_batch(loss))


@inner_losses
def test_a_threshold_instead_of_the_mask_is_caught(loss):
    def wrong(student: Tensor, teacher: Tensor, pad: Tensor) -> Tensor:
        kept = (student > -100) & (teacher > -100)
        return COUNTS.sum() * (student - teacher).square()[kept].mean()

    assert not keeps_loss(wrong, inner_batch(loss))


def test_attention_to_padded_keys_and_from_padded_queries_does_not_count():
    student, teacher, pad = inner_batch(attention_loss)
    before = attention_loss(student, teacher, pad)
    for cell in ((1, 0, 0, 4), (1, 0, 4, 0), (2, 1, 0, 1)):
        changed = student.clone()
        changed[cell] += 1e6
        assert torch.equal(attention_loss(changed, teacher, pad), before)
    student[1, 0, 2, 2] += 1.0
    assert not torch.equal(attention_loss(student, teacher, pad), before)


# --- gradients


def test_output_losses_give_the_teacher_no_gradient():
    student, target, teacher = output_batch()
    student.requires_grad_(), teacher.requires_grad_()
    total, ce, kd = output_losses(
        student, target, teacher, ce_weight=1, logits_weight=1
    )
    total.backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0
    assert not ce.requires_grad and not kd.requires_grad


@inner_losses
@kinds
def test_inner_losses_give_the_teacher_no_gradient(loss, kind):
    student, teacher, pad = inner_batch(loss)
    student.requires_grad_(), teacher.requires_grad_()
    loss(student, teacher, pad, kind=kind).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


@temperatures
@pytest.mark.parametrize("ce_weight, logits_weight", [(1, 1), (0.3, 2), (0, 1), (1, 0)])
def test_output_losses_gradcheck(temperature, ce_weight, logits_weight):
    student, target, teacher = output_batch()
    student.requires_grad_()

    def total(logits: Tensor) -> Tensor:
        weights = {"ce_weight": ce_weight, "logits_weight": logits_weight}
        found = output_losses(
            logits, target, teacher, temperature=temperature, **weights
        )
        return 3 * found[0]

    assert torch.autograd.gradcheck(total, student)


@inner_losses
@kinds
def test_inner_losses_gradcheck(loss, kind):
    student, teacher, pad = inner_batch(loss)
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher, pad, kind=kind), student)


def test_l2_has_a_gradient_where_only_some_rows_agree():
    student, teacher, pad = inner_batch(hidden_loss)
    student[0, 0] = teacher[0, 0]
    student.requires_grad_()
    hidden_loss(student, teacher, pad, kind="l2").backward()
    assert student.grad.isfinite().all()
    assert not student.grad[0, 0].any() and student.grad[0, 1].any()


# --- corner cases


@inner_losses
@kinds
def test_a_batch_of_padding_alone_gives_zero(loss, kind):
    student, teacher, _ = inner_batch(loss)
    student.requires_grad_()
    value = loss(student, teacher, padding(0, 0, 0), kind=kind)
    value.backward()
    assert value.item() == 0 and not student.grad.any()


def test_no_rows_give_zero():
    student, target, teacher = output_batch(0)
    student.requires_grad_()
    found = output_losses(student, target, teacher, ce_weight=1, logits_weight=1)
    found[0].backward()
    assert [loss.item() for loss in found] == [0, 0, 0]
    assert student.grad.shape == (0, CLASSES)


def test_rows_without_a_label_are_left_out():
    student, teacher = torch.randn(2, 6, 5)
    target = torch.tensor([1, -100, 4, 0, -1, 2])
    real = target >= 0
    student.requires_grad_()
    weights = {"ce_weight": 0.5, "logits_weight": 2.0}
    found = output_losses(student, target, teacher, **weights)
    rest = (x[real] for x in (student, target, teacher))
    for ours, theirs in zip(found, output_losses(*rest, **weights)):
        assert torch.equal(ours, theirs)
    found[0].backward()
    assert not student.grad[~real].any() and student.grad[real].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_lifted(dtype):
    student, target, teacher = (
        x.to(dtype) if x.is_floating_point() else x for x in output_batch()
    )
    student.requires_grad_()
    found = output_losses(student, target, teacher, ce_weight=1, logits_weight=1)
    slow = slow_output_losses(student.double(), target, teacher.double(), 1.0)
    assert [loss.dtype for loss in found] == 3 * [torch.float32]
    assert [found[1].item(), found[2].item()] == pytest.approx(slow, rel=1e-5)
    found[0].backward()
    assert student.grad.dtype == dtype

    student, teacher, pad = inner_batch(hidden_loss)
    loss = hidden_loss(100 * student.to(dtype), -100 * teacher.to(dtype), pad)
    assert loss.dtype == torch.float32 and loss.isfinite()


def test_unknown_kind_is_refused():
    student, teacher, pad = inner_batch(hidden_loss)
    with pytest.raises(ValueError, match="--inter-loss l1: choose one of mse, l2"):
        hidden_loss(student, teacher, pad, kind="l1")
