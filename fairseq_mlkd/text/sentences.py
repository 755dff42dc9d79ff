"""Cutting written text into sentences.

The rule: a sentence ends at . ! ? or … (with the quotes and brackets that close
there) if white space and then neither a lower-case letter nor more punctuation follow,
and at 。 ！ ？ । ॥ always, unless a Japanese particle continues after a closed quote. A
full stop ends nothing after an initial (J. Smith), a word with a full stop inside
(e.g.), a common title or abbreviation of the language, an abbreviation before a number
(Nr. 5), or a German ordinal (3. Mai). ! and ? need no space before Japanese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import Match

# “ and « close in German and open elsewhere; French puts a space before ».
_CLOSERS = "(?:[\"'”’›)\\]」』）】]|[“«»](?!\\w)|[ \u00a0\u202f]»(?!\\S))*"
_END = re.compile(rf"([.!?…。！？｡।॥]+)({_CLOSERS})(\s*)")
_ALWAYS = frozenset("。！？｡।॥")
_JAPANESE = re.compile("[“「『（\u3041-\u30ff\u4e00-\u9fff]")
_NEVER_FIRST = frozenset(",;:!?.…)]}/%")
_PARTICLES = frozenset("とのをにがはでもな、")
_TOKEN_START = re.compile(r"[\s(\[\"'“„«‹-]")
_INITIAL = re.compile(r"[^\W\d_]\Z")
_GERMAN_ORDINAL = re.compile(r"\d{1,2}\Z")
_LONGEST_TOKEN = 32

_ABBREVIATIONS = {
    lang: frozenset(words.split())
    for lang, words in {
        "en": "mr mrs ms dr prof st jr sr vs gen col lt sgt rev hon gov sen rep capt "
        "mt dept est ca cf",
        "de": "dr prof hr fr bzw ca evtl ggf st str gest geb vgl inkl dipl ing sog jh "
        "std",
        "fr": "m mr mm mme mmes mlle dr pr st ste av apr env cf ca",
        "es": "sr sra srta sres dr dra ing ud uds prof av avda st gral ca cf hab",
        "it": "sig sigg dott dr prof ing avv on ca cfr",
        "pt": "sr sra srs dr dra prof profa av al séc ca cf ed",
        "hi": "डॉ प्रो श्री पं",
    }.items()
}
_BEFORE_NUMBER = re.compile(
    r"(?:\w*str|nos?|nr|arts?|tel|vol|fig|pp?|abb|bd|núm|n|pág|pag|cap|ch|approx)\Z"
)


def split_sentences(text: str, lang: str) -> list[str]:
    """Return the sentences of `text`, stripped, without empty ones."""
    return list(_sentences(text, lang))


def _sentences(text: str, lang: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        if _is_end(text, end, lang):
            yield text[start : end.end()].strip()
            start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def _is_end(text: str, end: Match[str], lang: str) -> bool:
    marks, closers, space = end.groups()
    following = text[end.end() : end.end() + 1]
    if not _ALWAYS.isdisjoint(marks):
        return not (closers and following in _PARTICLES)
    if not space:
        return marks[-1] in "!?" and bool(_JAPANESE.match(following))
    if following.islower() or following in _NEVER_FIRST:
        return False
    return marks != "." or _is_full_stop(text, end.start(), following, lang)


def _is_full_stop(text: str, stop: int, following: str, lang: str) -> bool:
    """Whether the single full stop at `stop` belongs to no abbreviation."""
    token = _TOKEN_START.split(text[max(0, stop - _LONGEST_TOKEN) : stop])[-1]
    if "." in token or _INITIAL.match(token):
        return False
    if lang == "de" and _GERMAN_ORDINAL.match(token):
        return False
    word = token.lower()
    if following.isdigit() and _BEFORE_NUMBER.match(word):
        return False
    return word not in _ABBREVIATIONS.get(lang, ())
