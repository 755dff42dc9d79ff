"""Cutting written text into sentences.

The rule: a sentence ends at . ! ? or … (with the quotes and brackets that close
there) if white space and no lower-case letter follow, and at 。 ！ ？ । ॥ always. A
full stop ends nothing after an initial (J. Smith), a word with a full stop inside
(e.g.), a common title or abbreviation of the language, or a German ordinal (3. Mai).
"""

from __future__ import annotations

import re
from typing import Iterator, List, Match

_CLOSERS = "\"'”’“»›)\\]」』）】"
_END = re.compile(
    rf"(?:(?P<weak>[.!?…]+)[{_CLOSERS}]*(?=\s)|[。！？｡।॥]+[{_CLOSERS}]*)\s*"
)
_TOKEN_START = re.compile(r"[\s(\[\"'“„«‹]")
_INITIAL = re.compile(r"[^\W\d_]\Z")
_GERMAN_ORDINAL = re.compile(r"\d{1,2}\Z")
_LONGEST_TOKEN = 32

_ABBREVIATIONS = {
    lang: frozenset(words.split())
    for lang, words in {
        "en": "mr mrs ms dr prof st jr sr vs gen col lt sgt rev hon gov sen rep capt "
        "mt no vol fig approx dept est ca cf",
        "de": "dr prof hr fr bzw ca evtl ggf nr st str bd abb vgl inkl geb gest dipl "
        "ing sog jh",
        "fr": "mm mme mmes mlle dr pr st ste vol av apr env cf ca",
        "es": "sr sra srta sres dr dra ud uds prof núm pág av gral ca cf",
        "it": "sig sigg dott dr prof ing avv on pag vol ca cfr",
        "pt": "sr sra srs dr dra prof profa pág av séc núm ca cf",
        "hi": "डॉ प्रो श्री पं",
    }.items()
}


def split_sentences(text: str, lang: str) -> List[str]:
    """Return the sentences of `text`, stripped, without empty ones."""
    return list(_sentences(text, lang))


def _sentences(text: str, lang: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        if end.group("weak") is None or _is_end(text, end, lang):
            yield text[start : end.end()].strip()
            start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def _is_end(text: str, end: Match[str], lang: str) -> bool:
    if text[end.end() : end.end() + 1].islower():
        return False
    if end.group("weak") != ".":
        return True
    window = text[max(0, end.start() - _LONGEST_TOKEN) : end.start()]
    token = _TOKEN_START.split(window)[-1]
    if "." in token or _INITIAL.match(token):
        return False
    if lang == "de" and _GERMAN_ORDINAL.match(token):
        return False
    return token.lower() not in _ABBREVIATIONS.get(lang, ())
