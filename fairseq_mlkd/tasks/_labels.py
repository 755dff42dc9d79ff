"""Which labels a model can predict, and where those of sentences are read."""

from typing import Any

import torch
from fairseq.data import Dictionary
from torch import Tensor

from fairseq_mlkd.checkpoint import LABELS_KEY, symbols_sha256


def count_classes(labels: Dictionary) -> int:
    """The number of labels that training data hold.

    Their counts in `dict.txt` are above 0. The labels of test data alone follow them:
    no model can predict those.
    """
    return sum(count > 0 for count in labels.count[labels.nspecial :])


def first_tokens(sample: dict[str, Any]) -> Tensor:
    """`(bsz,)` indices of each sentence's first token into the flat `src_tokens`."""
    tokens = sample["net_input"]["src_tokens"]
    return torch.arange(0, tokens.numel(), tokens.size(1), device=tokens.device)


def check_restored_labels(
    task_state: dict[str, Any], labels: list[str], data: str
) -> None:
    """Take the labels' fingerprint out of a checkpoint's task state, and compare it.

    Raises:
        ValueError: the labels of `data` are others, or in another order.
    """
    ours = symbols_sha256(labels)
    if task_state.pop(LABELS_KEY, ours) != ours:
        raise ValueError(
            f"{data}: its labels are not those of the checkpoint: prepare it from the "
            "training file that the model is from"
        )
