"""Logits that are drawn for the teacher's cache: what they are on average."""

import math

import pytest
import torch
from safetensors.torch import load
from torch import Tensor

from fairseq_mlkd.distillation.losses import output_losses
from fairseq_mlkd.distillation.signals import (
    Sequences,
    SignalCodec,
    draw_classes,
)

CLASSES, KEPT, DRAWS = 30, 6, 20_000


def teacher_logits() -> Tensor:
    """Return a few likely classes and a long tail, `(1, CLASSES)`."""
    return -2 * torch.arange(1.0, CLASSES + 1, dtype=torch.float64).log()[None]


def spread(values: Tensor, classes: Tensor) -> Tensor:
    """Return logits of all classes, minus infinity where none is kept."""
    everything = values.new_full((len(values), CLASSES), -math.inf)
    return everything.scatter(-1, classes, values)


def draw(logits: Tensor, draws: int, temperature: float = 1.0) -> Tensor:
    uniform = torch.rand(draws, 1, dtype=torch.float64)
    rows = logits.expand(draws, -1)
    return spread(*draw_classes(rows, uniform, KEPT, temperature))


def gradients(teacher: Tensor, temperature: float) -> Tensor:
    """Return those of equation 2 by the student's logits, row by row."""
    student = torch.linspace(-1, 1, CLASSES, dtype=torch.float64)
    student = student.expand(len(teacher), -1).clone().requires_grad_()
    target = torch.zeros(len(teacher), dtype=torch.long)
    weights = {"ce_weight": 0.0, "logits_weight": 1.0}
    output_losses(student, target, teacher, temperature=temperature, **weights)[
        0
    ].backward()
    return student.grad


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_mean_gradient_is_that_of_all_logits(temperature):
    teacher = teacher_logits()
    exact = gradients(teacher, temperature)[0]
    found = gradients(draw(teacher, DRAWS, temperature), temperature)
    error = (found.mean(0) - exact).abs()
    standard_error = found.std(0) / DRAWS**0.5
    noise = 4.5 * standard_error + 1e-12
    assert (error <= noise).all()
    largest = gradients(spread(*teacher.topk(KEPT)), temperature)[0]
    assert ((largest - exact).abs() > noise).all()


def test_likely_classes_are_exact_and_the_others_share_alike():
    teacher = teacher_logits()
    probs, found = teacher.softmax(-1)[0], draw(teacher, 500).softmax(-1)
    assert torch.allclose(found.sum(-1), torch.ones(500, dtype=torch.float64))
    assert found.gt(0).sum(-1).eq(KEPT).all()  # none twice
    share = found[found > 0].min()
    sure = probs >= share
    assert 1 <= sure.sum() < KEPT
    assert torch.allclose(found[:, sure], probs[sure].expand(500, -1))
    rest = found[:, ~sure]
    assert torch.allclose(rest[rest > 0], share) and rest.sum(0).gt(0).sum() > KEPT


def test_it_errs_less_than_draws_with_replacement():
    teacher = teacher_logits()
    probs = teacher.softmax(-1)
    counts = torch.multinomial(probs.expand(2000, -1), KEPT, replacement=True)
    replaced = torch.nn.functional.one_hot(counts, CLASSES).double().mean(1)
    errors = [
        (found - probs).square().sum(-1).mean()
        for found in (draw(teacher, 2000).softmax(-1), replaced)
    ]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("size", [1, 3, KEPT])
def test_few_possible_classes_are_kept_as_they_are(size):
    """Such as those of a parse that can follow."""
    teacher = torch.full((1, CLASSES), -math.inf, dtype=torch.float64)
    teacher[0, -size:] = torch.arange(size)
    assert torch.allclose(draw(teacher, 50).softmax(-1), teacher.softmax(-1))


@pytest.mark.parametrize("logit", [0.0, 40.0, 1e4])
def test_a_sure_or_a_clueless_teacher(logit):
    teacher = torch.zeros(1, CLASSES)
    teacher[0, 3] = logit
    found = draw(teacher.double(), 4000).softmax(-1)
    assert torch.allclose(found.mean(0), teacher.double().softmax(-1)[0], atol=0.03)


def test_the_key_alone_decides():
    """Whatever else is in the batch, and whichever head comes first."""
    codec = SignalCodec("float32", 0, 3)
    logits = torch.randn(4, CLASSES)

    def encode(order: list[int], *keys: bytes) -> list[bytes]:
        rows = {0: torch.tensor([0, 1]), 1: torch.tensor([2, 3])}
        labels = {"logits.tags": [rows[i] for i in order]}
        sequences = Sequences({"source": [5, 5], "logits.tags": [2, 2]}, {}, labels)
        return codec.encode({"logits.tags": logits}, sequences, keys)

    first = encode([0, 1], b"a", b"b")
    assert first == encode([1, 0], b"b", b"a")[::-1]
    other = encode([0, 1], b"a", b"c")
    assert first[0] == other[0] and first[1] != other[1]
    kept = load(first[0])
    assert {x.shape for x in kept.values()} == {(2, 3), ()}
    assert "3 drawn of the logits" in codec.describe()
