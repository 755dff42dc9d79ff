"""The parser that all commands share, and one line for whatever goes wrong."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fairseq_mlkd.options import HelpWithDefaults
from fairseq_mlkd.remedies import describe, needed_for


@contextmanager
def one_line_errors(
    prog: str, *also: type[Exception], stopped: str = "stopped"
) -> Iterator[None]:
    """End the program with `PROG: error: MESSAGE` and status 1 on bad input.

    It may stand before a `main` as a decorator. Errors of the program itself keep
    their traceback.

    Args:
        prog: the command's name.
        also: more errors that are no fault of the program.
        stopped: what to say when the user interrupts it, which gives status 130.
    """
    caught: tuple[type[Exception], ...] = (OSError, ValueError, *also)
    try:
        with needed_for():
            yield
    except caught as error:
        sys.exit(f"{prog}: error: {describe(error)}")
    except KeyboardInterrupt:
        print(f"{prog}: {stopped}", file=sys.stderr)
        sys.exit(130)


def make_parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser whose help names defaults and keeps lines of `description`."""
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        formatter_class=HelpWithDefaults,
    )


def benchmark_parser(
    prog: str, description: str | None, names: list[str]
) -> argparse.ArgumentParser:
    """Return a parser of NAME, one of the benchmarks, and of what is said of its rows.

    Args:
        names: of all benchmarks.
    """
    parser = make_parser(prog, description)
    parser.add_argument(
        "name", metavar="NAME", choices=names, help="the benchmark: %(choices)s"
    )
    parser.add_argument(
        "--keep-ns", action="store_true", help="keep PAWS-X rows without a translation"
    )
    return parser
