"""Result lines -> tables of numbers."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fairseq_mlkd.metrics.results import Result
from fairseq_mlkd.report.paper import find_averaged, find_paper


class Score(NamedTuple):
    """Mean and sample standard deviation over seeds; no deviation for one seed."""

    mean: float
    deviation: float | None

    def __str__(self) -> str:
        if self.deviation is None:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ± {self.deviation:.2f}"


def summarise(values: Sequence[float]) -> Score | None:
    """Return the score of some seeds' values, `None` if there are none."""
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Score(statistics.mean(values), deviation)


class Table:
    """The results of one data set, metric and split.

    Args:
        results: one per model, language and seed.
        source_lang: the language of the training data.
        titles: names of data sets in print, in the order of columns.
    """

    def __init__(
        self, results: list[Result], source_lang: str, titles: Mapping[str, str]
    ) -> None:
        first = results[0]
        self.results, self.source_lang = results, source_lang
        self.dataset, self.metric, self.split = first.dataset, first.metric, first.split
        self.name = titles.get(self.dataset, self.dataset)
        self.place = [*titles, self.dataset].index(self.dataset)
        self.models = list(dict.fromkeys(r.model for r in results))
        langs = dict.fromkeys(r.lang for r in results)
        # A stable sort: the others keep the order in which they appeared. `all` is
        # the perplexity over all languages together.
        self.langs = sorted(langs, key=lambda x: (x != "all", x != self.source_lang))
        self.target_langs = [lang for lang in self.langs if lang != source_lang]
        self.averaged_langs = find_averaged(
            self.dataset, self.split, self.models, self.target_langs
        )
        self.paper = find_paper(self.dataset, self.metric, self.split, source_lang)
        self.chance = first.chance
        self._values = {(r.model, r.lang, r.seed): r.value for r in results}

    @property
    def is_perplexity(self) -> bool:
        """Whether the numbers are perplexities, which are not averaged."""
        return "perplexity" in self.metric

    def seeds(self, model: str) -> list[int]:
        """Return the seeds that a model was run with."""
        return sorted({r.seed for r in self.results if r.model == model})

    def selection(self, model: str) -> str:
        """Return the rule that chose a model's checkpoints."""
        return next(r.selection for r in self.results if r.model == model)

    def score(self, model: str, lang: str) -> Score | None:
        """Return a model's score in one language."""
        keys = [(model, lang, seed) for seed in self.seeds(model)]
        return summarise([self._values[key] for key in keys if key in self._values])

    def zero_shot(self, model: str) -> Score | None:
        """Return the average over `averaged_langs`, of seeds that have all of them."""
        return self.mean(model, self.averaged_langs)

    def mean(self, model: str, langs: Sequence[str]) -> Score | None:
        """Return the average over some languages, of seeds that have all of them."""
        averages = []
        for seed in self.seeds(model):
            keys = [(model, lang, seed) for lang in langs]
            values = [self._values[key] for key in keys if key in self._values]
            if values and len(values) == len(keys):
                averages.append(statistics.mean(values))
        return summarise(averages)

    def retention(self, model: str, teacher: str) -> float | None:
        """Return a model's zero-shot average in percent of the teacher's."""
        own, reference = self.zero_shot(model), self.zero_shot(teacher)
        if own is None or reference is None or not reference.mean:
            return None
        return 100 * own.mean / reference.mean


def make_tables(
    results: Sequence[Result], source_lang: str, titles: Mapping[str, str] | None = None
) -> list[Table]:
    """Return a table per data set, metric and split, in order of first appearance.

    Args:
        titles: names of data sets in print, in the order of columns.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        key = (result.dataset, result.metric, result.split)
        groups.setdefault(key, []).append(result)
    return [Table(group, source_lang, titles or {}) for group in groups.values()]


def models_of(tables: Sequence[Table]) -> list[str]:
    """Return the models of several tables, in order of first appearance."""
    return list(dict.fromkeys(model for table in tables for model in table.models))


def group_tables(tables: Sequence[Table]) -> list[list[Table]]:
    """Return the tables of each data set and split together.

    The first is the one whose metric came first in the result lines, which is the
    metric that the data set is known for; the others only explain it.
    """
    groups: dict[tuple[str, str], list[Table]] = {}
    for table in tables:
        groups.setdefault((table.dataset, table.split), []).append(table)
    return list(groups.values())
