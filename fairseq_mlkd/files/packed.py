"""Unpacking files as they are read: gzip, bzip2, xz, zstandard."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

import zstandard

from fairseq_mlkd.remedies import FETCH_AGAIN

_BLOCK = 1 << 18
# 4 KiB of zstandard unpack to 128 MiB at most; the other formats have a limit.
_PACKED_BLOCK = 1 << 12


def open_packed(path: str) -> BinaryIO:
    """Open the bytes of a file, unpacked if they are packed.

    How a file begins says how it is packed; if that says nothing, the end of its name
    (.gz, .bz2, .xz, .zst) does, so that a damaged file is not taken for text. Several
    streams one after another are read as one. Unlike the standard library's readers
    this one never takes damage at the start of a stream for the end of the file.

    Raises:
        ValueError: here or while reading, one line if the file is missing or damaged.
    """
    return io.BufferedReader(_Unpacked(path), _BLOCK)


def strip_packing(path: str) -> str:
    """Return a name without the ending of its packing: a.xml.bz2 -> a.xml."""
    stem, ending = os.path.splitext(path)
    return stem if ending in _UNPACKERS else path


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a file; every failure is one clear `ValueError`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._rest = memoryview(b"")
        self._file: BinaryIO | None = None
        with self._clear_errors():
            self._file = open(path, "rb")  # noqa: SIM115 (closed by close)
            start = self._file.read(_LONGEST_START)
            self._file.seek(0)
        self._blocks = _UNPACKERS.get(_packing(path, start), _blocks)(self._file)

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
                f"check the path or {FETCH_AGAIN}"
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


def _packing(path: str, start: bytes) -> str:
    """Return the ending that tells how a file is packed."""
    found = (ending for ending, sign in _STARTS.items() if sign.match(start))
    return next(found, os.path.splitext(path)[1])


_STARTS = {
    ".gz": re.compile(rb"\x1f\x8b\x08"),
    ".bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    ".xz": re.compile(rb"\xfd7zXZ\0"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd"),
}
_LONGEST_START = 16
_UNPACKERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    ".gz": _unpack_gzip,
    ".bz2": partial(_unpack, bz2.BZ2Decompressor),
    ".xz": partial(_unpack, lzma.LZMADecompressor),
    ".zst": partial(_unpack, _ZstdUnpacker),
}
