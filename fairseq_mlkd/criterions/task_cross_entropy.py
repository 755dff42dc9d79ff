"""The hard loss of every task of ours."""

import math
from typing import Any, Dict, List, Tuple

from fairseq import modules, utils
from fairseq.criterions import FairseqCriterion, register_criterion
from fairseq.dataclass import FairseqDataclass
from fairseq.logging import metrics
from torch import Tensor, nn


@register_criterion("task_cross_entropy", dataclass=FairseqDataclass)
class TaskCrossEntropyCriterion(FairseqCriterion):
    """Cross-entropy wherever the task has labels: masked tokens, sentences, ...

    On `multilingual_mlm` it equals fairseq's `masked_lm`. The sample size is the number
    of labels; losses are logged in bits, as everywhere in fairseq.
    """

    def forward(
        self, model: nn.Module, sample: Dict[str, Any], reduce: bool = True
    ) -> Tuple[Tensor, int, Dict[str, Any]]:
        """Return the summed loss, the number of labels, and what to log."""
        inputs, target = self.task.supervise(sample)
        logits, _ = model(**sample["net_input"], **inputs)
        loss = hard_loss(logits, target)
        return loss, target.numel(), self.logging_output(sample, loss, logits, target)

    def logging_output(
        self, sample: Dict[str, Any], loss: Tensor, logits: Tensor, target: Tensor
    ) -> Dict[str, Any]:
        return {
            "loss": loss.detach(),
            "ntokens": sample["ntokens"],
            "nsentences": sample["nsentences"],
            "sample_size": target.numel(),
            **self.task.count(logits.detach(), target),
        }

    @staticmethod
    def reduce_metrics(logging_outputs: List[Dict[str, Any]]) -> None:
        log_mean("loss", logging_outputs, bits=True)
        metrics.log_derived(
            "ppl", lambda meters: utils.get_perplexity(meters["loss"].avg)
        )

    @staticmethod
    def logging_outputs_can_be_summed() -> bool:
        return True


def hard_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy summed over `(n,)` targets, in float32."""
    return modules.cross_entropy(logits, target, reduction="sum")


def log_mean(key: str, logging_outputs: List[Dict[str, Any]], *, bits: bool) -> None:
    """Log the sum of `key` over the sum of sample sizes, in bits or as it is."""
    total = sum(log.get(key, 0) for log in logging_outputs)
    sample_size = sum(log.get("sample_size", 0) for log in logging_outputs)
    unit = math.log(2) if bits else 1.0
    metrics.log_scalar(key, total / max(sample_size, 1) / unit, sample_size, round=3)
