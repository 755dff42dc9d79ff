"""The parser that all commands share, and one line for whatever goes wrong."""

import argparse
import glob
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def add_paths(
    parser: argparse.ArgumentParser, name: str, metavar: str, text: str
) -> None:
    """Add an argument of one or several files or folders."""
    parser.add_argument(name, metavar=metavar, nargs="+", type=Path, help=text)


def read_settings(flag: str, given: list[str]) -> dict[str, str]:
    """Return the settings that are given as `KEY=VALUE`.

    Raises:
        ValueError: one is not, or is given twice.
    """
    settings: dict[str, str] = {}
    for setting in given:
        key, is_one, value = setting.partition("=")
        if not (key and is_one and value):
            raise ValueError(f"{flag} {setting}: write KEY=VALUE")
        if key in settings:
            raise ValueError(f"{flag} {setting}: {key} is given twice")
        settings[key] = value
    return settings


def read_languages(given: list[str]) -> dict[str, list[str]]:
    """Return the files of each language that are given as `LANG=FILE,FILE`.

    Raises:
        ValueError: one is not, is given twice, or is a pattern that no file has.
    """
    files: dict[str, list[str]] = {}
    for argument in given:
        match = re.fullmatch(r"([a-z]{2,3}(?:[-_]\w+)?)=([^,]+(?:,[^,]+)*)", argument)
        if not match:
            raise ValueError(f"{argument!r}: write LANG=FILE or LANG=FILE,FILE")
        lang, paths = match.groups()
        if lang in files:
            raise ValueError(f"language {lang} is given twice; use commas")
        files[lang] = [
            path for pattern in paths.split(",") for path in _expand(pattern)
        ]
    return files


def _expand(pattern: str) -> list[str]:
    """Return the files that a pattern names, sorted; a plain name stands for itself."""
    if not re.search(r"[*?[]", pattern) or os.path.exists(pattern):
        return [pattern]
    paths = sorted(glob.glob(pattern))
    if not paths:
        raise ValueError(f"{pattern}: no file has such a name")
    return paths
