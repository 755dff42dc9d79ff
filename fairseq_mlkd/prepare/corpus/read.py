"""Step 1: input files -> pieces of documents; what is wrong with a file shows here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fairseq_mlkd.prepare.corpus.pieces import write_pieces
from fairseq_mlkd.prepare.corpus.readers import Document, read_documents
from fairseq_mlkd.prepare.corpus.tasks import Result

_DROPPED = "dropped_"


def read_file(folder: str, path: str) -> Result:
    """Copy the documents of one file into pieces in `folder`.

    Returns:
        `pieces`; `documents`, that is kept pages, or lines of text; and under `counts`
        what the report says of the file.
    """
    counts: Counter[str] = Counter()
    kept: Counter[str] = Counter(pages=0)

    def count_pages() -> Iterator[Document]:
        for document in read_documents(path, counts):
            kept["pages"] += 1
            yield document

    pieces = write_pieces(count_pages(), folder)
    dropped = {
        name[len(_DROPPED) :]: n
        for name, n in counts.items()
        if name.startswith(_DROPPED)
    }
    read = {name: n for name, n in counts.items() if not name.startswith(_DROPPED)}
    return {
        "pieces": pieces,
        "documents": counts["lines"] or kept["pages"],
        "counts": {**read, "dropped": dropped},
    }
