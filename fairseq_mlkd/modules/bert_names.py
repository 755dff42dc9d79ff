"""What BERT of `transformers` calls the parts of our encoder and its heads."""

from __future__ import annotations

import re
from collections.abc import Mapping

_EMBEDDINGS = "encoder.embeddings"
_LAYER = "encoder.layers.N"

# their name -> ours; N stands for the number of a layer
BERT_ENCODER = {
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
}
BERT_LM_HEAD = {
    "cls.predictions": "lm_head",
    "cls.predictions.transform.dense": "lm_head.dense",
    "cls.predictions.transform.LayerNorm": "lm_head.layer_norm",
}
# both as they stand in a model with a head
BERT_MODEL = {f"bert.{name}": ours for name, ours in BERT_ENCODER.items()}
BERT_MODEL |= BERT_LM_HEAD

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def bert_head(name: str, *, pooled: bool) -> dict[str, str]:
    """Return the names of a classifier's modules: theirs -> ours.

    Args:
        name: of the head.
        pooled: whether it classifies sentences; if not, tokens.
    """
    modules = {"bert.pooler.dense": "dense"} if pooled else {}
    modules["classifier"] = "out_proj"
    ours = f"classification_heads.{name}"
    return {theirs: f"{ours}.{module}" for theirs, module in modules.items()}


def translate(name: str, modules: Mapping[str, str]) -> str | None:
    """Return the other name of a parameter, None where its module has none.

    Args:
        modules: their names there and here; N stands for the number of a layer.
    """
    module, _, parameter = name.rpartition(".")
    number = _NUMBER.search(module)
    other = modules.get(_NUMBER.sub("N", module, count=1))
    if other is None:
        return None
    layer = number.group() if number else ""
    return f"{other.replace('.N.', f'.{layer}.')}.{parameter}"
