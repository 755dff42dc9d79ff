"""Raw text as the words of benchmarks, and tags of words as spans of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# written without spaces: in benchmarks every character is a word
_BY_CHARACTER = (
    r"[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_RUNS = re.compile(rf"{_BY_CHARACTER}|(?:(?!{_BY_CHARACTER})\S)+")
# punctuation around a word, and the word, which may hold some
_EDGES = re.compile(r"[^\w\s]|\w(?:\S*\w)?[\u0300-\u036f]*")
OUTSIDE = "O"


class Word(NamedTuple):
    """A word and the characters of the text that it is."""

    text: str
    start: int
    stop: int


class Span(NamedTuple):
    """Words `start` to `stop - 1`, of one type."""

    kind: str
    start: int
    stop: int


def split_words(text: str, *, punctuation: bool) -> list[Word]:
    """Cut a text at white space; Chinese and Japanese characters are words each.

    Args:
        punctuation: whether marks around a word are words of their own, as in data for
            named entities. Those inside one (l'eau, 3.5) stay.
    """
    runs = [Word(m.group(), *m.span()) for m in _RUNS.finditer(text)]
    if not punctuation:
        return runs
    return [
        Word(m.group(), run.start + m.start(), run.start + m.end())
        for run in runs
        for m in _EDGES.finditer(run.text)
    ]


def find_spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans that tags mark, by conlleval's rules.

    `I-X` goes on with a span of type X; where there is none, it begins one.
    """
    spans: list[Span] = []
    for i, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix not in ("B", "I") or not kind:
            continue
        last = spans[-1] if spans else None
        if prefix == "I" and last and last.stop == i and last.kind == kind:
            spans[-1] = last._replace(stop=i + 1)
        else:
            spans.append(Span(kind, i, i + 1))
    return spans
