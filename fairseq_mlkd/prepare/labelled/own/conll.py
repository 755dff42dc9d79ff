"""CoNLL files of users: a word and its tag per line, a blank line between sentences."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.prepare.labelled.own.forms import AnyRecord, Form, Record
from fairseq_mlkd.prepare.labelled.own.tags import ANY_TAG
from fairseq_mlkd.prepare.labelled.rows import read_rows, row_error

_INTENT = re.compile(r"#\s*intent\s*[:=]\s*(.*\S)", re.IGNORECASE)
_DOCUMENT = "-DOCSTART-"
# Sentences may begin with comments, whose first one is not told from a word by itself.
_COMMENT = "#"


class Layout(NamedTuple):
    """The columns of a file: their number, and which is which, from 0."""

    separator: str | None
    width: int
    places: dict[str, int]

    def cells(self, text: str) -> list[str]:
        """Return the cells of a line; white space separates where there are no tabs."""
        return [cell.strip() for cell in text.strip("\r\n ").split(self.separator)]

    def describe(self) -> str:
        """Return the layout in words."""
        between = "tabs" if self.separator else "spaces"
        named = (f"{role} in column {i + 1}" for role, i in self.places.items())
        return f"CoNLL, {self.width} columns with {between}: {', '.join(named)}"


def read_conll(path: Path, roles: Sequence[str], form: Form) -> Iterator[AnyRecord]:
    """Yield the sentences of a file.

    Comments (`# ...` before the words of a sentence) and `-DOCSTART-` lines are passed
    over, except that `# intent = NAME` gives the intent where it has no column.
    """
    layout = find_layout(path, roles, form)
    for has_text, found in groupby(read_rows(path), key=_has_text):
        if has_text:
            record = _read_sentence(path, list(found), roles, layout)
            if record is not None:
                yield record


def find_layout(path: Path, roles: Sequence[str], form: Form) -> Layout:
    """Return the columns of a file.

    Without `--columns`, words stand in the first one, or in the second where the first
    numbers them; tags in the last one.
    """
    sentence = _first_sentence(path)
    line, text = sentence[0]
    separator = "\t" if "\t" in text else None
    layout = Layout(separator, 0, {})
    rows = [layout.cells(text) for _, text in sentence]
    width = len(rows[0])
    if width < 2:
        problem = "one column where a word and its tag belong"
        raise row_error(path, line, problem, "separate them by a tab or a space")
    is_numbered = [row[0] for row in rows] == [str(i + 1) for i in range(len(rows))]
    places = {"words": int(is_numbered and width > 2), "tags": width - 1}
    places.update(form.numbers(roles))
    for role, name in form.columns.items():
        if role in roles and not (name.isdecimal() and 0 < int(name) <= width):
            advice = f"CoNLL has no header: give a number from 1 to {width}"
            raise ValueError(
                f"--columns {role}={name}: {path} has {width} columns; {advice}"
            )
    return Layout(separator, width, {r: places[r] for r in roles if r in places})


def _has_text(row: tuple[int, str]) -> bool:
    return bool(row[1].strip())


def _first_sentence(path: Path) -> list[tuple[int, str]]:
    for has_text, found in groupby(read_rows(path), key=_has_text):
        rows = [row for row in found if not row[1].startswith((_COMMENT, _DOCUMENT))]
        if has_text and rows:
            return rows
    raise ValueError(f"{path}: no line with a word and its tag; name another file")


def _read_sentence(
    path: Path, found: list[tuple[int, str]], roles: Sequence[str], layout: Layout
) -> Record | None:
    intent: str | None = None
    rows: list[list[str]] = []
    for line, text in found:
        cells = layout.cells(text)
        if not rows and _is_comment(text, cells, layout):
            match = _INTENT.match(text)
            intent = match[1] if match else intent
        elif cells[0] != _DOCUMENT:
            _check_cells(path, line, cells, layout)
            rows.append(cells)
    if not rows:
        return None
    line = found[0][0]
    values = {r: [cells[i] for cells in rows] for r, i in layout.places.items()}
    if "intent" in roles:
        intent = values["intent"][0] if "intent" in values else intent
        if intent is None:
            problem = "no intent of this sentence"
            advice = "write `# intent = NAME` above it or give --columns intent=NUMBER"
            raise row_error(path, line, problem, advice)
        return Record(line, {**values, "intent": intent})
    return Record(line, dict(values))


def _is_comment(text: str, cells: list[str], layout: Layout) -> bool:
    """Say whether a line with `#` is no word: its columns, or its tag, tell."""
    if not text.startswith(_COMMENT):
        return False
    return len(cells) != layout.width or not ANY_TAG.fullmatch(
        cells[layout.places.get("tags", -1)]
    )


def _check_cells(path: Path, line: int, cells: list[str], layout: Layout) -> None:
    if len(cells) != layout.width:
        problem = f"{len(cells)} columns where the first sentence has {layout.width}"
        raise row_error(path, line, problem, "correct the line")
