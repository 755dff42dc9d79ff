"""Wikitext -> paragraphs of plain text.

One linear scan cuts out what carries no prose (tables, references, media, comments) and
puts in the words that templates show; lines are sorted into headings, list items and
paragraphs; and the parser sees only the paragraphs that still hold markup: that is
several times as fast as parsing whole pages, and no page can make the parser slow,
because its paragraphs are short.

Dropped are headings, whole sections that hold lists (references, see also, ...), list
items that do not end as a sentence does, and sentences some of whose words are not
known, because a template or a formula sets them. Links become their text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from re import Match

import mwparserfromhell
from mwparserfromhell.parser import ParserError

from fairseq_mlkd.prepare.corpus.template_forms import lowered, raised
from fairseq_mlkd.prepare.corpus.templates import LOST, template_text
from fairseq_mlkd.text.languages import all_languages
from fairseq_mlkd.text.sentences import split_sentences

# The parser's time can grow with the square of what it gets; no paragraph has more.
_MAX_PARSED = 1 << 13
_MAX_BRACKETS = 1 << 8

# Elements that show no words of a sentence, and those that show words not known here.
_SILENT_TAGS = (
    "ref|gallery|pre|timeline|imagemap|graph|mapframe|maplink|table|style|includeonly|"
    "inputbox|templatedata|templatestyles|rt|rp|rtc"
)
_LOST_TAGS = "math|code|source|syntaxhighlight|score|chem|ce|hiero"
# Every alternative begins with a literal, which makes the scan ten times as fast.
_TOKEN = re.compile(
    r"<!--(?s:.*?)(?:-->|\Z)|\{\{|\[\[|\{\||\}\}|\]\]|\|\}(?!\}(?!\}))|"
    rf"</?(?:{_SILENT_TAGS}|{_LOST_TAGS})\b[^<>]*>",
    re.IGNORECASE,
)
_IS_LOST_TAG = re.compile(_LOST_TAGS)
_WORDS_IN_CODE = re.compile(r"[\w .,()'+-]{1,40}")
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
# Words that are lost in brackets are lost with what stands between its commas there.
_BRACKETS = re.compile(rf"( ?)([(（])([^()（）]*{LOST}[^()（）]*)([)）])")
_COMMA = re.compile(r"([,;，；、])")
# Where a template of unknown name is no part of a sentence: glued to the end of a word
# as a footnote is, after the end of a sentence, or before the first of a paragraph.
_NO_WORDS = re.compile(
    rf"(?<=[^\W\d_]{{2}})(?:{LOST})+(?=[\s.,;:!?)]|\Z)"
    rf"|(?<=[.!?…,;:)\]”»])(?:{LOST})+(?=\s|\Z)"
    rf"|(?<=[.!?…] )(?:{LOST} ?)+\Z"
    rf"|(?<=[。！？।])(?:{LOST})+"
    rf"|\A(?:{LOST} ?)+(?='{{3}}|[A-ZÀ-ÖØ-Þ“„«¿¡])"
)
_NOTHING = re.compile(rf"[\s{LOST}{_CUT}.,;:]*")
# Stands for {{=}}, which parts no name from its value, until a paragraph is finished.
_EQUALS = "\x04"
# A template of more pieces (markup in it starts a new one) or characters holds no words
# of a sentence.
_MAX_PIECES = 64
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
_KANA = re.compile("[\u3041-\u30ff]")
_DEVANAGARI = re.compile("[\u0900-\u0963]")
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_WORD = re.compile(r"[^\W\d_]\w*")
_COMMON = [
    (each.lang, frozenset(each.wiki.common_words.split())) for each in all_languages()
]
# Japanese puts no space between words, so none where a line ends.
_CJK_BREAK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]{2}")

_BREAK = re.compile(
    r"</?(?:br|hr|p|div|center|blockquote|poem|li|ul|ol|dl|dt|dd|td|tr|th|caption|"
    r"section|h[1-6])\b[^<>]*>",
    re.IGNORECASE,
)
_SUPERSCRIPT = re.compile(r"([^\W_]*)<sup\b[^<>]*>([^<>]*)</sup>", re.IGNORECASE)
_SUBSCRIPT = re.compile(r"<sub\b[^<>]*>([^<>]*)</sub>", re.IGNORECASE)
# 1er, XIXe, 20th, nº, Mme: what is raised there ends a word.
_ORDINAL = re.compile(r"\d+|[IVXLC]+|[nNMDSPdsm][a-zº]?|Mgr|Prof|Vve")
_TAG_NAME = re.compile(r"<(/?)(\w+)")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_SIMPLE_LINK = re.compile(r"\[\[([^\[\]|{}\n]*)(?:\|([^\[\]|{}\n]*))?\]\]")
_MARKUP = re.compile(r"\[|&\w|&#")
_QUOTES = re.compile(r"('{2,})")
_SPACES = re.compile(r"\s+")


def article_paragraphs(
    wikitext: str, counts: Counter[str] | None = None, lang: str | None = None
) -> Iterator[str]:
    """Yield the paragraphs of an article, stripped, without empty ones.

    Args:
        wikitext: the source of one page.
        counts: gets "dropped_markup", the paragraphs that no parser could read in good
            time: those that after the cut still hold markup and more than 8192
            characters or 256 brackets; and "dropped_incomplete", the sentences that
            lack words.
        lang: of the wiki, None if it is not known.
    """
    counts = Counter() if counts is None else counts
    lang = lang or _guess_language(wikitext[:_MAX_PARSED])
    skipped_level = 0
    for line in _join_lines(_cut(wikitext, lang).split("\n")):
        if line[:1] == "=" == line[-1:]:
            level = len(line) - len(line.lstrip("="))
            if not skipped_level or level <= skipped_level:
                title = _plain(line.strip("="), counts)
                skipped_level = level if _SKIPPED_SECTIONS.fullmatch(title) else 0
        elif not skipped_level:
            yield from _paragraph(line, lang, counts)


def _guess_language(text: str) -> str | None:
    """Return the language that script or frequent words tell, None if they do not."""
    if _KANA.search(text):
        return "ja"
    if _DEVANAGARI.search(text):
        return "hi"
    words = Counter(_WORD.findall(_TEMPLATE.sub(" ", text.lower())))
    found = {lang: sum(words[word] for word in of_lang) for lang, of_lang in _COMMON}
    first, second = sorted(found, key=found.__getitem__, reverse=True)[:2]
    return first if found[first] > found[second] else None


def _join_lines(lines: list[str]) -> Iterator[str]:
    """Yield headings, list items, and paragraphs, whose lines MediaWiki joins."""
    paragraph = ""
    for raw in lines:
        line = raw.strip(_MARGIN)
        if not line and _CUT in raw and paragraph and not _is_ended(paragraph):
            continue  # a picture or a comment between two lines of a sentence
        is_heading = line[:1] == "=" == line[-1:]
        is_alone = is_heading or raw[:1] == " " or bool(_LIST_ITEM.match(line))
        is_end = not line or bool(_NO_PROSE.match(line)) or _is_aside(line, paragraph)
        too_long = len(paragraph) + len(line) > _MAX_PARSED
        if paragraph and (is_alone or is_end or too_long):
            yield paragraph
            paragraph = ""
        if is_alone and line and not is_end:
            yield line
        elif not is_end:
            glue = "" if _CJK_BREAK.match(paragraph[-1:] + line[:1]) else " "
            paragraph = f"{paragraph}{glue}{line}" if paragraph else line
    if paragraph:
        yield paragraph


def _is_aside(line: str, paragraph: str) -> bool:
    """Return whether a line is a template of unknown name between two paragraphs."""
    if LOST not in line or not _NOTHING.fullmatch(line):
        return False
    return not paragraph or _is_ended(paragraph)


def _is_ended(paragraph: str) -> bool:
    return bool(_SENTENCE_END.search(paragraph.rstrip(_MARGIN)))


def _paragraph(line: str, lang: str | None, counts: Counter[str]) -> Iterator[str]:
    marker = _LIST_ITEM.match(line)
    text = _plain(line[marker.end() :] if marker else line, counts)
    if LOST in text:
        text = _whole_sentences(text, lang, counts)
    if text and (not marker or _is_sentence(text)):
        yield text


def _whole_sentences(text: str, lang: str | None, counts: Counter[str]) -> str:
    """Leave out the sentences of which words are lost."""
    if _NOTHING.fullmatch(text):
        return ""
    sentences = split_sentences(text, lang or "")
    whole = [sentence for sentence in sentences if LOST not in sentence]
    counts["dropped_incomplete"] += len(sentences) - len(whole)
    return ("" if lang == "ja" else " ").join(whole)


def _is_sentence(text: str) -> bool:
    """Return whether a list item is prose: no name, title, date or book."""
    return bool(
        len(text.encode("utf-8")) >= _SHORTEST_ITEM
        and _SENTENCE_END.search(text)
        and not _BOOK.search(text)
    )


def _cut(text: str, lang: str | None) -> str:
    """Drop tables, media, comments and elements without prose; fill in templates.

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
                kept[start:] = [_inline(kind, kept[start : start + _MAX_PIECES], lang)]
        elif (
            not kind
            and text.endswith("\n", 0, token.start())
            and text.startswith("\n", end)
        ):
            end += 1  # a comment alone in its line goes with the line
    kept.append(text[end:])
    return "".join(kept)


