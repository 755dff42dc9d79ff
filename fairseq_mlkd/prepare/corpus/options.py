"""The options of a corpus, and whether a folder holds such a corpus."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

SUBWORDS = ("bpe", "sentencepiece")
_POSITIVE = (
    "sentences",
    "codes",
    "valid",
    "min_characters",
    "min_words",
    "max_characters",
    "sample",
    "shards",
)


@dataclass(frozen=True)
class CorpusOptions:
    """The options of a corpus; equal options give the same bytes.

    Args:
        files: the text files or dumps of each language, packed or plain.
        alpha: exponent of equation 1.
        sentences: size of the training data, drawn by equation 1; None writes every
            sentence once.
        subwords: "bpe" (subword-nmt) or "sentencepiece" (unigram).
        codes: number of merges to learn, or of SentencePiece's pieces.
        valid: sentences to hold out in each language.
        min_characters: shorter sentences (in spoken form) are left out.
        min_words: those of fewer words are, too.
        max_characters: longer ones are, too.
        seed: of every draw.
        sample: most sentences to learn the subwords from, drawn by equation 1.
        codes_from: folder whose subwords, normalisation and dictionary are taken over.
        shards: number of folders that the training data are dealt to; 1 makes none.
    """

    files: dict[str, list[str]]
    alpha: float = 0.5
    sentences: int | None = None
    subwords: str = "bpe"
    codes: int = 8000
    valid: int = 1000
    min_characters: int = 5
    min_words: int = 1
    max_characters: int = 256
    seed: int = 1
    sample: int = 2_000_000
    codes_from: str | None = None
    shards: int = 1

    @property
    def training_alpha(self) -> float:
        """The `--sampling-alpha` that training on this corpus should use."""
        return self.alpha if self.sentences is None else 1.0

    def check(self) -> None:
        """Raise a ValueError that names the first bad option or missing file."""
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and value < 1:
                flag = name.replace("_", "-")
                raise ValueError(f"--{flag} {value}: must be at least 1")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"--alpha {self.alpha}: must be between 0 and 1")
        if self.seed < 0:
            raise ValueError(f"--seed {self.seed}: must not be negative")
        if self.subwords not in SUBWORDS:
            raise ValueError(f"--subwords {self.subwords}: none of {SUBWORDS}")
        for paths in self.files.values():
            for path in paths:
                if os.path.isdir(path):
                    files = os.path.join(path, "*")
                    raise ValueError(f"{path}: a folder; name its files, '{files}'")
                if not os.path.isfile(path):
                    raise ValueError(f"{path}: no such file")
                if paths.count(path) > 1:
                    raise ValueError(f"{path}: given twice for one language")

    def describe(self) -> dict[str, Any]:
        """Return options and input sizes in the form in which JSON gives them back."""
        sizes = {
            path: os.path.getsize(path)
            for path in self._paths()
            if os.path.exists(path)
        }
        return {**asdict(self), "bytes": sizes}

    def shard_folders(self) -> list[str]:
        """Return where `LANG/train` goes in the corpus; `LANG/valid` goes to the first.

        fairseq validates on the first of the folders it trains on.
        """
        return [f"shard{i}" for i in range(self.shards)] if self.shards > 1 else [""]

    def _paths(self) -> list[str]:
        return [path for paths in self.files.values() for path in paths]
