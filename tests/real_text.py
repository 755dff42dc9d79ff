"""Sentences of the shared corpus."""

import itertools
import lzma
from pathlib import Path


def read_text(data: Path, lang: str, lines: int) -> list[str]:
    """Return the first lines of each of a language's files, `lines` in all."""
    paths = sorted((data / "text" / lang).glob("*.xz"))
    found: list[str] = []
    for path in paths:
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            share = -(-lines // len(paths))
            found += [line.rstrip("\n") for line in itertools.islice(file, share)]
    return found[:lines]
