"""Turn text or dumps of many languages into spoken form, subwords, training data.

Reads MediaWiki dumps, JSON lines, parquet, the Billion Words tarball and plain text,
packed or not, whatever the files are called. The same command goes on where an
interrupted one stopped.

Example:

    mlkd-corpus data/corpus en='enwiki-*/*.bz2' de=de.txt.xz --codes 120000
"""

import argparse
import os
from dataclasses import fields
from typing import Any

from fairseq_mlkd.cli.command import (
    make_parser,
    one_line_errors,
    read_languages,
    read_settings,
)
from fairseq_mlkd.prepare.corpus.options import SUBWORDS, CorpusOptions
from fairseq_mlkd.prepare.corpus.tasks import WorkerLost
from fairseq_mlkd.prepare.corpus.workers import CLUSTERS, Workers
from fairseq_mlkd.text.language_codes import describe_odd_code

# Those that the parser calls as they are called.
OPTIONS = {field.name for field in fields(CorpusOptions)} - {"files"}


@one_line_errors("mlkd-corpus", WorkerLost, stopped="stopped; the same command goes on")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    # take seconds, for which --help does not wait
    from fairseq_mlkd.prepare.corpus.build import build_corpus
    from fairseq_mlkd.prepare.corpus.report import existing_report

    given = {name: value for name, value in vars(args).items() if name in OPTIONS}
    options = CorpusOptions(read_languages(args.languages), **given)
    for line in filter(None, map(describe_odd_code, options.files)):
        print(f"warning: {line}")
    settings = read_settings("--cluster-options", args.cluster_options)
    cluster = {key: int(x) if x.isdecimal() else x for key, x in settings.items()}
    workers = Workers(args.workers, args.cluster, cluster)
    if existing_report(args.out, options):
        print(f"{args.out} already holds this corpus; nothing to do")
    else:
        seconds: dict[str, float] = {}
        report = build_corpus(args.out, options, workers, seconds)
        print_report(report)
        size = report["dictionary_size"]
        if options.codes_from is None and size < options.codes:
            print(
                f"warning: --codes {options.codes}: so little text gives {size} "
                "subwords, which are nearly all of its words; give more text, or "
                "fewer codes"
            )
        print_seconds(seconds)
    folders = [os.path.join(args.out, shard) for shard in options.shard_folders()]
    data = os.pathsep.join(folder.rstrip(os.sep) for folder in folders)
    print(f"train on {data} with --sampling-alpha {options.training_alpha:g}")


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-corpus", __doc__)
    add = parser.add_argument
    add("out", metavar="OUT", help="folder to write; must be empty or not exist")
    add(
        "languages",
        metavar="LANG=FILE[,FILE...]",
        nargs="+",
        help="text or dumps of one language; FILE may hold * and ?, in quotes",
    )
    add("--alpha", type=float, default=0.5, help="exponent of equation 1 (0 to 1)")
    add("--sentences", type=int, help="to write, drawn by equation 1 (default: all)")
    add("--subwords", choices=SUBWORDS, default="bpe", help="kind to learn")
    add("--codes", type=int, default=8000, help="BPE merges, or pieces, to learn")
    add("--valid", type=int, default=1000, help="sentences per language to hold out")
    add("--min-characters", type=int, default=5, help="leave out shorter sentences")
    add("--min-words", type=int, default=1, help="leave out those of fewer words")
    add("--max-characters", type=int, default=256, help="leave out longer sentences")
    add("--seed", type=int, default=1, help="of all draws")
    add("--sample", type=int, default=2_000_000, help="learn codes from so many")
    add(
        "--codes-from",
        metavar="DIR",
        help="take subwords, normalisation and dictionary from this folder",
    )
    add("--shards", type=int, default=1, help="deal the data to OUT/shard0, ...")
    add(
        "--workers",
        type=int,
        default=available_cores(),
        help="processes, or jobs of the cluster (default: the cores of this machine)",
    )
    add("--cluster", choices=CLUSTERS, help="run the steps as jobs, by submitit")
    add(
        "--cluster-options",
        metavar="KEY=VALUE",
        nargs="+",
        default=[],
        help="parameters of submitit's executor, such as slurm_partition=cpu",
    )
    return parser


def available_cores() -> int:
    """Return those that this process may use, where the system says so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def print_report(report: dict[str, Any]) -> None:
    columns = "{:5} {:>11} {:>11}" + " {:>9}" * 4 + " {:>10} {:>11}" + " {:>7}" * 3
    columns += " {:>8}"
    titles = (
        "lang documents sentences empty short too_long duplicate incomplete train "
        "valid share drawn unknown"
    )
    print(columns.format(*titles.split()))
    for lang, entry in report["languages"].items():
        row = [lang, entry["documents"], entry["sentences"]]
        row += [*entry["dropped"].values(), entry["train"], entry["valid"]]
        row += [f"{entry[key]:.4f}" for key in ("share_before", "share_after")]
        print(columns.format(*row, f"{entry['unknown_rate']:.5f}"))


def print_seconds(seconds: dict[str, float]) -> None:
    steps = ", ".join(f"{step} {n:.1f}" for step, n in seconds.items())
    print(f"seconds: {steps}; all {sum(seconds.values()):.1f}")


if __name__ == "__main__":
    main()
