"""Readers of what text of a language comes in, each streaming in flat memory."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from fairseq_mlkd.files.packed import strip_packing
from fairseq_mlkd.prepare.corpus.readers.billion_words import (
    read_billion_words,
    undo_tokenisation,
)
from fairseq_mlkd.prepare.corpus.readers.document import Document
from fairseq_mlkd.prepare.corpus.readers.lines import read_text
from fairseq_mlkd.prepare.corpus.readers.mediawiki import read_mediawiki
from fairseq_mlkd.prepare.corpus.readers.rows import read_jsonl, read_parquet
from fairseq_mlkd.prepare.corpus.wikitext import article_paragraphs

__all__ = ["Document", "document_paragraphs", "read_documents"]

_READERS: dict[str, Callable[[str, Counter[str]], Iterator[Document]]] = {
    ".json": read_jsonl,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".tar": read_billion_words,
    ".xml": read_mediawiki,
}


def read_documents(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield what a file holds; its name says which reader it needs.

    They are .xml (MediaWiki), .jsonl and .json (rows with a "text"), .parquet, .tar
    (Billion Words) and text; all but parquet may be packed (.gz, .bz2, .xz, .zst).

    Args:
        path: the file.
        counts: gets "pages" ("lines" of text), "characters" and "dropped_REASON".
    Raises:
        ValueError: the file is missing, damaged, hostile, empty or of another format;
            one line that names file and place and says what to do.
    """
    read = _READERS.get(os.path.splitext(strip_packing(path))[1], read_text)
    before = counts["pages"] + counts["lines"]
    yield from read(path, counts)
    if counts["pages"] + counts["lines"] == before:
        raise ValueError(
            f"{path}: holds no text; remove it from the inputs or fetch it again"
        )


def document_paragraphs(
    document: Document, counts: Counter[str] | None = None
) -> Iterator[str]:
    """Yield the paragraphs of a document, stripped, without empty ones.

    `counts` gets "dropped_markup", lines of wikitext that cannot be parsed.
    """
    if document.markup == "wikitext":
        yield from article_paragraphs(document.text, counts)
        return
    lines: Iterable[str] = document.text.split("\n")
    if document.markup == "tokenised":
        lines = map(undo_tokenisation, lines)
    yield from filter(None, map(str.strip, lines))
