"""One file on its way: whatever interrupts it, the next request goes on from there."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError

from fairseq_mlkd.files.json_objects import read_json, write_json
from fairseq_mlkd.files.progress import show_progress
from fairseq_mlkd.prepare.downloads.session import Session, Unavailable
from fairseq_mlkd.prepare.origins import RemoteFile

BLOCK = 1 << 16  # bytes; what is received but not yet a whole block is lost in a kill
FRUITLESS_TRIES = 5  # in a row, before we give up


class Version(NamedTuple):
    """The marks that tell one version of a remote file from the next.

    Attributes:
        validator: the strong ETag, or else the date of the last change.
        size: of the whole file, in bytes.
    """

    url: str
    validator: str | None
    size: int | None


class Transfer:
    """Receive a file as `NAME.partial`.

    Beside it, `NAME.partial.json` says of which version its bytes are, so that two
    versions are never joined.
    """

    def __init__(
        self, session: Session, remote: RemoteFile, path: Path, algorithm: str
    ) -> None:
        self.session = session
        self.remote = remote
        self.algorithm = algorithm
        self.partial = partial_path(path)
        self._note = self.partial.with_name(f"{self.partial.name}.json")

    def run(self, backoff: float) -> str:
        """Receive until the file is whole.

        Args:
            backoff: seconds to wait after a request that brought nothing, doubled
                after each further one.
        Returns:
            the digest of the file, in hexadecimal.
        Raises:
            Unavailable: the server does not give the file, or not to its end.
        """
        fruitless = 0
        while fruitless < FRUITLESS_TRIES:
            time.sleep(backoff * (2**fruitless - 1))
            before = self._received()
            digest = self._receive()
            if digest is not None:
                return digest
            fruitless = 0 if self._received() > before else fruitless + 1
        raise Unavailable("the connection breaks off again and again")

    def finish(self, path: Path) -> None:
        """Give the received file a name of its own."""
        os.replace(self.partial, path)
        self._note.unlink()

    def _receive(self) -> str | None:
        """Make one request; return the digest if it led to the end of the file."""
        version = self._version()
        start = self._received() if version else 0
        if version and start == version.size:
            return self._hash_received().hexdigest()
        headers = {}
        if version and start:
            headers["Range"] = f"bytes={start}-"
            if version.validator:
                headers["If-Range"] = version.validator
        with self.session.open(self.remote.url, headers) as response:
            if response.status_code == 200:
                version = self._begin(response)
            elif not version or not _continues(response, start, version):
                self._forget()
                return None
            return self._store(response, version)

    def _store(self, response: requests.Response, version: Version) -> str | None:
        digest = self._hash_received()
        with (
            open(self.partial, "ab") as file,
            show_progress(
                self.remote.path,
                total=version.size,
                unit="bytes",
                initial=self._received(),
                unit_scale=True,
            ) as progress,
        ):
            try:
                # Some servers call an archive a packed transfer; its bytes count.
                for block in response.raw.stream(BLOCK, decode_content=False):
                    file.write(block)
                    digest.update(block)
                    progress.update(len(block))
            except HTTPError:
                return None
        # Before version 2, urllib3 did not notice a body that is too short.
        whole = version.size in (None, self._received())
        return digest.hexdigest() if whole else None

    def _begin(self, response: requests.Response) -> Version:
        """Start from nothing with the version that the server has now."""
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise Unavailable("a web page came in place of the file")
        length = response.headers.get("Content-Length", "")
        published = self.remote.size
        size = int(length) if length.isdigit() else published
        if published is not None and size != published:
            raise Unavailable(f"it now has {size:,} bytes, not {published:,}")
        version = Version(self.remote.url, _validator(response), size)
        # In this order: bytes of the old version never stand beside the new note.
        self._forget()
        self._note.parent.mkdir(parents=True, exist_ok=True)
        write_json(version._asdict(), str(self._note))
        return version

    def _forget(self) -> None:
        for path in (self.partial, self._note):
            if path.exists():
                path.unlink()

    def _version(self) -> Version | None:
        """Return the version of the bytes that are there, None to start over."""
        try:
            version = Version(**read_json(self._note, "remove it"))
        except (ValueError, TypeError):
            return None
        return version if version.size and version.url == self.remote.url else None

    def _received(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _hash_received(self) -> hashlib._Hash:
        digest = hashlib.new(self.algorithm)
        if self.partial.exists():
            update_from_file(digest, self.partial)
        return digest


def partial_path(path: Path) -> Path:
    """Return the name of a file on its way."""
    return path.with_name(f"{path.name}.partial")


def update_from_file(digest: hashlib._Hash, path: Path) -> None:
    """Feed a file's bytes to a digest."""
    with (
        open(path, "rb") as file,
        show_progress(
            f"checking {path.name}",
            total=path.stat().st_size,
            unit="bytes",
            leave=False,
            unit_scale=True,
        ) as progress,
    ):
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
            progress.update(len(block))


def _validator(response: requests.Response) -> str | None:
    """Return what If-Range may name (RFC 9110, 13.1.5): no weak ETag."""
    etag = response.headers.get("ETag", "W/")
    return response.headers.get("Last-Modified") if etag.startswith("W/") else etag


def _continues(response: requests.Response, start: int, version: Version) -> bool:
    """Return whether an answer is the rest of the same version."""
    pattern = rf"bytes {start}-\d+/{version.size}"
    content_range = response.headers.get("Content-Range", "")
    # A partial answer must repeat an ETag, not a date (RFC 9110, 15.3.7).
    has_etag = (version.validator or "").startswith('"')
    same = (version.validator,) if has_etag else (None, version.validator)
    return (
        response.status_code == 206
        and re.fullmatch(pattern, content_range) is not None
        and _validator(response) in same
    )
