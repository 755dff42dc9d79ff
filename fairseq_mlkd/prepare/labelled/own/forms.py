"""The form of a user's file: which of its columns holds what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from fairseq_mlkd.prepare.labelled.rows import Dropped, row_error

LANG = "lang"
# What a row may have -> what files call it; the first that is there is taken.
ALIASES: dict[str, tuple[str, ...]] = {
    LANG: (LANG, "language", "locale"),
    "text": ("text", "sentence", "utterance", "query", "sentence1", "premise"),
    "text_pair": ("text_pair", "sentence2", "hypothesis", "hypo"),
    "label": ("label", "gold_label", "class", "category", "intent"),
    "words": ("words", "tokens", "text", "utterance", "sentence"),
    "tags": ("tags", "slots", "slot_labels", "ner_tags", "labels", "bio"),
    "intent": ("intent", "intent_label", "label"),
    "parse": ("parse", "semantic_parse", "target"),
}
LISTS = ("words", "tags")


class Record(NamedTuple):
    """A row as a file has it.

    Attributes:
        values: a text for each role, or for `words` and `tags` a list.
    """

    line: int
    values: dict[str, Any]


AnyRecord = Record | Dropped


@dataclass(frozen=True)
class Form:
    """How users describe their files.

    Attributes:
        columns: role -> the name of its column or field, or its number from 1.
        delimiter: of tables; found by the header where it is None.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None

    def find(self, roles: Sequence[str], names: Sequence[str]) -> dict[str, int]:
        """Return where in `names`, a header, each role stands, as far as it does."""
        tidy = [name.strip().casefold() for name in names]
        found = {}
        for role in roles:
            given = self.columns.get(role)
            aliases = (given.strip().casefold(),) if given else ALIASES[role]
            places = [tidy.index(alias) for alias in aliases if alias in tidy]
            if places:
                found[role] = places[0]
        return found

    def numbers(self, roles: Sequence[str]) -> dict[str, int]:
        """Return the columns that are given by number, counted from 0."""
        given = {role: self.columns.get(role, "") for role in roles}
        return {
            role: int(value) - 1
            for role, value in given.items()
            if value.isdecimal() and int(value)
        }


def missing_columns(
    path: Path, line: int, roles: Sequence[str], names: Sequence[str], what: str
) -> ValueError:
    """Return the complaint that roles have no column.

    Args:
        roles: that are missing.
        names: of the columns that there are.
        what: they are: "columns" or "fields".
    """
    there = ", ".join(name.strip() for name in names[:12]) or "none"
    wanted = " ".join(f"{role}=NAME" for role in roles)
    advice = f"name it with --columns {wanted}"
    problem = f"no {' or '.join(roles)} among the {what} ({there})"
    return row_error(path, line, problem, advice)


def as_list(path: Path, line: int, role: str, value: Any) -> list[str]:
    """Return words or tags, a list or a text with spaces between them."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list) and all(isinstance(x, str) for x in value):
        return [x.strip() for x in value]
    advice = "write a list of texts, or one text with spaces (names, not numbers)"
    raise row_error(path, line, f"{role} is no list of texts", advice)
