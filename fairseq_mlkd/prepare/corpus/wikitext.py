"""Wikitext -> paragraphs of plain text.

One linear scan cuts out what carries no prose (templates, tables, references, media,
comments), lines are sorted into headings, list items and paragraphs, and the parser
sees only the lines that still hold markup: that is several times as fast as parsing
whole pages, and no page can make the parser slow, because its lines are short.

Dropped are headings, whole sections that hold lists (references, see also, ...), and
list items that do not end as a sentence does. Links become their text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from re import Match

import mwparserfromhell
from mwparserfromhell.parser import ParserError

from fairseq_mlkd.prepare.corpus.templates import template_text
from fairseq_mlkd.text.languages import all_languages

# The parser's time can grow with the square of what it gets; no paragraph has more.
_MAX_PARSED = 1 << 13
_MAX_BRACKETS = 1 << 8

_DROPPED_TAGS = (
    "ref|math|gallery|code|source|syntaxhighlight|pre|timeline|score|chem|ce|hiero|"
    "imagemap|graph|mapframe|maplink|table|style|includeonly|inputbox|templatedata"
)
# Every alternative begins with a literal, which makes the scan ten times as fast.
_TOKEN = re.compile(
    r"<!--(?s:.*?)(?:-->|\Z)|\{\{|\[\[|\{\||\}\}|\]\]|\|\}(?!\}(?!\}))|"
    rf"</?(?:{_DROPPED_TAGS})\b[^<>]*>",
    re.IGNORECASE,
)
# Stands where something was cut out, until a line is finished: spaces and brackets
# around it belong to it. No XML file can hold this character.
_CUT = "\x02"
_CUTS = re.compile(f"(?:{_CUT} ?)*{_CUT}")
_EMPTY_BRACKETS = re.compile(
    rf" ?[(（](?:[^()（）]{{0,40}}[:：])?[\s,;]*{_CUT}[\s,;:{_CUT}]*[)）]"
)
_LEFT_OVER = re.compile(
    rf"(?<=[(（])[ ,;:]*{_CUT}[ ,;:{_CUT}]*| ?{_CUT} ?(?=[.,)])|{_CUT}"
)
# A template of more pieces (markup in it starts a new one) or characters holds no words
# of a sentence.
_MAX_PIECES = 12
_MAX_WORDS = 500
_CLOSER = {"{{": "}}", "[[": "]]", "{|": "|}"}
_WIKIS = [language.wiki for language in all_languages()]
_MEDIA = re.compile(
    rf"\s*(?:{'|'.join(wiki.namespaces for wiki in _WIKIS if wiki.namespaces)})\s*:",
    re.IGNORECASE,
)
_SKIPPED_SECTIONS = re.compile(
    "|".join(wiki.skipped_sections for wiki in _WIKIS if wiki.skipped_sections),
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"[*#:;]+\s*")
# Bytes, because a Japanese character (three of them) says more than a letter.
_SHORTEST_ITEM = 30
_BOOK = re.compile(r"\b(?:ISBN|ISSN|DOI)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…。！？｡।॥][\"'”’»›)\]」』）】]*\Z")
_MARGIN = " \t\r" + _CUT
_NO_PROSE = re.compile(r"[|!{}]|-{4,}")
_MAGIC_WORD = re.compile(r"__[^\W\d_]+__")

_BREAK = re.compile(r"<(?:br|hr|p|/p|div|/div)\b[^<>]*>", re.IGNORECASE)
_TAG_NAME = re.compile(r"<(/?)(\w+)")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_SIMPLE_LINK = re.compile(r"\[\[([^\[\]|{}\n]*)(?:\|([^\[\]|{}\n]*))?\]\]")
_MARKUP = re.compile(r"\[|&\w|&#")
_QUOTES = re.compile(r"('{2,})")
_SPACES = re.compile(r"\s+")


def article_paragraphs(
    wikitext: str, counts: Counter[str] | None = None
) -> Iterator[str]:
    """Yield the paragraphs of an article, stripped, without empty ones.

    Args:
        wikitext: the source of one page.
        counts: gets "dropped_markup", the lines that no parser could read in good
            time: those that after the cut still hold markup and more than 8192
            characters or 256 brackets.
    """
    counts = Counter() if counts is None else counts
    skipped_level = 0
    for line in _cut(wikitext).split("\n"):
        line = line.strip(_MARGIN)
        if line[:1] == "=" == line[-1:]:
            level = len(line) - len(line.lstrip("="))
            if not skipped_level or level <= skipped_level:
                title = _plain(line.strip("="), counts)
                skipped_level = level if _SKIPPED_SECTIONS.fullmatch(title) else 0
        elif line and not skipped_level and not _NO_PROSE.match(line):
            yield from _paragraph(line, counts)


def _paragraph(line: str, counts: Counter[str]) -> Iterator[str]:
    marker = _LIST_ITEM.match(line)
    text = _plain(line[marker.end() :] if marker else line, counts)
    if text and (not marker or _is_sentence(text)):
        yield text


def _is_sentence(text: str) -> bool:
    """Whether a list item is prose: no name, title, date or reference to a book."""
    return bool(
        len(text.encode("utf-8")) >= _SHORTEST_ITEM
        and _SENTENCE_END.search(text)
        and not _BOOK.search(text)
    )


def _cut(text: str) -> str:
    """Drop templates, tables, media, comments and elements without prose.

    An opener without its closer is dropped alone, so that one forgotten bracket does
    not swallow the article. Linear in the length of the text.
    """
    kept: list[str] = []
    opened: list[tuple[str, int]] = []
    n_opened: dict[str, int] = {}
    end = 0
    for token in _TOKEN.finditer(text):
        kept.append(text[end : token.start()])
        end = token.end()
        kind, opens = _kind(token.group())
        if opens:
            opened.append((kind, len(kept)))
            n_opened[kind] = n_opened.get(kind, 0) + 1
            if kind == "]]":
                kept.append("[[")
        elif n_opened.get(kind):
            start = _close(kind, opened, n_opened)
            if kind == "]]" and not _is_media(kept[start + 1]):
                kept[start + 1] = kept[start + 1].replace("\n", " ")
                kept.append("]]")
            else:
                kept[start:] = [_CUT + _inline(kind, kept[start : start + _MAX_PIECES])]
    kept.append(text[end:])
    return "".join(kept)


def _kind(token: str) -> tuple[str, bool]:
    """What closes the token's construct ("" for none), and whether the token opens."""
    if token in _CLOSER:
        return _CLOSER[token], True
    if token[0] != "<":
        return token, False
    tag = _TAG_NAME.match(token)
    if not tag or token.endswith("/>"):
        return "", False
    return tag.group(2).lower(), not tag.group(1)


