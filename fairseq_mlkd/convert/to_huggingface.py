"""Our models as folders that `transformers` loads without a line of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from fairseq_mlkd.convert.trained import TOKENS, UP, Arrays, Trained
from fairseq_mlkd.files.json_objects import write_json
from fairseq_mlkd.modules.bert_names import BERT_LM_HEAD, Family, translate
from fairseq_mlkd.serve.folder import (
    DECODER_FILE,
    EMBEDDINGS_FILE,
    HEAD_FILE,
    WEIGHTS_FILE,
    Facts,
    Head,
)
from fairseq_mlkd.text.dictionary import BOS, EOS, PAD, UNK

_TOKENS = "embeddings.word_embeddings.weight"
_SEGMENTS = "embeddings.token_type_embeddings"
_EPSILON = 1e-12  # of DistilBERT's layer norms
_OUTPUT_BIAS = "cls.predictions.bias"
_SEGMENTS_AT_LEAST = 2  # so that any token_type_ids of theirs are harmless
_INDEX = f"{WEIGHTS_FILE}.index.json"


def write_huggingface(folder: Path, trained: Trained, extra_rows: int) -> None:
    """Write `config.json` and safetensors.

    A model of two heads gets a subfolder for each, over the weights above it: load them
    with `subfolder="intent_head"`. A parser's decoder has no class there: its weights
    lie in `mlkd/decoder.safetensors`, and the folder loads as an encoder.

    Args:
        extra_rows: embeddings to add, copies of `<unk>`'s: of pieces that only
            `tokenizer.json` needs.
    Raises:
        ValueError: no model there has such a head on such an encoder.
    """
    facts = trained.facts
    family = facts.family
    tensors = to_hugging_face(trained.weights, family, extra_rows)
    if facts.encoder["num_segments"] == 0 and _SEGMENTS in family.encoder:
        shape = (_SEGMENTS_AT_LEAST, facts.encoder["encoder_embed_dim"])
        name = f"{family.model_type}.{_SEGMENTS}.weight"
        tensors[name] = np.zeros(shape, np.float32)
    heads = [
        (head, _head_tensors(head, family, trained.weights)) for head in facts.heads
    ]
    several = len(heads) > 1
    for _, found in [] if several else heads:
        tensors.update(found)
    _save(folder / WEIGHTS_FILE, tensors)
    config = build_config(facts, extra_rows)
    write_json(config, folder / "config.json")
    if several:
        for head, found in heads:
            path = folder / head.name
            _write_subfolder(path, head, family, found, tensors, config)
    if facts.embedding_rank:
        factors = {name: trained.weights[name] for name in (TOKENS, UP)}
        _save(folder / EMBEDDINGS_FILE, factors)
    decoder = {k: x for k, x in trained.weights.items() if k.startswith("decoder.")}
    if decoder:
        _save(folder / DECODER_FILE, decoder)


def to_hugging_face(weights: Arrays, family: Family, extra_rows: int) -> Arrays:
    """Rename the encoder and the masked-LM head; the parameters stay as they are.

    Factors of token embeddings are multiplied: no model there has them before a layer
    norm.
    """
    if UP in weights:
        weights = {**weights, TOKENS: weights[TOKENS] @ weights[UP].T}
    names = {**family.prefixed(), **BERT_LM_HEAD}
    theirs = {ours: x for x, ours in names.items()}
    renamed = {translate(name, theirs): array for name, array in weights.items()}
    tensors = {name: array for name, array in renamed.items() if name is not None}
    tokens = f"{family.model_type}.{_TOKENS}"
    for name in {tokens, _OUTPUT_BIAS} & tensors.keys():
        if extra_rows:
            rows = np.repeat(tensors[name][UNK : UNK + 1], extra_rows, axis=0)
            tensors[name] = np.concatenate([tensors[name], rows])
    return tensors


def build_config(facts: Facts, extra_rows: int) -> dict[str, Any]:
    """Return `config.json` of the folder, whose labels are those of an only head.

    Raises:
        ValueError: no model there has such a head on such an encoder.
    """
    shape, family = facts.encoder, facts.family
    kind = f"{family.name}{'ForMaskedLM' if facts.has_lm_head else 'Model'}"
    if len(facts.heads) == 1:
        kind = _class_of(facts.heads[0], family)
    config = {
        "model_type": family.model_type,
        "architectures": [kind],
        "vocab_size": facts.vocabulary + extra_rows,
        "num_hidden_layers": shape["encoder_layers"],
        "hidden_size": shape["encoder_embed_dim"],
        "intermediate_size": shape["encoder_ffn_embed_dim"],
        "num_attention_heads": shape["encoder_attention_heads"],
        "max_position_embeddings": shape["max_positions"],
        "type_vocab_size": max(shape["num_segments"], _SEGMENTS_AT_LEAST),
        "hidden_dropout_prob": shape["dropout"],
        "attention_probs_dropout_prob": shape["attention_dropout"],
        "layer_norm_eps": shape["layer_norm_eps"],
        "initializer_range": shape["init_std"],
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "pad_token_id": PAD,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
    if family.name == "Electra":
        config["embedding_size"] = shape["encoder_embed_dim"]
    if _SEGMENTS not in family.encoder and (
        shape["num_segments"] or shape["layer_norm_eps"] != _EPSILON
    ):
        raise ValueError(
            f"in transformers {family.name} alone has classifiers with "
            f"{facts.head_activation}, and it has no segments and {_EPSILON} as epsilon"
            " of layer norms: fine-tune with --head-activation tanh or gelu"
        )
    if len(facts.heads) == 1:
        config |= _label_config(facts.heads[0])
    return {family.config.get(key, key): value for key, value in config.items()}


def _write_subfolder(
    folder: Path,
    head: Head,
    family: Family,
    found: Arrays,
    above: Arrays,
    config: dict[str, Any],
) -> None:
    """Write a head over the weights of the folder above, which are not copied."""
    folder.mkdir()
    _save(folder / HEAD_FILE, found)
    files = dict.fromkeys(sorted(above), f"../{WEIGHTS_FILE}")
    files.update(dict.fromkeys(found, HEAD_FILE))
    size = sum(x.nbytes for x in (*above.values(), *found.values()))
    index = {"metadata": {"total_size": size}, "weight_map": files}
    write_json(index, folder / _INDEX)
    own_config = {**config, "architectures": [_class_of(head, family)]}
    write_json({**own_config, **_label_config(head)}, str(folder / "config.json"))


def _head_tensors(head: Head, family: Family, weights: Arrays) -> Arrays:
    return {
        f"{theirs}.{parameter}": weights[f"{ours}.{parameter}"]
        for theirs, ours in family.head(head.name, pooled=head.pooled).items()
        for parameter in ("weight", "bias")
    }


def _class_of(head: Head, family: Family) -> str:
    kind = "Sequence" if head.pooled else "Token"
    return f"{family.name}For{kind}Classification"


def _label_config(head: Head) -> dict[str, Any]:
    return {
        "id2label": {str(i): label for i, label in enumerate(head.labels)},
        "label2id": {label: i for i, label in enumerate(head.labels)},
    }


def _save(path: Path, tensors: Arrays) -> None:
    contiguous = {name: np.ascontiguousarray(x) for name, x in sorted(tensors.items())}
    # save_file makes files that nobody but their owner can read
    path.write_bytes(save(contiguous, metadata={"format": "pt"}))
