"""Names, rows and segments of foreign encoders."""

import pytest
import torch

from fairseq_mlkd.convert.naming import (
    FAIRSEQ_NAMES,
    HUGGINGFACE_NAMES,
    EmbeddingOrder,
    convert,
    rename,
)

TOKENS = "encoder.embeddings.tokens.weight"
POSITIONS = "encoder.embeddings.positions.weight"
SEGMENTS = "encoder.embeddings.segments.weight"
IN_ORDER = EmbeddingOrder(range(5), 0, True)


def tensors(**extra):
    found = {
        "embeddings.word_embeddings.weight": torch.arange(10.0).view(5, 2),
        "embeddings.position_embeddings.weight": torch.arange(8.0).view(4, 2),
        "embeddings.token_type_embeddings.weight": torch.tensor([[0.5, 1], [7, 7]]),
    }
    return {**found, **extra}


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ("bert.embeddings.LayerNorm.gamma", "encoder.embeddings.layer_norm.weight"),
        ("embeddings.LayerNorm.beta", "encoder.embeddings.layer_norm.bias"),
        (
            "roberta.encoder.layer.11.attention.self.key.bias",
            "encoder.layers.11.self_attn.k_proj.bias",
        ),
        ("encoder.layer.0.output.dense.weight", "encoder.layers.0.fc2.weight"),
        ("cls.predictions.bias", "lm_head.bias"),
        ("cls.predictions.transform.LayerNorm.gamma", "lm_head.layer_norm.weight"),
        ("lm_head.decoder.weight", "lm_head.weight"),
    ],
)
def test_names_of_transformers(theirs, ours):
    weights, left_out, clash = rename({theirs: torch.ones(2)}, HUGGINGFACE_NAMES)
    assert list(weights) == [ours] and left_out == [] and not clash


def test_joint_projections_of_old_fairseq_are_parted():
    name = "decoder.sentence_encoder.layers.3.self_attn.in_proj_"
    joint = {f"{name}weight": torch.arange(12.0).view(6, 2)}
    joint[f"{name}bias"] = torch.ones(6)
    weights, _, _ = rename(joint, FAIRSEQ_NAMES)
    prefix = "encoder.layers.3.self_attn"
    kinds = [f"{x}_proj.{kind}" for kind in ("weight", "bias") for x in "qkv"]
    assert list(weights) == [f"{prefix}.{kind}" for kind in kinds]
    assert weights[f"{prefix}.k_proj.weight"].tolist() == [[4, 5], [6, 7]]


@pytest.mark.parametrize("kind", ["weight", "bias"])
def test_parameters_of_the_fast_path_are_left_out(kind):
    layer = "encoder.sentence_encoder.layers.1"
    copies = [f"{layer}.{x}_{kind}" for x in ("in_proj", "out_proj", "fc1", "fc2")]
    tensors = dict.fromkeys(copies, torch.ones(6, 2))
    tensors[f"{layer}.fc1.{kind}"] = torch.ones(2, 2)
    weights, left_out, _ = rename(tensors, FAIRSEQ_NAMES)
    assert list(weights) == [f"encoder.layers.1.fc1.{kind}"]
    assert left_out == copies


def test_rows_are_reordered_and_counted():
    head = {"cls.predictions.bias": torch.arange(5.0)}
    head["cls.predictions.transform.dense.weight"] = torch.ones(2, 2)
    order = EmbeddingOrder([3, 0, 1, 4], 0, True)
    weights, left_out, reason, unused_rows = convert(
        tensors(**head), HUGGINGFACE_NAMES, order
    )
    assert weights[TOKENS].tolist() == [[6, 7], [0, 1], [2, 3], [8, 9]]
    assert weights["lm_head.bias"].tolist() == [3, 0, 1, 4]
    assert (left_out, reason, unused_rows) == ([], "", 1)


def test_weights_stay_in_the_order_of_the_source():
    """So that one import writes the same bytes as the next."""
    layers = [f"encoder.layer.{i}.output.dense.bias" for i in range(20)]
    source = tensors(**dict.fromkeys(layers, torch.ones(2)))
    weights = convert(source, HUGGINGFACE_NAMES, IN_ORDER).weights
    ours = [f"encoder.layers.{i}.fc2.bias" for i in range(20)]
    assert list(weights) == [TOKENS, POSITIONS, SEGMENTS, *ours]


def test_positions_begin_at_the_first_token_and_take_up_segment_0():
    order = EmbeddingOrder(range(5), 2, False)
    weights = convert(tensors(), HUGGINGFACE_NAMES, order).weights
    assert weights[POSITIONS].tolist() == [[4.5, 6], [6.5, 8]]
    assert SEGMENTS not in weights
    assert SEGMENTS in convert(tensors(), HUGGINGFACE_NAMES, IN_ORDER).weights


