"""Files and folders that appear complete or not at all.

What is written gets a temporary name, is brought to the disk, and only then takes the
place of what was there: neither a kill nor a power cut leaves half of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from fairseq_mlkd.remedies import OTHER_FOLDER


@contextmanager
def replace_on_success(path: str | Path) -> Iterator[str]:
    """Give a temporary name to write to; it becomes `path` if the block succeeds."""
    partial = f"{path}.partial"
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync_folder(os.path.dirname(path))
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8, complete or not at all."""
    with replace_on_success(path) as partial:
        Path(partial).write_text(text, encoding="utf-8", newline="\n")


def is_free(path: Path) -> bool:
    """Say whether a folder can be written there: nothing or an empty folder is."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def check_free(path: Path) -> None:
    """Refuse a path that holds something; nothing there is ever removed.

    Raises:
        ValueError: it does.
    """
    if not is_free(path):
        raise ValueError(f"{path} exists already: {OTHER_FOLDER}")


@contextmanager
def folder_on_success(path: str | Path, *, shared: bool = False) -> Iterator[Path]:
    """Give an empty folder to write to; it becomes `path` if the block succeeds.

    Args:
        path: does not exist or is an empty folder.
        shared: whether other processes may write the same folder at the same time.
            If not, what a killed run left is removed first.
    Raises:
        OSError: also if `path` came to hold something meanwhile.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    if shared:
        partial = partial.with_name(f"{partial.name}.{uuid4().hex}")
    else:
        shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        for above, _, names in os.walk(partial):
            for name in names:
                _sync(os.path.join(above, name))
            _sync_folder(above)
        os.replace(partial, path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_file(path: str | Path, target: str | Path) -> None:
    """Copy a file, complete or not at all; onto itself nothing happens."""
    if os.path.abspath(target) != os.path.abspath(path):
        with replace_on_success(target) as partial:
            shutil.copyfile(path, partial)


def _sync(path: str | Path) -> None:
    descriptor = os.open(path or ".", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: str | Path) -> None:
    with suppress(OSError):  # not every file system can
        _sync(path)
