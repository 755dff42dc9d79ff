"""Steps 4 to 8: which sentences of a chunk are drawn, by equation 1 of the paper."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fairseq_mlkd.data.sampling import apportion, draw, sampling_probabilities, spread
from fairseq_mlkd.prepare.corpus.chunks import read_packed
from fairseq_mlkd.prepare.corpus.clean import SENTENCES
from fairseq_mlkd.prepare.corpus.duplicates import TRAIN, VALID
from fairseq_mlkd.prepare.corpus.options import CorpusOptions


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of sentences by language, or by language and chunk.

    Args:
        share_before, share_after: of each language, by counts and by equation 1.
        written: training sentences that each chunk gives; repeats count.
        learning: those that subwords are learnt from.
    """

    share_before: dict[str, float]
    share_after: dict[str, float]
    written: dict[str, list[int]]
    learning: dict[str, list[int]]


def plan_training(train: dict[str, list[int]], options: CorpusOptions) -> TrainingPlan:
    """Apply equation 1.

    Args:
        train: the training sentences of each chunk of each language.
    Raises:
        ValueError: a language would get no training sentence.
    """
    langs = list(train)
    counts = [sum(train[lang]) for lang in langs]
    shares = sampling_probabilities(counts, options.alpha)
    total = options.sentences
    written = counts if total is None else apportion(total, shares)
    for lang, size in zip(langs, written):
        if not size:
            raise ValueError(
                f"--sentences {total}: language {lang} gets none; ask for more "
                "sentences or a smaller --alpha"
            )
    learning = apportion(min(options.sample, total or sum(counts)), shares)

    def by_chunk(sizes: list[int], use: str) -> dict[str, list[int]]:
        return {
            lang: spread(size, train[lang], seeded(options.seed, use, lang))
            for lang, size in zip(langs, sizes)
        }

    return TrainingPlan(
        dict(zip(langs, sampling_probabilities(counts, 1.0).tolist())),
        dict(zip(langs, shares.tolist())),
        by_chunk(written, "written"),
        by_chunk(learning, "learning"),
    )


def seeded(seed: int, *names: object) -> np.random.Generator:
    """Return the random generator of a use, always the same for the same names."""
    return np.random.default_rng(list(repr((seed, *names)).encode("utf-8")))


_BLOCK = 1 << 12


def blocks(sentences: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield sentences by the thousands: their words take ten times the memory."""
    for start in range(0, len(sentences), _BLOCK):
        yield sentences[start : start + _BLOCK]


@dataclass(frozen=True)
class CleanChunk:
    """Sentences on disk.

    Args:
        lang: their language.
        number: of the chunk among those of its language.
        sentences: folder of `clean_chunk`.
        parts: folder of `part_chunk`.
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
        """Return the sentences that are held out."""
        return self._pick(np.load(os.path.join(self.parts, VALID)))

    def files(self) -> list[str]:
        """Return where the sentences are."""
        paths = [(self.sentences, SENTENCES), (self.parts, TRAIN), (self.parts, VALID)]
        return [os.path.join(*path) for path in paths]

    def generator(self, use: str) -> np.random.Generator:
        return seeded(self.seed, use, self.lang, self.number)

    def _pick(self, indices: Sequence[int]) -> list[str]:
        if not len(indices):
            return []
        sentences = list(read_packed(os.path.join(self.sentences, SENTENCES)))
        return [sentences[index] for index in indices]
