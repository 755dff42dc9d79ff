"""Plain text, one sentence or paragraph per line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.files.packed import strip_packing
from fairseq_mlkd.prepare.corpus.readers.document import Document

# Lines travel in runs of about so many characters, because each document costs time.
_RUN = 1 << 16
_SAMPLE = 20  # lines that tell a table


def read_text(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield the lines of a text file, many to a document.

    Counts "lines" and "characters".

    Raises:
        ValueError: the file is damaged, a table or no text.
    """
    lines = read_lines(path)
    first = list(islice(lines, _SAMPLE))
    _refuse_table(path, first)
    return gather_lines(chain(first, lines), counts)


def _refuse_table(path: str, lines: Sequence[str]) -> None:
    """Refuse a table: a column of text is one, with numbers and labels it is none."""
    tabs = {line.count("\t") for line in lines if line.strip()}
    is_table = len(lines) == _SAMPLE and len(tabs) == 1 and tabs.pop() > 0
    if is_table or strip_packing(path).endswith((".csv", ".tsv")):
        raise ValueError(
            f"{path}: a table and no text; write its column of text alone to a .txt "
            "file, a sentence or paragraph per line"
        )


def gather_lines(
    lines: Iterable[str], counts: Counter[str], markup: str = ""
) -> Iterator[Document]:
    """Join lines into documents of one markup; counts "lines" and "characters"."""
    run: list[str] = []
    size = 0
    for line in lines:
        run.append(line)
        size += len(line)
        counts["lines"] += 1
        counts["characters"] += len(line)
        if size >= _RUN:
            yield Document("\n".join(run), markup)
            run, size = [], 0
    if run:
        yield Document("\n".join(run), markup)
