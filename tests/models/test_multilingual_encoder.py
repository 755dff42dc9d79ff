"""The registered model: Table 1's sizes, heads, and what forward hands out."""

import argparse

import pytest
import torch
import torch.nn.functional as F
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY
from tiny import STUDENT, WORDS, build_model, make_dictionary, mlm_task, write_mlm_data
from torch import nn

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.models.multilingual_encoder import (
    MultilingualEncoderConfig,
    MultilingualEncoderModel,
)
from fairseq_mlkd.modules.states import Request
from fairseq_mlkd.tasks.multilingual_mlm import MultilingualMLMTask

TABLE_1 = {"mbert8_large": 302e6, "mbert8": 85e6, "mbert": 85e6, "lean_bert": 17e6}
VOCABULARY = 120_000


@pytest.fixture
def task(tmp_path) -> MultilingualMLMTask:
    return mlm_task(write_mlm_data(tmp_path))


@pytest.fixture
def model(task) -> MultilingualEncoderModel:
    return build_model(task).double()


def arch_config(arch: str) -> MultilingualEncoderConfig:
    args = argparse.Namespace()
    ARCH_CONFIG_REGISTRY[arch](args)
    return MultilingualEncoderConfig(**vars(args))


class LargeDictionary(Dictionary):
    """Says how large it is, without the symbols."""

    def __len__(self) -> int:
        return VOCABULARY


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.skipif(
    torch.__version__ < "2",
    reason="torch before 2.0 cannot build a model without its memory",
)
@pytest.mark.parametrize("arch", TABLE_1)
def test_parameters_without_embeddings_are_those_of_table_1(arch):
    with torch.device("meta"):
        model = MultilingualEncoderModel(arch_config(arch), LargeDictionary())
    assert count(model.encoder.layers) == pytest.approx(TABLE_1[arch], rel=0.01)
    assert model.encoder.embeddings.tokens.weight.shape[0] == VOCABULARY
    total = sum(map(count, (model.encoder.layers, model.encoder.embeddings)))
    assert total == count(model.encoder)


@pytest.mark.parametrize(
    "arch, shape",
    [
        ("mbert8_large", (24, 1024, 4096, 16, 0)),
        ("mbert8", (12, 768, 3072, 12, 0)),
        ("mbert", (12, 768, 3072, 12, 2)),
        ("lean_bert", (4, 768, 1200, 12, 0)),
    ],
)
def test_shapes_are_those_of_table_1(arch, shape):
    cfg = arch_config(arch)
    assert shape == (
        cfg.encoder_layers,
        cfg.encoder_embed_dim,
        cfg.encoder_ffn_embed_dim,
        cfg.encoder_attention_heads,
        cfg.num_segments,
    )


def test_an_option_overrides_the_architecture():
    args = argparse.Namespace(encoder_layers=7)
    ARCH_CONFIG_REGISTRY["lean_bert"](args)
    assert args.encoder_layers == 7 and args.encoder_ffn_embed_dim == 1200


def batch() -> torch.Tensor:
    pad, bos = make_dictionary().pad(), make_dictionary().bos()
    src_tokens = torch.randint(4, WORDS, (3, 7))
    src_tokens[:, 0] = bos
    src_tokens[1, 4:] = pad
    return src_tokens


def test_masked_positions_alone_equal_the_full_projection(model):
    src_tokens = batch()
    masked = torch.zeros_like(src_tokens, dtype=torch.bool)
    masked[0, 2] = masked[1, 3] = masked[2, 1] = True
    full, _ = model(src_tokens)
    part, _ = model(src_tokens, masked_tokens=masked)
    assert part.shape == (3, WORDS + 5)
    assert torch.allclose(part, full[masked], atol=1e-12)


def test_asking_for_scores_changes_neither_logits_nor_gradients(model):
    model.float()
    src_tokens, results = batch(), []
    for layers in ((), range(STUDENT["layers"])):
        model.zero_grad()
        logits, extra = model(src_tokens, request=Request(attention_scores=layers))
        assert list(extra["attention_scores"]) == list(layers)
        logits.logsumexp(-1).sum().backward()
        gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        results.append([logits, *gradients])
    for fused, opened in zip(*results):
        assert torch.allclose(fused, opened, atol=1e-5)


def test_padding_changes_no_logits(model):
    src_tokens = batch()
    padded, _ = model(src_tokens)
    alone, _ = model(src_tokens[1:2, :4])
    assert torch.allclose(padded[1, :4], alone[0], atol=1e-10)


def test_features_only_does_without_the_head(model):
    model.remove_lm_head()
    features, extra = model(batch(), features_only=True, request=Request([2]))
    assert torch.equal(features, extra["hidden_states"][2])


