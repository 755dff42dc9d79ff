"""The hard loss of every task of ours."""

import math
from typing import Any

from fairseq import utils
from fairseq.criterions import FairseqCriterion, register_criterion
from fairseq.dataclass import FairseqDataclass
from fairseq.logging import metrics
from torch import Tensor, nn

from fairseq_mlkd.distillation.losses import count_labels, hard_loss


@register_criterion("task_cross_entropy", dataclass=FairseqDataclass)
class TaskCrossEntropyCriterion(FairseqCriterion):
    """Cross-entropy wherever the task has labels: masked tokens, sentences, ...

    On `multilingual_mlm` it equals fairseq's `masked_lm`. The sample size is the number
    of labels; losses are logged in bits, as everywhere in fairseq.
    """

    # in validation the task's `count` gets the logits, so that scores follow from them
    counts_for_task = True

    def forward(
        self, model: nn.Module, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Return the summed loss, the number of labels, and what to log."""
        places, targets = self.task.supervise(sample)
        logits = model(**sample["net_input"], heads=places)[0]
        loss = hard_loss(logits, targets)
        log = self.logging_output(sample, loss, logits, targets)
        return loss, log["sample_size"], log

    def logging_output(
        self,
        sample: dict[str, Any],
        loss: Tensor,
        logits: dict[str, Tensor],
        targets: dict[str, Tensor],
    ) -> dict[str, Any]:
        """Return what fairseq adds up over batches, `loss` in nats among it.

        In validation the counts of the task's metric are there, too.
        """
        log = {
            "loss": loss.detach(),
            "ntokens": sample["ntokens"],
            "nsentences": sample["nsentences"],
            "sample_size": sum(count_labels(t) for t in targets.values()),
        }
        if not self.training:
            log.update(self.task.count(sample, logits))
        return log

    def validation_losses(self) -> list[str]:
        """Return the names of the losses that validation logs beside `loss`."""
        return []

    @staticmethod
    def reduce_metrics(logging_outputs: list[dict[str, Any]]) -> None:
        log_mean("loss", logging_outputs, bits=True)
        metrics.log_derived(
            "ppl", lambda meters: utils.get_perplexity(meters["loss"].avg)
        )

    @staticmethod
    def logging_outputs_can_be_summed() -> bool:
        return True


def log_mean(key: str, logging_outputs: list[dict[str, Any]], *, bits: bool) -> None:
    """Log the sum of `key` over the sum of sample sizes, in bits or as it is."""
    total = sum(log.get(key, 0) for log in logging_outputs)
    sample_size = sum(log.get("sample_size", 0) for log in logging_outputs)
    unit = math.log(2) if bits else 1.0
    metrics.log_scalar(key, total / max(sample_size, 1) / unit, sample_size, round=3)
