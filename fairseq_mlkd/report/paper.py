"""The paper's numbers, which `mlkd-report` sets beside ours."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.report.tables import Table


class PaperTable(NamedTuple):
    """What the paper says about one benchmark.

    Attributes:
        metric: how the name of the metric begins.
        averaged: the languages of its zero-shot average (not PAWS-X's Japanese).
        models: model -> `english` (Table 4), `zero-shot` (Table 5), and its own table's
            number for each language.
    """

    metric: str
    averaged: Sequence[str]
    models: dict[str, dict[str, float]]

    def score(self, model: str, lang: str) -> float | None:
        """The number of a model of that name in one language."""
        return self._numbers(model).get(lang)

    def english(self, model: str) -> float | None:
        """The number of Table 4, which for some models is not the per-language one."""
        return self._numbers(model).get("english")

    def zero_shot(self, model: str, langs: Sequence[str]) -> float | None:
        """The average over some of `averaged`; Table 5's if these are all of them."""
        numbers = self._numbers(model)
        if not numbers or not langs or not set(langs) <= set(self.averaged):
            return None
        if set(langs) == set(self.averaged):
            return numbers["zero-shot"]
        return statistics.mean(numbers[lang] for lang in langs)

    def _numbers(self, model: str) -> dict[str, float]:
        wanted = _letters(model)
        found = [own for name, own in self.models.items() if _letters(name) == wanted]
        return found[0] if found else {}


def _letters(model: str) -> str:
    """A name without case and punctuation: `mbert8_large` is `mBERT8_Large`."""
    return "".join(filter(str.isalnum, model)).lower()


_FILE = json.loads(Path(__file__).with_name("paper.json").read_text(encoding="utf-8"))
SOURCE: str = _FILE["source"]
PAPER = {name: PaperTable(**values) for name, values in _FILE["benchmarks"].items()}
NOTHING = PaperTable("", (), {})


def find_paper(table: Table) -> PaperTable:
    """The paper's table of the same numbers, an empty one if there is none."""
    paper = PAPER.get(table.dataset, NOTHING)
    same = table.metric.startswith(paper.metric) and table.source_lang == "en"
    return paper if same and table.split == "test" else NOTHING


def averaged_langs(table: Table) -> list[str]:
    """The target languages to average over in a comparison of benchmarks.

    Those that the paper averages over, if one of the models is the paper's; else all.
    """
    paper = find_paper(table)
    shared = [lang for lang in table.target_langs if lang in paper.averaged]
    known = any(paper.english(model) is not None for model in table.models)
    return shared if known and shared else table.target_langs
