"""What training has changed, and whether two runs ended alike."""

from pathlib import Path
from typing import Any

import torch
from tiny import load

PARTS = ("model", "criterion", "last_optimizer_state")


def trained_values(checkpoint: Path) -> dict[str, Any]:
    """Student, projections and state of the optimizer, each value under its path."""
    state = load(checkpoint)
    found: dict[str, Any] = {}

    def collect(name: str, value: Any) -> None:
        if isinstance(value, (dict, list, tuple)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, part in items:
                collect(f"{name}/{key}", part)
        else:
            found[name] = value

    for part in PARTS:
        assert state[part], f"{checkpoint} has no {part}"
        collect(part, state[part])
    return found


def differences(first: Path, second: Path) -> list[str]:
    """Names of the values that are not bit for bit the same."""
    ours, theirs = trained_values(first), trained_values(second)
    assert ours.keys() == theirs.keys()
    return [name for name in ours if not _equal(ours[name], theirs[name])]


def _equal(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if torch.is_tensor(a) else a == b
