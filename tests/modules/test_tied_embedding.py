"""Tied embeddings: the gradients of plain autograd, in memory that is used again."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fairseq_mlkd.modules.tied_embedding import OutputLayer, TiedEmbedding

VOCAB, DIM, PAD = 11, 4, 1
IDS = torch.tensor([[2, 3, 3, 5], [3, 7, PAD, PAD]])

# What a pass may compute of looked-up rows and the output layer
Use = Callable[[Tensor, OutputLayer, Tensor], Tensor]


def mark(shape: tuple[int, ...], seed: int) -> Tensor:
    """Multiply by fixed factors, so that each entry has a gradient of its own."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def both_uses(rows: Tensor, output_layer: OutputLayer, bias: Tensor) -> Tensor:
    logits = output_layer(torch.tanh(rows), bias)
    return (logits * mark(logits.shape, 0)).sum()


def look_up_alone(rows: Tensor, output_layer: OutputLayer, bias: Tensor) -> Tensor:
    return (rows.sin() * mark(rows.shape, 1)).sum() + bias.sum()


def projection_alone(rows: Tensor, output_layer: OutputLayer, bias: Tensor) -> Tensor:
    logits = output_layer(mark((3, DIM), 2), bias)
    return (logits.sin() * mark(logits.shape, 3)).sum()


def any_shape(rows: Tensor, output_layer: OutputLayer, bias: Tensor) -> Tensor:
    whole, flat = output_layer(rows.cos(), bias), output_layer(rows[0, 0], bias)
    assert whole.shape == (*IDS.shape, VOCAB) and flat.shape == (VOCAB,)
    return (whole.sin() * mark(whole.shape, 4)).sum()


def two_projections(rows: Tensor, output_layer: OutputLayer, bias: Tensor) -> Tensor:
    first = (output_layer(rows.cos(), bias).sin() * mark((*IDS.shape, VOCAB), 5)).sum()
    return first + both_uses(rows, output_layer, bias)


USES: list[Use] = [
    both_uses,
    look_up_alone,
    projection_alone,
    any_shape,
    two_projections,
]


def make_embedding() -> TiedEmbedding:
    torch.manual_seed(0)
    return TiedEmbedding(VOCAB, DIM, PAD).double()


def make_bias() -> Tensor:
    return mark((VOCAB,), 6).requires_grad_()


def loss_of(embedding: TiedEmbedding, use: Use = both_uses) -> Tensor:
    return use(*embedding.look_up(IDS), torch.zeros(VOCAB, dtype=torch.float64))


def plain_gradient(embedding: TiedEmbedding, *uses: Use) -> Tensor:
    """Autograd's, of the sum of the uses, each a pass of its own."""
    weight = embedding.weight.detach().clone().requires_grad_()
    plain_loss(weight, torch.zeros(VOCAB, dtype=torch.float64), *uses).backward()
    return weight.grad


def plain_loss(weight: Tensor, bias: Tensor, *uses: Use) -> Tensor:
    return sum(
        use(F.embedding(IDS, weight, PAD), lambda x, b: F.linear(x, weight, b), bias)
        for use in uses
    )


@pytest.mark.parametrize("use", USES)
def test_values_and_gradients_are_those_of_plain_autograd(use):
    embedding, ours, theirs = make_embedding(), make_bias(), make_bias()
    weight = embedding.weight.detach().clone().requires_grad_()
    expected = plain_loss(weight, theirs, use)
    loss = use(*embedding.look_up(IDS), ours)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    loss.backward()
    expected.backward()
    assert weight.grad.any()
    assert torch.allclose(embedding.weight.grad, weight.grad, rtol=0, atol=1e-12)
    assert torch.allclose(ours.grad, theirs.grad, rtol=0, atol=1e-12)


def test_gradient_reaches_the_features():
    embedding, bias = make_embedding(), make_bias()
    weight = embedding.weight.detach()
    x = mark((2, 3, DIM), 7).requires_grad_()
    _, output_layer = embedding.look_up(IDS)
    (ours,) = torch.autograd.grad(output_layer(x, bias).sin().sum(), x)
    (theirs,) = torch.autograd.grad(F.linear(x, weight, bias).sin().sum(), x)
    assert ours.shape == x.shape and torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_look_up_gives_padding_no_gradient_and_sums_an_ids_places():
    embedding = make_embedding()
    plain = nn.Embedding(VOCAB, DIM, PAD, _weight=embedding.weight.detach().clone())
    rows, _ = embedding.look_up(IDS)
    assert torch.equal(rows, plain(IDS))
    rows.sum().backward()
    plain(IDS).sum().backward()
    assert torch.equal(embedding.weight.grad, plain.weight.grad)
    assert not embedding.weight.grad[PAD].any()
    assert embedding.weight.grad[3].tolist() == [3.0] * DIM


