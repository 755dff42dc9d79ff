"""Plain text, one sentence or paragraph per line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.prepare.corpus.readers.document import Document

# Lines travel in runs of about so many characters, because each document costs time.
_RUN = 1 << 16


def read_text(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield the lines of a text file, many to a document.

    Counts "lines" and "characters".

    Raises:
        ValueError: the file is damaged or no text.
    """
    return gather_lines(read_lines(path), counts)


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
