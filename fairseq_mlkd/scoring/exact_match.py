"""`fairseq-generate --scoring exact_match`: the share of hypotheses that are right."""

from fairseq.dataclass import FairseqDataclass
from fairseq.scoring import BaseScorer, register_scorer


@register_scorer("exact_match", dataclass=FairseqDataclass)
class ExactMatchScorer(BaseScorer):
    """Compares each best hypothesis with its target, symbol by symbol.

    For `zero_shot_parsing` that is the exact match on the decoupled form, for tags and
    classes the share of sentences that are wholly right.
    """

    def score(self) -> float:
        """Return percent; 0 where there is nothing to compare."""
        pairs = list(zip(self.ref, self.pred))
        return 100.0 * sum(ref == pred for ref, pred in pairs) / max(len(pairs), 1)

    def result_string(self) -> str:
        return f"exact match {self.score():.2f} ({len(self.ref)} sentences)"
