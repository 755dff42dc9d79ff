"""Set result lines beside one another: the paper's tables, and a picture of them.

Example:

    mlkd-report results.jsonl --output report
"""

import argparse
import sys
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.files.writing import write_text
from fairseq_mlkd.metrics.results import latest_results, read_results
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.report.pages import render_report
from fairseq_mlkd.report.tables import Table, group_tables, make_tables

# In the order of columns.
TITLES = {name: reader.title for name, reader in READERS.items()}
TITLES["pretraining"] = "Pretraining"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = make_parser("mlkd-report", __doc__)
    parser.add_argument(
        "results",
        metavar="RESULTS",
        nargs="+",
        help="files of result lines; a later line replaces an earlier one for the same"
        " data set, model, language, metric, seed and split",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="write report.md and report.png"
    )
    parser.add_argument(
        "--teacher",
        metavar="MODEL",
        help="model that retention is measured against (default: one named `teacher`)",
    )
    parser.add_argument(
        "--source-lang",
        metavar="LANG",
        default="en",
        help="language of the training data (default: en)",
    )
    return parser


def load_tables(paths: list[str], source_lang: str) -> list[Table]:
    """Read result lines into tables; says on standard error what was replaced."""
    results = read_results(paths)
    if not results:
        raise ValueError(f"no result lines in {', '.join(paths)}")
    latest = latest_results(results)
    replaced = len(results) - len(latest)
    if replaced:
        print(f"replaced by later lines: {replaced}", file=sys.stderr)
    return make_tables(latest, source_lang, TITLES)


def find_teacher(tables: list[Table], named: str | None) -> str:
    """Return the model to compare with.

    Raises:
        ValueError: the user named one that has no results.
    """
    models = dict.fromkeys(model for table in tables for model in table.models)
    if named is not None and named not in models:
        raise ValueError(f"--teacher {named}: no such model; have {', '.join(models)}")
    return named or "teacher"


def write_report(folder: Path, markdown: str, tables: list[Table]) -> None:
    """Write `report.md` and, if there is a score to draw, `report.png`.

    The picture shows the first metric of each data set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "report.md", markdown)
    drawn = [table for table, *_ in group_tables(tables) if not table.is_perplexity]
    if drawn:
        # Only a picture needs matplotlib, which is optional.
        from fairseq_mlkd.report.picture import save_picture

        save_picture(drawn, folder / "report.png")


@one_line_errors("mlkd-report")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    tables = load_tables(args.results, args.source_lang)
    teacher = find_teacher(tables, args.teacher)
    markdown = render_report(tables, teacher)
    print(markdown, end="")
    if args.output:
        write_report(args.output, markdown, tables)


if __name__ == "__main__":
    main()
