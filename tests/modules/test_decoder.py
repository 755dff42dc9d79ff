"""The decoder: blind to the future, the same step by step, and what it hands out."""

import math

import pytest
import torch
from torch import Tensor

from fairseq_mlkd.modules.decoder import (
    Decoder,
    DecoderEmbeddings,
    DecoderLayer,
    causal_bias,
    reorder_memory,
)
from fairseq_mlkd.modules.encoder import attention_bias
from fairseq_mlkd.modules.pointer import IMPOSSIBLE, PointerHead
from fairseq_mlkd.modules.states import Request

VOCAB, DIM, PAD, LAYERS, HEADS, BSZ, SRC_LEN, TGT_LEN = 20, 8, 1, 3, 2, 3, 5, 6


@pytest.fixture
def decoder() -> Decoder:
    embeddings = DecoderEmbeddings(
        VOCAB, DIM, padding_idx=PAD, max_positions=9, dropout=0.0, layer_norm_eps=1e-12
    )
    layers = [
        DecoderLayer(
            DIM,
            16,
            HEADS,
            dropout=0.0,
            attention_dropout=0.0,
            layer_norm_eps=1e-12,
        )
        for _ in range(LAYERS)
    ]
    return Decoder(embeddings, layers).double()


@pytest.fixture
def source() -> Tensor:
    return torch.randn(BSZ, SRC_LEN, DIM, dtype=torch.float64)


@pytest.fixture
def tokens() -> Tensor:
    return torch.randint(4, VOCAB, (BSZ, TGT_LEN))


def source_bias() -> Tensor:
    padding = torch.arange(SRC_LEN)[None] >= torch.tensor([5, 3, 4])[:, None]
    return attention_bias(padding, torch.float64)


def run(decoder: Decoder, tokens: Tensor, source: Tensor) -> Tensor:
    return decoder(tokens, decoder.remember(source), source_bias()).features


def test_no_position_sees_a_later_one(decoder, source, tokens):
    before = run(decoder, tokens, source)
    changed = tokens.clone()
    changed[:, 3] = (tokens[:, 3] + 1).clamp(max=VOCAB - 1)
    changed[:, 3] = torch.where(changed[:, 3] == tokens[:, 3], 4, changed[:, 3])
    after = run(decoder, changed, source)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.isclose(before[:, 3:], after[:, 3:]).all(dim=-1).any()


@pytest.mark.parametrize("pieces", [[1] * TGT_LEN, [2, 1, 3], [TGT_LEN]])
def test_piece_by_piece_equals_all_at_once(decoder, source, tokens, pieces):
    expected = run(decoder, tokens, source)
    memory, found = decoder.remember(source), []
    for part in tokens.split(pieces, dim=1):
        out = decoder(part, memory, source_bias())
        memory = out.memory
        found.append(out.features)
    assert torch.allclose(torch.cat(found, dim=1), expected, atol=1e-12)


def test_memory_follows_a_new_order(decoder, source, tokens):
    order = torch.tensor([2, 2, 0, 1])
    first = decoder(tokens[:, :3], decoder.remember(source), source_bias())
    memory = reorder_memory(first.memory, order)
    bias = source_bias()[order]
    found = decoder(tokens[order][:, 3:], memory, bias).features
    assert torch.allclose(found, run(decoder, tokens, source)[order][:, 3:])


def test_padding_of_source_and_target_changes_nothing(decoder, source, tokens):
    before = run(decoder, tokens, source)
    source[1, 3:] = 100.0
    source[2, 4:] = 100.0
    padded = torch.cat([tokens, torch.full((BSZ, 2), PAD)], dim=1)
    after = run(decoder, padded, source)
    assert torch.allclose(before, after[:, :TGT_LEN], atol=1e-12)
    assert after.isfinite().all()


def test_states_are_those_that_were_asked_for(decoder, source, tokens):
    memory = decoder.remember(source)
    out = decoder(
        tokens,
        memory,
        source_bias(),
        Request(
            decoder_hidden_states=[0, LAYERS],
            decoder_attention_scores=[1],
            cross_attention_scores=[0, 2],
        ),
    )
    hidden, scores, vectors, cross_scores, cross_vectors = out.states.values()
    assert list(hidden) == [0, LAYERS]
    assert torch.equal(hidden[LAYERS], out.features)
    assert torch.equal(hidden[0], decoder.embeddings(tokens, 0))
    assert list(scores) == [1]
    assert scores[1].shape == (BSZ, HEADS, TGT_LEN, TGT_LEN)
    assert list(cross_scores) == [0, 2]
    assert cross_scores[2].shape == (BSZ, HEADS, TGT_LEN, SRC_LEN)
    plain = decoder(tokens, memory, source_bias())
    assert torch.allclose(plain.features, out.features, atol=1e-12)
    assert not vectors and not cross_vectors and not any(plain.states.values())


def test_causal_bias():
    like = torch.zeros(1, dtype=torch.float16)
    assert causal_bias(1, 3, like) is None
    bias = causal_bias(2, 1, like)
    assert bias.dtype == torch.float16 and bias.isfinite().all()
    assert bias.eq(0).tolist() == [[True, True, False], [True, True, True]]


# --- pointers


def test_pointer_scores_are_queries_times_keys_of_first_subwords(source):
    head = PointerHead(DIM).double()
    starts = torch.tensor([[1, 3, 4], [2, -1, 1], [1, -1, -1]])
    x = torch.randn(BSZ, TGT_LEN, DIM, dtype=torch.float64)
    scores = head(x, head.keys(source, starts), starts)
    assert scores.shape == (BSZ, TGT_LEN, 3)
    for b in range(BSZ):
        for t in range(TGT_LEN):
            for i, start in enumerate(starts[b].tolist()):
                dot = head.q_proj(x[b, t]) @ head.k_proj(source[b, start])
                expected = IMPOSSIBLE if start < 0 else dot.item() / math.sqrt(DIM)
                assert scores[b, t, i].item() == pytest.approx(expected, abs=1e-12)


def test_no_words_at_all(source):
    head = PointerHead(DIM).double()
    starts = torch.zeros(BSZ, 0, dtype=torch.long)
    assert head(source, head.keys(source, starts), starts).shape == (BSZ, SRC_LEN, 0)
