"""Rows of labelled data, every one of them accounted for."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.data.folders import INTENT, LABEL, TARGET, WORDS
from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.remedies import FETCH_AGAIN


class LabelledFile(NamedTuple):
    """A file that holds the rows of one split in one language."""

    path: Path
    split: str
    lang: str


class SentencePair(NamedTuple):
    """A kept row: one sentence or two, and the name of their label."""

    sentence1: str
    sentence2: str | None
    label: str
    line: int

    def symbols(self) -> dict[str, list[str]]:
        """Return what is stored beside the input, by folder."""
        return {LABEL: [self.label]}

    @property
    def key(self) -> str:
        """The text of rows that stay together when some are held out."""
        return self.sentence1


class WordRow(NamedTuple):
    """A kept row: a sentence as words, with what its data set says of them.

    Attributes:
        line: where the row begins.
        tags: one per word.
        intent: one per sentence; several at once are one joined name.
        parse: ontology symbols (`[IN:X`, `[SL:Y`, `]`) and pointers to words
            (`@ptr_0` is the first).
    """

    words: list[str]
    line: int
    tags: list[str] | None = None
    intent: str | None = None
    parse: list[str] | None = None

    def symbols(self) -> dict[str, list[str]]:
        """Return what is stored beside the input, by folder."""
        intent = None if self.intent is None else [self.intent]
        symbols = {WORDS: self.words, LABEL: self.tags, TARGET: self.parse}
        symbols[INTENT] = intent
        return {name: found for name, found in symbols.items() if found is not None}

    @property
    def key(self) -> str:
        """The text of rows that stay together when some are held out."""
        return " ".join(self.words)


Row = SentencePair | WordRow


class Dropped(NamedTuple):
    """A row that is left out, and why."""

    reason: str
    line: int


def row_error(
    path: Path, line: int, problem: str, advice: str = "correct or remove the row"
) -> ValueError:
    """Return the one form in which every reader complains about a row."""
    return ValueError(f"{path}:{line}: {problem}; {advice}")


def read_rows(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line number (from 1) and text; tolerates a BOM and CRLF.

    Raises:
        ValueError: the file is empty or a line is not UTF-8.
    """
    line = 0
    for line, text in enumerate(read_lines(str(path)), start=1):
        yield line, text
    if line == 0:
        raise ValueError(f"{path}: the file is empty; {FETCH_AGAIN}")


def unquote(field: str) -> str:
    """Undo CSV quoting where a field has it: outer quotes, doubled ones inside."""
    inner = field[1:-1]
    quoted = len(field) >= 2 and field[0] == field[-1] == '"'
    if quoted and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return field
