"""The origins of official files, and how to tell that they arrived whole.

The checksums of data sets are those that well-known loaders check when they fetch the
same files from the same addresses; `Checksum.origin` says which. A file for which none
was to be found has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HUGGING_FACE = "huggingface/datasets, datasets/{}/dataset_infos.json"
TFDS = "tensorflow/datasets, {}"


@dataclass(frozen=True)
class Checksum:
    """The hash that a file's bytes must have.

    Attributes:
        algorithm: a name that `hashlib` knows.
        digest: in hexadecimal.
        origin: who says so.
    """

    algorithm: str
    digest: str
    origin: str


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        path: where it belongs, relative to the folder of all downloads.
        size: in bytes, where it was published.
    """

    url: str
    path: str
    checksum: Checksum | None = None
    size: int | None = None


@dataclass(frozen=True)
class Origin:
    """Official files that do not change.

    Attributes:
        members: what to unpack: patterns of whole names in an archive, and where such
            a member belongs, with the groups of the pattern filled in. A group `lang`
            is the language that `--langs` selects by.
        lang: the language of a corpus; None for a labelled data set.
    """

    files: tuple[RemoteFile, ...]
    members: Mapping[str, str]
    lang: str | None = None


def official_file(
    url: str,
    folder: str,
    size: int | None = None,
    *,
    sha256: str | None = None,
    origin: str = "",
) -> RemoteFile:
    """Return a file that belongs into its own folder of downloads, under its own name.

    Args:
        size: in bytes, where it was published.
        sha256: in hexadecimal, where it was published.
        origin: who says so.
    """
    checksum = Checksum("sha256", sha256, origin) if sha256 else None
    return RemoteFile(url, f"{folder}/{url.rsplit('/', 1)[-1]}", checksum, size)
