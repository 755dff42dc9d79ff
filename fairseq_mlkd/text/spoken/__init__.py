"""Written text -> spoken form: what a speech recogniser would hand over.

Numbers, money, times, units, common abbreviations and symbols are read out in the
language; then letters are lower case, compatibility characters unified (NFKC), and one
space stands between words. The rules that hold for all languages:

- No punctuation is left but the apostrophes inside words, so elisions and contractions
  stay one word (l'eau, don't). A hyphen becomes a space: a recogniser writes none, and
  no part is lost or glued to another (well-known -> well known). Soft hyphens vanish.
- Marks (Mn, Mc) are kept: the vowel signs of Indic scripts are marks.
- Digits of every script count as digits. A number of more than 9 digits written in one
  run, one of more than 15 in groups, one that begins with 0 and telephone numbers are
  read digit by digit.
- The true minus sign (U+2212) and a hyphen before a number are read, dashes between
  numbers are "to"; marks of footnotes ([3]) are dropped; the full stops of sites and
  addresses have a name (example.org -> example dot org).
- Digits beside letters are read as a number of their own (B2B -> b two b, A380 -> a
  three hundred eighty); letters, Roman numerals among them, stay as they are, unless
  the language knows better (rulers, wars, centuries, chapters).
- Abbreviations are read only where a full stop or a number shows that they are some.
- Japanese, written without spaces, is cut into words (`japanese.py`).
- A language without a file in `languages/` keeps its digits, folded to 0-9; digit
  groups with U+00A0 or an apostrophe are joined (1'000 -> 1000).
"""

from __future__ import annotations

import re
from functools import cache
from re import Match

from fairseq_mlkd.text.languages import find_language
from fairseq_mlkd.text.spoken.characters import clean, fold, part_words
from fairseq_mlkd.text.spoken.patterns import digit_groups
from fairseq_mlkd.text.spoken.speaker import Speaker

_DIGIT_GROUPS = re.compile(rf"(?<!\d)\d{{1,3}}(?:{digit_groups('')})")
_NO_DIGITS = re.compile(r"[^0-9]")


def to_spoken(text: str, lang: str) -> str:
    """Return the spoken form of `text`; applying it twice changes nothing more.

    Args:
        text: any text; line breaks count as spaces.
        lang: ISO 639-1 code of a file in `languages/`, a region may follow it
            (`pt-BR`); for others, digits stay.
    """
    text = fold(text)
    language = find_language(lang)
    reader = _speaker(language.lang) if language else None
    text = reader.read(text) if reader else _DIGIT_GROUPS.sub(_join_digits, text)
    text = clean(text)
    if reader and reader.language.segment:
        text = reader.language.segment(text)
    return part_words(text)


def spoken_words(words: list[str], lang: str) -> list[str]:
    """Return the spoken form of each word, so that positions stay aligned.

    A word of punctuation alone becomes an empty string; one that falls into several
    words ("twenty-one", "21") holds spaces.
    """
    return [to_spoken(word, lang) for word in words]


@cache
def _speaker(code: str) -> Speaker:
    language = find_language(code)
    assert language is not None
    return Speaker(language)


def _join_digits(number: Match[str]) -> str:
    return _NO_DIGITS.sub("", number.group())
