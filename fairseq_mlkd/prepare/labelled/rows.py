"""Rows of benchmark files, every one of them accounted for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.files.lines import read_lines

XTREME_NAME = re.compile(r"(train|dev|test)-([a-z]{2,3})\.tsv")


class BenchmarkFile(NamedTuple):
    """A file that holds the rows of one split in one language."""

    path: Path
    split: str
    lang: str


class SentencePair(NamedTuple):
    """A kept row: two sentences and the name of their label."""

    sentence1: str
    sentence2: str
    label: str
    line: int

    def symbols(self) -> dict[str, list[str]]:
        """What is stored beside the input, by part."""
        return {"label": [self.label]}

    @property
    def key(self) -> str:
        """Rows with the same key stay together when some are held out."""
        return self.sentence1


class WordRow(NamedTuple):
    """A kept row: a sentence cut into words, with what its benchmark says of it.

    Args:
        line: where the row begins.
        tags: one a word.
        intent: one a sentence; several at once are one joined name.
        parse: ontology symbols (`[IN:X`, `[SL:Y`, `]`) and pointers to words
            (`@ptr_0` is the first).
    """

    words: list[str]
    line: int
    tags: list[str] | None = None
    intent: str | None = None
    parse: list[str] | None = None

    def symbols(self) -> dict[str, list[str]]:
        """What is stored beside the input, by part."""
        parts = {"words": self.words, "label": self.tags, "target": self.parse}
        if self.intent is not None:
            parts["intent"] = [self.intent]
        return {part: found for part, found in parts.items() if found is not None}

    @property
    def key(self) -> str:
        """Rows with the same key stay together when some are held out."""
        return " ".join(self.words)


Row = SentencePair | WordRow


class Dropped(NamedTuple):
    """A row that is left out, and why."""

    reason: str
    line: int


def row_error(path: Path, line: int, problem: str, advice: str) -> ValueError:
    """The one form in which every reader complains about a row."""
    return ValueError(f"{path}:{line}: {problem}; {advice}")


def read_rows(path: Path) -> Iterator[tuple[int, str]]:
    """Yields line number (from 1) and text; tolerates a BOM and CRLF.

    Raises:
        ValueError: the file is empty or a line is not UTF-8.
    """
    line = 0
    for line, text in enumerate(read_lines(str(path)), start=1):
        yield line, text
    if line == 0:
        raise ValueError(f"{path}: the file is empty; download it again")


def unquote(field: str) -> str:
    """Undoes CSV quoting where a field has it: outer quotes, doubled ones inside."""
    inner = field[1:-1]
    quoted = len(field) >= 2 and field[0] == field[-1] == '"'
    if quoted and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return field


def find_xtreme_files(folder: Path) -> list[BenchmarkFile]:
    """Files in XTREME's layout: `train-en.tsv`, `dev-de.tsv`, `test-de.tsv`."""
    files = []
    for path in sorted(folder.iterdir()):
        match = XTREME_NAME.fullmatch(path.name)
        if match:
            split = "valid" if match[1] == "dev" else match[1]
            files.append(BenchmarkFile(path, split, match[2]))
    return files
