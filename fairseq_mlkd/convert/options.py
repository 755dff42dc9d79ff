"""What to export of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairseq_mlkd.metrics.results import Result


@dataclass(frozen=True)
class Options:
    """What to write, and what the card says.

    Args:
        results: of this model.
        licence: of the sources of its data.
        onnx: whether to write graphs in float32.
        int8: whether to write graphs of 8 bits, which dev data must show to be as good.
        tolerance: how many points of the task's metric a language may lose by them.
        force: write them even so.
        dev_rows: of each language, that decide.
    Raises:
        ValueError: a tolerance that no loss can be compared with.
    """

    results: Sequence[Result] = ()
    licence: str | None = None
    onnx: bool = False
    int8: bool = False
    tolerance: float = 0.5
    force: bool = False
    dev_rows: int = 1000

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:  # nan would let any loss pass
            raise ValueError(f"--tolerance {self.tolerance}: give a number from 0")
