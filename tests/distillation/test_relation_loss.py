"""MiniLMv2's relations against slow loops, and their laws."""

import pytest
import torch
from slow_losses import slow_relation_loss
from torch import Tensor

from fairseq_mlkd.distillation.losses import relation_loss, valid_cells

HEADS = 4  # of the relations; 2 of the student's attention, 3 of the teacher's
LENGTHS = (5, 3, 1)


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Vectors of widths 8 and 12, and where they are padding."""
    student = torch.randn(3, 2, 5, 4, dtype=torch.float64)
    teacher = torch.randn(3, 3, 5, 4, dtype=torch.float64)
    pad = torch.arange(5)[None] >= torch.tensor(LENGTHS)[:, None]
    return student, teacher, pad


def loss(student: Tensor, teacher: Tensor, pad: Tensor | None, heads=HEADS) -> Tensor:
    """Return it summed over sentences."""
    return relation_loss(student, teacher, pad, heads=heads).sum()


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_it_matches_the_formula(heads):
    student, teacher, pad = batch()
    expected = sum(slow_relation_loss(student, teacher, pad, heads))
    assert loss(student, teacher, pad, heads).item() == pytest.approx(
        expected, rel=1e-12
    )


def test_no_mask_means_no_padding():
    student, teacher, pad = batch()
    found = [loss(student, teacher, x) for x in (None, torch.zeros_like(pad))]
    assert torch.allclose(*found, rtol=1e-12)


def test_a_batch_is_its_sentences():
    student, teacher, pad = batch()
    losses = [
        loss(student[[i], :, :n], teacher[[i], :, :n], None)
        for i, n in enumerate(LENGTHS)
    ]
    assert torch.allclose(loss(student, teacher, pad), sum(losses), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 1e3, -50.0])
def test_further_padding_keeps_it(value):
    student, teacher, pad = batch()
    longer = [
        torch.nn.functional.pad(x, (0, 0, 0, 3), value=value) for x in batch()[:2]
    ]
    for x, y in zip(longer, (student, teacher)):
        x[:, :, :5] = y
    mask = torch.nn.functional.pad(pad, (0, 3), value=True)
    before, after = loss(student, teacher, pad), loss(*longer, mask)
    assert before > 0 and torch.allclose(after, before, rtol=1e-12)
    unmasked = loss(*longer, None)
    assert not torch.allclose(unmasked, before, rtol=1e-3)


def test_equal_vectors_give_zero_however_they_are_cut():
    _, teacher, pad = batch()
    student = teacher.transpose(1, 2).reshape(3, 5, 6, 2).transpose(1, 2)
    student = student.clone().requires_grad_()
    value = loss(student, teacher, pad)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-14)
    assert student.grad.abs().max() < 1e-14


def test_it_forgets_rotations():
    """Products of vectors are all that it sees."""
    student, teacher, pad = batch()
    turn, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
    before, after = (
        loss(student, teacher, pad, 2),
        loss(student @ turn, teacher, pad, 2),
    )
    assert torch.allclose(before, after, rtol=1e-12)


def test_gradcheck_and_no_gradient_for_the_teacher():
    student, teacher, pad = batch()
    student.requires_grad_(), teacher.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, teacher, pad), student)
    loss(student, teacher, pad).backward()
    assert teacher.grad is None
    padding = pad[:, None, :, None].expand_as(student.grad)
    assert not student.grad[padding].any() and student.grad[~padding].any()


def test_a_batch_of_padding_alone_gives_zero():
    student, teacher, pad = batch()
    student.requires_grad_()
    value = loss(student, teacher, torch.ones_like(pad))
    value.backward()
    assert value.item() == 0 and not student.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_lifted(dtype):
    student, teacher, pad = batch()
    own, taught = student.to(dtype), teacher.to(dtype)
    value = loss(own, taught, pad)
    expected = sum(slow_relation_loss(own.double(), taught.double(), pad, HEADS))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(expected, rel=1e-5)
    # products that half precision cannot hold
    assert loss(300 * own, -300 * taught, pad).isfinite()


# --- the cells of attention


def test_cells_of_self_attention_that_cannot_look_ahead():
    pad = torch.tensor([[False, False, True]])
    cells = valid_cells(pad, pad, causal=True)
    assert cells.int().tolist() == [[[1, 0, 0], [1, 1, 0], [0, 0, 0]]]


def test_cells_of_attention_to_a_source():
    target = torch.tensor([[False, True], [False, False]])
    source = torch.tensor([[False, False, False], [False, True, True]])
    cells = valid_cells(target, source)
    assert cells.int().tolist() == [
        [[1, 1, 1], [0, 0, 0]],
        [[1, 0, 0], [1, 0, 0]],
    ]


def test_cells_without_masks():
    source = torch.tensor([[False, True]])
    assert valid_cells(None, None) is None
    assert valid_cells(None, source).tolist() == [[[True, False]]]
    queries = valid_cells(source, None)
    assert queries.expand(1, 2, 3).int().tolist() == [[[1, 1, 1], [0, 0, 0]]]
