"""What training has changed, and whether two runs ended alike."""

from pathlib import Path
from typing import Any

import torch
from tiny import load

PARTS = ("model", "criterion", "last_optimizer_state")


def trained_values(checkpoint: Path) -> dict[str, Any]:
    """Student, projections and state of the optimizer, each value under its path."""
    state = load(checkpoint)
    for part in PARTS:
        assert state[part], f"{checkpoint} has no {part}"
    return flatten({part: state[part] for part in PARTS})


def flatten(value: Any, name: str = "") -> dict[str, Any]:
    """Return each value in nested dictionaries and lists under its path."""
    if not isinstance(value, (dict, list, tuple)):
        return {name: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {k: v for key, x in items for k, v in flatten(x, f"{name}/{key}").items()}


def differences(first: Path, second: Path) -> list[str]:
    """Names of what two checkpoints do not have bit for bit the same."""
    return differing(trained_values(first), trained_values(second))


def differing(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Names of the values, of `trained_values`, that are not the same."""
    assert ours.keys() == theirs.keys()
    return [name for name in ours if not _equal(ours[name], theirs[name])]


def _equal(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if torch.is_tensor(a) else a == b
