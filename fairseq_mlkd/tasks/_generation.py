"""Hypotheses of tasks that label, in the form that fairseq-generate writes."""

from collections.abc import Sequence
from typing import Any

import torch
from fairseq.models import BaseFairseqModel
from torch import Tensor

from fairseq_mlkd.distillation.contract import Supervision


def ensemble_log_probs(
    models: Sequence[BaseFairseqModel],
    sample: dict[str, Any],
    supervision: Supervision,
) -> dict[str, Tensor]:
    """Logarithms of the models' mean probabilities, head -> `(n, classes)`."""
    inputs, places = sample["net_input"], supervision.places
    logits = [model(**inputs, heads=places)[0] for model in models]
    probs = {
        head: torch.stack([torch.softmax(one[head].float(), -1) for one in logits])
        for head in supervision.targets
    }
    return {head: p.mean(dim=0).log() for head, p in probs.items()}


def hypothesis(tokens: Tensor, lprobs: Tensor) -> dict[str, Any]:
    """A hypothesis of `(n,)` labels with their natural log probabilities `(n,)`."""
    return {
        "tokens": tokens,
        "score": lprobs.sum().item(),
        "attention": None,
        "alignment": torch.empty(0),
        "positional_scores": lprobs.clone(),
    }


Hypotheses = list[list[dict[str, Any]]]  # of each sentence, best first
