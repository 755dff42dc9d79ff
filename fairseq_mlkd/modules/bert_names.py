"""What `transformers` calls the parts of our encoder and its heads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

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
DISTILBERT_ENCODER = {
    "embeddings.word_embeddings": f"{_EMBEDDINGS}.tokens",
    "embeddings.position_embeddings": f"{_EMBEDDINGS}.positions",
    "embeddings.LayerNorm": f"{_EMBEDDINGS}.layer_norm",
    "transformer.layer.N.attention.q_lin": f"{_LAYER}.self_attn.q_proj",
    "transformer.layer.N.attention.k_lin": f"{_LAYER}.self_attn.k_proj",
    "transformer.layer.N.attention.v_lin": f"{_LAYER}.self_attn.v_proj",
    "transformer.layer.N.attention.out_lin": f"{_LAYER}.self_attn.out_proj",
    "transformer.layer.N.sa_layer_norm": f"{_LAYER}.self_attn_layer_norm",
    "transformer.layer.N.ffn.lin1": f"{_LAYER}.fc1",
    "transformer.layer.N.ffn.lin2": f"{_LAYER}.fc2",
    "transformer.layer.N.output_layer_norm": f"{_LAYER}.final_layer_norm",
}


class Family(NamedTuple):
    """Models of `transformers` whose encoder is ours.

    Attributes:
        name: how its classes begin; in lower case, its `model_type` and the prefix of
            the encoder's parameters.
        encoder: their modules, without the prefix -> ours.
        pooled: of a classifier of sentences, their modules -> ours in the head.
        config: BERT's fields of `config.json` -> theirs, where they differ.
    """

    name: str
    encoder: Mapping[str, str]
    pooled: Mapping[str, str]
    config: Mapping[str, str] = {}

    @property
    def model_type(self) -> str:
        """Its name in `config.json`."""
        return self.name.lower()

    def prefixed(self) -> dict[str, str]:
        """Return the names of the encoder's modules in a model with heads -> ours."""
        return {f"{self.model_type}.{x}": ours for x, ours in self.encoder.items()}

    def head(self, name: str, *, pooled: bool) -> dict[str, str]:
        """Return the names of a classifier's modules: theirs -> ours.

        Args:
            name: of the head.
            pooled: whether it classifies sentences; if not, tokens.
        """
        modules = self.pooled if pooled else {"classifier": "out_proj"}
        return {x: f"classification_heads.{name}.{y}" for x, y in modules.items()}


_DENSE_IN_CLASSIFIER = {"classifier.dense": "dense", "classifier.out_proj": "out_proj"}
# by what their classifiers of sentences do between the two layers
FAMILIES = {
    "tanh": Family(
        "Bert", BERT_ENCODER, {"bert.pooler.dense": "dense", "classifier": "out_proj"}
    ),
    "gelu": Family("Electra", BERT_ENCODER, _DENSE_IN_CLASSIFIER),
    "relu": Family(
        "DistilBert",
        DISTILBERT_ENCODER,
        {"pre_classifier": "dense", "classifier": "out_proj"},
        {
            "num_hidden_layers": "n_layers",
            "hidden_size": "dim",
            "intermediate_size": "hidden_dim",
            "num_attention_heads": "n_heads",
            "hidden_dropout_prob": "dropout",
            "attention_probs_dropout_prob": "attention_dropout",
            "hidden_act": "activation",
        },
    ),
}

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


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
