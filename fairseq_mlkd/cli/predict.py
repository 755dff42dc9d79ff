"""Answer raw text or JSONL by an exported folder, one line of JSON each.

A line that begins with `{` is a request: `text`, `text_pair`, `words` and `lang`. Any
other line is a text, or a pair of texts with a tab between them.

Example:

    mlkd-predict shipped questions.jsonl --lang de
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.files.json_objects import parse_json
from fairseq_mlkd.files.lines import decode_lines
from fairseq_mlkd.files.packed import open_packed
from fairseq_mlkd.serve.engines import ENGINES
from fairseq_mlkd.serve.predictor import Predictor, Request
from fairseq_mlkd.text.windows import LONG_INPUTS

_CHUNK = 256  # lines that are read before any is answered
_REMEDY = "correct or remove the line"


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-predict", __doc__)
    add_predictor_options(parser)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="default: standard input"
    )
    parser.add_argument(
        "--lang", help="of texts that do not say; default: that of fine-tuning"
    )
    return parser


def add_predictor_options(parser: argparse.ArgumentParser) -> None:
    """Add FOLDER, and how it is to answer."""
    parser.add_argument("folder", metavar="FOLDER", help="what mlkd-export wrote")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="what computes; default: the fastest that the folder has",
    )
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--beam", type=int, default=5, help="of the search for parses")
    parser.add_argument(
        "--long-inputs",
        choices=LONG_INPUTS,
        help="what to do with inputs longer than the model takes; default: as training",
    )


def open_predictor(args: argparse.Namespace) -> Predictor:
    """Open the folder of `add_predictor_options`.

    Raises:
        ValueError: an option or the folder is none.
    """
    if args.threads < 1 or args.beam < 1:
        raise ValueError("--threads and --beam are numbers above 0")
    return Predictor(
        Path(args.folder),
        engine=args.engine,
        threads=args.threads,
        beam=args.beam,
        long_inputs=args.long_inputs,
    )


def read_requests(
    lines: Iterable[str], name: str, empty: list[int]
) -> Iterator[tuple[int, Request]]:
    """Yield the number and the request of each line that is not empty.

    Args:
        empty: gets the numbers of the others.
    Raises:
        ValueError: a line that begins with a brace and is no JSON object.
    """
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            yield number, parse_json(line, f"{name}:{number}", _REMEDY)
        elif line.strip():
            first, tab, second = line.partition("\t")
            yield number, (first, second) if tab else line
        else:
            empty.append(number)


def answer(
    predictor: Predictor,
    requests: Iterable[tuple[int, Request]],
    lang: str | None,
    name: str,
) -> Iterator[dict[str, Any]]:
    """Yield the answer to each request, in order.

    Raises:
        ValueError: naming the line of a request that cannot be answered.
    """
    requests = iter(requests)
    while chunk := list(islice(requests, _CHUNK)):
        questions = []
        for number, request in chunk:
            try:
                questions.append(predictor.read(request, lang))
            except ValueError as error:
                raise ValueError(f"{name}:{number}: {error}; {_REMEDY}") from None
        yield from predictor.answer(questions)


@one_line_errors("mlkd-predict")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    predictor = open_predictor(args)
    name = args.file or "standard input"
    with ExitStack() as stack:
        stream = sys.stdin.buffer
        if args.file:
            stream = stack.enter_context(open_packed(args.file))
        empty: list[int] = []
        requests = read_requests(decode_lines(stream, name), name, empty)
        for found in answer(predictor, requests, args.lang, name):
            print(json.dumps(found, ensure_ascii=False), flush=True)
    if empty:
        said = f"{len(empty)} empty lines have no answer, the first is {empty[0]}"
        print(f"mlkd-predict: {name}: {said}", file=sys.stderr)


if __name__ == "__main__":
    main()
