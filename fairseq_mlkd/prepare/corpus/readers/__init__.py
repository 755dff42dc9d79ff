"""Readers of what text of a language comes in, each streaming in flat memory."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from fairseq_mlkd.files.packed import open_packed, strip_packing
from fairseq_mlkd.prepare.corpus.readers.billion_words import (
    read_billion_words,
    undo_tokenisation,
)
from fairseq_mlkd.prepare.corpus.readers.document import Document
from fairseq_mlkd.prepare.corpus.readers.lines import read_text
from fairseq_mlkd.prepare.corpus.readers.mediawiki import read_mediawiki
from fairseq_mlkd.prepare.corpus.readers.records import read_jsonl, read_parquet
from fairseq_mlkd.remedies import FETCH_AGAIN, needed_for

__all__ = ["Document", "document_paragraphs", "read_documents"]

_Read = Callable[[str, Counter[str]], Iterator[Document]]
_READERS: dict[str, _Read] = {
    ".json": read_jsonl,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".tar": read_billion_words,
    ".xml": read_mediawiki,
}
# How files begin, the mark of their byte order aside.
_STARTS: list[tuple[re.Pattern[bytes], _Read]] = [
    (re.compile(rb"\s*<(?:\?xml|!DOCTYPE|mediawiki)\b"), read_mediawiki),
    (re.compile(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:'), read_jsonl),
    (re.compile(rb"PAR1"), read_parquet),
    (re.compile(rb"(?s:.{257})ustar"), read_billion_words),
]
_LONGEST_START = 512


def read_documents(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield what a file holds; how it begins says which reader it needs.

    If that says nothing, its name does. The formats are MediaWiki's XML (.xml), rows
    with a "text" (.jsonl, .json, .parquet), the Billion Words tarball (.tar) and text;
    all but parquet may be packed (.gz, .bz2, .xz, .zst).

    Args:
        path: the file.
        counts: gets "pages" ("lines" of text), "characters" and "dropped_REASON".
    Raises:
        ValueError: the file is missing, damaged, hostile, empty or of another format;
            one line that names file and place and says what to do.
    """
    read = _find_reader(path)
    before = counts["pages"] + counts["lines"]
    yield from read(path, counts)
    if counts["pages"] + counts["lines"] == before:
        raise ValueError(
            f"{path}: holds no text; remove it from the inputs or {FETCH_AGAIN}"
        )


def _find_reader(path: str) -> _Read:
    with open_packed(path) as file:
        start = file.read(_LONGEST_START).removeprefix(b"\xef\xbb\xbf")
    found = (read for sign, read in _STARTS if sign.match(start))
    by_name = _READERS.get(os.path.splitext(strip_packing(path))[1], read_text)
    return next(found, by_name)


def document_paragraphs(
    document: Document, counts: Counter[str] | None = None, lang: str | None = None
) -> Iterator[str]:
    """Yield the paragraphs of a document, stripped, without empty ones.

    Args:
        counts: gets what `article_paragraphs` counts.
        lang: of the text, None if it is not known.
    """
    if document.markup == "wikitext":
        with needed_for("MediaWiki's dumps"):
            from fairseq_mlkd.prepare.corpus.wikitext import article_paragraphs
        yield from article_paragraphs(document.text, counts, lang)
        return
    lines: Iterable[str] = document.text.split("\n")
    if document.markup == "tokenised":
        lines = map(undo_tokenisation, lines)
    yield from filter(None, map(str.strip, lines))
