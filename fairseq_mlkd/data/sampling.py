"""Sampling of languages: equation 1 of the paper."""

from collections.abc import Sequence

import numpy as np


def sampling_probabilities(counts: Sequence[int], alpha: float) -> np.ndarray:
    """Return the smoothed share of each language: equation 1 (Conneau, Lample, 2019).

    q_i = p_i^alpha / sum_j p_j^alpha, with p_i = n_i / sum_j n_j.

    Args:
        counts: n_i, the number of sentences of each language.
        alpha: 1 keeps the languages' own shares, 0 makes all languages equal.
    Returns:
        `(languages,)`, float64, sums to 1; a language without sentences gets 0.
    Raises:
        ValueError: no sentences at all, a negative count, or alpha outside [0, 1].
    """
    n = np.asarray(counts, dtype=np.float64)
    if n.sum() <= 0 or (n < 0).any():
        raise ValueError(f"cannot sample from sentence counts {list(counts)}")
    if not 0 <= alpha <= 1:
        raise ValueError(f"sampling alpha {alpha} is not between 0 and 1")
    q = np.where(n > 0, (n / n.sum()) ** alpha, 0.0)
    return q / q.sum()


def apportion(total: int, shares: np.ndarray) -> list[int]:
    """Split `total` into whole numbers by `shares`, largest remainders first."""
    exact = total * np.asarray(shares)
    whole = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(whole - exact, kind="stable")
    whole[by_remainder[: total - whole.sum()]] += 1
    return whole.tolist()


def draw(size: int, population: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `size` of `population` items: whole passes, then a rest without repeats.

    Every item is drawn `size // population` times or once more.
    """
    passes, rest = divmod(size, population)
    whole = np.tile(np.arange(population), passes)
    return np.concatenate([whole, rng.choice(population, rest, replace=False)])


def spread(size: int, counts: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Return how many of `size` draws fall on each of several groups of items.

    Every item is drawn `size // sum(counts)` times or once more, each with the same
    probability: the rest is a systematic sample with a random start (Madow, 1949).

    Args:
        size: at least 0.
        counts: items in each group; their product with `size` is below 2^63.
    Returns:
        One number per group, which sum up to `size`.
    """
    items = np.asarray(counts, dtype=np.int64)
    total = int(items.sum())
    passes, rest = divmod(size, total)
    ends = (np.cumsum(items) * rest + int(rng.integers(total))) // total
    return (passes * items + np.diff(ends, prepend=0)).tolist()
