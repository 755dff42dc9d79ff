"""What commands on labelled data share: which data set, and how its files are read."""

import argparse
from collections.abc import Mapping
from typing import Any

from fairseq_mlkd.cli.command import make_parser, read_settings
from fairseq_mlkd.prepare.labelled import READERS, Reader
from fairseq_mlkd.prepare.labelled.own import OWN_READERS, Form


def labelled_parser(
    prog: str, description: str | None
) -> tuple[argparse.ArgumentParser, Any]:
    """Return a parser of NAME and of how files are read, and its group of own data."""
    parser = make_parser(prog, description)
    names = [*sorted(READERS), *OWN_READERS]
    add = parser.add_argument
    add(
        "name",
        metavar="NAME",
        choices=names,
        help=f"a benchmark ({', '.join(sorted(READERS))}) or, of your own data, the "
        f"kind of labels ({', '.join(OWN_READERS)})",
    )
    add("--keep-ns", action="store_true", help="keep PAWS-X rows without a translation")
    own = parser.add_argument_group("your own data (docs/own_data.md)")
    own.add_argument(
        "--columns",
        metavar="ROLE=COLUMN",
        nargs="+",
        default=[],
        help="where text, text_pair, label, words, tags, intent, parse or lang stands: "
        "a name of the header or of a JSON field, or a number from 1",
    )
    own.add_argument(
        "--delimiter",
        help="of a table's fields, or `tab` (default: that of the header)",
    )
    return parser, own


def find_reader(
    args: argparse.Namespace, flags: Mapping[str, Any] | None = None, **options: Any
) -> Reader[Any]:
    """Return the reader that the arguments name.

    Args:
        flags: more flags of own data -> what they are given; official files take none.
        options: of a reader of own data.
    """
    columns = read_settings("--columns", args.columns)
    given = {**columns, "--delimiter": args.delimiter, **(flags or {})}
    if args.name in READERS:
        unused = [name for name, value in given.items() if value]
        if unused:
            raise ValueError(
                f"{unused[0]}: {args.name} is read as its authors publish it; give one "
                f"of {', '.join(OWN_READERS)} for your own files"
            )
        return READERS[args.name]
    delimiter = args.delimiter
    if delimiter is not None:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError(
                f"--delimiter {args.delimiter!r}: give one character, or tab"
            )
    return OWN_READERS[args.name](form=Form(columns, delimiter), **options)
