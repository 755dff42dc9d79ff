"""Hugging Face folders: `config.json`, weights and a tokenizer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from fairseq_mlkd.checkpoint import load_state
from fairseq_mlkd.convert.foreign import ForeignEncoder, check_fixed
from fairseq_mlkd.convert.heads import ROBERTAS, FoundHead, find_head
from fairseq_mlkd.convert.hub import CONFIG_FILE
from fairseq_mlkd.convert.naming import HUGGINGFACE_NAMES, Names, Weights
from fairseq_mlkd.convert.tokenizer_files import read_tokenizer
from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderConfig
from fairseq_mlkd.modules.bert_names import FAMILIES
from fairseq_mlkd.remedies import FETCH_AGAIN

_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_POINTER = b"version https://git-lfs"
_MODEL_TYPES = ("bert", "distilbert", "electra", *ROBERTAS)
# what other families have that our encoder has not
_REASONS = {
    "albert": "its layers share parameters, and its embeddings are mapped after "
    "their layer norm",
    "deberta": "its attention is to relative positions",
    "deberta-v2": "its attention is to relative positions",
    "modernbert": "its positions are rotary, and its layer norms come first",
    "mpnet": "its attention is to relative positions",
    "roberta-prelayernorm": "its layer norms come first",
    "xlm-roberta-xl": "its layer norms come first",
    "xmod": "it has adapters of each language",
}
SHAPE = {
    "encoder_layers": "num_hidden_layers",
    "encoder_embed_dim": "hidden_size",
    "encoder_ffn_embed_dim": "intermediate_size",
    "encoder_attention_heads": "num_attention_heads",
    "max_positions": "max_position_embeddings",
    "num_segments": "type_vocab_size",
}
_NUMBERS = {
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "layer_norm_eps": "layer_norm_eps",
    "init_std": "initializer_range",
}
# what `transformers` takes where a configuration is silent
_DEFAULTS = {
    "type_vocab_size": 2,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.02,
    "pad_token_id": 1,
}
# what our encoder does, whatever else a configuration may ask for
_FIXED = {
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}


def read_huggingface(folder: Path, *, cased: bool | None = None) -> ForeignEncoder:
    """Read a BERT, or one of its kin, that `transformers` saved.

    Args:
        cased: whether text keeps its capitals; None: as the tokenizer's files say.
    Raises:
        ValueError: in one line, a file that is missing or bad, or an encoder that
            cannot be represented.
    """
    path = folder / CONFIG_FILE
    config = read_json(path, FETCH_AGAIN)
    try:
        shape, first_position = _read_shape(config)
        head = find_head(config)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    vocabulary = read_tokenizer(folder, config, cased=cased)
    if head is not None:
        shape["head_activation"] = head.activation
    # one segment, too, is the same for all tokens
    if not vocabulary.has_segments or shape["num_segments"] == 1:
        shape["num_segments"] = 0
    return ForeignEncoder(
        MultilingualEncoderConfig(**shape),
        first_position,
        _read_weights(folder),
        _with_head(HUGGINGFACE_NAMES, head),
        vocabulary,
        head,
    )


def _with_head(names: Names, head: FoundHead | None) -> Names:
    modules = head.modules if head else {}
    return names._replace(modules={**names.modules, **modules})


def _read_shape(config: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Return the fields of our configuration, and the row of the first position."""
    model_type = config.get("model_type")
    if model_type not in _MODEL_TYPES:
        reason = _REASONS.get(str(model_type), f"{', '.join(_MODEL_TYPES)} are")
        raise ValueError(f"model_type {model_type!r} is not supported: {reason}")
    if model_type == "distilbert":
        names = {theirs: x for x, theirs in FAMILIES["relu"].config.items()}
        config = {names.get(key, key): config[key] for key in config}
    check_fixed(config, {**_FIXED, "embedding_size": config.get("hidden_size")})
    config = {**_DEFAULTS, **config}
    shape: dict[str, Any] = {
        ours: _read_size(config, theirs) for ours, theirs in SHAPE.items()
    }
    for ours, theirs in _NUMBERS.items():
        shape[ours] = _read_number(config, theirs)
    if shape["encoder_embed_dim"] % shape["encoder_attention_heads"]:
        raise ValueError("num_attention_heads does not divide hidden_size")
    padding_positions = 0
    if model_type in ROBERTAS:  # positions begin after the padding's
        padding_positions = int(_read_number(config, "pad_token_id")) + 1
    shape["max_positions"] -= padding_positions
    return shape, padding_positions


def _read_size(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if type(value) is not int or value < 1:
        raise ValueError(f"{key} is {value!r}; a whole number above 0 is needed")
    return value


def _read_number(config: Mapping[str, Any], key: str) -> float:
    value = config[key]
    if type(value) not in (int, float) or not 0 <= value < float("inf"):
        raise ValueError(f"{key} is {value!r}; a number from 0 is needed")
    return float(value)


def _read_weights(folder: Path) -> Weights:
    for name in _WEIGHT_FILES:
        if (folder / name).is_file():
            return _read_file(folder / name)
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _read_shards(index)
    raise ValueError(f"{folder}: no {' or '.join(_WEIGHT_FILES)}")


def _read_shards(index: Path) -> Weights:
    shards = read_json(index, FETCH_AGAIN).get("weight_map")
    if not isinstance(shards, dict) or not all(
        isinstance(name, str) and Path(name).name == name for name in shards.values()
    ):
        raise ValueError(f"{index}: weight_map does not name files of this folder")
    tensors: Weights = {}
    for name in sorted(set(shards.values())):
        tensors.update(_read_file(index.with_name(name)))
    missing = sorted(shards.keys() - tensors.keys())
    if missing:
        raise ValueError(f"{index}: {missing[0]} is in none of its files")
    return tensors


def _refuse_pointer(path: Path) -> None:
    """Refuse what git leaves in the place of a large file where git lfs is missing."""
    with open(path, "rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise ValueError("names weights and holds none: fetch them by git lfs pull")


def _read_file(path: Path) -> Weights:
    """Read tensors and nothing else: a pickle that asks for code is refused."""
    try:
        _refuse_pointer(path)
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        tensors = load_state(str(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except Exception as error:  # whatever bytes the reader meets
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        problem = f"{path}: cannot be read as weights ({reason})"
        raise ValueError(f"{problem}; {FETCH_AGAIN}") from None
    if not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise ValueError(f"{path}: holds no tensors by name")
    return tensors


def _read_safetensors(path: Path) -> Weights:
    with safe_open(str(path), framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        # of tensors that share their memory one is stored, and the others name it
        shared = file.metadata() or {}
    stored = {name: tensors[of] for name, of in shared.items() if of in tensors}
    return {**stored, **tensors}
