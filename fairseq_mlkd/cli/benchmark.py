"""Turn the files of a benchmark, or your own, into binary data for fairseq-train.

NAME is a benchmark, whose official files IN holds, or the kind of labels that your own
files have: classification, pairs, tagging, intent_slot, parsing. These are CSV, TSV,
JSON lines or CoNLL, IN/{train,dev,test}[-LANG].EXT, with any set of labels.

Training data are read in the source language, validation and test data in every
language there is. `OUT/audit.json` accounts for each row.

Where there is no training file of that name, `--train FILE` names another one.
`--valid-fraction 0.1` holds out a tenth of it as the validation data of the source
language, also where it is the dev file itself. The dev files of the other languages
then hold translations of the training pairs, so that only their test files measure
zero-shot transfer.

Examples:

    mlkd-benchmark wikiann downloads/wikiann data/wikiann --tokenizer encoder
    mlkd-benchmark intent_slot my_files data/banking --tokenizer encoder \\
        --dataset banking --columns intent=category
"""

import argparse
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fairseq_mlkd.cli.command import one_line_errors, read_settings
from fairseq_mlkd.cli.labelled import find_reader, labelled_parser
from fairseq_mlkd.data.folders import INTENT, TARGET
from fairseq_mlkd.prepare.labelled import Reader
from fairseq_mlkd.prepare.labelled.audit import FileAudit
from fairseq_mlkd.prepare.labelled.selection import Settings
from fairseq_mlkd.text.language_codes import describe_odd_code

SHOWN_LABELS = 20
LABEL_NAMES = {INTENT: "intents", TARGET: "symbols of parses"}
# A label that is so much rarer than one that is spelt almost the same
TYPO_RATIO = 20


def fraction(text: str) -> float:
    """Return an argument from 0 up to, not including, 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser, group = labelled_parser("mlkd-benchmark", __doc__)
    own = group.add_argument
    own("--dataset", help="what results call the data (default: the name of IN)")
    own(
        "--files",
        metavar="SPLIT[.LANG]=FILE",
        nargs="+",
        default=[],
        help="files whose names do not say what they hold, such as test.de=FILE",
    )
    own(
        "--unknown-labels",
        choices=("stop", "drop", "keep"),
        help="on rows whose labels training data lack: stop, drop the rows, or keep"
        " them, to count as wrong (default: stop)",
    )
    parser.add_argument(
        "folder", metavar="IN", type=Path, help="folder with the benchmark's files"
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument(
        "--tokenizer",
        metavar="DIR",
        type=Path,
        required=True,
        help="what mlkd-corpus or mlkd-import wrote",
    )
    parser.add_argument("--source-lang", default="en", help="language to fine-tune on")
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
        help="which rows --valid-fraction takes",
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


def find_typos(counts: dict[str, int]) -> list[tuple[str, str]]:
    """Return labels that look like much more frequent ones, and those."""
    found = []
    for rare, count in counts.items():
        common = [
            name
            for name, n in counts.items()
            # the `I-` of a tag is often rarer than its `B-`
            if n >= TYPO_RATIO * count and name[2:] != rare[2:]
        ]
        close = get_close_matches(rare, common, 1, cutoff=0.85)
        found += [(rare, close[0])] if close else []
    return found


def print_labels(labels: dict[str, dict[str, int]]) -> None:
    """Print the labels of training data with their counts, and what may be typos."""
    for folder, counts in labels.items():
        name = LABEL_NAMES.get(folder) or ("tags" if "O" in counts else "labels")
        shown = [f"{name} {n:,}" for name, n in [*counts.items()][:SHOWN_LABELS]]
        more = f", and {len(counts) - SHOWN_LABELS} more" * (len(counts) > SHOWN_LABELS)
        print(f"{len(counts)} {name}: {', '.join(shown)}{more}")
        for rare, common in find_typos(counts):
            times = "once" if counts[rare] == 1 else f"{counts[rare]} times"
            print(
                f"warning: {rare!r} occurs {times}, {common!r} "
                f"{counts[common]:,} times: is it misspelt?"
            )


def choose_reader(args: argparse.Namespace) -> Reader[Any]:
    """Return the reader of the benchmark or of the user's own files."""
    files = read_settings("--files", args.files)
    return find_reader(
        args,
        {
            "--dataset": args.dataset,
            "--files": files,
            "--unknown-labels": args.unknown_labels,
        },
        name=args.dataset or args.folder.resolve().name,
        source_lang=args.source_lang,
        files={subset: Path(path) for subset, path in files.items()},
        unknown_labels=args.unknown_labels or "stop",
    )


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
        choose_reader(args), args.folder, args.tokenizer, settings, args.train
    )
    if run.is_done(args.out):
        print(f"{args.out} is complete already; nothing to do")
        return
    for note, names in run.notes().items():
        print(f"{', '.join(names[:4])}{', ...' if names[4:] else ''}: {note}")
    langs = {file.lang: None for file in run.files}
    for line in filter(None, map(describe_odd_code, langs)):
        print(f"warning: {line}")
    records = run.write(args.out)
    if run.has_own_labels:
        print_labels(run.labels)
    print_totals(records)
    print(f"wrote {args.out}; every dropped row is listed in its audit.json")


if __name__ == "__main__":
    main()
