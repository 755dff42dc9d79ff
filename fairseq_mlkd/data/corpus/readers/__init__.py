"""Readers of what text of a language comes in, each streaming in flat memory."""

from __future__ import annotations

import os
from collections import Counter
from typing import Callable, Dict, Iterator

from fairseq_mlkd.data.corpus.readers.document import Document
from fairseq_mlkd.data.corpus.readers.lines import read_text
from fairseq_mlkd.data.corpus.readers.mediawiki import read_mediawiki
from fairseq_mlkd.data.corpus.wikitext import article_paragraphs
from fairseq_mlkd.text.files import strip_packing

__all__ = ["Document", "document_paragraphs", "read_documents"]

_READERS: Dict[str, Callable[[str, Counter[str]], Iterator[Document]]] = {
    ".xml": read_mediawiki,
}


def read_documents(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield what a file holds, by its name: .xml, .jsonl, .json, .parquet, .tar or text.

    All but parquet may be packed (.gz, .bz2, .xz, .zst).

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


def document_paragraphs(document: Document) -> Iterator[str]:
    """Yield the paragraphs of a document, stripped, without empty ones."""
    if document.markup:
        yield from article_paragraphs(document.text)
    else:
        yield from filter(None, map(str.strip, document.text.split("\n")))
