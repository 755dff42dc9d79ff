"""Wikipedia as Hugging Face publishes it: rows with a column "text", no markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fairseq_mlkd.files.json_objects import parse_json
from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.prepare.corpus.readers.document import (
    MAX_PAGE_CHARACTERS,
    Document,
    refuse_large,
)
from fairseq_mlkd.remedies import FETCH_AGAIN, needed_for

# JSON may write a character as \uXXXX, or two of them.
_MAX_LINE_BYTES = 6 * MAX_PAGE_CHARACTERS
_BATCH_ROWS = 64


def read_jsonl(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield the "text" of every line of JSON; blank lines are skipped.

    Counts "pages", "characters" and "dropped_empty".

    Raises:
        ValueError: a line is no JSON object with a text, or the file is damaged.
    """
    for number, line in enumerate(read_lines(path, _MAX_LINE_BYTES), 1):
        if line.strip():
            where = f"{path}:{number}"
            yield from _document(_parse(line, where), where, counts)


def read_parquet(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield the column "text" of a parquet file, row group by row group.

    Counts "pages", "characters" and "dropped_empty".

    Raises:
        ValueError: the file is damaged or has no such column, or pyarrow is missing.
    """
    for number, text in _parquet_texts(path):
        yield from _document(text, f"{path}: row {number}", counts)


def _parse(line: str, where: str) -> Any:
    remedy = 'every line must be an object such as {"text": "..."}: mend or remove it'
    row = parse_json(line, where, remedy)
    if "text" not in row:
        raise ValueError(f'{where}: no "text"; {remedy}')
    return row["text"]


def _parquet_texts(path: str) -> Iterator[tuple[int, Any]]:
    with needed_for(f"{path}: parquet files"):
        import pyarrow
        import pyarrow.parquet
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if "text" not in names:
                raise ValueError(
                    f'{path}: no column "text" among {", ".join(names)}; name a file '
                    "of texts or rename the column"
                )
            for batch in file.iter_batches(_BATCH_ROWS, columns=["text"]):
                for text in batch.column(0):
                    number += 1
                    yield number, text.as_py()
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).split("\n")[0]
        raise ValueError(
            f"{path}: cannot be read after row {number} ({reason}); "
            f"check the path or {FETCH_AGAIN}"
        ) from None


def _document(text: Any, where: str, counts: Counter[str]) -> Iterator[Document]:
    if not isinstance(text, str):
        raise ValueError(
            f'{where}: "text" is a {type(text).__name__}, not a string; mend or remove '
            "the row"
        )
    refuse_large(len(text), where)
    counts["pages"] += 1
    counts["characters"] += len(text)
    if text.strip():
        yield Document(text)
    else:
        counts["dropped_empty"] += 1
