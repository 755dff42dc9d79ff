"""Text line by line: UTF-8 alone, no line without end, no damage that goes unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from fairseq_mlkd.files.packed import open_packed
from fairseq_mlkd.remedies import FETCH_AGAIN

# A sentence, a paragraph or a row of a benchmark is far shorter.
MAX_LINE_BYTES = 1 << 20

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Single NULs may be somebody's text; so many are a block that never reached the disk.
_ZEROS = bytes(64)


def read_lines(path: str, max_bytes: int = MAX_LINE_BYTES) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, packed (.gz, .bz2, .xz, .zst) or plain.

    Lines end at a newline only, so other Unicode line breaks stay inside a line.
    A byte order mark at the start is skipped. No more than a line is held in memory.

    Args:
        path: the file; packed ones may consist of several streams.
        max_bytes: the longest line that is accepted, with its line end.
    Raises:
        ValueError: naming the file (and line) that is missing, damaged, not UTF-8,
            too long or a block of zeros.
    """
    with open_packed(path) as stream:
        yield from decode_lines(stream, path, max_bytes)


def decode_lines(
    stream: BinaryIO, name: str, max_bytes: int = MAX_LINE_BYTES
) -> Iterator[str]:
    """Yield the lines of an open stream as `read_lines` does; errors call it `name`."""
    raw_lines = iter(lambda: stream.readline(max_bytes + 1), b"")
    for number, raw in enumerate(raw_lines, 1):
        if number == 1 and raw.startswith(_BYTE_ORDER_MARK):
            raw = raw[len(_BYTE_ORDER_MARK) :]
        refuse_zeros(raw, f"{name}:{number}")
        if len(raw) > max_bytes:
            raise ValueError(
                f"{name}:{number}: longer than {max_bytes} bytes, which no text is; "
                "check that the file is what its name says, or cut the line"
            )
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name}:{number}: not UTF-8 ({error.reason} at byte "
                f"{error.start + 1} of the line); convert the file to UTF-8 or remove "
                "the line"
            ) from None
        yield line.rstrip("\r\n")


def refuse_zeros(data: bytes, where: str) -> None:
    """Raise a `ValueError` that begins with `where` if `data` holds a run of NULs."""
    if _ZEROS in data:
        raise ValueError(
            f"{where}: holds a block of zeros, as damaged disks and broken downloads "
            f"leave them; {FETCH_AGAIN}"
        )
