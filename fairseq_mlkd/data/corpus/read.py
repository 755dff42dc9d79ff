"""Step 1: input files -> pieces of documents; what is wrong with a file shows here."""

from __future__ import annotations

from collections import Counter
from typing import Iterator

from fairseq_mlkd.data.corpus.pieces import write_pieces
from fairseq_mlkd.data.corpus.readers import Document, read_documents
from fairseq_mlkd.data.corpus.tasks import Result

_DROPPED = "dropped_"


def read_file(folder: str, path: str) -> Result:
    """Copy the documents of one file into pieces in `folder`.

    Returns:
        `pieces` and `documents`, and under `counts` what the report says of the file.
    """
    counts: Counter[str] = Counter()
    documents: Counter[str] = Counter()

    def count() -> Iterator[Document]:
        for document in read_documents(path, counts):
            documents["all"] += 1
            yield document

    pieces = write_pieces(count(), folder)
    kept = {name: n for name, n in counts.items() if not name.startswith(_DROPPED)}
    dropped = {
        name[len(_DROPPED) :]: n
        for name, n in counts.items()
        if name.startswith(_DROPPED)
    }
    return {
        "pieces": pieces,
        "documents": documents["all"],
        "counts": {**kept, "dropped": dropped},
    }
