"""Set result lines beside one another: the paper's tables and findings, tested.

Means over seeds, paired significance, retention, what the paper found and whether it
holds here; with --output also LaTeX, CSV, JSON, a picture and one page of HTML.

Example:

    mlkd-report results.jsonl --output report --teacher teacher
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fairseq_mlkd.cli.command import make_parser, one_line_errors, read_settings
from fairseq_mlkd.files.writing import write_text
from fairseq_mlkd.metrics.results import Result, latest_results, read_results
from fairseq_mlkd.prepare.labelled import READERS

if TYPE_CHECKING:
    from fairseq_mlkd.report.report import Report

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
        " data set, model, language, metric, seed, split and selection",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        help="write report.md, .tex, .csv, .json, .html and .png",
    )
    parser.add_argument(
        "--teacher",
        metavar="MODEL",
        help="model that retention is measured against (default: one named `teacher`)",
    )
    parser.add_argument(
        "--baseline",
        metavar="MODEL",
        help="model that all others are tested against (default: the vanilla student, "
        "else the first)",
    )
    parser.add_argument(
        "--part",
        metavar="PAPERS=MODEL",
        nargs="+",
        default=[],
        help="which model plays the part of which of the paper's, such as "
        "mXLeanBERT=big (default: those called so, and `teacher`, `vanilla student`, "
        "`distilled student`)",
    )
    parser.add_argument(
        "--selection",
        metavar="RULE",
        help="the rule whose models stand in the tables (default: best)",
    )
    parser.add_argument(
        "--latency",
        metavar="FILE",
        type=Path,
        help="what mlkd-latency --json wrote: size and milliseconds by model",
    )
    parser.add_argument(
        "--source-lang",
        metavar="LANG",
        default="en",
        help="language of the training data",
    )
    return parser


def load_results(paths: list[str]) -> dict[Result, str]:
    """Read result lines, each with its file; says on stderr what was replaced."""
    lines = [(result, path) for path in paths for result in read_results([path])]
    if not lines:
        raise ValueError(f"no result lines in {', '.join(paths)}")
    latest = latest_results(result for result, _ in lines)
    if len(latest) < len(lines):
        print(f"replaced by later lines: {len(lines) - len(latest)}", file=sys.stderr)
    files = dict(lines)
    return {result: files[result] for result in latest}


def write_report(folder: Path, report: Report) -> None:
    """Write the report in every form; `report.png` if there is a score to draw."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in report.files().items():
        write_text(folder / name, text)
    if report.drawn:
        # Only a picture needs matplotlib, which is optional.
        from fairseq_mlkd.report.picture import save_picture

        save_picture(report.drawn, folder / "report.png")


@one_line_errors("mlkd-report")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    from fairseq_mlkd.report.formats import to_markdown
    from fairseq_mlkd.report.report import Report

    report = Report(
        load_results(args.results),
        args.source_lang,
        TITLES,
        teacher=args.teacher,
        baseline=args.baseline,
        parts=read_settings("--part", args.part),
        selection=args.selection,
        latency=args.latency,
    )
    print(to_markdown(report.sections), end="")
    if args.output:
        write_report(args.output, report)


if __name__ == "__main__":
    main()
