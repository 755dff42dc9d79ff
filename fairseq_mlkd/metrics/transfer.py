"""The source language and the others side by side, and when they part."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

Scores = dict[str, float]  # language -> its score in percent, higher is better

# Zero-shot averages leave these out, as the paper's Table 5 does: its tokenizer did not
# fit Japanese PAWS-X (Table 7).
LEFT_OUT = {"pawsx": ("ja",)}


def averaged_languages(dataset: str, langs: Sequence[str]) -> list[str]:
    """Return the target languages that a zero-shot average is over.

    All but those in `LEFT_OUT`; all where nothing else is there.
    """
    left_out = LEFT_OUT.get(dataset, ())
    return [lang for lang in langs if lang not in left_out] or list(langs)


def compare_languages(
    metric: str, scores: Scores, source: str, dataset: str = ""
) -> str | None:
    """Return one line: `accuracy: en 77.1 | zero-shot mean 64.2 (de 65.1, fr 63.3)`.

    Args:
        metric: what was measured.
        source: the language that was trained on.
        dataset: see `averaged_languages`; the line says what the mean leaves out.
    Returns:
        The line; None without scores of the source language and of another one.
    """
    others = _others(scores, source)
    if source not in scores or not others:
        return None
    averaged = averaged_languages(dataset, others)
    each = ", ".join(f"{lang} {scores[lang]:.1f}" for lang in others)
    left_out = [lang for lang in others if lang not in averaged]
    rule = f"; the mean leaves out {', '.join(left_out)}" if left_out else ""
    average = mean(scores[lang] for lang in averaged)
    return (
        f"{metric}: {source} {scores[source]:.1f} | zero-shot mean {average:.1f} "
        f"({each}{rule})"
    )


def find_forgetting(
    metric: str, before: Scores, now: Scores, source: str, dataset: str = ""
) -> str | None:
    """Return a warning if the source language rose while the mean of the others fell.

    The mean is over the languages that both have, as `averaged_languages` says.
    """
    others = [lang for lang in _others(now, source) if lang in before]
    if source not in before or source not in now or not others:
        return None
    others = averaged_languages(dataset, others)
    means = [mean(scores[lang] for lang in others) for scores in (before, now)]
    if now[source] <= before[source] or means[1] >= means[0]:
        return None
    return (
        f"forgetting: {source} {metric} rose {_change(before[source], now[source])} "
        f"since the validation before, while the zero-shot mean over "
        f"{', '.join(others)} fell {_change(*means)}"
    )


class Transfer:
    """The scores of a validation, and of the one before, each split by itself.

    Args:
        metric: what is compared.
        source: the language that is trained on.
        dataset: see `averaged_languages`.
        subsets: that a validation goes through, in this order.
    """

    def __init__(
        self, metric: str, source: str, dataset: str, subsets: Sequence[str]
    ) -> None:
        self.metric, self.source, self.dataset = metric, source, dataset
        self.subsets = subsets
        self.last: dict[str, Scores] = {}  # by split, of the validation before
        self._now: dict[str, Scores] = {}  # of the one under way, so far

    def restore(self, values: Any) -> None:
        """Restore the last validation's scores from a checkpoint.

        What are no scores is left out, as in `read_scores`.
        """
        self.last = read_scores(values)

    def add(self, subset: str, scores: Scores) -> tuple[list[str], list[str]]:
        """Take in the scores of a subset, such as `valid.all`.

        Returns:
            Once the last subset is in, what to log of each split, and what to warn of;
            nothing before that.
        """
        self._now.setdefault(subset.partition(".")[0], {}).update(scores)
        if subset != self.subsets[-1]:
            return [], []
        before, self.last, self._now = self.last, self._now, {}
        lines, warnings = [], []
        for split, now in self.last.items():
            line = compare_languages(self.metric, now, self.source, self.dataset)
            lines += [f"{split} {line}"] if line else []
            warning = find_forgetting(
                self.metric, before.get(split, {}), now, self.source, self.dataset
            )
            warnings += [f"{split} {warning}"] if warning else []
        return lines, warnings


def read_scores(values: Any) -> dict[str, Scores]:
    """Return the scores by split that a checkpoint holds, without malformed ones."""
    return {
        split: {
            lang: float(value)
            for lang, value in scores.items()
            if isinstance(lang, str) and isinstance(value, (int, float))
        }
        for split, scores in _items(values)
        if isinstance(split, str) and isinstance(scores, Mapping)
    }


def _items(values: Any) -> list[tuple[Any, Any]]:
    return list(values.items()) if isinstance(values, Mapping) else []


def _others(scores: Scores, source: str) -> list[str]:
    return sorted(lang for lang in scores if lang != source)


def _change(before: float, now: float) -> str:
    return f"from {before:.2f} to {now:.2f} ({now - before:+.2f})"