def _close(kind: str, opened: list[tuple[str, int]], n_opened: dict[str, int]) -> int:
    """Close the innermost construct of a kind and all in it; return its start."""
    while True:
        inner, start = opened.pop()
        n_opened[inner] -= 1
        if inner == kind:
            return start


def _inline(kind: str, source: list[str]) -> str:
    """The words that a short template stands for, else ""."""
    if kind != "}}" or len(source) == _MAX_PIECES:
        return ""
    words = template_text(_SIMPLE_LINK.sub(_link_text, "".join(source)))
    return words if len(words) < _MAX_WORDS else ""


def _is_media(link: str) -> bool:
    """Whether the start of a link is that of a picture or a category."""
    target = link.split("|", 1)[0]
    return bool(_MEDIA.match(target)) or (":" in target and link.count("|") > 1)


def _plain(line: str, counts: Counter[str]) -> str:
    """The text of one line of wikitext, "" if it cannot be read."""
    line = _TAG.sub("", _BREAK.sub(" ", line)).replace("<", "&lt;")
    line = _SIMPLE_LINK.sub(_link_text, _MAGIC_WORD.sub("", line))
    if _MARKUP.search(line):
        line = _parse(line, counts)
    line = _SPACES.sub(" ", _drop_quotes(line))
    if _CUT in line:
        line = _CUTS.sub(_CUT, line)
        line = _LEFT_OVER.sub("", _EMPTY_BRACKETS.sub("", line))
        line = _SPACES.sub(" ", line)
    return line.strip()


def _parse(line: str, counts: Counter[str]) -> str:
    if len(line) <= _MAX_PARSED and line.count("[") <= _MAX_BRACKETS:
        line = line.replace("{{", "").replace("}}", "")
        try:
            text = mwparserfromhell.parse(line, skip_style_tags=True).strip_code()
            return text.replace("[[", "").replace("]]", "")
        except ParserError:
            pass
    counts["dropped_markup"] += 1
    return ""


def _link_text(link: Match[str]) -> str:
    """The label, or the target; nothing for a bare link to a category or language."""
    target, label = link.groups()
    if label is not None:
        return label
    prefix, colon, rest = target.partition(":")
    return "" if colon and rest[:1].strip() and not prefix.endswith(" ") else target


def _drop_quotes(line: str) -> str:
    """Drop the marks of bold and italics but no apostrophe (l'''Aurore'').

    The rule is that of `doQuotes` in MediaWiki's Parser.php: if both kinds are
    unbalanced, one bold is an apostrophe before italics.
    """
    parts = _QUOTES.split(line)
    if len(parts) == 1:
        return line
    marks = range(1, len(parts), 2)
    lengths = [len(parts[i]) for i in marks]
    bold = [i for i in marks if len(parts[i]) in (3, 4)]
    for i in marks:
        # four are an apostrophe and bold; more than five, apostrophes and both
        parts[i] = "'" * (len(parts[i]) == 4 or max(0, len(parts[i]) - 5))
    n_bold = sum(length > 2 for length in lengths)
    n_italic = sum(length == 2 or length > 4 for length in lengths)
    if bold and n_bold % 2 and n_italic % 2:
        parts[_apostrophe(parts, bold)] += "'"
    return "".join(parts)


def _apostrophe(parts: list[str], bold: list[int]) -> int:
    """Which bold mark stands after an elided word: a letter, else any word."""

    def rank(i: int) -> int:
        before = parts[i - 1]
        if before.endswith(" "):
            return 2
        return 0 if len(before) == 1 or before[-2:-1] == " " else 1

    return min(bold, key=rank)
