"""Which labels a model can predict, and where those of sentences are read."""

from typing import Any, Dict

import torch
from fairseq.data import Dictionary
from torch import Tensor


def count_classes(labels: Dictionary) -> int:
    """The number of labels that training data hold.

    Their counts in `dict.txt` are above 0. The labels of test data alone follow them:
    no model can predict those.
    """
    return sum(count > 0 for count in labels.count[labels.nspecial :])


def first_tokens(sample: Dict[str, Any]) -> Tensor:
    """`(bsz,)` indices of each sentence's first token into the flat `src_tokens`."""
    tokens = sample["net_input"]["src_tokens"]
    return torch.arange(0, tokens.numel(), tokens.size(1), device=tokens.device)
