"""The record of what was read, kept and dropped when data were prepared."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.json_objects import write_json

FORMAT_VERSION = 1


@dataclass
class FileAudit:
    """The fate of the rows of one file in one language and split.

    Attributes:
        path: relative to the folder of benchmark files.
        published: number of examples that the benchmark's authors report.
        dropped: line numbers by reason.
        longest_input: in subwords, all sentences of a row and their ends counted.
        words: of benchmarks that annotate words.
        words_without_subwords: those of which normalisation leaves nothing.
        untrained: how many labels, by folder, are none of those in training data, so
            that a model can only get them wrong.
        forbidden_by_ontology: how many parses `--grammar ontology` keeps a model from
            writing, since training data lack one of their symbols or pairs of an
            intent and a slot, or since a slot mixes words and intents.
    """

    path: str
    sha256: str
    language: str
    split: str
    published: int | None = None
    kept: int = 0
    dropped: dict[str, list[int]] = field(default_factory=dict)
    longest_input: int = 0
    words: int = 0
    words_without_subwords: int = 0
    untrained: dict[str, int] = field(default_factory=dict)
    forbidden_by_ontology: int = 0

    def add_untrained(self, folder: str, labels: int) -> None:
        """Count labels that training data do not hold."""
        self.untrained[folder] = self.untrained.get(folder, 0) + labels

    def drop(self, reason: str, line: int) -> None:
        """Count a row that was left out."""
        self.dropped.setdefault(reason, []).append(line)

    @property
    def subset(self) -> str:
        """The name of the data subset, such as `test.fr`."""
        return f"{self.split}.{self.language}"

    @property
    def dropped_rows(self) -> int:
        """The number of rows left out, for whatever reason."""
        return sum(map(len, self.dropped.values()))

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it is written to `audit.json`."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "language": self.language,
            "split": self.split,
            "rows_read": self.kept + self.dropped_rows,
            "kept": self.kept,
            "dropped": self.dropped,
            "published": self.published,
            "longest_input": self.longest_input,
            "words": self.words,
            "words_without_subwords": self.words_without_subwords,
            "untrained": self.untrained,
            "forbidden_by_ontology": self.forbidden_by_ontology,
        }


def subset_totals(files: Iterable[FileAudit]) -> dict[str, dict[str, int]]:
    """Return how many rows were kept and dropped, by subset."""
    kept: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for file in files:
        kept[file.subset] += file.kept
        dropped[file.subset] += file.dropped_rows
    return {name: {"kept": kept[name], "dropped": dropped[name]} for name in kept}


def write_audit(path: Path, about: dict[str, Any], files: list[FileAudit]) -> None:
    """Write `audit.json`.

    Args:
        about: what goes before the files: benchmark, metric, labels, request.
    """
    audit = {
        "format_version": FORMAT_VERSION,
        **about,
        "files": [file.as_dict() for file in files],
        "totals": subset_totals(files),
    }
    write_json(audit, path, indent=1)
