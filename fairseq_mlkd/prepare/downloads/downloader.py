"""Files brought into one folder, or one line that says what to do where it cannot be.

This is no library such as pooch, which compares checksums, too, but begins again where
a connection breaks: a dump of 20 GB would hardly ever come to its end.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.json_objects import read_json, write_json
from fairseq_mlkd.prepare.downloads.session import Session, Unavailable
from fairseq_mlkd.prepare.downloads.transfer import (
    Transfer,
    partial_path,
    update_from_file,
)
from fairseq_mlkd.prepare.origins import Checksum, RemoteFile

CHECKSUMS_FILE = "checksums.json"
# How files begin, by the end of their name.
_MAGIC = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".zip": b"PK"}


class Downloader:
    """Fetch files, or check those that are there, whoever put them there.

    Only a file with the right checksum gets its name. Where none is published, the
    SHA-256 of the first file goes into `checksums.json`, and later ones must equal it.

    Args:
        folder: of all downloads.
        backoff: seconds to wait before a second try, doubled before each further one.
    """

    def __init__(self, folder: Path, backoff: float = 1.0) -> None:
        self.folder = folder
        self.backoff = backoff
        self.session = Session(backoff)

    def obtain(self, remote: RemoteFile) -> Path:
        """Make sure that a file is there and has the right bytes.

        Raises:
            ValueError: in one line, with what to do by hand: it cannot be had, has
                other bytes, or there is no room.
        """
        path = self.folder / remote.path
        try:
            if path.exists():
                self._check(remote, path)
            else:
                self._fetch(remote, path)
        except Unavailable as error:
            advice = f"fetch it by hand, put it at {path} and run the same command"
            raise ValueError(f"{remote.url}: {error}; {advice}") from None
        except OSError as error:
            advice = "the same command continues where this one stopped"
            raise ValueError(f"{path}: {error.strerror or error}; {advice}") from None
        return path

    def missing_bytes(self, remote: RemoteFile) -> int:
        """Return how many bytes are still to come, as far as the size is known."""
        path = self.folder / remote.path
        if path.exists() or remote.size is None:
            return 0
        partial = partial_path(path)
        return remote.size - (partial.stat().st_size if partial.exists() else 0)

    def _check(self, remote: RemoteFile, path: Path) -> None:
        expected = remote.checksum or self._recorded(remote)
        digest = hashlib.new(_algorithm(expected))
        update_from_file(digest, path)
        problem = _problem(path, path, digest.hexdigest(), expected)
        if problem:
            raise ValueError(f"{path}: {problem}; move it away, run the command again")
        if expected is None:
            self._record(remote, digest.hexdigest())

    def _fetch(self, remote: RemoteFile, path: Path) -> None:
        expected = remote.checksum or self._recorded(remote)
        transfer = Transfer(self.session, remote, path, _algorithm(expected))
        digest = transfer.run(self.backoff)
        problem = _problem(transfer.partial, path, digest, expected)
        if problem:
            bad = path.with_name(f"{path.name}.bad")
            transfer.finish(bad)
            raise Unavailable(f"{problem} (kept as {bad.name})")
        transfer.finish(path)
        if expected is None:
            self._record(remote, digest)

    def _recorded(self, remote: RemoteFile) -> Checksum | None:
        digest = self._records().get(remote.path)
        if digest is None:
            return None
        return Checksum("sha256", digest, f"first download, {CHECKSUMS_FILE}")

    def _record(self, remote: RemoteFile, digest: str) -> None:
        records = {**self._records(), remote.path: digest}
        write_json(dict(sorted(records.items())), str(self.folder / CHECKSUMS_FILE))

    def _records(self) -> dict[str, Any]:
        path = self.folder / CHECKSUMS_FILE
        return read_json(path, "remove it") if path.exists() else {}


def _algorithm(expected: Checksum | None) -> str:
    return expected.algorithm if expected else "sha256"


def _problem(
    path: Path, named: Path, digest: str, expected: Checksum | None
) -> str | None:
    """Return what is wrong with a file; without a checksum its first bytes are checked.

    Args:
        path: where the file is now.
        named: its name, whose end says what kind of file it is.
    """
    if expected and digest != expected.digest:
        wanted = f"{expected.digest} ({expected.origin})"
        return f"its {expected.algorithm} is {digest}, not {wanted}"
    with open(path, "rb") as file:
        start = file.read(4)
    if not start.startswith(_MAGIC.get(named.suffix, b"")):
        return f"no {named.suffix} file, its first bytes are {start!r}"
    return None
