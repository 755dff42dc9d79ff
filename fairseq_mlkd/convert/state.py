"""A checkpoint that was not trained here, in the form that fairseq's commands read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairseq_mlkd.checkpoint import DICTIONARY_KEY, LABELS_KEY, symbols_sha256
from fairseq_mlkd.convert.naming import Weights
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE, write_dictionary


def build_state(
    model: Mapping[str, Any],
    weights: Weights,
    symbols: list[str],
    *,
    task: str = "multilingual_mlm",
    options: Mapping[str, Any] | None = None,
    labels: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what `torch.save` writes.

    Args:
        model: the model's configuration, `_name` included.
        weights: by our names.
        symbols: of the dictionary, `<mask>` included.
        task: the registered task that reads it.
        options: of the task.
        labels: all that its heads say, in their order.
    """
    fingerprints = {DICTIONARY_KEY: symbols_sha256(symbols)}
    if labels:
        fingerprints[LABELS_KEY] = symbols_sha256(list(labels))
    return {
        "cfg": {
            "model": dict(model),
            "task": {**(options or {}), "_name": task},
            "criterion": {"_name": "task_cross_entropy"},
        },
        "args": None,
        "model": weights,
        "task_state": fingerprints,
        "criterion": None,
        "optimizer_history": [{"num_updates": 0, "lr_scheduler_state": {}}],
        "last_optimizer_state": None,
        "extra_state": {"epoch": 1, "train_iterator": {"epoch": 1}},
    }


def write_labels(folder: Path, part: str, labels: Sequence[str]) -> None:
    """Write `PART/dict.txt` of labels that a head knows, beside its checkpoint."""
    (folder / part).mkdir()
    write_dictionary(folder / part / DICTIONARY_FILE, labels)
