"""One source, completely: its files fetched and checked, archives unpacked."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairseq_mlkd.prepare.downloads.archives import unpack
from fairseq_mlkd.prepare.downloads.downloader import Downloader
from fairseq_mlkd.prepare.downloads.wikipedia import WIKIMEDIA, find_dump
from fairseq_mlkd.prepare.labelled import READERS, Reader
from fairseq_mlkd.prepare.origins import TFDS, Origin, RemoteFile, official_file
from fairseq_mlkd.remedies import OTHER_FOLDER

ARCHIVE = "1-billion-word-language-modeling-benchmark-r13output.tar.gz"
BILLION_WORDS = Origin(
    (
        official_file(
            f"https://www.statmt.org/lm-benchmark/{ARCHIVE}",
            "billion_words",
            1_792_209_805,
            sha256="01ba60381110baf7f189dfd2b8374de371e8c9a340835793f190bdae9e90a34e",
            origin=TFDS.format("url_checksums/lm1b.txt"),
        ),
    ),
    {},  # corpus.py reads the archive
    lang="en",
)
ORIGINS = {"billion_words": BILLION_WORDS}
ORIGINS.update({r.name: r.origin for r in READERS.values() if r.origin})
SOURCE_NAMES = ("wikipedia", "billion_words", *READERS)


@dataclass
class Fetched:
    """The files that a source gave.

    Attributes:
        paths: the files, complete and checked.
        corpus: the inputs for mlkd-corpus, by language.
        benchmark: the folder for mlkd-benchmark.
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
    """Fetch, check and unpack one source.

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
    if name not in ORIGINS:
        return _find_by_hand(READERS[name], downloader.folder / name)
    origin = ORIGINS[name]
    paths = _obtain(downloader, origin.files)
    if origin.lang:
        return Fetched(paths, {origin.lang: str(paths[0])})
    folder = downloader.folder / name
    found: set[str] = set()
    for path in paths:
        found |= unpack(path, folder, origin.members, langs)
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


def _find_by_hand(reader: Reader[Any], folder: Path) -> Fetched:
    files = reader.find(folder)
    if not files:
        raise ValueError(
            f"{reader.by_hand}, put its files into {folder}: {reader.expected}"
        )
    return Fetched([file.path for file in files], benchmark=folder)


def _obtain(downloader: Downloader, files: Sequence[RemoteFile]) -> list[Path]:
    """Obtain all files, if there is room for them."""
    downloader.folder.mkdir(parents=True, exist_ok=True)
    needed = sum(map(downloader.missing_bytes, files))
    free = shutil.disk_usage(downloader.folder).free
    if needed > free:
        raise ValueError(
            f"{downloader.folder}: {needed / 1e9:,.1f} GB are to come and "
            f"{free / 1e9:,.1f} GB are free; make room or {OTHER_FOLDER}"
        )
    return [downloader.obtain(file) for file in files]
