"""fairseq's memory-mapped binary data: the format, read, written and merged."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fairseq.data import Dictionary
from fairseq.data.indexed_dataset import (
    MMapIndexedDataset,
    _dtype_header_code,
    best_fitting_int_dtype,
)

from fairseq_mlkd.files.hashing import file_sha256
from fairseq_mlkd.files.writing import replace_on_success
from fairseq_mlkd.remedies import PREPARE_AGAIN

_MAGIC = b"MMIDIDX\x00\x00"
_HEADER = struct.Struct("<9sQBQ")  # magic, version, type code, number of items
_BYTES_PER_ITEM = 4 + 8  # an int32 size and an int64 address


class BinaryWriter:
    """Write `PREFIX.bin` and `PREFIX.idx`; both appear only if the block succeeds.

    Args:
        prefix: path without extension; its folder is created.
        vocab_size: size of the dictionary, decides the integer type as in fairseq.
    """

    def __init__(self, prefix: str, vocab_size: int) -> None:
        self._prefix = prefix
        self._vocab_size = vocab_size
        self._dtype = id_dtype(vocab_size)
        self._sizes = array("i")

    def __enter__(self) -> BinaryWriter:
        with ExitStack() as stack:
            data, self._index = stack.enter_context(_both_files(self._prefix))
            self._data = stack.enter_context(open(data, "wb"))
            stack.push(self._finish)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> bool | None:
        return self._stack.__exit__(*exception)

    def add(self, ids: Sequence[int]) -> None:
        """Append one sequence; the errors are those of `add_block`."""
        self.add_block(np.asarray(ids, np.int64), np.array([len(ids)], np.int32))

    def add_block(self, ids: np.ndarray, sizes: np.ndarray) -> None:
        """Append many sequences.

        Args:
            ids: `(sum(sizes),)`, integers; all sequences one after the other.
            sizes: `(sequences,)`, int32.
        Raises:
            ValueError: an id is outside the vocabulary (it would wrap around).
        """
        if ids.size and not 0 <= ids.min() <= ids.max() < self._vocab_size:
            raise ValueError(
                f"{self._prefix}: ids {ids.min()} to {ids.max()} do not fit a "
                f"dictionary of {self._vocab_size}"
            )
        self._data.write(ids.astype(self._dtype, copy=False).tobytes())
        self._sizes.frombytes(sizes.astype(np.int32, copy=False).tobytes())

    def _finish(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            sizes = np.frombuffer(self._sizes, np.int32)
            _write_index(self._index, self._dtype, lambda: [sizes])


def merge_binaries(prefix: str, others: Sequence[str], vocab_size: int) -> None:
    """Write one pair of files that holds the sequences of others, in their order.

    The bytes are those that one `BinaryWriter` would have written. Memory does not grow
    with their size. One of them may hold nothing.

    Args:
        prefix: path of the result without extension; its folder is created.
        others: paths without extension; these files stay.
        vocab_size: that of all of them.
    Raises:
        ValueError: one of them is missing, cut off or of another integer type.
    """
    dtype = id_dtype(vocab_size)
    with _both_files(prefix) as (data, index):
        with open(data, "wb") as merged:
            for other in others:
                _check_whole(other, dtype)
                with open(f"{other}.bin", "rb") as file:
                    shutil.copyfileobj(file, merged, 1 << 20)
        _write_index(index, dtype, lambda: map(_read_sizes, others))


def id_dtype(vocab_size: int) -> np.dtype:
    """Return the integer type in which fairseq stores ids of such a dictionary."""
    return np.dtype(best_fitting_int_dtype(vocab_size))


def load_binary(prefix: str) -> MMapIndexedDataset:
    """Open `PREFIX.bin` and `PREFIX.idx`, each item an int64 tensor of ids.

    Raises:
        ValueError: naming the file that is missing, of another format or cut off.
    """
    _check_size(f"{prefix}.idx", _HEADER.size + _BYTES_PER_ITEM)
    _read_header(f"{prefix}.idx")
    _check_size(f"{prefix}.bin", 1)
    dataset = MMapIndexedDataset(prefix)
    item_size = dataset._index.dtype().itemsize
    _check_size(f"{prefix}.bin", int(dataset.sizes.sum(dtype="int64")) * item_size)
    return dataset


def load_part(data: str, part: str, subset: str) -> MMapIndexedDataset:
    """Load `DATA/PART/SUBSET` as `load_binary`; the parts are those of `folders.py`."""
    return load_binary(os.path.join(data, part, subset))


def binary_sha256(folders: Sequence[str], split: str) -> str:
    """Return a fingerprint of all binary files of a split, anywhere in the folders."""
    found = [
        (str(path.relative_to(folder)), file_sha256(path))
        for folder in map(Path, folders)
        for path in sorted(folder.rglob(f"{split}.*"))
        if path.suffix in (".bin", ".idx")
    ]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def encode_line(dictionary: Dictionary, symbols: Sequence[str]) -> list[int]:
    """Return the ids of the symbols (unknown ones as `unk`) and the end of sentence."""
    ids = [dictionary.index(symbol) for symbol in symbols]
    return ids + [dictionary.eos()]


@contextmanager
def _both_files(prefix: str) -> Iterator[tuple[str, str]]:
    """Give two names to write to; they become `.bin` and `.idx` on success."""
    os.makedirs(os.path.dirname(prefix) or ".", exist_ok=True)
    with (
        replace_on_success(f"{prefix}.idx") as index,
        replace_on_success(f"{prefix}.bin") as data,
    ):
        yield data, index


def _write_index(
    path: str, dtype: np.dtype, sizes: Callable[[], Iterable[np.ndarray]]
) -> None:
    """Write an index; `sizes` gives the blocks of sizes anew at each call."""
    items = address = 0
    with open(path, "wb") as file:
        file.seek(_HEADER.size)
        for block in sizes():
            file.write(block.tobytes())
            items += len(block)
        for block in sizes():
            ends = address + np.cumsum(block, dtype=np.int64) * dtype.itemsize
            file.write((ends - block.astype(np.int64) * dtype.itemsize).tobytes())
            address = int(ends[-1]) if len(ends) else address
        file.seek(0)
        file.write(_HEADER.pack(_MAGIC, 1, _dtype_header_code(dtype.type), items))


def _check_whole(prefix: str, dtype: np.dtype) -> None:
    code, _ = _read_header(f"{prefix}.idx")
    if code != _dtype_header_code(dtype.type):
        raise ValueError(
            f"{prefix}.idx: written for a dictionary of another size; {PREPARE_AGAIN}"
        )
    expected = int(_read_sizes(prefix).sum(dtype=np.int64)) * dtype.itemsize
    _check_size(f"{prefix}.bin", expected)
    if os.path.getsize(f"{prefix}.bin") > expected:
        raise ValueError(f"{prefix}.bin: longer than its index says; {PREPARE_AGAIN}")


def _read_sizes(prefix: str) -> np.ndarray:
    _, items = _read_header(f"{prefix}.idx")
    return np.fromfile(f"{prefix}.idx", np.int32, items, offset=_HEADER.size)


def _read_header(path: str) -> tuple[int, int]:
    """Return the code of the integer type and the number of items."""
    _check_size(path, _HEADER.size)
    with open(path, "rb") as file:
        magic, version, code, items = _HEADER.unpack(file.read(_HEADER.size))
    if magic != _MAGIC or version != 1:
        raise ValueError(f"{path}: not an index in mmap format; {PREPARE_AGAIN}")
    _check_size(path, _HEADER.size + _BYTES_PER_ITEM * items)
    return code, items


def _check_size(path: str, expected: int) -> None:
    if not os.path.exists(path):
        raise ValueError(f"{path} is missing; {PREPARE_AGAIN}")
    size = os.path.getsize(path)
    if size < expected:
        raise ValueError(
            f"{path}: {size} bytes where at least {expected} are needed; the file is "
            f"empty or cut off, {PREPARE_AGAIN}"
        )
