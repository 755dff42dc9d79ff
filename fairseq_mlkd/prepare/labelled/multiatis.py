"""MultiATIS++ (Xu et al., 2020): intents and slots of questions on air travel."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.prepare.labelled.reader import (
    Wanted,
    WordReader,
    check_tags,
    read_cells,
)
from fairseq_mlkd.prepare.labelled.rows import Dropped, LabelledFile, WordRow, row_error

# What files call the columns that are read.
UTTERANCE = ("utterance", "text", "sentence")
SLOTS = ("slot_labels", "slot-labels", "slot labels", "slots")
INTENT = ("intent", "intent_label", "intent-label")
COUNTS = {
    **dict.fromkeys(("de", "en", "es", "fr", "ja", "pt", "zh"), (4488, 490, 893)),
    "hi": (1440, 160, 893),
    "tr": (578, 60, 715),
}


class WordColumns(NamedTuple):
    """The places of a layout's fields, and whether its first line names them."""

    utterance: int
    slots: int
    intent: int
    width: int
    header: bool


class MultiATIS(WordReader):
    """Read tab-separated files: id, utterance, slot labels, intent.

    Columns are found by their names; files without a header have four columns in
    that order or five with another one after the utterance.
    """

    name = "multiatis"
    title = "MultiATIS++"
    task = "zero_shot_intent_slot"
    metric = "exact_match"
    layouts = (
        r"((atis_seven_languages/)?data/)?"
        r"(?P<split>train|dev|test)_(?P<lang>[A-Za-z]{2})\.tsv",
    )
    by_hand = (
        "MultiATIS++ needs a licence of the Linguistic Data Consortium: get LDC2021T04 "
        "at https://catalog.ldc.upenn.edu/LDC2021T04 (Hindi and Turkish: LDC2019T04)"
    )
    expected = (
        "{train,dev,test}_LANG.tsv, here or in data/, with id, utterance,"
        " slot_labels, intent"
    )
    counts = COUNTS

    def find(self, folder: Path) -> list[LabelledFile]:
        """Return all files in `folder`."""
        return [f._replace(lang=f.lang.lower()) for f in super().find(folder)]

    def word_rows(self, path: Path, wanted: Wanted) -> Iterator[WordRow | Dropped]:
        for line, cells, columns in read_cells(path, _recognise):
            if not cells:
                yield Dropped("empty line", line)
            else:
                row = _read_row(line, cells, columns)
                yield row if wanted.predicted else _check(path, row)


def _recognise(path: Path, cells: Sequence[str]) -> WordColumns:
    """Return the layout that a file's first row shows."""
    width = len(cells)
    names = [cell.strip().lower() for cell in cells]
    named = (_position(names, aliases) for aliases in (UTTERANCE, SLOTS, INTENT))
    found = [position for position in named if position is not None]
    if len(found) == 3:
        return WordColumns(found[0], found[1], found[2], width, header=True)
    if found or width not in (4, 5):
        problem = f"no layout of MultiATIS++ has these {width} columns"
        advice = "expected id, utterance, slot_labels, intent"
        raise row_error(path, 1, problem, advice)
    return WordColumns(1, width - 2, width - 1, width, header=False)


def _position(names: Sequence[str], aliases: tuple[str, ...]) -> int | None:
    return next((i for i, name in enumerate(names) if name in aliases), None)


def _read_row(line: int, cells: Sequence[str], columns: WordColumns) -> WordRow:
    return WordRow(
        cells[columns.utterance].split(),
        line,
        tags=cells[columns.slots].split(),
        intent=cells[columns.intent].strip(),
    )


def _check(path: Path, row: WordRow) -> WordRow | Dropped:
    tags = row.tags or []
    if len(row.words) != len(tags):
        return Dropped("not one tag per word", row.line)
    check_tags(path, row.line, tags)
    if not row.intent:
        raise row_error(path, row.line, "no intent")
    return row
