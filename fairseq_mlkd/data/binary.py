"""fairseq's memory-mapped binary data, as `fairseq-preprocess` writes it."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import List, Optional, Sequence, Type

import torch
from fairseq.data import Dictionary
from fairseq.data.indexed_dataset import MMapIndexedDataset, make_builder

from fairseq_mlkd.text.files import file_sha256

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
        self._partial = f"{prefix}.partial"
        self._vocab_size = vocab_size

    def __enter__(self) -> BinaryWriter:
        os.makedirs(os.path.dirname(self._prefix) or ".", exist_ok=True)
        self._builder = make_builder(f"{self._partial}.bin", "mmap", self._vocab_size)
        return self

    def add(self, ids: Sequence[int]) -> None:
        """Append one sequence.

        Raises:
            ValueError: an id is outside the vocabulary (it would wrap around).
        """
        if ids and not 0 <= min(ids) <= max(ids) < self._vocab_size:
            raise ValueError(
                f"{self._prefix}: ids {min(ids)} to {max(ids)} do not fit a "
                f"dictionary of {self._vocab_size}"
            )
        self._builder.add_item(torch.tensor(ids, dtype=torch.int64))

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        partial = {ext: self._partial + ext for ext in (".bin", ".idx")}
        try:
            # finalize also closes the data file, so it runs in either case
            self._builder.finalize(partial[".idx"])
            if kind is None:
                for extension, path in partial.items():
                    os.replace(path, self._prefix + extension)
        finally:
            for path in filter(os.path.exists, partial.values()):
                os.remove(path)


def load_binary(prefix: str) -> MMapIndexedDataset:
    """Open `PREFIX.bin` and `PREFIX.idx`, each item an int64 tensor of ids.

    Raises:
        ValueError: naming the file that is missing, of another format or cut off.
    """
    _check_index(f"{prefix}.idx")
    _check_size(f"{prefix}.bin", 1)
    dataset = MMapIndexedDataset(prefix)
    item_size = dataset._index.dtype().itemsize
    _check_size(f"{prefix}.bin", int(dataset.sizes.sum(dtype="int64")) * item_size)
    return dataset


def binary_sha256(folders: Sequence[str], split: str) -> str:
    """Fingerprint of all binary files, anywhere in the folders, of one split."""
    found = [
        (str(path.relative_to(folder)), file_sha256(path))
        for folder in map(Path, folders)
        for path in sorted(folder.rglob(f"{split}.*"))
        if path.suffix in (".bin", ".idx")
    ]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def encode_line(dictionary: Dictionary, symbols: Sequence[str]) -> List[int]:
    """Return the ids of the symbols (unknown ones as `unk`) and the end of sentence."""
    ids = [dictionary.index(symbol) for symbol in symbols]
    return ids + [dictionary.eos()]


def _check_index(path: str) -> None:
    _check_size(path, _HEADER.size + _BYTES_PER_ITEM)
    with open(path, "rb") as file:
        magic, version, _, items = _HEADER.unpack(file.read(_HEADER.size))
    if magic != _MAGIC or version != 1:
        raise ValueError(f"{path}: not an index in mmap format; write it again")
    _check_size(path, _HEADER.size + _BYTES_PER_ITEM * items)


def _check_size(path: str, expected: int) -> None:
    if not os.path.exists(path):
        raise ValueError(f"{path} is missing; run the preprocessing again")
    size = os.path.getsize(path)
    if size < expected:
        raise ValueError(
            f"{path}: {size} bytes where at least {expected} are needed; the file is "
            "empty or cut off, run the preprocessing again"
        )
