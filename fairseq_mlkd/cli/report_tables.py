"""Result lines -> the paper's tables, as numbers and as Markdown."""

import statistics
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Sequence

from fairseq_mlkd.metrics.results import Result

TITLES = {
    "xnli": "XNLI",
    "pawsx": "PAWS-X",
    "wikiann": "WikiAnn",
    "multiatis": "MultiATIS++",
    "massive": "MASSIVE",
    "mtop": "mTOP",
    "pretraining": "Pretraining",
}
ABSENT = "–"


class Score(NamedTuple):
    """Mean and sample standard deviation over seeds; no deviation for one seed."""

    mean: float
    deviation: Optional[float]

    def __str__(self) -> str:
        if self.deviation is None:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ± {self.deviation:.2f}"


def summarise(values: Sequence[float]) -> Optional[Score]:
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

    results: List[Result]
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
    def title(self) -> str:
        """Such as `XNLI: accuracy on test, in percent`."""
        unit = "" if self.is_perplexity else ", in percent"
        name = TITLES.get(self.dataset, self.dataset)
        return f"{name}: {self.metric} on {self.split}{unit}"

    @property
    def is_perplexity(self) -> bool:
        """Whether the numbers are perplexities, which are not averaged."""
        return "perplexity" in self.metric

    @property
    def target_langs(self) -> List[str]:
        """The languages that no training data were in."""
        return [lang for lang in self.langs if lang != self.source_lang]

    def seeds(self, model: str) -> List[int]:
        """The seeds that a model was run with."""
        return sorted({r.seed for r in self.results if r.model == model})

    def score(self, model: str, lang: str) -> Optional[Score]:
        """A model's score in one language."""
        keys = [(model, lang, seed) for seed in self.seeds(model)]
        return summarise([self._values[key] for key in keys if key in self._values])

    def zero_shot(self, model: str) -> Optional[Score]:
        """The average over target languages, of seeds that have all of them."""
        averages = []
        for seed in self.seeds(model):
            keys = [(model, lang, seed) for lang in self.target_langs]
            values = [self._values[key] for key in keys if key in self._values]
            if values and len(values) == len(keys):
                averages.append(statistics.mean(values))
        return summarise(averages)

    def retention(self, model: str, teacher: str) -> Optional[float]:
        """A model's zero-shot average in percent of the teacher's."""
        own, reference = self.zero_shot(model), self.zero_shot(teacher)
        if own is None or reference is None or not reference.mean:
            return None
        return 100 * own.mean / reference.mean


def make_tables(results: Sequence[Result], source_lang: str) -> List[Table]:
    """One table a data set, metric and split, in order of first appearance."""
    groups: Dict[tuple, List[Result]] = {}
    for result in results:
        key = (result.dataset, result.metric, result.split)
        groups.setdefault(key, []).append(result)
    return [Table(group, source_lang) for group in groups.values()]


def render_markdown(table: Table, teacher: str) -> str:
    """A heading, the table and what one must know to read its numbers."""
    averaged = bool(table.target_langs) and not table.is_perplexity
    compared = averaged and teacher in table.models
    header = ["model", *table.langs]
    header += ["zero-shot average"] * averaged + ["retention"] * compared
    rows = [header]
    for model in table.models:
        scores = [table.score(model, lang) for lang in table.langs]
        scores += [table.zero_shot(model)] * averaged
        row = [model, *(ABSENT if score is None else str(score) for score in scores)]
        if compared:
            kept = table.retention(model, teacher)
            row.append(ABSENT if kept is None else f"{kept:.1f}%")
        rows.append(row)
    notes = [describe_seeds(table), describe_examples(table)]
    if averaged:
        notes.append(f"Zero-shot average: the mean of {', '.join(table.target_langs)}.")
    if compared:
        notes.append(f"Retention: zero-shot average in percent of {teacher}'s.")
    if any(ABSENT in row[1:] for row in rows):
        notes.append(f"{ABSENT}: not measured, or not in every target language.")
    return f"## {table.title}\n\n{align(rows)}\n\n" + "  \n".join(notes) + "\n"


def align(rows: List[List[str]]) -> str:
    """A Markdown table whose columns also line up as plain text."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*cells)]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    lines = []
    for row in [cells[0], rule, *cells[1:]]:
        padded = [row[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def describe_seeds(table: Table) -> str:
    """How many seeds each number rests on."""
    counts = {model: len(table.seeds(model)) for model in table.models}
    if len(set(counts.values())) == 1:
        number = next(iter(counts.values()))
        text = "One seed" if number == 1 else f"{number} seeds"
    else:
        text = "Seeds: " + ", ".join(f"{model} {n}" for model, n in counts.items())
    if max(counts.values()) > 1:
        text += "; mean ± sample standard deviation"
    return text + "."


def describe_examples(table: Table) -> str:
    """How many examples were scored and left out, by language."""
    if len({_counts(result) for result in table.results}) == 1:
        return f"Examples: {_counts(table.results[0])} a language."
    parts = []
    for lang in table.langs:
        own = {_counts(r): None for r in table.results if r.lang == lang}
        # Models scored on different examples must not be compared silently.
        differ = " (differs between runs)" if len(own) > 1 else ""
        parts.append(f"{lang} {' / '.join(own)}{differ}")
    return f"Examples: {', '.join(parts)}."


def _counts(result: Result) -> str:
    dropped = f" ({result.dropped:,} dropped)" if result.dropped else ""
    return f"{result.examples:,}{dropped}"
