"""The choice of a metric for rows: the one place that tasks and `mlkd-score` ask."""

from collections.abc import Collection, Iterable, Sequence

from fairseq_mlkd.metrics.accuracy import Accuracy
from fairseq_mlkd.metrics.metric import Metric
from fairseq_mlkd.metrics.parsing import ParseMatch
from fairseq_mlkd.metrics.spans import EntityF1, IntentSlotMatch, span_types


def choose_metric(
    folders: Collection[str],
    *,
    tags: Iterable[Sequence[str]] = (),
    num_classes: int | None = None,
) -> Metric:
    """Return the metric of a benchmark's rows.

    Args:
        folders: what a row has beside its input (`data/folders.py`): a parse, an
            intent with slots, tags of words, or the class of a pair.
        tags: sequences in which every type of span occurs.
        num_classes: of pairs, where it is known.
    """
    if "target" in folders:
        return ParseMatch()
    if "intent" in folders:
        return IntentSlotMatch(span_types(tags))
    if "words" in folders:
        return EntityF1(span_types(tags))
    return Accuracy(num_classes)
