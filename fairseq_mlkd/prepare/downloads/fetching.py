"""One source, completely: its files fetched and checked, archives unpacked."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fairseq_mlkd.prepare.downloads.archives import unpack
from fairseq_mlkd.prepare.downloads.downloader import Downloader
from fairseq_mlkd.prepare.downloads.sources import SOURCES, RemoteFile
from fairseq_mlkd.prepare.downloads.wikipedia import WIKIMEDIA, find_dump
from fairseq_mlkd.prepare.labelled import READERS

SOURCE_NAMES = ("wikipedia", *SOURCES, "multiatis")
MULTIATIS = (
    "MultiATIS++ needs a licence of the Linguistic Data Consortium: get LDC2021T04 at "
    "https://catalog.ldc.upenn.edu/LDC2021T04 (Hindi and Turkish: LDC2019T04)"
)


@dataclass
class Fetched:
    """What a source gave.

    Attributes:
        paths: the files, complete and checked.
        corpus: the inputs for preprocess/corpus.py, by language.
        benchmark: the folder for preprocess/benchmark.py.
        missing: languages that were asked for and that the source does not have.
    """

    paths: list[Path] = field(default_factory=list)
    corpus: dict[str, str] = field(default_factory=dict)
    benchmark: Path | None = None
    missing: list[str] = field(default_factory=list)


def fetch(
    name: str,
    downloader: Downloader,
    langs: Sequence[str] = (),
    date: str | None = None,
    mirror: str = WIKIMEDIA,
) -> Fetched:
    """Fetches, checks and unpacks one source.

    Args:
        name: one of `SOURCE_NAMES`.
        langs: languages to fetch or unpack; all that a benchmark has if empty.
        date: of Wikipedia's dumps, `YYYYMMDD`; the newest if None.
        mirror: of Wikipedia's dumps.
    Raises:
        ValueError: in one line, with what to do.
    """
    if name == "wikipedia":
        return _fetch_wikipedia(downloader, langs, date, mirror)
    if name == "multiatis":
        return _find_multiatis(downloader.folder / name)
    source = SOURCES[name]
    paths = _obtain(downloader, source.files)
    if source.lang:
        return Fetched(paths, {source.lang: str(paths[0])})
    folder = downloader.folder / name
    found: set[str] = set()
    for path in paths:
        found |= unpack(path, folder, source.members, langs)
    missing = [lang for lang in langs if lang not in found]
    return Fetched(paths, benchmark=folder, missing=missing)


def _fetch_wikipedia(
    downloader: Downloader, langs: Sequence[str], date: str | None, mirror: str
) -> Fetched:
    if not langs:
        raise ValueError("wikipedia: name its languages, as in --langs en,fr")
    dumps = {lang: find_dump(downloader, lang, date, mirror) for lang in langs}
    paths = _obtain(downloader, [file for files in dumps.values() for file in files])
    corpus = {
        lang: str(downloader.folder / Path(files[0].path).with_name("*.bz2"))
        for lang, files in dumps.items()
    }
    return Fetched(paths, corpus)


def _find_multiatis(folder: Path) -> Fetched:
    files = READERS["multiatis"].find(folder)
    if not files:
        expected = READERS["multiatis"].expected
        raise ValueError(f"{MULTIATIS}, put its files into {folder}: {expected}")
    return Fetched([file.path for file in files], benchmark=folder)


def _obtain(downloader: Downloader, files: Sequence[RemoteFile]) -> list[Path]:
    """All files, after a look whether there is room for them."""
    downloader.folder.mkdir(parents=True, exist_ok=True)
    needed = sum(map(downloader.missing_bytes, files))
    free = shutil.disk_usage(downloader.folder).free
    if needed > free:
        raise ValueError(
            f"{downloader.folder}: {needed / 1e9:,.1f} GB are to come and "
            f"{free / 1e9:,.1f} GB are free; make room or name another folder"
        )
    return [downloader.obtain(file) for file in files]