def _kind(token: str) -> tuple[str, bool]:
    """Return what closes the token's construct ("" for none), and whether it opens."""
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


def _inline(kind: str, source: list[str], lang: str | None) -> str:
    """Return what stands in the place of a construct: words, `_CUT` or `LOST`."""
    text = "".join(source).replace(_CUT, "")
    if kind == "}}":
        is_block = "\n" in text.strip()
        if len(source) == _MAX_PIECES or len(text) > _MAX_WORDS and is_block:
            return _CUT if is_block else LOST
        if text.strip() == "=":
            return _EQUALS
        words = template_text(_SIMPLE_LINK.sub(_link_text, text), lang)
        if words == LOST and is_block:
            return _CUT
        return words or _CUT
    if _IS_LOST_TAG.fullmatch(kind):
        if kind in ("chem", "ce", "code") and _WORDS_IN_CODE.fullmatch(text):
            return text if kind == "code" else lowered(text)
        return LOST
    return _CUT


def _is_media(link: str) -> bool:
    """Return whether the start of a link is that of a picture or a category."""
    target = link.split("|", 1)[0]
    return bool(_MEDIA.match(target)) or (":" in target and link.count("|") > 1)


def _plain(line: str, counts: Counter[str]) -> str:
    """Return the text of one paragraph of wikitext, "" if it cannot be read."""
    if LOST in line:
        line = _NO_WORDS.sub(_CUT, line)
    if "<" in line:
        line = _SUPERSCRIPT.sub(_raise, _SUBSCRIPT.sub(_lower, line))
        line = _TAG.sub("", _BREAK.sub(" ", line)).replace("<", "&lt;")
    line = _SIMPLE_LINK.sub(_link_text, _MAGIC_WORD.sub("", line))
    if _MARKUP.search(line):
        line = _parse(line, counts)
    line = _SPACES.sub(" ", _drop_quotes(line)).replace(_EQUALS, "=")
    if LOST in line:
        line = _NO_WORDS.sub(_CUT, _BRACKETS.sub(_drop_parts, line))
    if _CUT in line:
        line = _CUTS.sub(_CUT, line)
        line = _LEFT_OVER.sub("", _EMPTY_BRACKETS.sub("", line))
        line = _SPACES.sub(" ", line)
    return line.strip()


