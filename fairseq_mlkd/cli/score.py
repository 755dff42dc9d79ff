"""Score predictions from anywhere by a benchmark's own metrics.

GOLD is a file of the benchmark, or your own: then NAME is the kind of its labels.
HYPOTHESIS has the same rows in the same order, with predicted labels in place of the
true ones: in any layout that GOLD may have, or for parses one parse per line. With
--generate-output it is what fairseq-generate printed for the subset that was prepared
from GOLD. Rows that preparation drops are not scored.

Example:

    mlkd-score mtop downloads/mtop/fr/test.txt predictions.txt --lang fr
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from fairseq_mlkd.cli.command import one_line_errors
from fairseq_mlkd.cli.labelled import labelled_parser
from fairseq_mlkd.cli.score_rows import read_pairs
from fairseq_mlkd.data.folders import LABEL, TARGET, WORDS
from fairseq_mlkd.prepare.labelled.rows import Row, WordRow
from fairseq_mlkd.text.pointers import from_pointers


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser, _ = labelled_parser("mlkd-score", __doc__)
    add = parser.add_argument
    add("gold", metavar="GOLD", type=Path, help="file with the true labels")
    add("hypothesis", metavar="HYPOTHESIS", type=Path, help="file with predictions")
    add(
        "--lang",
        default="en",
        help="language to read where a file holds several",
    )
    add(
        "--split",
        choices=("train", "valid", "test"),
        default="test",
        help="split to read where a file holds several",
    )
    add(
        "--generate-output",
        action="store_true",
        help="HYPOTHESIS is what fairseq-generate printed",
    )
    return parser


def score(pairs: Sequence[tuple[Row, Row]]) -> dict[str, float]:
    """Return the benchmark's metrics in percent, by full name.

    Args:
        pairs: rows with their true and with their predicted labels; at least one.
    """
    # takes seconds, for which --help does not wait
    from fairseq_mlkd.metrics.choice import choose_metric

    gold, predicted = ([row.symbols() for row in rows] for rows in zip(*pairs))
    for labels in gold:
        if TARGET in labels:
            labels[TARGET] = from_pointers(labels[TARGET], labels[WORDS])
    is_tagged = WORDS in gold[0] and LABEL in gold[0]
    tags = [labels[LABEL] for labels in (*gold, *predicted)] if is_tagged else []
    metric = choose_metric(gold[0], tags=tags)
    return {found.metric: found.value for found in metric.score_rows(gold, predicted)}


def warn_of_odd_tags(path: Path, rows: Sequence[Row]) -> None:
    """Say in one line where the first tag stands that is none of `O`, `B-`, `I-`."""
    from fairseq_mlkd.metrics.spans import find_odd_tags

    odd = [
        (row.line, tag)
        for row in rows
        if isinstance(row, WordRow)
        for tag in find_odd_tags(row.tags or [])
    ]
    if odd:
        line, tag = odd[0]
        print(
            f"warning: {path}:{line}: tag {tag!r} is none of O, B-NAME, I-NAME "
            f"({len(odd)} such tags); read as seqeval does",
            file=sys.stderr,
        )


@one_line_errors("mlkd-score")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    pairs, dropped = read_pairs(args)
    warn_of_odd_tags(args.hypothesis, [found for _, found in pairs])
    scores = score(pairs)
    counts = {"examples": len(pairs), "dropped": dropped}
    print(json.dumps({**scores, **counts}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
