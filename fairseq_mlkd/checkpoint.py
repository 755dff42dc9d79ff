"""Checkpoints are untrusted input: nothing is built from one before it is checked.

What its configuration may say is in `admission.py`; here it is read, its tensors are
checked, and it is compared with the run that uses it.
"""

import hashlib
import logging
import math
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from fairseq_mlkd import register
from fairseq_mlkd.admission import KINDS, admit, check_sizes
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE

logger = logging.getLogger(__name__)

# what a checkpoint of ours says of its dictionary, kept in the task's state
DICTIONARY_KEY = "dictionary_sha256"
# and of the labels, parse symbols included, that its heads say
LABELS_KEY = "labels_sha256"
# and of the rule that chose it, where its name does not say so
SELECTION_KEY = "selection"

_IMPORT_FIRST = "convert it with mlkd-import, and name the model.pt that it writes"
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_ARCHIVE = (b"P", b"\x80")  # how a zip archive and a pickle begin
_NUMBERS = ("best", "val_loss", "previous_training_time")
_COUNTS = ("iterations_in_epoch", "version")
_METER = re.compile(r"\w*Meter")
_RULE = re.compile(r"[\w.-]{1,60}")


# --- reading


def read_checkpoint(path: str, flag: str) -> dict[str, Any]:
    """Read a checkpoint of ours to the CPU, and check all that is used of it.

    Args:
        path: the checkpoint.
        flag: the option that named it, for the message.
    Returns:
        `model`, its parameters by name; `cfg`, with the sections `model`, `task` and
        `criterion`; `task_state`, and what a run that goes on needs.
    Raises:
        ValueError: in one line, what is wrong with it.
    """
    register()  # only what is known may be named
    try:
        if os.path.isdir(path):
            raise ValueError(_describe_folder(path))
        return check_state(load_state(path))
    except ValueError as error:
        raise ValueError(f"{flag} {path}: {error}") from None


def load_state(path: str) -> dict[str, Any]:
    """Load what `torch.save` wrote, tensors and plain values by name.

    Raises:
        ValueError: no file, anything else in it, or tensors larger than the file.
    """
    if not os.path.isfile(path):
        raise ValueError("no such file")
    if path.endswith(".safetensors"):
        raise ValueError(f"weights without a configuration: {_IMPORT_FIRST}")
    if _is_no_archive(path):
        raise ValueError("not a checkpoint: empty, torn or of another kind")
    try:
        # a packed file of some kilobytes may fill the memory
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as records:
                if any(record.compress_type for record in records.infolist()):
                    raise ValueError("compressed; torch.save writes none such")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:  # its text advises to trust the file
        raise ValueError(
            "not a checkpoint: it holds more than tensors and numbers, or is damaged"
        ) from None
    except Exception as error:  # whatever bytes the reader meets
        # PyTorch goes on to advise, at length
        reason = re.split(r"\.\s|\n", str(error).strip() or type(error).__name__)[0]
        raise ValueError(f"not a checkpoint, or cut short ({reason})") from None
    if not isinstance(state, dict):
        raise ValueError(f"not a checkpoint: it holds a {type(state).__name__}")
    _check_storage(state, os.path.getsize(path))
    return state


def is_torn(path: str) -> bool:
    """Return whether a full disk or a crash left the file empty, short or zeros."""
    if not os.path.isfile(path):
        return False
    if _is_no_archive(path):
        return True
    with open(path, "rb") as file:
        return file.read(1) == _ARCHIVE[0] and not zipfile.is_zipfile(path)


