"""Turn the official files of a benchmark into binary data for fairseq-train.

Training data are read in the source language, validation and test data in every
language there is. `OUT/audit.json` accounts for each row.

Where a benchmark's training file is not at hand, `--train FILE` names another one
in any layout of that benchmark. If it is the dev file itself, `--valid-fraction 0.1`
holds out a tenth of it as the validation data of the source language. The dev files
of the other languages then hold translations of the training pairs, so that only
their test files measure zero-shot transfer.

Example:

    mlkd-benchmark wikiann downloads/wikiann data/wikiann --tokenizer encoder
"""

import argparse
from pathlib import Path

from fairseq_mlkd.cli.command import benchmark_parser, one_line_errors
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.audit import FileAudit
from fairseq_mlkd.prepare.labelled.selection import Settings


def fraction(text: str) -> float:
    """Return an argument from 0 up to, not including, 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = benchmark_parser("mlkd-benchmark", __doc__, sorted(READERS))
    parser.add_argument(
        "folder", metavar="IN", type=Path, help="folder with the benchmark's files"
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument(
        "--tokenizer",
        metavar="DIR",
        type=Path,
        required=True,
        help="what preprocess/corpus.py or mlkd-import wrote",
    )
    parser.add_argument(
        "--source-lang", default="en", help="language to fine-tune on (default: en)"
    )
    parser.add_argument(
        "--langs",
        metavar="LANG,...",
        default="",
        help="languages besides the source (default: all)",
    )
    parser.add_argument(
        "--train",
        metavar="FILE",
        type=Path,
        help="training file to use in place of the one in IN",
    )
    parser.add_argument(
        "--valid-fraction",
        metavar="F",
        type=fraction,
        default=0.0,
        help="share of the training rows to validate on, from 0 to below 1"
        " (default: 0, use the dev file)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="which rows --valid-fraction takes (default: 1)",
    )
    return parser


def print_totals(records: list[FileAudit]) -> None:
    """Print a line per subset: rows kept and dropped, what a model cannot get right."""
    for record in records:
        kept, dropped = f"kept {record.kept:>7,}", f"dropped {record.dropped_rows:>5,}"
        notes = [f"longest {record.longest_input:,} subwords"]
        if record.published is not None:
            notes.insert(0, f"published {record.published:,}")
        notes += [
            f"{n:,} untrained in {folder}" for folder, n in record.untrained.items()
        ]
        if record.words_without_subwords:
            notes.append(f"{record.words_without_subwords:,} words without subwords")
        if record.forbidden_by_ontology:
            forbidden = record.forbidden_by_ontology
            notes.append(f"--grammar ontology forbids {forbidden:,}")
        print("  ".join([f"{record.subset:<9} {kept}", dropped, *notes]))


@one_line_errors("mlkd-benchmark", stopped="stopped; nothing was written")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    # takes seconds, for which --help does not wait
    from fairseq_mlkd.prepare.labelled.prepare import Preparation

    settings = Settings(
        source_lang=args.source_lang,
        langs=tuple(filter(None, args.langs.split(","))),
        keep_placeholders=args.keep_ns,
        valid_fraction=args.valid_fraction,
        seed=args.seed,
    )
    run = Preparation(
        READERS[args.name], args.folder, args.tokenizer, settings, args.train
    )
    if run.is_done(args.out):
        print(f"{args.out} is complete already; nothing to do")
        return
    print_totals(run.write(args.out))
    print(f"wrote {args.out}; every dropped row is listed in its audit.json")


if __name__ == "__main__":
    main()
