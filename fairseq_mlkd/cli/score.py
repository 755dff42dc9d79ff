"""`mlkd-score`: scores predictions from anywhere by a benchmark's own metrics.

GOLD is a file of the benchmark. HYPOTHESIS has the same rows in the same order, with
predicted labels in place of the true ones: in any layout of the benchmark, or for
mtop one parse a line. With --generate-output it is what fairseq-generate printed for
the subset that was prepared from GOLD. Rows that preparation drops are not scored.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from fairseq_mlkd.cli.command import benchmark_parser, one_line_errors
from fairseq_mlkd.cli.score_rows import read_pairs
from fairseq_mlkd.metrics.parsing import PARSE_METRICS, parse_counts
from fairseq_mlkd.metrics.spans import (
    ENTITY_F1,
    INTENT_ACCURACY,
    INTENT_SLOT_EXACT_MATCH,
    SLOT_F1,
    count_spans,
    span_f1,
    span_types,
)
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.text.pointers import from_pointers

Labels = tuple[dict[str, list[str]], dict[str, list[str]]]


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = benchmark_parser("mlkd-score", __doc__, sorted(READERS))
    add = parser.add_argument
    add("gold", metavar="GOLD", type=Path, help="file with the true labels")
    add("hypothesis", metavar="HYPOTHESIS", type=Path, help="file with predictions")
    add(
        "--lang",
        default="en",
        help="language to read where a file holds several (default: en)",
    )
    add(
        "--split",
        choices=("train", "valid", "test"),
        default="test",
        help="split to read where a file holds several (default: test)",
    )
    add(
        "--generate-output",
        action="store_true",
        help="HYPOTHESIS is what fairseq-generate printed",
    )
    return parser


def score(pairs: Sequence[Labels]) -> dict[str, float]:
    """The benchmark's metrics in percent, by full name.

    Args:
        pairs: true and predicted symbols of each row, by part; at least one row.
    """
    parts = pairs[0][0]
    if "target" in parts:
        return _score_parses(pairs)
    if "intent" in parts:
        return _score_intents(pairs)
    if "words" in parts:
        types, counts = _count_spans(pairs)
        by_type = {f"{ENTITY_F1}: {kind}": span_f1(c) for kind, c in zip(types, counts)}
        return {ENTITY_F1: span_f1(counts), **by_type}
    return {"accuracy": _percent(pairs, "label")}


def _percent(pairs: Sequence[Labels], *parts: str) -> float:
    """How many rows have all of these parts right."""
    are_right = (all(gold[p] == found[p] for p in parts) for gold, found in pairs)
    return 100.0 * sum(are_right) / len(pairs)


def _score_parses(pairs: Sequence[Labels]) -> dict[str, float]:
    counts = [
        parse_counts(from_pointers(gold["target"], gold["words"]), found["target"])
        for gold, found in pairs
    ]
    return {
        metric: 100.0 * sum(count[key] for count in counts) / len(counts)
        for key, metric in PARSE_METRICS.items()
    }


def _score_intents(pairs: Sequence[Labels]) -> dict[str, float]:
    return {
        INTENT_SLOT_EXACT_MATCH: _percent(pairs, "intent", "label"),
        INTENT_ACCURACY: _percent(pairs, "intent"),
        SLOT_F1: span_f1(_count_spans(pairs)[1]),
    }


def _count_spans(pairs: Sequence[Labels]) -> tuple[list[str], Tensor]:
    """The types of all spans, and their counts as `count_spans` gives them."""
    gold = [true["label"] for true, _ in pairs]
    # no tag at all, and what fairseq-generate writes for a word that was cut off
    nothing = ("", "<unk>")
    predicted = [
        ["O" if tag in nothing else tag for tag in found["label"]] for _, found in pairs
    ]
    types = span_types(tag for tags in (*gold, *predicted) for tag in tags)
    return types, count_spans(gold, predicted, types)


@one_line_errors("mlkd-score")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    pairs, dropped = read_pairs(args)
    scores = score([(gold.symbols(), found.symbols()) for gold, found in pairs])
    counts = {"examples": len(pairs), "dropped": dropped}
    print(json.dumps({**scores, **counts}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
