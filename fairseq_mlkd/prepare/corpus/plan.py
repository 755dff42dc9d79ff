"""Step 4: how many sentences of which piece are drawn: equation 1 of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairseq_mlkd.data.sampling import apportion, sampling_probabilities, spread
from fairseq_mlkd.prepare.corpus.options import CorpusOptions


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of sentences by language, or by language and piece.

    Args:
        share_before, share_after: of each language, by counts and by equation 1.
        written: training sentences that each piece gives; repeats count.
        learning: those that subwords are learnt from.
    """

    share_before: dict[str, float]
    share_after: dict[str, float]
    written: dict[str, list[int]]
    learning: dict[str, list[int]]


def plan_training(train: dict[str, list[int]], options: CorpusOptions) -> TrainingPlan:
    """Apply equation 1.

    Args:
        train: the training sentences of each piece of each language.
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

    def by_piece(sizes: list[int], use: str) -> dict[str, list[int]]:
        return {
            lang: spread(size, train[lang], seeded(options.seed, use, lang))
            for lang, size in zip(langs, sizes)
        }

    return TrainingPlan(
        dict(zip(langs, sampling_probabilities(counts, 1.0).tolist())),
        dict(zip(langs, shares.tolist())),
        by_piece(written, "written"),
        by_piece(learning, "learning"),
    )


def seeded(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for each use, whoever does what when."""
    return np.random.default_rng(list(repr((seed, *names)).encode("utf-8")))
