"""Result lines -> tables of numbers."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fairseq_mlkd.metrics.results import Result

# In the order of the paper's columns.
TITLES = {
    "xnli": "XNLI",
    "pawsx": "PAWS-X",
    "wikiann": "Wikiann",
    "multiatis": "MultiATIS++",
    "mtop": "mTOP",
    "massive": "MASSIVE",
    "pretraining": "Pretraining",
}


class Score(NamedTuple):
    """Mean and sample standard deviation over seeds; no deviation for one seed."""

    mean: float
    deviation: float | None

    def __str__(self) -> str:
        if self.deviation is None:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ± {self.deviation:.2f}"


def summarise(values: Sequence[float]) -> Score | None:
    """The score of some seeds' values, `None` if there are none."""
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Score(statistics.mean(values), deviation)


@dataclass
class Table:
    """The results of one data set, metric and split.

    Args:
        results: one a model, language and seed.
        source_lang: the language of the training data.
    """

    results: list[Result]
    source_lang: str

    def __post_init__(self) -> None:
        first = self.results[0]
        self.dataset, self.metric, self.split = first.dataset, first.metric, first.split
        self.models = list(dict.fromkeys(r.model for r in self.results))
        langs = dict.fromkeys(r.lang for r in self.results)
        # A stable sort: the others keep the order in which they appeared. `all` is
        # the perplexity over all languages together.
        self.langs = sorted(langs, key=lambda x: (x != "all", x != self.source_lang))
        self.chance = first.chance
        self._values = {(r.model, r.lang, r.seed): r.value for r in self.results}

    @property
    def name(self) -> str:
        """The data set as the paper writes it."""
        return TITLES.get(self.dataset, self.dataset)

    @property
    def is_perplexity(self) -> bool:
        """Whether the numbers are perplexities, which are not averaged."""
        return "perplexity" in self.metric

    @property
    def target_langs(self) -> list[str]:
        """The languages that no training data were in."""
        return [lang for lang in self.langs if lang != self.source_lang]

    def seeds(self, model: str) -> list[int]:
        """The seeds that a model was run with."""
        return sorted({r.seed for r in self.results if r.model == model})

    def score(self, model: str, lang: str) -> Score | None:
        """A model's score in one language."""
        keys = [(model, lang, seed) for seed in self.seeds(model)]
        return summarise([self._values[key] for key in keys if key in self._values])

    def zero_shot(self, model: str, langs: Sequence[str] | None = None) -> Score | None:
        """The average over target languages, of seeds that have all of them.

        Args:
            model: whose scores.
            langs: over which of the target languages, if not over all of them.
        """
        averages = []
        for seed in self.seeds(model):
            keys = [(model, lang, seed) for lang in langs or self.target_langs]
            values = [self._values[key] for key in keys if key in self._values]
            if values and len(values) == len(keys):
                averages.append(statistics.mean(values))
        return summarise(averages)

    def retention(self, model: str, teacher: str) -> float | None:
        """A model's zero-shot average in percent of the teacher's."""
        own, reference = self.zero_shot(model), self.zero_shot(teacher)
        if own is None or reference is None or not reference.mean:
            return None
        return 100 * own.mean / reference.mean


def make_tables(results: Sequence[Result], source_lang: str) -> list[Table]:
    """One table a data set, metric and split, in order of first appearance."""
    groups: dict[tuple, list[Result]] = {}
    for result in results:
        key = (result.dataset, result.metric, result.split)
        groups.setdefault(key, []).append(result)
    return [Table(group, source_lang) for group in groups.values()]


def group_tables(tables: Sequence[Table]) -> list[list[Table]]:
    """The tables of each data set and split together.

    The first is the one whose metric came first in the result lines, which is the
    metric that the data set is known for; the others only explain it.
    """
    groups: dict[tuple, list[Table]] = {}
    for table in tables:
        groups.setdefault((table.dataset, table.split), []).append(table)
    return list(groups.values())
