"""Options of models, tasks, criterions and optimizers, as their dataclasses declare."""

from dataclasses import field
from typing import Any


def option(default: Any, help: str) -> Any:
    """Return the field of a configuration: its default, and what `--help` says."""
    return field(default=default, metadata={"help": help})
