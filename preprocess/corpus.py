#!/usr/bin/env python3
"""Raw text of many languages -> spoken form, subword codes, dictionary, binary data."""

import argparse
import re
import sys
from typing import Any, Dict, List

from fairseq_mlkd.data.corpus import CorpusOptions, build_corpus, existing_report


def main() -> int:
    args = parse_args()
    try:
        options = CorpusOptions(
            files=parse_languages(args.languages),
            alpha=args.alpha,
            sentences=args.sentences,
            codes=args.codes,
            valid=args.valid,
            max_characters=args.max_characters,
            seed=args.seed,
            sample=args.sample,
            codes_from=args.codes_from,
        )
        report = existing_report(args.out, options)
        if report:
            print(f"{args.out} already holds this corpus; nothing to do")
        else:
            report = build_corpus(args.out, options)
            print_report(report)
    except (ValueError, OSError) as error:
        print(f"corpus.py: {error}", file=sys.stderr)
        return 1
    print(f"train on {args.out} with --sampling-alpha {options.training_alpha:g}")
    return 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("out", metavar="OUT", help="folder to write; must be empty or not exist")
    add(
        "languages",
        metavar="LANG=FILE[,FILE...]",
        nargs="+",
        help="text of one language, UTF-8, plain or .gz, .bz2, .xz; a sentence or a "
        "paragraph a line",
    )
    add("--alpha", type=float, default=0.5, help="exponent of equation 1 (0 to 1)")
    add(
        "--sentences",
        type=int,
        help="write so many training sentences, drawn by equation 1 "
        "(default: every sentence once)",
    )
    add("--codes", type=int, default=8000, help="BPE merges to learn")
    add("--valid", type=int, default=1000, help="sentences a language to hold out")
    add("--max-characters", type=int, default=256, help="leave out longer sentences")
    add("--seed", type=int, default=1, help="of all draws")
    add(
        "--sample",
        type=int,
        default=2_000_000,
        help="learn the merges from at most so many sentences, drawn by equation 1",
    )
    add(
        "--codes-from",
        metavar="DIR",
        help="take subwords, normalisation and dictionary from this folder",
    )
    return parser.parse_args()


def parse_languages(arguments: List[str]) -> Dict[str, List[str]]:
    files: Dict[str, List[str]] = {}
    for argument in arguments:
        match = re.fullmatch(r"([a-z]{2,3}(?:[-_]\w+)?)=([^,]+(?:,[^,]+)*)", argument)
        if not match:
            raise ValueError(f"{argument!r}: write LANG=FILE or LANG=FILE,FILE")
        lang, paths = match.groups()
        if lang in files:
            raise ValueError(f"language {lang} is given twice; use commas")
        files[lang] = paths.split(",")
    return files


def print_report(report: Dict[str, Any]) -> None:
    columns = "{:5} {:>10} {:>10} {:>8} {:>9} {:>10} {:>10} {:>8} {:>7} {:>7} {:>8}"
    titles = (
        "lang lines sentences empty too_long duplicate train valid share drawn unknown"
    )
    print(columns.format(*titles.split()))
    for lang, entry in report["languages"].items():
        row = [lang, entry["lines"], entry["sentences"], *entry["dropped"].values()]
        row += [entry["train"], entry["valid"]]
        row += [f"{entry[key]:.4f}" for key in ("share_before", "share_after")]
        print(columns.format(*row, f"{entry['unknown_rate']:.5f}"))


if __name__ == "__main__":
    sys.exit(main())
