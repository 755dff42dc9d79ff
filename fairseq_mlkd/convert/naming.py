"""Other people's encoders in our names: BERTs of `transformers` and of fairseq.

A source is a BERT in all but the names of its parameters, the order of its embedding
rows and the row of its first position; `convert` undoes these three.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fairseq_mlkd.checkpoint import check_tensors
from fairseq_mlkd.modules.bert_names import (
    BERT_ENCODER,
    BERT_LM_HEAD,
    DISTILBERT_ENCODER,
    translate,
)

Weights = dict[str, Tensor]

_EMBEDDINGS = "encoder.embeddings"
_LAYER = "encoder.layers.N"
_TOKENS, _POSITIONS, _SEGMENTS = (
    f"{_EMBEDDINGS}.{name}.weight" for name in ("tokens", "positions", "segments")
)
_OUTPUT, _OUTPUT_BIAS = "lm_head.weight", "lm_head.bias"


class Names(NamedTuple):
    """A source's names for its modules."""

    prefix: str  # a regular expression: what may stand in front of all names
    modules: Mapping[str, str]  # theirs -> ours; N stands for the number of a layer


_HUGGINGFACE = {
    **BERT_ENCODER,
    **DISTILBERT_ENCODER,
    **BERT_LM_HEAD,
    "vocab_transform": "lm_head.dense",
    "vocab_layer_norm": "lm_head.layer_norm",
    "vocab_projector": "lm_head",
    "generator_predictions.dense": "lm_head.dense",
    "generator_predictions.LayerNorm": "lm_head.layer_norm",
    "generator_lm_head": "lm_head",
    "cls.predictions.decoder": "lm_head",
    "lm_head": "lm_head",
    "lm_head.dense": "lm_head.dense",
    "lm_head.layer_norm": "lm_head.layer_norm",
    "lm_head.decoder": "lm_head",
}
_FAIRSEQ = {
    "embed_tokens": f"{_EMBEDDINGS}.tokens",
    "embed_positions": f"{_EMBEDDINGS}.positions",
    "layernorm_embedding": f"{_EMBEDDINGS}.layer_norm",
    "emb_layer_norm": f"{_EMBEDDINGS}.layer_norm",
    **{
        f"layers.N.{name}": f"{_LAYER}.{name}"
        for name in (
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.out_proj",
            "self_attn_layer_norm",
            "fc1",
            "fc2",
            "final_layer_norm",
        )
    },
    "lm_head": "lm_head",
    "lm_head.dense": "lm_head.dense",
    "lm_head.layer_norm": "lm_head.layer_norm",
}
HUGGINGFACE_NAMES = Names(r"(?:bert|roberta|distilbert|electra)\.", _HUGGINGFACE)
FAIRSEQ_NAMES = Names(r"(?:en|de)coder\.(?:sentence_encoder\.)?", _FAIRSEQ)

_OLD_PARAMETERS = {"gamma": "weight", "beta": "bias"}
# what stands inside an encoder without being a part of it; the last are fairseq
# 0.12.2's, which keeps them in each layer for PyTorch's fast path of inference
_BUFFERS = re.compile(
    r"embeddings\.(?:position|token_type)_ids|version"
    r"|layers\.\d+\.(?:in_proj|out_proj|fc1|fc2)_(?:weight|bias)"
)
_OF_AN_ENCODER = ("embed", "encoder.", "layer", "transformer.")


class EmbeddingOrder(NamedTuple):
    """A source's names for its embeddings."""

    rows: Sequence[int]  # of our symbols, `<mask>` the last
    first_position: int  # row of a sentence's first token; in RoBERTa 2
    # whether segments are told apart; if not, all tokens are of segment 0, whose row is
    # added to every position
    has_segments: bool


class Converted(NamedTuple):
    """An encoder in our names, and what had no place in it."""

    weights: Weights  # float32; `lm_head.*` only if the source has such a head
    left_out: list[str]  # names of the source's heads and buffers
    reason: str  # why a masked-LM head is not taken; empty: it is, or there is none
    unused_rows: int  # token embeddings that no symbol belongs to


def convert(tensors: Weights, names: Names, order: EmbeddingOrder) -> Converted:
    """Rename parameters, put embedding rows in our order, fold what we lack.

    Raises:
        ValueError: the encoder has parts that ours lacks, or lacks what ours needs.
    """
    weights, left_out, twice = rename(tensors, names)
    # shared with the embeddings, and kept under one of the two names
    if _TOKENS not in weights and _OUTPUT in weights:
        weights[_TOKENS] = weights[_OUTPUT]
    _check_embeddings(weights, tensors, names)
    check_tensors(weights)
    reason = twice or _why_not_ours(weights, order.rows)
    head = [name for name in weights if name.startswith("lm_head.")]
    if reason or "lm_head.dense.weight" not in weights:
        left_out += head
        weights = {name: x for name, x in weights.items() if name not in head}
    weights.pop(_OUTPUT, None)
    unused_rows = _order_rows(weights, order.rows)
    weights[_POSITIONS] = weights[_POSITIONS][order.first_position :]
    if _SEGMENTS in weights and not order.has_segments:
        weights[_POSITIONS] = weights[_POSITIONS] + weights.pop(_SEGMENTS)[0]
    weights = {name: tensor.contiguous() for name, tensor in weights.items()}
    return Converted(weights, left_out, reason, unused_rows)


