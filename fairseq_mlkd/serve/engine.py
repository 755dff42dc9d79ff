"""What an engine is: it computes, and knows nothing of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Parsing(ABC):
    """A decoder that has read some sentences and goes on symbol by symbol."""

    @abstractmethod
    def step(self, previous: np.ndarray) -> np.ndarray:
        """Score what follows.

        Args:
            previous: `(beams,)`, the last symbol of each.
        Returns:
            `(beams, symbols + words)`, logits.
        """

    @abstractmethod
    def reorder(self, rows: np.ndarray) -> None:
        """Go on with these beams, `(beams,)`."""


class Engine(ABC):
    """Computes logits of padded batches; several threads may ask at once."""

    @abstractmethod
    def run(self, batch: Arrays) -> dict[str, np.ndarray]:
        """Return the outputs of all heads, as `convert.onnx_models.add_model` says.

        Args:
            batch: what `inputs.pad` returned.
        """

    @abstractmethod
    def parse(self, batch: Arrays, word_starts: np.ndarray, beams: int) -> Parsing:
        """Read one sentence, `(1, length)`, and begin `beams` parses of it.

        Args:
            word_starts: `(1, words)`, the column of each word; -1: none.
        """