@pytest.mark.parametrize("pooled", [False, True])
def test_heads_read_the_positions_that_they_are_given(model, pooled):
    model.add_head("labels", 4, pooled=pooled)
    model.double()
    tokens = batch()
    positions = torch.tensor([tokens.size(1), 2, 0])
    logits, _ = model(tokens, heads={"labels": positions})
    features, _ = model(tokens, features_only=True)
    x = torch.stack([features[1, 0], features[0, 2], features[0, 0]])
    head = model.classification_heads["labels"]
    if pooled:
        x = torch.tanh(x @ head.dense.weight.T + head.dense.bias)
    expected = x @ head.out_proj.weight.T + head.out_proj.bias
    assert set(logits) == {"labels"} and logits["labels"].shape == (3, 4)
    assert torch.allclose(logits["labels"], expected)


def test_normalized_probs(model):
    logits, _ = model.double()(batch())
    probs = model.get_normalized_probs((logits, {}), log_probs=False)
    lprobs = model.get_normalized_probs((logits, {}), log_probs=True)
    ones = torch.ones(logits.shape[:2])
    assert torch.allclose(probs.sum(-1), ones) and probs.dtype == torch.float32
    assert torch.allclose(lprobs.exp(), probs)


def test_embeddings_and_head_share_their_matrix(model):
    matrix = model.encoder.embeddings.tokens.weight
    shaped = [k for k, v in model.state_dict().items() if v.shape == matrix.shape]
    assert shaped == ["encoder.embeddings.tokens.weight"]
    assert not matrix[make_dictionary().pad()].any()
    src_tokens, unused = batch(), WORDS + 1
    before, _ = model(src_tokens)
    matrix.data[unused] = torch.randn_like(matrix[unused])
    after, _ = model(src_tokens)
    changed = ~torch.isclose(before, after, rtol=0, atol=1e-9).flatten(0, 1)
    assert changed[:, unused].all() and changed.sum() == len(changed)


def test_gradient_of_the_matrix_is_the_sum_of_both_uses(model):
    matrix, src_tokens = model.encoder.embeddings.tokens.weight, batch()
    model(src_tokens)[0].logsumexp(-1).sum().backward()
    both = matrix.grad.clone()

    features, _ = model(src_tokens, features_only=True)
    output = matrix.detach().clone().requires_grad_()
    logits = model.lm_head(features, lambda x, bias: F.linear(x, output, bias))
    loss = logits.logsumexp(-1).sum()
    as_input, as_output = torch.autograd.grad(loss, [matrix, output])
    assert as_input.any() and as_output.any()
    assert torch.allclose(both, as_input + as_output, atol=1e-10)


WIDE = {"layers": 1, "embed_dim": 64, "ffn_embed_dim": 64, "attention_heads": 4}


@pytest.mark.parametrize("std", [None, 0.02, 0.3])
def test_weights_are_drawn_with_the_configured_deviation(task, std):
    model = build_model(task, WIDE, **({} if std is None else {"init_std": std}))
    model.add_head("labels", 200, pooled=True)
    drawn = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Embedding))]
    assert len(drawn) == 2 + 4 + 2 + 1 + 2
    for module in drawn:
        weight = module.weight.detach()
        if getattr(module, "padding_idx", None) is not None:
            assert not weight[module.padding_idx].any()
            weight = weight[torch.arange(len(weight)) != module.padding_idx]
        assert weight.std().item() == pytest.approx(std or 0.02, rel=0.1)
        assert abs(weight.mean().item()) < 0.1 * (std or 0.02)
        assert not isinstance(module, nn.Linear) or not module.bias.any()


def test_positions_begin_as_sinusoids(task):
    model = build_model(task, WIDE, sinusoidal_start=True, init_std=0.05)
    positions = model.encoder.embeddings.positions.weight.detach()
    assert positions.size(1) == 64
    assert positions.square().mean().sqrt() == pytest.approx(0.05)
    products = positions @ positions.T  # of two positions: by their distance alone
    for distance in (0, 1, 7):
        along = products.diagonal(distance)
        assert torch.allclose(along, along[0].expand_as(along), rtol=1e-3)
    assert products[0, 0] > products[0, 1] > products[0, 2]


def test_bad_number_of_heads_is_one_line(task):
    with pytest.raises(UserError) as error:
        build_model(task, {**STUDENT, "attention_heads": 3})
    assert "3 attention heads do not divide a width of 8" in str(error.value)


def test_one_segment_is_refused():
    cfg = MultilingualEncoderConfig(num_segments=1)
    with pytest.raises(ValueError, match="--num-segments 1 tells no segments apart"):
        MultilingualEncoderModel(cfg, Dictionary())
