"""Checkpoints are untrusted input: tensors and plain values, checked before use."""

import hashlib
import logging
import os
from typing import Any

import torch
from fairseq.checkpoint_utils import load_checkpoint_to_cpu
from fairseq.data import Dictionary
from omegaconf import DictConfig

logger = logging.getLogger(__name__)

# what a checkpoint of ours says of its dictionary, kept in the task's state
DICTIONARY_KEY = "dictionary_sha256"
# and of the labels, parse symbols included, that its heads say
LABELS_KEY = "labels_sha256"


def read_checkpoint(path: str, flag: str) -> dict[str, Any]:
    """Read a fairseq checkpoint to the CPU.

    Args:
        path: the checkpoint.
        flag: the option that named it, for the message.
    Raises:
        ValueError: no file, or no fairseq checkpoint of tensors and plain values.
    """
    if not os.path.isfile(path):
        raise ValueError(f"{flag} {path}: no such file")
    try:
        state = load_checkpoint_to_cpu(path)
    except Exception as error:  # whatever bytes the unpickler meets
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{flag} {path}: not a fairseq checkpoint ({reason})"
        ) from None
    if not isinstance(state, dict) or "model" not in state or not state.get("cfg"):
        raise ValueError(
            f"{flag} {path}: not a fairseq checkpoint (no model or no cfg in it)"
        )
    return state


def model_config(state: dict[str, Any]) -> DictConfig:
    return state["cfg"]["model"]


def dictionary_sha256(dictionary: Dictionary) -> str:
    """Fingerprint of the symbols and their order."""
    return symbols_sha256(dictionary.symbols)


def symbols_sha256(symbols: list[str]) -> str:
    """Fingerprint of symbols and their order."""
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
    weights: dict[str, torch.Tensor],
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
    ours = module.state_dict()
    for name, tensor in ours.items():
        if name not in weights:
            raise ValueError(f"{flag} {path}: lacks the parameter {name}")
        if weights[name].shape != tensor.shape:
            raise ValueError(
                f"{flag} {path}: {name} is {tuple(weights[name].shape)} there and "
                f"{tuple(tensor.shape)} in this model: {advice}"
            )
    extra = sorted(weights.keys() - ours.keys())
    if extra:
        raise ValueError(
            f"{flag} {path}: holds {extra[0]}, which this model lacks "
            f"({len(extra)} such parameters): {advice}"
        )
    module.load_state_dict(weights)
