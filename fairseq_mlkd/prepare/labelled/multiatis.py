"""MultiATIS++ (Xu et al., 2020): intents and slots of questions on air travel."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.prepare.labelled.rows import (
    BenchmarkFile,
    Dropped,
    WordRow,
    read_rows,
    row_error,
)
from fairseq_mlkd.prepare.labelled.word_benchmark import WordBenchmark, check_tags

FOLDERS = ("", "data/", "atis_seven_languages/data/")
FILE_NAME = re.compile(r"(train|dev|test)_([A-Za-z]{2})\.tsv")
# What files call the columns that are read.
UTTERANCE = ("utterance", "text", "sentence")
SLOTS = ("slot_labels", "slot-labels", "slot labels", "slots")
INTENT = ("intent", "intent_label", "intent-label")
# train, valid, test
PUBLISHED = {
    **dict.fromkeys(("de", "en", "es", "fr", "ja", "pt", "zh"), (4488, 490, 893)),
    "hi": (1440, 160, 893),
    "tr": (578, 60, 715),
}


class Columns(NamedTuple):
    """Where one layout keeps its fields, and whether its first line names them."""

    utterance: int
    slots: int
    intent: int
    width: int
    header: bool


class MultiATIS(WordBenchmark):
    """Reads tab-separated files: id, utterance, slot labels, intent.

    Columns are found by their names; files without a header have four columns in
    that order or five with another one after the utterance.
    """

    name = "multiatis"
    expected = (
        "{train,dev,test}_LANG.tsv, here or in data/, with id, utterance,"
        " slot_labels, intent"
    )

    def find(self, folder: Path) -> list[BenchmarkFile]:
        """All files of this layout in `folder`."""
        files = []
        for parent in FOLDERS:
            for path in sorted(folder.glob(f"{parent}*.tsv")):
                match = FILE_NAME.fullmatch(path.name)
                if match:
                    split = "valid" if match[1] == "dev" else match[1]
                    files.append(BenchmarkFile(path, split, match[2].lower()))
        return files

    def published(self, split: str, lang: str) -> int | None:
        """The number of utterances that the benchmark's authors report."""
        counts = PUBLISHED.get(lang)
        return counts[("train", "valid", "test").index(split)] if counts else None

    def read_rows(
        self, path: Path, lang: str, split: str | None, predicted: bool
    ) -> Iterator[WordRow | Dropped]:
        columns = None
        for line, text in read_rows(path):
            cells = text.split("\t")
            if columns is None:
                columns = _recognise(path, cells)
                if columns.header:
                    continue
            if not text:
                yield Dropped("empty line", line)
            elif len(cells) != columns.width:
                problem = f"{len(cells)} tab-separated columns, not {columns.width}"
                raise row_error(path, line, problem, "correct or remove the row")
            else:
                row = _read_row(line, cells, columns)
                yield row if predicted else _check(path, row)


def _recognise(path: Path, cells: Sequence[str]) -> Columns:
    """The layout that a file's first row shows."""
    width = len(cells)
    names = [cell.strip().lower() for cell in cells]
    named = (_position(names, aliases) for aliases in (UTTERANCE, SLOTS, INTENT))
    found = [position for position in named if position is not None]
    if len(found) == 3:
        return Columns(found[0], found[1], found[2], width, header=True)
    if found or width not in (4, 5):
        problem = f"no layout of MultiATIS++ has these {width} columns"
        advice = "expected id, utterance, slot_labels, intent"
        raise row_error(path, 1, problem, advice)
    return Columns(1, width - 2, width - 1, width, header=False)


def _position(names: Sequence[str], aliases: tuple[str, ...]) -> int | None:
    return next((i for i, name in enumerate(names) if name in aliases), None)


def _read_row(line: int, cells: Sequence[str], columns: Columns) -> WordRow:
    return WordRow(
        cells[columns.utterance].split(),
        line,
        tags=cells[columns.slots].split(),
        intent=cells[columns.intent].strip(),
    )


def _check(path: Path, row: WordRow) -> WordRow | Dropped:
    tags = row.tags or []
    if len(row.words) != len(tags):
        return Dropped("not one tag a word", row.line)
    check_tags(path, row.line, tags)
    if not row.intent:
        raise row_error(path, row.line, "no intent", "correct or remove the row")
    return row
