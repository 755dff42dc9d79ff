"""The paper's numbers, which `mlkd-report` sets beside ours."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.metrics.transfer import averaged_languages


class PaperTable(NamedTuple):
    """The paper's numbers on one data set.

    Attributes:
        number: of the paper's table with each language; 0: none.
        metric: how the name of the metric begins.
        averaged: the languages of its zero-shot average (not PAWS-X's Japanese).
        models: model -> `english` (Table 4), `zero-shot` (Table 5), and its own table's
            number for each language.
    """

    number: int
    metric: str
    averaged: Sequence[str]
    models: dict[str, dict[str, float]]

    def score(self, model: str, lang: str) -> float | None:
        """Return the number of a model of that name in one language."""
        return self._numbers(model).get(lang)

    def english(self, model: str) -> float | None:
        """Return the number of Table 4; for some models not the per-language one."""
        return self._numbers(model).get("english")

    def zero_shot(self, model: str, langs: Sequence[str]) -> float | None:
        """Return the average over some of `averaged`; over all of them, Table 5's."""
        numbers = self._numbers(model)
        if not numbers or not langs or not set(langs) <= set(self.averaged):
            return None
        if set(langs) == set(self.averaged):
            return numbers["zero-shot"]
        return statistics.mean(numbers[lang] for lang in langs)

    def _numbers(self, model: str) -> dict[str, float]:
        wanted = letters(model)
        found = [own for name, own in self.models.items() if letters(name) == wanted]
        return found[0] if found else {}


def letters(model: str) -> str:
    """Return a name without case and punctuation: `mbert8_large` is `mBERT8_Large`."""
    return "".join(filter(str.isalnum, model)).lower()


_FILE = json.loads(Path(__file__).with_name("paper.json").read_text(encoding="utf-8"))
CITATION: str = _FILE["source"]
PAPER = {name: PaperTable(**values) for name, values in _FILE["benchmarks"].items()}
PRETRAINING = PaperTable(**_FILE["pretraining"])
NOTHING = PaperTable(0, "", (), {})


def find_paper(dataset: str, metric: str, split: str, source_lang: str) -> PaperTable:
    """Return the paper's table of the same numbers, an empty one if there is none.

    Its perplexities are of held-out sentences, all other numbers of test data.
    """
    known = {"pretraining": PRETRAINING} if split == "valid" else {}
    paper = (PAPER if split == "test" else known).get(dataset, NOTHING)
    same = metric.startswith(paper.metric) and source_lang == "en"
    return paper if same else NOTHING


def find_averaged(
    dataset: str, split: str, models: Sequence[str], langs: Sequence[str]
) -> list[str]:
    """Return the languages of a zero-shot average, and so of what is made of it.

    All but those that the paper leaves out (PAWS-X's Japanese), as at validation; where
    one of the models is the paper's, only those that it averages over. The one rule for
    Table 5, for each data set's own average and for retention.

    Args:
        models: all whose numbers stand side by side.
        langs: the target languages that were measured.
    """
    paper = PAPER.get(dataset, NOTHING)
    shared = [lang for lang in langs if lang in paper.averaged]
    known = any(paper.english(model) is not None for model in models)
    if split == "test" and known and shared:
        return shared
    return averaged_languages(dataset, langs)