def _drop_parts(brackets: Match[str]) -> str:
    """Leave out of brackets what lacks words, and brackets that hold nothing else."""
    space, opening, inside, closing = brackets.groups()
    parts = _COMMA.split(inside)
    kept: list[str] = []
    for place in range(0, len(parts), 2):
        if LOST not in parts[place]:
            kept += parts[max(place - 1, 0) : place + 1] if kept else [parts[place]]
    text = "".join(kept).strip()
    return f"{space}{opening}{text}{closing}" if text.strip(_MARGIN) else ""


def _raise(element: Match[str]) -> str:
    """Raise digits by characters of their own; leave the ends of ordinals."""
    before, text = element.group(1), element.group(2).strip().replace("'", "")
    if not text or text[0] in "[(" or _ORDINAL.fullmatch(before) and text.isalpha():
        return before + ("" if text[:1] in "[(" else text)
    digits = raised(text)
    return f"{before}{digits}" if digits != text else f"{before} {text} "


def _lower(element: Match[str]) -> str:
    text = element.group(1).strip()
    digits = lowered(text)
    return digits if digits != text else f" {text} "


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
    """Return the label or target; "" for a bare link to a category or language."""
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
    """Return which bold mark stands after an elided word: a letter, else any word."""

    def rank(i: int) -> int:
        before = parts[i - 1]
        if before.endswith(" "):
            return 2
        return 0 if len(before) == 1 or before[-2:-1] == " " else 1

    return min(bold, key=rank)
