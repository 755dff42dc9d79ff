"""Tables of users: CSV as Excel and others write it, TSV, JSON lines."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.json_objects import parse_json
from fairseq_mlkd.prepare.labelled.own.forms import (
    ALIASES,
    LANG,
    LISTS,
    AnyRecord,
    Form,
    Record,
    as_list,
    missing_columns,
)
from fairseq_mlkd.prepare.labelled.rows import Dropped, read_rows, row_error, unquote

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
_SEP_LINE = re.compile(r"sep=(.)")  # Excel's own, before the header
_SAMPLE = 20  # rows that tell the delimiter of a table without a header


def read_json_rows(path: Path, roles: Sequence[str], form: Form) -> Iterator[AnyRecord]:
    """Yield the rows of a file with one JSON object per line."""
    for line, text in read_rows(path):
        if not text.strip():
            yield Dropped("empty line", line)
            continue
        if line == 1 and text.lstrip().startswith("["):
            advice = "write one object per line (JSONL), such as jq -c '.[]' does"
            raise row_error(path, line, "a JSON list", advice)
        fields = parse_json(text, f"{path}:{line}", "correct or remove the row")
        places = form.find(roles, list(fields))
        lacking = [role for role in roles if role not in places]
        if lacking:
            raise missing_columns(path, line, lacking, list(fields), "fields")
        values = list(fields.values())
        yield Record(
            line, {r: _value(path, line, r, values[i]) for r, i in places.items()}
        )


def _value(path: Path, line: int, role: str, value: Any) -> Any:
    value = "" if value is None else value  # as a table has it
    if role in LISTS:
        return as_list(path, line, role, value)
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, str):
        return _one_line(value)
    advice = "write a text (scores to predict, a regression, are not offered)"
    raise row_error(path, line, f"{role} is no text", advice)


def read_table(path: Path, roles: Sequence[str], form: Form) -> Iterator[AnyRecord]:
    """Yield the rows of a table; empty ones are dropped."""
    delimiter = find_delimiter(path, roles, form)
    places, width, has_header = None, 0, False
    for line, cells in read_cells(path, delimiter):
        if places is None:
            places, has_header = _find_places(path, line, cells, roles, form)
            width = len(cells)
            if has_header:
                continue
        if not any(cell.strip() for cell in cells):
            yield Dropped("empty line", line)
            continue
        if len(cells) != width:
            problem = f"{len(cells)} columns where the first row has {width}"
            between = DELIMITERS.get(delimiter, delimiter)
            advice = f"correct the row; its fields are separated by a {between}"
            raise row_error(path, line, problem, advice)
        found = {role: _one_line(cells[i]) for role, i in places.items()}
        lists = {r: as_list(path, line, r, found[r]) for r in LISTS if r in found}
        yield Record(line, {**found, **lists})


def describe_table(path: Path, roles: Sequence[str], form: Form) -> str:
    """Return how a table is read, in one line."""
    delimiter = find_delimiter(path, roles, form)
    line, cells = next(read_cells(path, delimiter))
    places, has_header = _find_places(path, line, cells, roles, form)
    named = (
        f"{role} from {cells[i].strip() if has_header else f'column {i + 1}'}"
        for role, i in places.items()
    )
    head = "" if has_header else " without a header"
    name = DELIMITERS.get(delimiter, repr(delimiter))
    said = f"a table{head}, {name} between fields: {', '.join(named)}"
    unread = form.find([LANG], cells) if has_header and LANG not in places else {}
    if unread:
        column = cells[unread[LANG]].strip()
        said += f"; of several languages? then give --columns lang={column}"
    return said


def read_cells(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each row.

    Fields may be quoted as CSV does it, in tab-separated files within a line. The line
    that Excel puts before the header (`sep=;`) is passed over.

    Raises:
        ValueError: a quotation mark that is never closed, or text after one.
    """
    lines = read_rows(path)
    if delimiter == "\t":
        for line, text in lines:
            yield line, [unquote(cell) for cell in text.split("\t")]
        return
    start = 1
    rows = csv.reader(
        (text + "\n" for _, text in lines), delimiter=delimiter, strict=True
    )
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            advice = 'write a quotation mark inside a quoted field as ""'
            raise row_error(path, start, f"no CSV ({error})", advice) from None
        if cells is None:
            return
        is_sep = start == 1 and "".join(cells) in ("sep=", f"sep={delimiter}")
        if not is_sep:
            yield start, cells
        start = rows.line_num + 1


def find_delimiter(path: Path, roles: Sequence[str], form: Form) -> str:
    """Return the delimiter: as given, or that under which the header makes sense."""
    if form.delimiter:
        return form.delimiter
    first = next(read_rows(path))[1]
    if match := _SEP_LINE.fullmatch(first):
        return match[1]
    numbers = form.numbers(roles)
    if len(numbers) == len(roles):
        return _find_by_width(path, max(numbers.values()) + 1)
    found = {d: len(form.find(roles, _header(first, d))) for d in DELIMITERS}
    return max(found, key=lambda d: (found[d], first.count(d)))


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def _find_by_width(path: Path, columns: int) -> str:
    """Return the delimiter that gives the first rows the same width, and enough."""
    for delimiter in DELIMITERS:
        try:
            rows = list(islice(read_cells(path, delimiter), _SAMPLE))
        except ValueError:
            continue
        widths = {len(cells) for _, cells in rows if any(cells)}
        if len(widths) == 1 and widths.pop() >= columns:
            return delimiter
    problem = f"no delimiter gives each row the same {columns} columns or more"
    raise row_error(path, 1, problem, "name it with --delimiter")


def _find_places(
    path: Path, line: int, cells: Sequence[str], roles: Sequence[str], form: Form
) -> tuple[dict[str, int], bool]:
    """Return where each role stands, and whether this row is a header."""
    found = form.find(roles, cells)
    if len(found) == len(roles):
        return found, True
    numbers = form.numbers(roles)
    lacking = [role for role in roles if role not in numbers]
    if lacking:
        lacking = [role for role in roles if role not in found]
        raise missing_columns(path, line, lacking, cells, "columns")
    if max(numbers.values()) >= len(cells):
        problem = (
            f"{len(cells)} columns where --columns names {max(numbers.values()) + 1}"
        )
        raise row_error(path, line, problem, "look at --columns and --delimiter")
    named = [cells[i] for r, i in numbers.items() if cells[i].casefold() in ALIASES[r]]
    if named:
        problem = f"--columns gives numbers, and this looks like a header ({named[0]})"
        raise row_error(path, line, problem, "give the names, or remove the line")
    return numbers, False


def _one_line(text: str) -> str:
    return re.sub(r"\s*[\r\n]\s*", " ", text).strip()