def _why_not_ours(weights: Weights, rows: Sequence[int]) -> str:
    """Say why a masked-LM head cannot be taken over; empty: it can, or none is."""
    used, tokens = torch.tensor(rows), weights[_TOKENS]
    for name in sorted({_OUTPUT, _OUTPUT_BIAS} & weights.keys()):
        if len(weights[name]) <= max(rows):
            return f"it has {len(weights[name])} rows, and the vocabulary more"
    output = weights.get(_OUTPUT, tokens)
    if output.shape[1:] != tokens.shape[1:]:
        return "its width is not that of the embeddings"
    if max(rows) < len(tokens) and not torch.equal(output[used], tokens[used]):
        return "its output layer is not tied to the embeddings, as ours is"
    return ""


def rename(tensors: Weights, names: Names) -> tuple[Weights, list[str], str]:
    """Return tensors by our names, in float32, the names without a place, and a clash.

    The clash is why a masked-LM head is none of ours: two tensors, say a bias and that
    of the output layer, stand for one of ours and differ.

    Raises:
        ValueError: a part of an encoder without a place, or no floating-point numbers.
    """
    renamed: Weights = {}
    left_out, clash = [], ""
    for name, tensor in _split_joint_projections(tensors).items():
        theirs = re.sub(f"^{names.prefix}", "", name)
        module, dot, parameter = theirs.rpartition(".")
        parameter = _OLD_PARAMETERS.get(parameter, parameter)
        ours = translate(f"{module}{dot}{parameter}", names.modules)
        if ours is None:
            if theirs.startswith(_OF_AN_ENCODER) and not _BUFFERS.fullmatch(theirs):
                raise ValueError(f"holds {name}, which this package cannot represent")
            left_out.append(name)
            continue
        if not tensor.is_floating_point():
            raise ValueError(f"{name} is {tensor.dtype}: give unquantised weights")
        tensor = tensor.float()
        if ours in renamed and not torch.equal(renamed[ours], tensor):
            clash = f"holds two different tensors for {ours}"
            if not ours.startswith("lm_head."):
                raise ValueError(clash)
        renamed[ours] = tensor
    return renamed, left_out, clash


def _split_joint_projections(tensors: Weights) -> Weights:
    """Part the `in_proj_weight` and `in_proj_bias` of fairseq before 0.9."""
    split: Weights = {}
    for name, tensor in tensors.items():
        module, joint, parameter = name.rpartition("self_attn.in_proj_")
        parts = tensor.chunk(3) if joint else [tensor]
        apart = [f"{module}self_attn.{x}_proj.{parameter}" for x in "qkv"]
        keys = apart if joint else [name]
        split.update(zip(keys, parts))
    return split


def _check_embeddings(weights: Weights, tensors: Weights, names: Names) -> None:
    for name in (_TOKENS, _POSITIONS):
        if name not in weights:
            raise ValueError(
                _describe_wrapper(tensors, names)
                or f"the weights lack {name}: they are not complete"
            )
    width = weights[_TOKENS].shape[-1:]
    for name in {_TOKENS, _POSITIONS, _SEGMENTS} & weights.keys():
        if weights[name].dim() != 2 or weights[name].shape[-1:] != width:
            raise ValueError(f"{name} is {tuple(weights[name].shape)} in the weights")


def _describe_wrapper(tensors: Weights, names: Names) -> str:
    """Say which prefix a wrapper (DataParallel, torch.compile) put before all names."""
    embeddings = [re.escape(n) for n, ours in names.modules.items() if ours in _TOKENS]
    pattern = rf"(.+?\.)(?:{names.prefix})?(?:{'|'.join(embeddings)})\.weight"
    for found in filter(None, (re.fullmatch(pattern, name) for name in tensors)):
        return (
            f"the names of its parameters begin with {found[1]!r}: save the state_dict "
            "of the model within that wrapper"
        )
    return ""


def _order_rows(weights: Weights, rows: Sequence[int]) -> int:
    """Put embeddings and output biases in the order of `rows`; return what is over."""
    available = len(weights[_TOKENS])
    if max(rows) >= available:
        raise ValueError(
            f"has {available} token embeddings, and the tokenizer's symbols need "
            f"{max(rows) + 1}"
        )
    order = torch.tensor(rows)
    for name in {_TOKENS, _OUTPUT_BIAS} & weights.keys():
        weights[name] = weights[name][order]
    return available - len(rows)
