"""Unpacks what a benchmark needs out of an archive, and nothing else."""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from fairseq_mlkd.files.tarballs import ShortHeaders
from fairseq_mlkd.files.writing import replace_on_success

# RuntimeError: what zipfile says of passwords and of packings that it does not know.
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: of a file in an archive in the archive: `OUTER/INNER`.
        regular: False for links, devices and the like.
        open: gives the content.
    """

    name: str
    size: int
    regular: bool
    open: Callable[[], IO[bytes] | None]


def unpack(
    archive: Path, folder: Path, members: Mapping[str, str], langs: Collection[str]
) -> set[str]:
    """Write the members that match a pattern; those that are there already stay.

    A member goes where its pattern says, never where its own name points.

    Args:
        archive: a .zip or .tar.gz file.
        folder: to write into.
        members: targets, relative to `folder`, by patterns of whole names.
        langs: only members of these languages; all if empty.
    Returns:
        the languages of the members that matched.
    Raises:
        ValueError: a damaged archive, or one with a member that only an attack or a
            mistake puts there: a path out of the archive, a link in place of a file.
    """
    found: set[str] = set()
    try:
        for member in _read_members(archive):
            if member.name.startswith("/") or ".." in member.name.split("/"):
                raise ValueError(
                    f"{archive}: {member.name!r} points out of the archive"
                )
            for pattern, target in members.items():
                match = re.fullmatch(pattern, member.name)
                groups = match.groupdict() if match else {}
                lang = groups.get("lang", "")
                if match and (not langs or not lang or lang in langs):
                    _write(archive, member, folder / target.format(**groups))
                    found.add(lang)
    except _DAMAGE as error:
        advice = "remove it and run the same command"
        raise ValueError(f"{archive}: damaged ({error}); {advice}") from None
    return found - {""}


def _write(archive: Path, member: Member, path: Path) -> None:
    if not member.regular:
        raise ValueError(f"{archive}: {member.name!r} is a link, not a file")
    if path.exists() and path.stat().st_size == member.size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = member.open()
    assert content is not None  # tarfile's answer for what is no regular file
    with (
        content,
        replace_on_success(str(path)) as unfinished,
        open(unfinished, "wb") as file,
    ):
        shutil.copyfileobj(content, file, 1 << 20)


def _read_members(archive: Path) -> Iterator[Member]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as file:
            yield from _read_zip(file)
    else:
        with tarfile.open(archive, "r|gz", tarinfo=ShortHeaders) as tar:
            yield from _read_tar(tar)


def _read_zip(file: zipfile.ZipFile) -> Iterator[Member]:
    for info in file.infolist():
        if info.filename.endswith(".tar.gz"):
            with (
                file.open(info) as inner,
                tarfile.open(fileobj=inner, mode="r|gz", tarinfo=ShortHeaders) as tar,
            ):
                for member in _read_tar(tar):
                    yield member._replace(name=f"{info.filename}/{member.name}")
        elif not info.is_dir():
            regular = not stat.S_ISLNK(info.external_attr >> 16)
            content = partial(file.open, info)
            yield Member(info.filename, info.file_size, regular, content)


def _read_tar(tar: tarfile.TarFile) -> Iterator[Member]:
    for info in tar:
        if not info.isdir():
            name = info.name[2:] if info.name.startswith("./") else info.name
            content = partial(tar.extractfile, info)
            yield Member(name, info.size, info.isreg(), content)
