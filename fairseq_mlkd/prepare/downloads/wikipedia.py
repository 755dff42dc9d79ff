"""Wikipedia's dumps: which files one has, by the record that Wikimedia keeps of it.

A dump's `dumpstatus.json` names its files with size and SHA-1. The job
`articlesmultistreamdump` holds the articles, of large wikis in parts, which
`mlkd-corpus` reads side by side.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.json_objects import parse_json, read_json, write_json
from fairseq_mlkd.prepare.downloads.downloader import Downloader
from fairseq_mlkd.prepare.downloads.session import Missing, Unavailable
from fairseq_mlkd.prepare.origins import Checksum, RemoteFile

WIKIMEDIA = "https://dumps.wikimedia.org"
STATUS_FILE = "dumpstatus.json"
JOB = "articlesmultistreamdump"
_REMEDY = "remove it or try another --date"


def find_dump(
    downloader: Downloader, lang: str, date: str | None, mirror: str = WIKIMEDIA
) -> list[RemoteFile]:
    """Return the files of one language's dump.

    The record is kept beside the files, so that later runs go on with the same dump
    and need no network once all is there.

    Args:
        lang: the code in Wikipedia's address.
        date: `YYYYMMDD`; None for the newest dump of which there is a record or, if
            there is none, the newest complete one at Wikimedia.
        mirror: an address with the layout of dumps.wikimedia.org.
    Raises:
        ValueError: in one line: no such dump, not complete, no network.
    """
    wiki = f"{lang.replace('-', '_')}wiki"
    folder = downloader.folder / "wikipedia"
    try:
        dates = [date] if date else _kept_dates(folder, wiki)
        dates = dates or _listed_dates(downloader, wiki, mirror)
        for candidate in dates:
            base = f"{mirror}/{wiki}/{candidate}"
            own = folder / f"{wiki}-{candidate}"
            status = _load_status(downloader, base, own / STATUS_FILE)
            if status is not None:
                return _list_files(status, base, own.relative_to(downloader.folder))
    except Unavailable as error:
        raise ValueError(
            f"{mirror}/{wiki}/: {error}; fetch a dump's {STATUS_FILE} and the files it "
            f"names in {JOB} by hand, put them into {folder}/{wiki}-{date or 'DATE'} "
            "and run the same command"
        ) from None
    which = f"of {date} " if date else ""
    raise ValueError(f"{mirror}/{wiki}/: no complete dump {which}there; try --date")


def _kept_dates(folder: Path, wiki: str) -> list[str]:
    """Return the newest date of which there is a record."""
    paths = folder.glob(f"{wiki}-{'[0-9]' * 8}/{STATUS_FILE}")
    return sorted((path.parent.name[-8:] for path in paths), reverse=True)[:1]


def _listed_dates(downloader: Downloader, wiki: str, mirror: str) -> list[str]:
    """Return the dates that the server has, the newest first."""
    try:
        page = downloader.session.read(f"{mirror}/{wiki}/")
    except Missing:
        raise ValueError(f"{mirror}/{wiki}/: there is no such wiki") from None
    return sorted(set(re.findall(r'href="(\d{8})/"', page)), reverse=True)


def _load_status(downloader: Downloader, base: str, path: Path) -> Any | None:
    """Return the job's record, which is kept; None while the dump is not complete."""
    if path.exists():
        return _find_job(read_json(path, _REMEDY), str(path))
    where = f"{base}/{STATUS_FILE}"
    try:
        text = downloader.session.read(where)
    except Missing:
        return None
    job = _find_job(parse_json(text, where, _REMEDY), where)
    if job is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json({"jobs": {JOB: job}}, str(path))
    return job


def _find_job(record: dict[str, Any], where: str) -> Any | None:
    try:
        job = record["jobs"][JOB]
        return job if job["status"] == "done" else None
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{where}: no record of a dump ({error!r}); {_REMEDY}"
        ) from None


def _list_files(job: Any, base: str, folder: Path) -> list[RemoteFile]:
    """Return the files with articles; the job's others are indexes of them."""
    pattern = rf"{folder.name}-pages-articles-multistream\d*\.xml(-p\d+p\d+)?\.bz2"
    try:
        files = [
            RemoteFile(
                f"{base}/{name}",
                f"{folder.as_posix()}/{name}",
                Checksum("sha1", record["sha1"], STATUS_FILE),
                int(record["size"]),
            )
            for name, record in sorted(job["files"].items())
            if re.fullmatch(pattern, name)
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{base}/{STATUS_FILE}: damaged ({error!r})") from None
    if not files:
        raise ValueError(f"{base}/{STATUS_FILE}: no articles among the files of {JOB}")
    return files
