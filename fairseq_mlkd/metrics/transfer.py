"""The source language and the others side by side, and when they part."""

from collections.abc import Mapping
from statistics import mean
from typing import Any

Scores = dict[str, float]  # language -> its score in percent, higher is better


def compare_languages(metric: str, scores: Scores, source: str) -> str | None:
    """One line: `accuracy: en 77.1 | zero-shot mean 64.2 (de 65.1, fr 63.3)`.

    Args:
        metric: what was measured.
        source: the language that was trained on.
    Returns:
        The line; None without scores of the source language and of another one.
    """
    others = _others(scores, source)
    if source not in scores or not others:
        return None
    each = ", ".join(f"{lang} {scores[lang]:.1f}" for lang in others)
    average = mean(scores[lang] for lang in others)
    return (
        f"{metric}: {source} {scores[source]:.1f} | zero-shot mean {average:.1f} "
        f"({each})"
    )


def find_forgetting(
    metric: str, before: Scores, now: Scores, source: str
) -> str | None:
    """A warning if the source language rose while the mean of the others fell.

    The mean is over the languages that both have.
    """
    others = [lang for lang in _others(now, source) if lang in before]
    if source not in before or source not in now or not others:
        return None
    means = [mean(scores[lang] for lang in others) for scores in (before, now)]
    if now[source] <= before[source] or means[1] >= means[0]:
        return None
    return (
        f"forgetting: {source} {metric} rose {_change(before[source], now[source])} "
        f"since the validation before, while the zero-shot mean over "
        f"{', '.join(others)} fell {_change(*means)}"
    )


def read_scores(values: Any) -> Scores:
    """Scores that a checkpoint holds; none where it holds anything else."""
    if not isinstance(values, Mapping):
        return {}
    return {
        lang: float(value)
        for lang, value in values.items()
        if isinstance(lang, str) and isinstance(value, (int, float))
    }


def _others(scores: Scores, source: str) -> list[str]:
    return sorted(lang for lang in scores if lang != source)


def _change(before: float, now: float) -> str:
    return f"from {before:.2f} to {now:.2f} ({now - before:+.2f})"
