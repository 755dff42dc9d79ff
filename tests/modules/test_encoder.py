"""The encoder: what it hands out, and that padding changes nothing."""

import pytest
import torch

from fairseq_mlkd.modules.encoder import Embeddings, Encoder, EncoderLayer
from fairseq_mlkd.modules.heads import MaskedLMHead
from fairseq_mlkd.modules.states import Request

VOCAB, DIM, PAD, LAYERS, HEADS = 20, 8, 1, 3, 2


def make_encoder(num_segments: int = 0, dropout: float = 0.0) -> Encoder:
    embeddings = Embeddings(
        VOCAB,
        DIM,
        padding_idx=PAD,
        max_positions=16,
        num_segments=num_segments,
        dropout=dropout,
        layer_norm_eps=1e-12,
    )
    layers = [
        EncoderLayer(
            DIM,
            16,
            HEADS,
            dropout=dropout,
            attention_dropout=dropout,
            layer_norm_eps=1e-12,
        )
        for _ in range(LAYERS)
    ]
    return Encoder(embeddings, layers).double()


def batch(*lengths: int, src_len: int = 6) -> torch.Tensor:
    src_tokens = torch.randint(4, VOCAB, (len(lengths), src_len))
    for row, length in zip(src_tokens, lengths):
        row[length:] = PAD
    return src_tokens


EVERYTHING = Request(range(LAYERS + 1), range(LAYERS))


def test_states_are_those_that_were_asked_for():
    encoder, src_tokens = make_encoder(), batch(6, 4)
    out = encoder(src_tokens, request=Request([0, 2], [1]))
    hidden, scores, vectors = out.states.values()
    assert list(hidden) == [0, 2] and list(scores) == [1] and vectors == {}
    assert scores[1].shape == (2, HEADS, 6, 6)
    assert torch.equal(out.padding_mask, src_tokens == PAD)
    assert not any(encoder(src_tokens).states.values())


def test_first_hidden_state_is_the_embeddings_and_last_the_features():
    encoder, src_tokens = make_encoder(), batch(6, 4)
    out = encoder(src_tokens, request=EVERYTHING)
    assert torch.equal(
        out.states["hidden_states"][0], encoder.embeddings(src_tokens)[0]
    )
    assert torch.equal(out.states["hidden_states"][LAYERS], out.features)
    x = out.states["hidden_states"][0]
    assert not torch.equal(x, out.states["hidden_states"][1])


def test_states_do_not_change_the_features():
    encoder, src_tokens = make_encoder(), batch(6, 4)
    out = encoder(src_tokens, request=EVERYTHING)
    assert torch.allclose(out.features, encoder(src_tokens).features, atol=1e-10)


def test_padding_changes_no_real_position():
    encoder, src_tokens = make_encoder(), batch(6, 4)
    alone = encoder(src_tokens[1:, :4], request=EVERYTHING)
    padded = encoder(src_tokens, request=EVERYTHING)
    assert alone.padding_mask is None
    assert torch.allclose(alone.features[0], padded.features[1, :4], atol=1e-10)
    for i in range(LAYERS):
        scores = padded.states["attention_scores"][i][1, :, :4, :4]
        assert torch.allclose(
            alone.states["attention_scores"][i][0], scores, atol=1e-10
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_sentence_of_padding_alone_is_finite(dtype):
    encoder = make_encoder().to(dtype)
    out = encoder(batch(6, 0), request=EVERYTHING)
    out.features.sum().backward()
    assert out.features.isfinite().all()
    assert all(
        scores.isfinite().all() for scores in out.states["attention_scores"].values()
    )
    assert all(p.grad.isfinite().all() for p in encoder.layers.parameters())


def test_embeddings_are_summed():
    embeddings, src_tokens = (
        make_encoder(num_segments=2).embeddings,
        batch(3, src_len=3),
    )
    segments = torch.tensor([[0, 1, 1]])
    summed = [
        embeddings.tokens.weight[token]
        + embeddings.positions.weight[i]
        + embeddings.segments.weight[segments[0, i]]
        for i, token in enumerate(src_tokens[0])
    ]
    expected = embeddings.layer_norm(torch.stack(summed))
    x, _ = embeddings(src_tokens, segments)
    assert torch.allclose(x[0], expected)
    zeros, _ = embeddings(src_tokens, torch.zeros_like(src_tokens))
    assert torch.equal(embeddings(src_tokens)[0], zeros)


def test_segments_are_ignored_where_there_are_none():
    embeddings, src_tokens = make_encoder().embeddings, batch(3, src_len=3)
    segments = torch.ones_like(src_tokens)
    x, _ = embeddings(src_tokens, segments)
    assert torch.equal(x, embeddings(src_tokens)[0])


def test_layer_is_post_norm_with_gelu():
    layer = make_encoder().layers[0]
    x = torch.randn(1, 4, DIM, dtype=torch.float64)
    attended = layer.self_attn(x, None).x
    middle = layer.self_attn_layer_norm(x + attended)
    gelu = 0.5 * layer.fc1(middle) * (1 + torch.erf(layer.fc1(middle) / 2**0.5))
    expected = layer.final_layer_norm(middle + layer.fc2(gelu))
    assert torch.allclose(layer(x, None).x, expected, atol=1e-12)


def test_masked_lm_head_projects_with_the_token_embeddings():
    encoder = make_encoder()
    head = MaskedLMHead(VOCAB, DIM, layer_norm_eps=1e-12).double()
    head.bias.data.normal_()
    features = torch.randn(2, 3, DIM, dtype=torch.float64)
    logits = head(features, encoder(batch(6, 4)).output_layer)
    top = head.layer_norm(torch.nn.functional.gelu(head.dense(features)))
    expected = top @ encoder.embeddings.tokens.weight.t() + head.bias
    assert torch.allclose(logits, expected, atol=1e-12)
