"""Pretraining: the masked-LM perplexity of Table 2."""

import math
from collections.abc import Sequence

from fairseq_mlkd.metrics.metric import EXAMPLES, Counts, Labels, Metric, Score


class Perplexity(Metric):
    """`2 ** bits`, the bits per masked token.

    Its counts are what the criterion has summed up: `loss`, the hard cross-entropy in
    nats, and `sample_size`, the masked tokens.
    """

    counters = ("loss", "sample_size", EXAMPLES)
    main = "ppl"

    def count(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> Counts:
        raise NotImplementedError("a perplexity needs probabilities, not predictions")

    def keys(self) -> list[str]:
        return ["ppl"]

    def scores(self, counts: Counts) -> list[Score]:
        loss = counts["loss"]  # its precision is that of the quotient
        nats = float(loss / counts["sample_size"].astype(loss.dtype))
        examples = int(counts[EXAMPLES])
        return [
            Score("masked-LM perplexity", 2 ** (nats / math.log(2)), examples, "ppl")
        ]
