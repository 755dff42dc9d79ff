"""The sentences of a piece: those to train on, as often as planned, and the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fairseq_mlkd.data.sampling import draw
from fairseq_mlkd.prepare.corpus.clean import SENTENCES
from fairseq_mlkd.prepare.corpus.duplicates import TRAIN, VALID
from fairseq_mlkd.prepare.corpus.pieces import read_packed
from fairseq_mlkd.prepare.corpus.plan import seeded

_BLOCK = 1 << 12


def blocks(sentences: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield sentences by the thousands: their words take ten times the memory."""
    for start in range(0, len(sentences), _BLOCK):
        yield sentences[start : start + _BLOCK]


@dataclass(frozen=True)
class CleanPiece:
    """Sentences on disk.

    Args:
        lang: their language.
        number: of the piece among those of its language.
        sentences: folder of `clean_piece`.
        parts: folder of `part_piece`.
        seed: of the draws.
    """

    lang: str
    number: int
    sentences: str
    parts: str
    seed: int

    def train(self, size: int, use: str) -> list[str]:
        """Draw training sentences in the order of the text, repeats side by side.

        Args:
            use: equal ones draw alike.
        """
        indices = np.load(os.path.join(self.parts, TRAIN))
        if size:
            chosen = draw(size, len(indices), self.generator(use))
            indices = indices[np.sort(chosen)]
        return self._pick(indices if size else [])

    def valid(self) -> list[str]:
        """The sentences that are held out."""
        return self._pick(np.load(os.path.join(self.parts, VALID)))

    def files(self) -> list[str]:
        """Where the sentences are."""
        paths = [(self.sentences, SENTENCES), (self.parts, TRAIN), (self.parts, VALID)]
        return [os.path.join(*path) for path in paths]

    def generator(self, use: str) -> np.random.Generator:
        return seeded(self.seed, use, self.lang, self.number)

    def _pick(self, indices: Sequence[int]) -> list[str]:
        if not len(indices):
            return []
        sentences = list(read_packed(os.path.join(self.sentences, SENTENCES)))
        return [sentences[index] for index in indices]