def test_gradients_of_several_backward_passes_add_up():
    embedding = make_embedding()
    uses = [both_uses, two_projections, look_up_alone, both_uses]
    for i, use in enumerate(uses):
        loss_of(embedding, use).backward()
        expected = plain_gradient(embedding, *uses[: i + 1])
        assert torch.allclose(embedding.weight.grad, expected, rtol=0, atol=1e-12)


def test_several_passes_before_one_backward_add_up():
    embedding = make_embedding()
    (loss_of(embedding, both_uses) + loss_of(embedding, two_projections)).backward()
    expected = plain_gradient(embedding, both_uses, two_projections)
    assert torch.allclose(embedding.weight.grad, expected, rtol=0, atol=1e-12)


@pytest.mark.skipif(
    not hasattr(torch._C, "_storage_Use_Count"),
    reason="torch before 2.1 does not tell whether memory is in use",
)
def test_next_step_uses_the_memory_again():
    embedding, places = make_embedding(), set()
    for use in (both_uses, projection_alone, both_uses):
        embedding.weight.grad = None
        loss_of(embedding, use).backward()
        places.add(embedding.weight.grad.data_ptr())
        expected = plain_gradient(embedding, use)
        assert torch.allclose(embedding.weight.grad, expected, rtol=0, atol=1e-12)
    assert len(places) == 1


def test_gradients_that_someone_holds_stay_as_they_are():
    embedding = make_embedding()
    (asked_for,) = torch.autograd.grad(loss_of(embedding), [embedding.weight])
    loss_of(embedding, projection_alone).backward()
    taken, embedding.weight.grad = embedding.weight.grad, None
    view = taken[2:]
    del taken
    loss_of(embedding, two_projections).backward()
    for held, use in ((asked_for, both_uses), (view, projection_alone)):
        expected = plain_gradient(embedding, use)[-len(held) :]
        assert torch.allclose(held, expected, rtol=0, atol=1e-12)


def test_memory_fits_the_matrix_after_it_changed():
    embedding = make_embedding()
    loss_of(embedding).backward()
    embedding.weight = nn.Parameter(mark((VOCAB, DIM + 1), 8))
    loss_of(embedding).backward()
    expected = plain_gradient(embedding, both_uses)
    assert torch.allclose(embedding.weight.grad, expected, rtol=0, atol=1e-12)


def test_frozen_matrix_gets_no_gradient():
    embedding, bias = make_embedding(), make_bias()
    expected = both_uses(*embedding.look_up(IDS), bias)
    embedding.weight.requires_grad_(False)
    loss = both_uses(*embedding.look_up(IDS), bias)
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    assert embedding.weight.grad is None and bias.grad.any()
    assert embedding.memory.buffer is None


def test_without_autograd_the_values_are_the_same():
    embedding = make_embedding()
    expected = loss_of(embedding)
    with torch.no_grad():
        loss = loss_of(embedding)
    assert not loss.requires_grad
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)


def test_copies_have_no_memory_in_common():
    embedding = make_embedding()
    loss_of(embedding).backward()
    twin = copy.deepcopy(embedding)
    assert twin.memory is not embedding.memory and twin.memory.buffer is None
    assert list(twin.state_dict()) == ["weight"]
    twin.weight.grad = None
    loss_of(twin, projection_alone).backward()
    for module, use in ((embedding, both_uses), (twin, projection_alone)):
        expected = plain_gradient(module, use)
        assert torch.allclose(module.weight.grad, expected, rtol=0, atol=1e-12)


def test_bfloat16_is_near_double():
    embedding = make_embedding()
    expected = plain_gradient(embedding, both_uses)
    loss_of(embedding).backward()  # leaves memory of another type
    embedding.weight.grad = None
    embedding.weight.data = embedding.weight.data.bfloat16()
    rows, output_layer = embedding.look_up(IDS)
    logits = output_layer(torch.tanh(rows), torch.zeros(VOCAB, dtype=torch.bfloat16))
    (logits * mark(logits.shape, 0).bfloat16()).sum().backward()
    assert logits.dtype == embedding.weight.grad.dtype == torch.bfloat16
    scale = expected.abs().max().item()
    assert torch.allclose(embedding.weight.grad.double(), expected, atol=0.03 * scale)
