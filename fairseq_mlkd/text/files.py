"""Reading text line by line, writing files in one step, and what tells files apart."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Union

_OPENERS: Dict[str, Any] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: str) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, packed (.gz, .bz2, .xz) or plain.

    Lines end at a newline only, so other Unicode line breaks stay inside a line.
    A byte order mark at the start is skipped.

    Raises:
        ValueError: naming the file (and line) that is missing, damaged or not UTF-8.
    """
    opener = _OPENERS.get(os.path.splitext(path)[1], open)
    number = 0
    try:
        with opener(path, "rb") as stream:
            for number, raw in enumerate(stream, 1):
                if number == 1 and raw.startswith(_BYTE_ORDER_MARK):
                    raw = raw[len(_BYTE_ORDER_MARK) :]
                yield raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}:{number}: not UTF-8 ({error.reason} at byte {error.start + 1} of "
            "the line); convert the file to UTF-8 or remove the line"
        ) from None
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"{path}: cannot be read after line {number} ({reason}); "
            "check the path or fetch the file again"
        ) from None


@contextmanager
def replace_on_success(path: str) -> Iterator[str]:
    """Give a temporary name to write to; it becomes `path` if the block succeeds."""
    partial = f"{path}.partial"
    try:
        yield partial
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def write_json(value: Any, path: str) -> None:
    """Write indented JSON, complete or not at all."""
    with replace_on_success(path) as partial, open(
        partial, "w", encoding="utf-8", newline="\n"
    ) as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def file_sha256(path: Union[str, Path]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
