"""mTOP (Li et al., 2021): requests to an assistant, parsed into nested intents."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.data.folders import TARGET
from fairseq_mlkd.prepare.labelled.reader import Wanted, WordReader, read_cells
from fairseq_mlkd.prepare.labelled.rows import Dropped, WordRow, row_error
from fairseq_mlkd.prepare.origins import Origin, official_file
from fairseq_mlkd.text.parse_tree import (
    is_decoupled,
    leaf_words,
    parse_tree,
    split_symbols,
)
from fairseq_mlkd.text.pointers import MAX_POINTERS, Span, pointer, to_pointers

COUNTS = {
    "en": (15667, 2235, 4386),
    "de": (13424, 1815, 3549),
    "es": (10934, 1527, 2998),
    "fr": (11814, 1577, 3193),
    "hi": (11330, 2012, 2789),
    "th": (10759, 1671, 2765),
}
POINTERS = tuple(map(pointer, range(MAX_POINTERS)))
# Some files have commas of full width between spans.
FULL_WIDTH = str.maketrans("，：", ",:")
_SPAN = re.compile(r"(\d+):(\d+):(SL:[^\s:]+)", re.ASCII)


class Token(NamedTuple):
    """A word and the characters of the utterance that it takes up."""

    text: str
    start: int
    stop: int


ORIGIN = Origin(
    (official_file("https://dl.fbaipublicfiles.com/mtop/mtop.zip", "mtop"),),
    {
        r"mtop/(?P<lang>[a-z]{2})/(?P<file>(train|eval|test)\.txt)": (
            "mtop/{lang}/{file}"
        )
    },
)


class MTOP(WordReader):
    """Read the official files of eight columns, and those of seven without the id.

    The columns: id, intent, slot spans, utterance, domain, locale, decoupled parse,
    tokens as JSON. The tokens are the words, except that several which touch each
    other and are one word of the parse (`8`, `th`) are joined into that word. A
    predicted parse keeps its words and gets no pointers.
    """

    name = "mtop"
    title = "mTOP"
    task = "zero_shot_parsing"
    metric = "exact_match"
    layouts = (r"([^/]+/)?(?P<lang>[a-z]{2})/(?P<split>train|eval|dev|test)\.txt",)
    origin = ORIGIN
    expected = "LANG/{train,eval,test}.txt, here or one folder down"
    counts = COUNTS
    fixed_symbols = {TARGET: POINTERS}

    def word_rows(self, path: Path, wanted: Wanted) -> Iterator[WordRow | Dropped]:
        for line, cells, _ in read_cells(path, _recognise):
            if not cells:
                yield Dropped("empty line", line)
                continue
            spans, *_, parses, column = cells[-6:]
            parse, tokens = split_symbols(parses), _read_tokens(path, line, column)
            if wanted.predicted:
                words = [token.text for token in tokens]
                yield WordRow(words, line, parse=parse)
            else:
                yield _row(path, line, spans, parse, tokens)


class Width(NamedTuple):
    """The layout of a file, which has no header."""

    width: int
    header: bool = False


def _recognise(path: Path, cells: list[str]) -> Width:
    """Return the layout that a file's first row shows, with an id or without."""
    if len(cells) not in (7, 8):
        problem = f"no layout of mTOP has {len(cells)} tab-separated columns"
        advice = (
            "expected [id,] intent, slots, utterance, domain, locale, parse, tokens"
        )
        raise row_error(path, 1, problem, advice)
    return Width(len(cells))


def _row(
    path: Path, line: int, spans: str, parse: list[str], tokens: list[Token]
) -> WordRow | Dropped:
    try:
        if not is_decoupled(parse_tree(parse)):
            return Dropped("the parse is not decoupled", line)
        tokens = _join_tokens(tokens, leaf_words(parse))
        slots = _read_spans(spans, tokens)
    except ValueError as error:
        raise row_error(path, line, str(error)) from None
    return point_at_words(parse, [token.text for token in tokens], line, slots)


def point_at_words(
    parse: list[str], words: list[str], line: int, slots: Sequence[Span] = ()
) -> WordRow | Dropped:
    """Return the row of a decoupled parse, if pointers can stand for its words."""
    if set(leaf_words(parse)) - set(words):
        return Dropped("a word of the parse is none of the tokens", line)
    target = to_pointers(parse, words, slots)
    if not set(leaf_words(target)) <= set(POINTERS):
        return Dropped(f"a word after the first {MAX_POINTERS} is pointed at", line)
    return WordRow(words, line, parse=target)


def _read_tokens(path: Path, line: int, text: str) -> list[Token]:
    try:
        value = json.loads(text)
        words, spans = value["tokens"], value["tokenSpans"]
        if len(words) != len(spans) or not all(words):
            raise ValueError
        return [_token(word, **span) for word, span in zip(words, spans)]
    except (ValueError, KeyError, TypeError, RecursionError):
        form = '{"tokens": [...], "tokenSpans": [{"start": ..., "length": ...}, ...]}'
        raise row_error(path, line, f"the last column is not {form}") from None


def _token(text: str, start: int, length: int) -> Token:
    if (type(text), type(start), type(length)) != (str, int, int):
        raise TypeError
    return Token(text, start, start + length)


def _join_tokens(tokens: list[Token], words: Sequence[str]) -> list[Token]:
    """Join tokens that touch and together are a word that no token is."""
    for word in words:
        if all(token.text != word for token in tokens):
            tokens = _join(tokens, word)
    return tokens


def _join(tokens: list[Token], word: str) -> list[Token]:
    for start in range(len(tokens)):
        for stop in range(start + 2, len(tokens) + 1):
            run = tokens[start:stop]
            touch = all(left.stop == right.start for left, right in zip(run, run[1:]))
            if touch and "".join(token.text for token in run) == word:
                joined = Token(word, run[0].start, run[-1].stop)
                return [*tokens[:start], joined, *_join(tokens[stop:], word)]
    return tokens


def _read_spans(text: str, tokens: Sequence[Token]) -> list[Span]:
    """Return spans of characters, `4:20:SL:CONTACT,...`, as spans of tokens."""
    spans = []
    for item in filter(None, text.translate(FULL_WIDTH).split(",")):
        match = _SPAN.fullmatch(item.strip())
        if match is None:
            raise ValueError(f"slot span {item!r} is not START:END:SL:NAME")
        start, stop = int(match[1]), int(match[2])
        inside = [
            index
            for index, token in enumerate(tokens)
            if start <= token.start and token.stop <= stop
        ]
        if inside:
            spans.append(Span(f"[{match[3]}", inside[0], inside[-1] + 1))
    return spans