def _is_no_archive(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(1) not in _ARCHIVE


def _check_storage(state: Any, file_size: int) -> None:
    """Refuse tensors that say they are larger than what is stored of them."""
    storages = {}
    for tensor in _find_tensors(state, set()):
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise ValueError("holds a sparse or quantised tensor")
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        if tensor.numel() * tensor.element_size() > storage.nbytes():
            raise ValueError("holds a tensor that is larger than what is stored of it")
    if sum(storages.values()) > file_size:
        raise ValueError("its tensors are larger than the file: it is damaged")


def _find_tensors(value: Any, seen: set[int]) -> Iterator[Tensor]:
    """Yield the tensors in nested dictionaries and lists, each container once."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
        seen.add(id(value))
        for part in value.values() if isinstance(value, dict) else value:
            yield from _find_tensors(part, seen)


def _describe_folder(path: str) -> str:
    if os.path.isfile(os.path.join(path, "config.json")):
        return f"a Hugging Face folder; import it first: mlkd-import {path} OUT"
    return "a folder; name the checkpoint in it"


def _refuse_foreign(state: dict[str, Any]) -> None:
    """Refuse what `mlkd-import` has to convert first."""
    if state.get("args") is not None:
        raise ValueError(f"a model of stock fairseq: {_IMPORT_FIRST}")
    if "model" not in state and state and all(map(torch.is_tensor, state.values())):
        raise ValueError(f"weights without a configuration: {_IMPORT_FIRST}")
    if "model" not in state or "cfg" not in state:
        raise ValueError("not a fairseq checkpoint (no model or no cfg in it)")


# --- what a checkpoint says of itself


def check_state(state: dict[str, Any]) -> dict[str, Any]:
    """Check all that is used of what a checkpoint holds.

    Returns:
        As `read_checkpoint`.
    Raises:
        ValueError: it is none of ours, or damaged.
    """
    _refuse_foreign(state)
    cfg, weights = state["cfg"], state["model"]
    if not isinstance(cfg, dict):
        raise ValueError(f"damaged: its cfg is a {type(cfg).__name__}")
    check_tensors(weights)
    sections = {kind: admit(kind, cfg.get(kind)) for kind in KINDS}
    check_sizes(sections["model"], weights)
    checked = {
        "cfg": OmegaConf.create(sections),
        "args": None,
        "model": weights,
        **{
            key: _typed(state, key, kind)
            for key, kind in (
                ("task_state", dict),
                ("criterion", dict),
                ("optimizer_history", list),
                ("last_optimizer_state", dict),
                ("extra_state", dict),
            )
        },
    }
    if checked["criterion"]:
        check_tensors(checked["criterion"])
    checked["task_state"] = checked["task_state"] or {}
    checked["optimizer_history"] = checked["optimizer_history"] or [{}]
    _check_progress(checked)
    return checked


def _typed(state: Mapping[str, Any], key: str, kind: type) -> Any:
    value = state.get(key)
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"damaged: its {key} is a {type(value).__name__}")
    return value


def _check_progress(state: dict[str, Any]) -> None:
    """Check where a run that goes on takes up: updates, epoch and meters."""
    last = state["optimizer_history"][-1]
    if not isinstance(last, dict):
        raise ValueError("damaged: its optimizer_history holds no dictionaries")
    last.setdefault("num_updates", 0)
    extra = state["extra_state"] or {}
    iterator = _typed(extra, "train_iterator", dict) or {}
    counts = {
        "num_updates": last["num_updates"],
        "epoch": iterator.get("epoch"),
        **{name: iterator[name] for name in _COUNTS if name in iterator},
    }
    for name, number in counts.items():
        is_count = type(number) is int and number >= 0
        if not is_count and not isinstance(number, np.integer):
            raise ValueError(f"damaged: its {name} is {number!r}")
    for name in _NUMBERS:
        number = extra.get(name)
        if isinstance(number, Tensor) and number.numel() == 1:
            continue  # several workers add up times as tensors
        if type(number) not in (type(None), int, float, np.float32, np.float64):
            raise ValueError(f"damaged: its {name} is {number!r}")
    meters = _typed(extra, "metrics", dict) or {}
    for rows in meters.values():
        for row in rows if isinstance(rows, list) else [rows]:
            # fairseq calls what this names
            if not (isinstance(row, (list, tuple)) and len(row) == 4) or not (
                isinstance(row[2], str) and _METER.fullmatch(row[2])
            ):
                raise ValueError("damaged: its metrics are none of fairseq's meters")


def check_tensors(weights: Any) -> None:
    """Refuse parameters that no model has computed with.

    Raises:
        ValueError: no tensors by name, or NaN or infinity in one.
    """
    if not isinstance(weights, dict) or not weights:
        raise ValueError("damaged: it holds no parameters by name")
    for name, tensor in weights.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ValueError(f"damaged: its parameter {name!r} is no tensor")
        is_exotic = tensor.is_floating_point() and tensor.dtype not in _FLOATS
        if is_exotic or tensor.is_complex():
            raise ValueError(f"{name} is {tensor.dtype}, which no model of ours is")
        if tensor.numel() and tensor.dtype in _FLOATS:
            # unlike isfinite, this needs no memory of its own
            low, high = tensor.aminmax()
            if not (math.isfinite(low) and math.isfinite(high)):
                raise ValueError(f"{name} holds NaN or infinity: its training diverged")


def dictionary_beside(path: str) -> str | None:
    """Return the folder of a checkpoint if its `dict.txt` stands there, too."""
    folder = os.path.dirname(os.path.abspath(path))
    return folder if os.path.isfile(os.path.join(folder, DICTIONARY_FILE)) else None


def model_config(state: dict[str, Any]) -> DictConfig:
    """Return the model's configuration."""
    return state["cfg"]["model"]


def selection_rule(path: str, stated: Any = None) -> str:
    """Return the rule that chose a checkpoint: `best`, `last`, `mean-5`, ...

    Args:
        path: whose name says so: `checkpoint_best.pt`.
        stated: what its task's state says; `mlkd-average` writes it.
    """
    if isinstance(stated, str) and _RULE.fullmatch(stated):
        return stated
    name = os.path.basename(path).removesuffix(".pt")
    return {"checkpoint_best": "best", "checkpoint_last": "last"}.get(name, name)


def weights_sha256(weights: dict[str, Tensor]) -> str:
    """Return a fingerprint of parameters: their names, in order, and their bytes."""
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


# --- whether a checkpoint fits


def dictionary_sha256(dictionary: Dictionary) -> str:
    """Return a fingerprint of the symbols and their order."""
    return symbols_sha256(dictionary.symbols)


def symbols_sha256(symbols: list[str]) -> str:
    """Return a fingerprint of symbols and their order."""
    return hashlib.sha256("\n".join(symbols).encode()).hexdigest()


def check_dictionary(
    state: dict[str, Any], dictionary: Dictionary, path: str, flag: str
) -> None:
    """Refuse a checkpoint that was trained with another dictionary.

    A checkpoint that does not say which dictionary it had (stock fairseq) passes with a
    warning; its size is checked when the weights are loaded.

    Raises:
        ValueError: the fingerprints differ.
    """
    theirs: str | None = (state.get("task_state") or {}).get(DICTIONARY_KEY)
    if theirs is None:
        logger.warning(
            "%s %s does not say which dictionary it was trained with", flag, path
        )
    elif theirs != dictionary_sha256(dictionary):
        raise ValueError(
            f"{flag} {path} was trained with another dictionary than this run's "
            f"({len(dictionary)} symbols): "
            "build the data with the dict.txt of that model"
        )


def check_labels(
    state: dict[str, Any], labels: list[str], path: str, flag: str
) -> None:
    """Refuse a checkpoint whose heads say other labels, or in another order.

    One that does not tell passes: the shapes of its heads are checked with its weights.

    Raises:
        ValueError: the fingerprints differ.
    """
    ours = symbols_sha256(labels)
    if (state.get("task_state") or {}).get(LABELS_KEY, ours) != ours:
        raise ValueError(
            f"{flag} {path} was trained with other labels than this run's "
            f"({len(labels)}): prepare the data of both from the same files"
        )


def load_weights(
    module: torch.nn.Module,
    weights: dict[str, Tensor],
    path: str,
    flag: str,
    *,
    advice: str = "choose the --arch it was trained with",
) -> None:
    """Load `weights` strictly; a misfit is refused with both shapes named.

    Args:
        module: takes the weights.
        weights: its parameters by their names in it.
        path: where the weights come from, for the message.
        flag: the option that named it, for the message.
        advice: what to do about another shape or a parameter too many.

    Raises:
        ValueError: a parameter is missing, left over, or has another shape.
    """
    try:
        check_shapes(weights, module.state_dict(), advice)
    except ValueError as error:
        raise ValueError(f"{flag} {path}: {error}") from None
    module.load_state_dict(weights)


def check_shapes(
    weights: Mapping[str, Tensor], ours: Mapping[str, Tensor], advice: str
) -> None:
    """Compare parameters with those of the model that is to take them.

    Raises:
        ValueError: a parameter is missing, left over, or has another shape.
    """
    for name, tensor in ours.items():
        if name not in weights:
            raise ValueError(f"lacks the parameter {name}")
        if weights[name].shape != tensor.shape:
            raise ValueError(
                f"{name} is {tuple(weights[name].shape)} there and "
                f"{tuple(tensor.shape)} in this model: {advice}"
            )
    extra = sorted(weights.keys() - ours.keys())
    if extra:
        raise ValueError(
            f"holds {extra[0]}, which this model lacks "
            f"({len(extra)} such parameters): {advice}"
        )
