"""Reading text line by line, writing files in one step, and what tells files apart."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, Optional, Union

import zstandard

# A sentence, a paragraph or a row of a benchmark is far shorter.
MAX_LINE_BYTES = 1 << 20

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Single NULs may be somebody's text; so many are a block that never reached the disk.
_ZEROS = bytes(64)
_BLOCK = 1 << 18
# 4 KiB of zstandard unpack to 128 MiB at most; the other formats have a limit.
_PACKED_BLOCK = 1 << 12


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
    """`read_lines` for an open stream, called `name` in errors."""
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


def open_packed(path: str) -> BinaryIO:
    """Open the bytes of a file, unpacked by its name: .gz, .bz2, .xz, .zst or plain.

    Several streams one after another are read as one. Unlike the standard library's
    readers this one never takes damage at the start of a stream for the end of the
    file.

    Raises:
        ValueError: here or while reading, one line if the file is missing or damaged.
    """
    return io.BufferedReader(_Unpacked(path), _BLOCK)


def strip_packing(path: str) -> str:
    """The name of a file without the ending of its packing: a.xml.bz2 -> a.xml."""
    stem, ending = os.path.splitext(path)
    return stem if ending in _UNPACKERS else path


def refuse_zeros(data: bytes, where: str) -> None:
    """Raise a `ValueError` that begins with `where` if `data` holds a run of NULs."""
    if _ZEROS in data:
        raise ValueError(
            f"{where}: holds a block of zeros, as damaged disks and broken downloads "
            "leave them; copy the file again"
        )


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a file; every failure is one clear `ValueError`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._rest = memoryview(b"")
        self._file: Optional[BinaryIO] = None
        with self._clear_errors():
            self._file = open(path, "rb")  # noqa: SIM115 (closed by close)
        self._blocks = _UNPACKERS.get(os.path.splitext(path)[1], _blocks)(self._file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            with self._clear_errors():
                block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (
            OSError,
            EOFError,
            lzma.LZMAError,
            zlib.error,
            zstandard.ZstdError,
        ) as error:
            place = f" at byte {self._file.tell()}" if self._file else ""
            raise ValueError(
                f"{self._path}: cannot be read{place} "
                f"({getattr(error, 'strerror', None) or error}); "
                "check the path or fetch the file again"
            ) from None


class _ZstdUnpacker:
    """zstandard's object with the interface of the standard library's."""

    needs_input = True

    def __init__(self) -> None:
        self._unpacker = zstandard.ZstdDecompressor().decompressobj()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._unpacker.decompress(data)

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_BLOCK), b"")


def _unpack_gzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.open(file) as unpacked:
        yield from iter(lambda: unpacked.read1(_BLOCK), b"")


def _unpack(new_unpacker: Callable[[], Any], file: BinaryIO) -> Iterator[bytes]:
    unpacker: Any = None
    packed = b""
    while True:
        if unpacker is None or unpacker.needs_input:
            packed = packed or file.read(_PACKED_BLOCK)
            if not packed:
                break
        unpacker = unpacker or new_unpacker()
        yield unpacker.decompress(packed, _BLOCK)
        packed = b""
        if unpacker.eof:
            unpacker, packed = None, unpacker.unused_data
    if unpacker is not None:
        raise EOFError("it ends in the middle of a packed stream")


_UNPACKERS: Dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    ".gz": _unpack_gzip,
    ".bz2": partial(_unpack, bz2.BZ2Decompressor),
    ".xz": partial(_unpack, lzma.LZMADecompressor),
    ".zst": partial(_unpack, _ZstdUnpacker),
}


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
