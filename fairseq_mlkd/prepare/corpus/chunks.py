"""Packed text, and documents in chunks of a few megabytes.

A chunk is what one task takes at a time. Where chunks begin and end depends on the
input files alone, so that nothing depends on who works on which of them.
"""

from __future__ import annotations

import io
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import IO

import zstandard

from fairseq_mlkd.prepare.corpus.readers import Document, read_documents
from fairseq_mlkd.prepare.corpus.tasks import Result

CHUNK_CHARACTERS = 1 << 22
_LEVEL = 1  # of compression: a third of the size, faster than most disks


@contextmanager
def write_packed(path: str) -> Iterator[IO[str]]:
    """Give a text stream whose text is packed into a file."""
    packer = zstandard.ZstdCompressor(level=_LEVEL)
    with (
        open(path, "wb") as file,
        packer.stream_writer(file) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        yield text


def read_packed(path: str) -> Iterator[str]:
    """Yield the lines, without their ends, of what `write_packed` wrote."""
    with open(path, "rb") as file:
        packed = zstandard.ZstdDecompressor().stream_reader(file)
        for line in io.TextIOWrapper(packed, encoding="utf-8", newline="\n"):
            yield line[:-1]


def chunk_path(folder: str, number: int) -> str:
    """Return where `write_chunks` writes a chunk; they are numbered from 0."""
    return os.path.join(folder, f"{number:05}.zst")


def write_chunks(documents: Iterable[Document], folder: str) -> int:
    """Write documents to as many chunks as they need; returns that number."""
    remaining = iter(documents)
    number = 0
    for first in remaining:
        size = 0
        with write_packed(chunk_path(folder, number)) as chunk:
            for document in itertools.chain([first], remaining):
                chunk.write(json.dumps(asdict(document), ensure_ascii=False) + "\n")
                size += len(document.text)
                if size >= CHUNK_CHARACTERS:
                    break
        number += 1
    return number


def read_chunk(path: str) -> Iterator[Document]:
    """Yield the documents of a chunk."""
    for line in read_packed(path):
        yield Document(**json.loads(line))


_DROPPED = "dropped_"


def read_file(folder: str, path: str) -> Result:
    """Copy the documents of one file into chunks in `folder`.

    Returns:
        `chunks`; `documents`, that is kept pages, or lines of text; and under `counts`
        what the report says of the file.
    """
    counts: Counter[str] = Counter()
    kept: Counter[str] = Counter(pages=0)

    def count_pages() -> Iterator[Document]:
        for document in read_documents(path, counts):
            kept["pages"] += 1
            yield document

    chunks = write_chunks(count_pages(), folder)
    dropped = {
        name[len(_DROPPED) :]: n
        for name, n in counts.items()
        if name.startswith(_DROPPED)
    }
    read = {name: n for name, n in counts.items() if not name.startswith(_DROPPED)}
    return {
        "chunks": chunks,
        "documents": counts["lines"] or kept["pages"],
        "counts": {**read, "dropped": dropped},
    }
