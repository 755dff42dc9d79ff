"""The parts of a checkpoint's configuration that are believed.

fairseq builds whichever model, task and criterion a checkpoint's `cfg` names, evaluates
some of its strings as Python, and takes from it where to read and write. Here a
checkpoint may name our own classes, with plain values of the types that their
configurations declare; it may not name a file.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import Field, fields
from enum import Enum
from typing import Any, Union, get_args, get_origin

import numpy as np
from fairseq.dataclass.configs import FairseqConfig
from fairseq.models import (
    ARCH_MODEL_NAME_REGISTRY,
    MODEL_DATACLASS_REGISTRY,
    MODEL_REGISTRY,
)
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_DATACLASS_REGISTRY, TASK_REGISTRY
from torch import Tensor

# what of fairseq's own a checkpoint may name; all of ours may be named
_FAIRSEQS_OWN = {("criterion", "masked_lm")}
# the strings that are taken from a checkpoint; all others are paths, names of results
# or what the command line says anew, and keep their defaults
KEPT_STRINGS = {
    "attention_map",
    "decoder_layer_map",
    "langs",
    "layer_map",
    "source_lang",
    "unlabelled_langs",
}
_PLAIN_STRING = re.compile(r"[\w,-]*")

# field of a model -> the parameter whose size it is, and the axis
_SIZES = {
    "encoder_embed_dim": ("encoder.embeddings.positions.weight", 1),
    "embedding_rank": ("encoder.embeddings.up.weight", 1),
    "encoder_ffn_embed_dim": ("encoder.layers.0.fc1.weight", 0),
    "max_positions": ("encoder.embeddings.positions.weight", 0),
    "num_segments": ("encoder.embeddings.segments.weight", 0),
    "decoder_ffn_embed_dim": ("decoder.transformer.layers.0.fc1.weight", 0),
    "max_target_positions": ("decoder.transformer.embeddings.positions.weight", 0),
}
_LAYERS = {"encoder_layers": "encoder", "decoder_layers": "decoder.transformer"}
KINDS = ("model", "task", "criterion")


def admit(kind: str, given: Any) -> dict[str, Any]:
    """Return the configuration of a component that a checkpoint names.

    Args:
        kind: `model`, `task` or `criterion`.
        given: that section of its `cfg`.
    Returns:
        A value for every field that the component declares; for paths, and for what the
        checkpoint does not say, the default.
    Raises:
        ValueError: no component of ours, or a value of another type than it declares.
    """
    if not isinstance(given, dict):
        what = "no" if given is None else f"a {type(given).__name__} as"
        raise ValueError(f"damaged: it has {what} cfg.{kind}")
    name = given.get("_name")
    if not isinstance(name, str):
        raise ValueError(f"damaged: its cfg.{kind} has no name")
    base = ARCH_MODEL_NAME_REGISTRY.get(name, name) if kind == "model" else name
    built, declared = _find_class(kind, base)
    is_ours = getattr(built, "__module__", "").startswith(f"{__package__}.")
    if declared is None or not is_ours and (kind, base) not in _FAIRSEQS_OWN:
        raise ValueError(
            f"its {kind} is {name}, none of ours: a checkpoint of another {kind} is "
            "not run; an encoder may be converted with mlkd-import"
        )
    values = {
        field.name: _admit_value(kind, field, given)
        for field in fields(declared)
        if field.name != "_name"
    }
    return {"_name": name, **values}


def _admit_value(kind: str, field: "Field[Any]", given: Mapping[str, Any]) -> Any:
    default = _resolve_default(field.default)
    types = [t for t in get_args(field.type) or [field.type] if t is not type(None)]
    is_string = str in types
    if field.name not in given or (is_string and field.name not in KEPT_STRINGS):
        return default
    value = given[field.name]
    value = value.item() if isinstance(value, np.number) else value
    if value is None and get_origin(field.type) is Union:
        return None
    if not any(_has_type(value, declared) for declared in types):
        raise ValueError(f"its cfg.{kind}.{field.name} is {str(value)[:80]!r}")
    return value


def _resolve_default(default: Any) -> Any:
    """Follow a default that points into fairseq's configuration."""
    default = getattr(default, "value", default)  # of an enumeration
    if not isinstance(default, str) or not default.startswith("${"):
        return default
    found: Any = FairseqConfig()
    for name in default[2:-1].split("."):
        found = getattr(found, name)
    return found


def _has_type(value: Any, declared: Any) -> bool:
    if declared is bool or isinstance(value, bool):
        return declared is bool and isinstance(value, bool)
    if declared is int:
        return type(value) is int
    if declared is float:
        return type(value) in (int, float) and math.isfinite(value)
    if declared is str:
        return isinstance(value, str) and bool(_PLAIN_STRING.fullmatch(value))
    if isinstance(declared, type) and issubclass(declared, Enum):
        return value in [choice.value for choice in declared]
    return False


def check_sizes(
    cfg: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    names: Mapping[str, str] | None = None,
) -> None:
    """Refuse a shape that the weights do not have, before memory is taken for it.

    Args:
        cfg: of the model.
        names: what its fields are called where the user finds them, if otherwise.
    Raises:
        ValueError: naming the first field.
    """
    names = names or {}
    for field, module in _LAYERS.items():
        layers = re.compile(re.escape(module) + r"\.layers\.(\d+)\.")
        found = {match[1] for match in map(layers.match, weights) if match}
        if field in cfg and cfg[field] != len(found):
            raise ValueError(
                f"{names.get(field, field)} is {cfg[field]}, but the weights have "
                f"{len(found)} layers"
            )
    for field, (name, axis) in _SIZES.items():
        shape = weights[name].shape if name in weights else ()
        size = shape[axis] if len(shape) == 2 else 0
        if field in cfg and cfg[field] != size:
            raise ValueError(
                f"{names.get(field, field)} is {cfg[field]}, but the weights have "
                f"{size} ({name})"
            )
    heads = cfg["encoder_attention_heads"]
    if heads < 1 or cfg["encoder_embed_dim"] % heads:
        raise ValueError(f"its {heads} attention heads do not divide its width")


def _find_class(kind: str, name: str) -> tuple[type | None, type | None]:
    """Return the class that fairseq would build, and that of its configuration."""
    if kind == "model":
        return MODEL_REGISTRY.get(name), MODEL_DATACLASS_REGISTRY.get(name)
    if kind == "task":
        return TASK_REGISTRY.get(name), TASK_DATACLASS_REGISTRY.get(name)
    registry = REGISTRIES[kind]
    return registry["registry"].get(name), registry["dataclass_registry"].get(name)
