"""Cutting written text into sentences.

The rule: a sentence ends at . ! ? or … (with the quotes and brackets that close
there) if white space and then neither a lower-case letter nor more punctuation follow,
and at 。 ！ ？ । ॥ always, unless a particle of Japanese or a postposition of Hindi
continues after a closed quote or a name (Yahoo!), or the brackets of a Japanese quote
are still open. ! and ? need no space before Japanese; a bar after Devanagari is a danda
that was typed so.

A full stop ends nothing after an initial (J. Smith, J.-M. Le Pen), after e.g. and the
like or between the parts of an abbreviation (EE. UU.), nor after an abbreviation of the
language, another word with a full stop inside (p.m., U.S.) or a German ordinal or date
(3. Mai, II. Weltkrieg, 3.10.) unless the next word is one that opens sentences. All of
these come from the language's file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from re import Match
from typing import NamedTuple

from fairseq_mlkd.text.languages import find_language

# “ and « close in German and open elsewhere; French puts a space before ».
_CLOSERS = "(?:[\"'”’›)\\]」』）】]|[“«»](?!\\w)|[ \u00a0\u202f]»(?!\\S))*"
_END = re.compile(rf"([.!?…。！？｡।॥|]+)({_CLOSERS})(\s*)")
_ALWAYS = frozenset("。！？｡।॥")
_BEFORE_BAR = re.compile(r"[\u0900-\u0963] ?\Z")
_JAPANESE = re.compile("[“「『（\u3041-\u30ff\u4e00-\u9fff]")
_NEVER_FIRST = frozenset(",;:!?.…)]}/%")
_GOES_ON = frozenset("、，।॥")
# After a closed quote; after a name, where no word begins with such a letter.
_PARTICLES = re.compile(
    "[とのをにがはでもな・。]|って|から|まで|より|だけ|だった|だと|へ[^え]"
    "|や(?=[「『（ァ-ヶ\u4e00-\u9fff])"
)
_AFTER_NAMES = re.compile("[とのをにがはで](?:(?<=を)|(?=[A-Za-zァ-ヶ\u4e00-\u9fff]))")
# Of Hindi, where no sentence begins with one.
_POSTPOSITIONS = re.compile(r"(?:का|के|की|को|में|ने|नामक)(?!\S)")
_FULL_STOPS = frozenset((".", "।", "॥", "|"))
_SHOUTS = frozenset("!?！？")
# The end of a name in Latin letters or katakana, before any particle.
_NAME = re.compile("[A-Za-zァ-ー]")
_PARTICLES_OF_NAMES = frozenset("とのをにがはで")
_SHOUTED_NAMES = frozenset(("yahoo", "jeopardy", "wham"))
# Japanese brackets, and what stands before the one that closes the outermost.
_BRACKETS = {
    (opening, closing): re.compile(
        rf"(?:[^{opening}{closing}]|{opening}[^{opening}{closing}]*{closing})*{closing}"
    )
    for opening, closing in (("「", "」"), ("『", "』"), ("（", "）"))
}
_LONGEST_QUOTE = 200
_TOKEN_START = re.compile(
    r"[\s(\[\"'“„«‹、。・「」『』（）\u3041-\u30ff\u4e00-\u9fff-]"
)
_INITIAL = re.compile(r"[^\W\d_]\Z")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)+[^\W\d_]\Z")
_DECIMAL = re.compile(r"\W?\d[\d.,]*\W?\Z")  # $3.50, 2.5%
_GERMAN_ORDINAL = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})?|[IVX]+)\Z")
_NEXT_WORD = re.compile(r"[\"'“„«‹(\[]*(\w+)")
_LONGEST_TOKEN = 32
# 44 a. C., 50 apr. J.-C., 8 p. m., 90 m s.l.m., 300 m: no initials of names.
_MEASURED = re.compile(
    r"(?:\b[ad]\. ?(?:de )?C|\ba(?:v|pr?)\. ?J\.-C|\b[ap]\. ?m|\bs\. ?[ln]\. ?m)\Z"
)
_COUNTED = re.compile(r"\d[ \u00a0\u202f]?([^\W\d_])\Z")
_ROMAN = re.compile(
    r"(?:[IVXL]{2,}|[VX]|I(?=[,.;:)]|\Z| (?:d[aeou']|de[ls]|et?|y|à|al?)\b))(?!\w)"
)
_BEFORE_NUMBER = re.compile(r"(?:\w*str|nos?|nr|arts?|tel|vol|fig|pp?|ch)\Z")


class _Abbreviations(NamedTuple):
    """The abbreviations of a language in lower case, without their last full stop."""

    anywhere: frozenset[str]
    before_numbers: frozenset[str]
    closing: frozenset[str]
    inner: dict[str, tuple[str, ...]]  # a part -> the parts that may follow
    letters: frozenset[str]  # of single letters (e.g), without spaces
    openers: frozenset[str]
    units: frozenset[str]


@cache
def _abbreviations(lang: str) -> _Abbreviations:
    language = find_language(lang)
    if language is None:
        nothing: frozenset[str] = frozenset()
        return _Abbreviations(nothing, nothing, nothing, {}, nothing, nothing, nothing)
    names = (language.abbreviations, language.magnitudes, language.units)
    written = [key for table in names for key in table if key.endswith(".")]
    inner: dict[str, tuple[str, ...]] = {}
    for key in written:
        parts = key.split()
        for part, following in zip(parts, parts[1:]):
            word = part.lower().rstrip(".")
            inner[word] = (*inner.get(word, ()), following)
    return _Abbreviations(
        frozenset(map(_last_part, written)),
        frozenset(_last_part(sign) for sign in language.number_signs),
        frozenset(map(_last_part, language.closing.split())),
        inner,
        frozenset(filter(_INITIALS.match, map(_unspaced, written))),
        frozenset(language.openers.split()),
        frozenset(language.units),
    )


def _unspaced(abbreviation: str) -> str:
    return abbreviation.lower().replace(" ", "").removesuffix(".")


def _last_part(abbreviation: str) -> str:
    return abbreviation.lower().split()[-1].removesuffix(".")


def split_sentences(text: str, lang: str) -> list[str]:
    """Return the sentences of `text`, stripped, without empty ones.

    Args:
        text: any text.
        lang: as in `to_spoken`.
    """
    language = find_language(lang)
    return list(_sentences(text, language.lang if language else ""))


def _sentences(text: str, lang: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        if _is_end(text, end, lang) and not _is_quoted(text, start, end.end()):
            yield text[start : end.end()].strip()
            start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def _is_end(text: str, end: Match[str], lang: str) -> bool:
    marks, _, space = end.groups()
    following = text[end.end() : end.end() + 1]
    if following in _GOES_ON or _goes_on(text, end):
        return False
    if "|" in marks:
        before = text[max(end.start() - 2, 0) : end.start()]
        return bool(space or not following) and bool(_BEFORE_BAR.search(before))
    if marks in ("!", "！") and _token(text, end.start()).lower() in _SHOUTED_NAMES:
        return _opens(text, end.end(), lang)
    if not _ALWAYS.isdisjoint(marks):
        return True
    if not space:
        return marks[-1] in "!?" and bool(_JAPANESE.match(following))
    if following.islower() or following in _NEVER_FIRST:
        return False
    return marks != "." or _is_full_stop(text, end, lang)


def _goes_on(text: str, end: Match[str]) -> bool:
    """Return whether Japanese or Hindi goes on after a quote, a title or a name."""
    marks, closers, space = end.groups()
    if space:
        may_be_title = closers or marks not in _FULL_STOPS
        is_hindi = may_be_title and _POSTPOSITIONS.match(text, end.end())
        return bool(is_hindi or _AFTER_NAMES.match(text, end.end()))
    is_shouted = marks[-1] in _SHOUTS
    if closers:
        is_title = is_shouted and closers[-1] == "』"
        following = text[end.end() : end.end() + 1]
        is_followed = bool(following) and following not in "「『（"
        return is_title and is_followed or bool(_PARTICLES.match(text, end.end()))
    if is_shouted and _NAME.match(text, end.start() - 1):
        return text[end.end() : end.end() + 1] in _PARTICLES_OF_NAMES
    return bool(_AFTER_NAMES.match(text, end.end()))


def _is_quoted(text: str, start: int, stop: int) -> bool:
    """Return whether Japanese brackets opened in the sentence and close soon."""
    said = text[max(start, stop - _LONGEST_QUOTE) : stop]
    return any(
        said.count(opening) > said.count(closing)
        and rest.match(text, stop, stop + _LONGEST_QUOTE)
        for (opening, closing), rest in _BRACKETS.items()
    )


def _is_full_stop(text: str, end: Match[str], lang: str) -> bool:
    """Return whether a single full stop belongs to no abbreviation."""
    names = _abbreviations(lang)
    token = _token(text, end.start())
    word = token.lower()
    following = text[end.end() : end.end() + 1]
    before = (max(0, end.start() - _LONGEST_TOKEN), end.start())
    counted = _COUNTED.search(text, *before)
    if counted and counted[1] in names.units and following.isupper():
        return counted[1].islower() or _opens(text, end.end(), lang)
    if _MEASURED.search(text, *before):
        return _opens(text, end.end(), lang)
    if _INITIAL.match(token) or word in names.letters:
        return False
    if "." in token and not _DECIMAL.match(token):
        # no English name goes on as sentences begin, but others do (Le, Del, Di)
        may_be_name = lang != "en" and token.isupper() and _INITIALS.match(token)
        return not may_be_name and _opens(text, end.end(), lang)
    if word in names.inner and text.startswith(names.inner[word], end.end()):
        return False
    if following.isdigit() or (lang != "en" and _ROMAN.match(text, end.end())):
        is_sign = word in names.before_numbers or _BEFORE_NUMBER.match(word)
        if is_sign or word in names.anywhere - names.closing:
            return False
    if word in names.closing:
        return True
    if word in names.anywhere or (lang == "de" and _GERMAN_ORDINAL.match(token)):
        return _opens(text, end.end(), lang)
    return True


def _token(text: str, stop: int) -> str:
    """Return the end of the word before a full stop."""
    return _TOKEN_START.split(text[max(0, stop - _LONGEST_TOKEN) : stop])[-1]


def _opens(text: str, start: int, lang: str) -> bool:
    """Return whether the word that begins there is one that opens sentences."""
    word = _NEXT_WORD.match(text, start)
    return word is not None and word.group(1) in _abbreviations(lang).openers
