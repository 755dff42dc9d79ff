"""What became of each example of an evaluation, from all workers."""

from typing import Any

import numpy as np
import torch.distributed as dist
from numpy.typing import NDArray

Found = dict[str, dict[str, NDArray[np.int64]]]  # by subset and language
_Parts = dict[tuple[str, str], list[NDArray[np.int64]]]


class OutcomeRecorder:
    """Takes in the outcomes of batches, and gives those of a subset in its order."""

    def __init__(self) -> None:
        self._parts: _Parts = {}

    def add(self, sample: dict[str, Any], outcomes: NDArray[np.int64]) -> None:
        """Take in the outcomes `(bsz, counts)` of a batch of one language."""
        ids = sample["id"].cpu().numpy()[:, None]
        key = sample["subset"], sample["lang"]
        self._parts.setdefault(key, []).append(np.hstack([ids, outcomes]))

    def collect(self) -> Found:
        """Return and forget what all workers took in, every example once."""
        parts, self._parts = self._parts, {}
        found: Found = {}
        for (subset, lang), rows in _gather(parts).items():
            ordered = np.concatenate(rows)
            _, first = np.unique(ordered[:, 0], return_index=True)
            found.setdefault(subset, {})[lang] = ordered[first, 1:]
        return found


def _gather(parts: _Parts) -> _Parts:
    if not dist.is_initialized():
        return parts
    everyone: list[_Parts] = [{} for _ in range(dist.get_world_size())]
    dist.all_gather_object(everyone, parts)
    together: _Parts = {}
    for own in everyone:
        for key, rows in own.items():
            together.setdefault(key, []).extend(rows)
    return together
