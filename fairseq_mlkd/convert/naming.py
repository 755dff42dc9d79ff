"""Other people's encoders in our names: BERT and XLM-R of `transformers` and fairseq.

A source is a BERT in all but the names of its parameters, the order of its embedding
rows and the row of its first position; `convert` undoes these three.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Weights = dict[str, Tensor]

_EMBEDDINGS = "encoder.embeddings"
_LAYER = "encoder.layers.N"
_TOKENS, _POSITIONS, _SEGMENTS = (
    f"{_EMBEDDINGS}.{name}.weight" for name in ("tokens", "positions", "segments")
)
_OUTPUT, _OUTPUT_BIAS = "lm_head.weight", "lm_head.bias"


class Names(NamedTuple):
    """How a source calls its modules."""

    prefix: str  # a regular expression: what may stand in front of all names
    modules: Mapping[str, str]  # theirs -> ours; N stands for the number of a layer


_HUGGINGFACE = {
    "embeddings.word_embeddings": f"{_EMBEDDINGS}.tokens",
    "embeddings.position_embeddings": f"{_EMBEDDINGS}.positions",
    "embeddings.token_type_embeddings": f"{_EMBEDDINGS}.segments",
    "embeddings.LayerNorm": f"{_EMBEDDINGS}.layer_norm",
    "encoder.layer.N.attention.self.query": f"{_LAYER}.self_attn.q_proj",
    "encoder.layer.N.attention.self.key": f"{_LAYER}.self_attn.k_proj",
    "encoder.layer.N.attention.self.value": f"{_LAYER}.self_attn.v_proj",
    "encoder.layer.N.attention.output.dense": f"{_LAYER}.self_attn.out_proj",
    "encoder.layer.N.attention.output.LayerNorm": f"{_LAYER}.self_attn_layer_norm",
    "encoder.layer.N.intermediate.dense": f"{_LAYER}.fc1",
    "encoder.layer.N.output.dense": f"{_LAYER}.fc2",
    "encoder.layer.N.output.LayerNorm": f"{_LAYER}.final_layer_norm",
    "cls.predictions": "lm_head",
    "cls.predictions.transform.dense": "lm_head.dense",
    "cls.predictions.transform.LayerNorm": "lm_head.layer_norm",
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
HUGGINGFACE_NAMES = Names(r"(?:bert|roberta)\.", _HUGGINGFACE)
FAIRSEQ_NAMES = Names(r"(?:en|de)coder\.(?:sentence_encoder\.)?", _FAIRSEQ)

_OLD_PARAMETERS = {"gamma": "weight", "beta": "bias"}
# what stands inside an encoder without being a part of it; the last are fairseq
# 0.12.2's, which keeps them in each layer for PyTorch's fast path of inference
_BUFFERS = re.compile(
    r"embeddings\.(?:position|token_type)_ids|version"
    r"|layers\.\d+\.(?:in_proj|out_proj|fc1|fc2)_(?:weight|bias)"
)
_OF_AN_ENCODER = ("embed", "encoder.", "layer")


class Layout(NamedTuple):
    """Where a source keeps its embeddings."""

    rows: Sequence[int]  # of our symbols, `<mask>` the last
    first_position: int  # row of a sentence's first token; in RoBERTa 2
    # whether the tokenizer tells segments; if not, all tokens are of segment 0, and its
    # row is added to every position
    has_segments: bool


class Converted(NamedTuple):
    """An encoder in our names, and what had no place in it."""

    weights: Weights  # float32; `lm_head.*` only if the source has such a head
    left_out: list[str]  # names of the source's heads and buffers
    unused_rows: int  # token embeddings that no symbol belongs to


def convert(tensors: Weights, names: Names, layout: Layout) -> Converted:
    """Rename parameters, put embedding rows in our order, fold what we lack.

    Raises:
        ValueError: the encoder has parts that ours lacks, or lacks what ours needs.
    """
    weights, left_out = rename(tensors, names)
    _check_embeddings(weights)
    output = weights.pop(_OUTPUT, weights[_TOKENS])
    if not torch.equal(output, weights[_TOKENS]):
        raise ValueError(
            "its masked-LM output layer is not tied to its embeddings, as ours is"
        )
    if "lm_head.dense.weight" not in weights:
        head = [name for name in weights if name.startswith("lm_head.")]
        left_out += head
        for name in head:
            del weights[name]
    unused_rows = _order_rows(weights, layout.rows)
    weights[_POSITIONS] = weights[_POSITIONS][layout.first_position :]
    if _SEGMENTS in weights and not layout.has_segments:
        weights[_POSITIONS] = weights[_POSITIONS] + weights.pop(_SEGMENTS)[0]
    weights = {name: tensor.contiguous() for name, tensor in weights.items()}
    return Converted(weights, left_out, unused_rows)


def rename(tensors: Weights, names: Names) -> tuple[Weights, list[str]]:
    """Return tensors by our names, in float32, and the names without a place.

    Raises:
        ValueError: a part of an encoder without a place, or no floating-point numbers.
    """
    renamed: Weights = {}
    left_out = []
    for name, tensor in _split_joint_projections(tensors).items():
        theirs = re.sub(f"^{names.prefix}", "", name)
        ours = _our_name(theirs, names.modules)
        if ours is None:
            if theirs.startswith(_OF_AN_ENCODER) and not _BUFFERS.fullmatch(theirs):
                raise ValueError(f"holds {name}, which this package cannot represent")
            left_out.append(name)
            continue
        if not tensor.is_floating_point():
            raise ValueError(f"{name} is {tensor.dtype}: give unquantised weights")
        tensor = tensor.float()
        if ours in renamed and not torch.equal(renamed[ours], tensor):
            raise ValueError(f"holds two different tensors for {ours}")
        renamed[ours] = tensor
    return renamed, left_out


def _our_name(name: str, modules: Mapping[str, str]) -> str | None:
    module, _, parameter = name.rpartition(".")
    number = re.search(r"(?<=\.)\d+(?=\.)", module)
    layer = number.group() if number else ""
    ours = modules.get(re.sub(r"(?<=\.)\d+(?=\.)", "N", module, count=1))
    if ours is None:
        return None
    parameter = _OLD_PARAMETERS.get(parameter, parameter)
    return f"{ours.replace('.N.', f'.{layer}.')}.{parameter}"


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


def _check_embeddings(weights: Weights) -> None:
    for name in (_TOKENS, _POSITIONS):
        if name not in weights:
            raise ValueError(f"the weights lack {name}: they are not complete")
    width = weights[_TOKENS].shape[-1:]
    for name in {_TOKENS, _POSITIONS, _SEGMENTS} & weights.keys():
        if weights[name].dim() != 2 or weights[name].shape[-1:] != width:
            raise ValueError(f"{name} is {tuple(weights[name].shape)} in the weights")


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
        if weights[name].shape[:1] != (available,):
            raise ValueError(f"{name} is {tuple(weights[name].shape)} in the weights")
        weights[name] = weights[name][order]
    return available - len(rows)
