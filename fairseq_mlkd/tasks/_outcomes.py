"""What became of each example of an evaluation, from all workers."""

from typing import Any, NamedTuple

import numpy as np
import torch.distributed as dist
from numpy.typing import NDArray

Array = NDArray[Any]


class Outcomes(NamedTuple):
    """What became of the examples of a language, in the order of the data.

    Attributes:
        counts: `(examples, counts)`, as `Metric.outcomes` gives them.
        right: `(examples,)`, whether all of the answer is.
        probs: `(examples,)`, the model's probability of its answer.
    """

    counts: NDArray[np.int64]
    right: NDArray[np.bool_]
    probs: NDArray[np.float64]


class OutcomeRecorder:
    """Takes in the outcomes of batches, and gives those of a subset in its order."""

    def __init__(self) -> None:
        # by subset and language: numbers of the examples, then what became of them
        self._parts: dict[tuple[str, str], list[tuple[Array, Outcomes]]] = {}

    def add(self, sample: dict[str, Any], outcomes: Outcomes) -> None:
        """Take in the outcomes of a batch of one language."""
        key = sample["subset"], sample["lang"]
        self._parts.setdefault(key, []).append((sample["id"].cpu().numpy(), outcomes))

    def collect(self) -> dict[str, dict[str, Outcomes]]:
        """Return and forget what all workers took in, every example once.

        Returns:
            Subset -> language -> its outcomes.
        """
        everyone = [self._parts]
        self._parts = {}
        if dist.is_initialized():
            own, everyone = everyone[0], [{} for _ in range(dist.get_world_size())]
            dist.all_gather_object(everyone, own)
        together: dict[tuple[str, str], list[tuple[Array, Outcomes]]] = {}
        for parts in everyone:
            for key, batches in parts.items():
                together.setdefault(key, []).extend(batches)
        found: dict[str, dict[str, Outcomes]] = {}
        for (subset, lang), batches in together.items():
            found.setdefault(subset, {})[lang] = _join(batches)
        return found


def _join(batches: list[tuple[Array, Outcomes]]) -> Outcomes:
    ids = np.concatenate([ids for ids, _ in batches])
    _, first = np.unique(ids, return_index=True)
    columns = zip(*(outcomes for _, outcomes in batches))
    return Outcomes(*(np.concatenate(column)[first] for column in columns))
