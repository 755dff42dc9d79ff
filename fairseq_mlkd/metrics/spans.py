"""Entity and slot F1 as seqeval's default mode, which scores as conlleval does."""

from collections.abc import Iterable, Sequence

import torch
from seqeval.metrics.sequence_labeling import get_entities
from torch import Tensor

ENTITY_F1 = "entity F1 (seqeval default mode)"
SLOT_F1 = "slot F1 (seqeval default mode)"
INTENT_ACCURACY = "intent accuracy"
INTENT_SLOT_EXACT_MATCH = "exact match (intent and slots)"


def span_types(tags: Iterable[str]) -> list[str]:
    """The types of spans that these tags can mark, sorted: `B-PER`, `O` -> `PER`."""
    return sorted({kind for tag in set(tags) for kind, _, _ in get_entities([tag])})


def count_spans(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    types: Sequence[str],
) -> Tensor:
    """Count spans by type; the counts of several sets of sentences can be added.

    Args:
        gold: the tags of each sentence's words.
        predicted: the same of a model, as many.
        types: every type that occurs in either (`span_types`).
    Returns:
        `(types, 3)`, int64: spans that are in both, predicted ones, gold ones.
    """
    row = {kind: i for i, kind in enumerate(types)}
    counts = [[0, 0, 0] for _ in types]
    for tags in zip(gold, predicted):
        wanted, found = (set(get_entities(list(side))) for side in tags)
        for column, spans in enumerate((wanted & found, found, wanted)):
            for kind, _, _ in spans:
                counts[row[kind]][column] += 1
    return torch.tensor(counts, dtype=torch.int64).view(len(types), 3)


def span_f1(counts: Tensor) -> float:
    """Micro-averaged F1 in percent of counts `(types, 3)`, or of one type `(3,)`.

    0 where there are no spans at all, as in seqeval.
    """
    both, predicted, gold = counts.view(-1, 3).sum(dim=0).tolist()
    return 200.0 * both / (predicted + gold) if predicted + gold else 0.0
