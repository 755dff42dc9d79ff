"""Self-attention: the fused kernel and the open one are the same function."""

import math

import pytest
import torch
from torch import Tensor

from fairseq_mlkd.modules.attention import Attention
from fairseq_mlkd.modules.encoder import attention_bias

BSZ, SRC_LEN, DIM, HEADS = 3, 5, 8, 2


@pytest.fixture
def attention() -> Attention:
    return Attention(DIM, HEADS).double()


def padding() -> Tensor:
    return torch.arange(SRC_LEN)[None] >= torch.tensor([5, 3, 0])[:, None]


def random_input() -> Tensor:
    return torch.randn(BSZ, SRC_LEN, DIM, dtype=torch.float64)


def slow_scores(attention: Attention, x: Tensor) -> Tensor:
    q, k = attention.q_proj(x), attention.k_proj(x)
    width = DIM // HEADS
    scores = x.new_empty(BSZ, HEADS, SRC_LEN, SRC_LEN)
    for h in range(HEADS):
        part = slice(h * width, (h + 1) * width)
        for i in range(SRC_LEN):
            for j in range(SRC_LEN):
                dots = (q[:, i, part] * k[:, j, part]).sum(-1)
                scores[:, h, i, j] = dots / math.sqrt(width)
    return scores


def test_scores_are_queries_times_keys_before_masking(attention):
    x = random_input()
    bias = attention_bias(padding(), x.dtype)
    scores = attention(x, bias, return_scores=True).scores
    assert torch.allclose(scores, slow_scores(attention, x), atol=1e-12)
    assert attention(x, bias).scores is None


@pytest.mark.parametrize("padded", [False, True])
def test_open_path_equals_fused_path(attention, padded):
    x = random_input()
    bias = attention_bias(padding() if padded else None, x.dtype)
    results = []
    for return_scores in (False, True):
        attention.zero_grad()
        attended = attention(x, bias, return_scores=return_scores).x
        # the last sentence is all padding: no loss ever comes from there
        attended[:2].square().sum().backward()
        results.append([attended, *(p.grad.clone() for p in attention.parameters())])
    for fused, opened in zip(*results):
        assert torch.allclose(fused, opened, atol=1e-10)


def test_half_precision_trains_on_a_cpu_as_exactly_as_the_fused_kernel(attention):
    attention.float()
    with torch.no_grad():  # scores of a size where bfloat16 has steps of a half
        attention.q_proj.weight *= 100
    x, bias = random_input().float(), attention_bias(padding(), torch.float32)
    exact = attention(x, bias).x
    attention.bfloat16()
    x, bias = x.bfloat16(), bias.bfloat16()
    opened = attention(x, bias).x
    with torch.no_grad():
        fused = attention(x, bias).x
    errors = [(half.float() - exact).abs().mean() for half in (opened, fused)]
    assert errors[0] < 1.2 * errors[1]


@pytest.mark.parametrize("return_scores", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_padding_is_not_attended_to(attention, return_scores, dtype):
    attention.to(dtype)
    x = random_input().to(dtype)
    bias = attention_bias(padding(), dtype)
    before = attention(x, bias, return_scores=return_scores).x
    x[1, 3:] = 100.0
    after = attention(x, bias, return_scores=return_scores).x
    assert torch.equal(before[1, :3], after[1, :3])
    assert before.isfinite().all()


@pytest.mark.parametrize("return_scores", [False, True])
def test_attention_dropout_is_for_training_alone(return_scores):
    attention = Attention(DIM, HEADS, dropout=0.5)
    x = random_input().float()
    run = lambda: attention(x, None, return_scores=return_scores).x  # noqa: E731
    assert not torch.equal(run(), run())
    attention.eval()
    assert torch.equal(run(), run())


def test_heads_must_divide_the_width():
    with pytest.raises(
        ValueError, match="3 attention heads do not divide a width of 8"
    ):
        Attention(DIM, 3)


def test_no_padding_needs_no_bias():
    assert attention_bias(None, torch.float32) is None