def test_all_becomes_float32():
    half = {name: tensor.half() for name, tensor in tensors().items()}
    weights = convert(half, HUGGINGFACE_NAMES, IN_ORDER).weights
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_what_stands_outside_the_encoder_is_left_out_and_named():
    extra = {
        "pooler.dense.weight": torch.ones(2, 2),
        "cls.seq_relationship.bias": torch.ones(2),
        "embeddings.position_ids": torch.arange(4),
        "cls.predictions.bias": torch.ones(5),  # no head without its dense layer
    }
    converted = convert(tensors(**extra), HUGGINGFACE_NAMES, IN_ORDER)
    weights, left_out = converted.weights, converted.left_out
    assert sorted(left_out) == [
        "cls.seq_relationship.bias",
        "embeddings.position_ids",
        "lm_head.bias",
        "pooler.dense.weight",
    ]
    assert not any(name.startswith("lm_head") for name in weights)


@pytest.mark.parametrize(
    "extra, message",
    [
        (
            {"encoder.layer.0.crossattention.self.query.weight": torch.ones(1)},
            "crossattention.self.query.weight, which this package cannot represent",
        ),
        (
            {"encoder.layer.0.attention.self.distance_embedding.weight": torch.ones(1)},
            "cannot represent",
        ),
        (
            {"encoder.layer.0.output.dense.weight": torch.ones(1, dtype=torch.int8)},
            "is torch.int8: give unquantised weights",
        ),
        (
            {"encoder.layer.0.output.dense.bias": torch.tensor([float("nan")])},
            "encoder.layers.0.fc2.bias holds NaN",
        ),
    ],
)
def test_what_cannot_be_represented_is_refused(extra, message):
    with pytest.raises(ValueError, match=message):
        convert(tensors(**extra), HUGGINGFACE_NAMES, IN_ORDER)


def test_too_few_embeddings_are_refused():
    with pytest.raises(ValueError, match="has 5 token embeddings, .* need 6"):
        convert(tensors(), HUGGINGFACE_NAMES, EmbeddingOrder([5, 0], 0, True))
    with pytest.raises(ValueError, match="lack encoder.embeddings.tokens.weight"):
        convert({}, HUGGINGFACE_NAMES, IN_ORDER)


HEAD = {
    "cls.predictions.transform.dense.weight": torch.ones(2, 2),
    "cls.predictions.bias": torch.ones(5),
}


@pytest.mark.parametrize(
    "extra, reason",
    [
        ({"cls.predictions.decoder.weight": torch.zeros(5, 2)}, "is not tied"),
        ({"cls.predictions.decoder.bias": torch.zeros(5)}, "two different tensors"),
        ({"cls.predictions.decoder.weight": torch.zeros(5, 3)}, "its width is not"),
        ({"cls.predictions.bias": torch.zeros(4)}, "it has 4 rows, and the vocab"),
    ],
)
def test_a_head_that_is_none_of_ours_is_left_out(extra, reason):
    found = tensors(**{**HEAD, **extra})
    converted = convert(found, HUGGINGFACE_NAMES, IN_ORDER)
    assert reason in converted.reason
    assert not any(name.startswith("lm_head") for name in converted.weights)
    assert "lm_head.dense.weight" in converted.left_out


def test_padded_rows_need_not_be_tied():
    output = torch.cat(
        [tensors()["embeddings.word_embeddings.weight"], torch.ones(3, 2)]
    )
    extra = {"cls.predictions.decoder.weight": output}
    converted = convert(tensors(**HEAD, **extra), HUGGINGFACE_NAMES, IN_ORDER)
    assert not converted.reason and len(converted.weights["lm_head.bias"]) == 5


def test_embeddings_may_stand_under_the_name_of_the_output_layer():
    found = tensors(**HEAD)
    embeddings = found.pop("embeddings.word_embeddings.weight")
    found["cls.predictions.decoder.weight"] = embeddings
    converted = convert(found, HUGGINGFACE_NAMES, IN_ORDER)
    assert torch.equal(converted.weights[TOKENS], embeddings)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module.model."])
@pytest.mark.parametrize("own", ["", "bert."])
def test_the_prefix_of_a_wrapper_is_named(prefix, own):
    found = {f"{prefix}{own}{name}": tensor for name, tensor in tensors().items()}
    with pytest.raises(
        ValueError, match=f"names of its parameters begin with '{prefix}'"
    ):
        convert(found, HUGGINGFACE_NAMES, IN_ORDER)
