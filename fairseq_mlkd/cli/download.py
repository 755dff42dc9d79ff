"""Fetch the official files of corpora and benchmarks, and check their bytes.

Interrupted, the same command continues; done, it checks what is there. Files that
were fetched by hand and put in their place are checked and used. The last lines name
the next command.

Example:

    mlkd-download wikipedia billion_words --langs en,fr --to downloads
    mlkd-download xnli pawsx wikiann massive mtop --to downloads
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.remedies import describe


def languages(text: str) -> list[str]:
    """Return an argument such as `en,fr`."""
    langs = text.split(",")
    if not all(re.fullmatch(r"[a-z]{2,}(-[a-z]+)*", lang) for lang in langs):
        raise argparse.ArgumentTypeError(f"{text!r}: write codes, as in en,fr")
    return langs


def date(text: str) -> str:
    """Return an argument such as 20261101."""
    if not re.fullmatch(r"\d{8}", text):
        raise argparse.ArgumentTypeError(f"{text!r}: write YYYYMMDD")
    return text


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    from fairseq_mlkd.prepare.downloads import SOURCE_NAMES

    parser = make_parser("mlkd-download", __doc__)
    add = parser.add_argument
    add(
        "sources",
        metavar="SOURCE",
        nargs="+",
        choices=SOURCE_NAMES,
        help="what to fetch: %(choices)s",
    )
    add("--to", metavar="DIR", type=Path, required=True, help="folder of all downloads")
    add(
        "--langs",
        metavar="LANG,...",
        type=languages,
        default=[],
        help="languages of Wikipedia, and those to unpack of benchmarks (default: all)",
    )
    add(
        "--date",
        metavar="YYYYMMDD",
        type=date,
        help="which dump of Wikipedia (default: the one begun in DIR, or the newest)",
    )
    add(
        "--mirror",
        metavar="URL",
        default="https://dumps.wikimedia.org",
        help="where to fetch Wikipedia's dumps",
    )
    return parser


@one_line_errors("mlkd-download", stopped="stopped; the same command goes on")
def main(argv: list[str] | None = None) -> None:
    """Run the command; each source that fails ends in one line and status 1."""
    args = get_parser().parse_args(argv)
    # with requests, which are an extra; `one_line_errors` names it
    from fairseq_mlkd.prepare.downloads import Downloader, fetch

    downloader = Downloader(args.to)
    corpus: dict[str, list[str]] = {}
    commands: list[list[str]] = []
    failed = False
    for name in args.sources:
        try:
            fetched = fetch(name, downloader, args.langs, args.date, args.mirror)
        except (OSError, ValueError) as error:
            failed = True
            print(f"mlkd-download: error: {describe(error)}", file=sys.stderr)
            continue
        for path in fetched.paths:
            print(f"{path}: complete")
        if fetched.missing:
            print(f"{name}: has no {', '.join(fetched.missing)}")
        for lang, files in fetched.corpus.items():
            corpus.setdefault(lang, []).append(files)
        if fetched.benchmark:
            words = ["mlkd-benchmark", name, str(fetched.benchmark)]
            commands.append([*words, f"data/{name}", "--tokenizer", "TOKENIZER"])
    if corpus:
        inputs = [f"{lang}={','.join(files)}" for lang, files in corpus.items()]
        commands.insert(0, ["mlkd-corpus", "data/corpus", *inputs])
    for command in commands:
        print(f"next: {' '.join(map(shlex.quote, command))}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
