"""Which official files a source has, where they are, and their published checksums.

The checksums here are those that well-known loaders check when they fetch the same
files from the same addresses; `origin` says which. A file for which none was to be
found has none here. Wikimedia publishes those of its dumps: see `wikipedia.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Checksum:
    """What a file's bytes must hash to.

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
class Source:
    """The files of a source that does not change.

    Attributes:
        members: what to unpack: patterns of whole names in an archive, and where such
            a member belongs, with the groups of the pattern filled in. A group `lang`
            is the language that `--langs` selects by.
        lang: the language of a corpus; None for a benchmark.
    """

    files: tuple[RemoteFile, ...]
    members: Mapping[str, str]
    lang: str | None = None


_TFDS = "tensorflow/datasets, {}"
_HUGGING_FACE = "huggingface/datasets, datasets/{}/dataset_infos.json"
_BILLION_WORDS = "1-billion-word-language-modeling-benchmark-r13output.tar.gz"

SOURCES: dict[str, Source] = {
    "billion_words": Source(
        (
            RemoteFile(
                f"https://www.statmt.org/lm-benchmark/{_BILLION_WORDS}",
                f"billion_words/{_BILLION_WORDS}",
                Checksum(
                    "sha256",
                    "01ba60381110baf7f189dfd2b8374de371e8c9a340835793f190bdae9e90a34e",
                    _TFDS.format("url_checksums/lm1b.txt"),
                ),
                1_792_209_805,
            ),
        ),
        {},  # corpus.py reads the archive
        lang="en",
    ),
    "xnli": Source(
        (
            RemoteFile(
                "https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
                "xnli/XNLI-1.0.zip",
                Checksum(
                    "sha256",
                    "4ba1d5e1afdb7161f0f23c66dc787802ccfa8a25a3ddd3b165a35e50df346ab1",
                    _HUGGING_FACE.format("xnli"),
                ),
                17_865_352,
            ),
            RemoteFile(
                "https://dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip",
                "xnli/XNLI-MT-1.0.zip",
                Checksum(
                    "sha256",
                    "f732517ba2fb1d550e9f3c2aabaef6017c91ee2dcec90e878f138764d224db05",
                    _HUGGING_FACE.format("xnli"),
                ),
                466_098_360,
            ),
        ),
        {
            r"XNLI-1\.0/(?P<file>xnli\.(dev|test)\.tsv)": "XNLI-1.0/{file}",
            r"XNLI-MT-1\.0/multinli/multinli\.train\.(?P<lang>[a-z]{2})\.tsv": (
                "XNLI-MT-1.0/multinli/multinli.train.{lang}.tsv"
            ),
        },
    ),
    "pawsx": Source(
        (
            RemoteFile(
                "https://storage.googleapis.com/paws/pawsx/x-final.tar.gz",
                "pawsx/x-final.tar.gz",
                Checksum(
                    "sha256",
                    "4146db499101d66e68ae4c8ed3cf9dadecd625f44b7d8cf3d4a0fe93afc4fd9f",
                    _TFDS.format("text/paws_x_wiki/checksums.tsv"),
                ),
                30_282_057,
            ),
        ),
        {r"x-final/(?P<lang>[a-z]{2})/(?P<file>\w+\.tsv)": "x-final/{lang}/{file}"},
    ),
    # The splits of Rahimi et al. in the copy that Hugging Face's loader reads, since
    # XTREME points to a cloud drive for browsers. It holds one archive a language.
    "wikiann": Source(
        (
            RemoteFile(
                "https://s3.amazonaws.com/datasets.huggingface.co/wikiann/1.1.0/"
                "panx_dataset.zip",
                "wikiann/panx_dataset.zip",
                Checksum(
                    "sha256",
                    "164814b64f749ad000988b5ab45050b5116913b3db466ab173008955ddf649a4",
                    _HUGGING_FACE.format("wikiann"),
                ),
                234_008_884,
            ),
        ),
        {
            r"(panx_dataset/)?(?P<lang>[a-z-]+)\.tar\.gz/(.*/)?"
            r"(?P<file>train|dev|test)": "{lang}/{file}"
        },
    ),
    "massive": Source(
        (
            RemoteFile(
                "https://amazon-massive-nlu-dataset.s3.amazonaws.com/"
                "amazon-massive-dataset-1.1.tar.gz",
                "massive/amazon-massive-dataset-1.1.tar.gz",
                Checksum(
                    "sha256",
                    "4cba5faa11c71437928e17cb1b9b3d8b8e727e7ea363a3a9a8045e19c0491577",
                    "several public projects that pin this archive",
                ),
                40_251_390,
            ),
        ),
        {
            r"1\.1/data/(?P<lang>[a-z]{2})-(?P<country>[A-Z]{2})\.jsonl": (
                "1.1/data/{lang}-{country}.jsonl"
            )
        },
    ),
    "mtop": Source(
        (RemoteFile("https://dl.fbaipublicfiles.com/mtop/mtop.zip", "mtop/mtop.zip"),),
        {
            r"mtop/(?P<lang>[a-z]{2})/(?P<file>(train|eval|test)\.txt)": (
                "mtop/{lang}/{file}"
            )
        },
    ),
}
