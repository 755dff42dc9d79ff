"""Written text -> spoken form: what a speech recogniser would hand over.

The rule, for every language: digit groups are joined (1,000 -> 1000), symbols and
punctuation become spaces, compatibility characters are unified (NFKC), letters are
lower case, and one space stands between words. Apostrophes stay inside words; the
vowel signs of Indic scripts are marks, not punctuation, and stay as well. Digits stay
digits. Japanese has no spaces: it is cut wherever the script changes, and around the
object particle を, which is part of no other word.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Dict, List, Match, Pattern, Union

_APOSTROPHES = "'’‘‛ʼ´`′＇"
# Letters and marks that Unicode calls such although nothing of them is visible.
_FILLERS = "\u115f\u1160\u3164\uffa0"
_IGNORABLE_MARKS = [0x034F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)]
_IGNORABLE_MARKS += range(0xE0100, 0xE01F0)


class _CharacterTable(Dict[int, Union[int, str, None]]):
    """What `str.translate` makes of each character, decided when it is first met."""

    def __missing__(self, code: int) -> Union[int, str, None]:
        category = unicodedata.category(chr(code))
        result: Union[int, str, None] = " "
        if category[0] in "LN" or category in ("Mn", "Mc"):
            result = code
        elif category in ("Cf", "Me"):
            result = None
        self[code] = result
        return result


_TABLE = _CharacterTable(
    {
        **{ord(character): "'" for character in _APOSTROPHES},
        **{ord(character): " " for character in _FILLERS + "\u200b"},
        **dict.fromkeys(_IGNORABLE_MARKS),
    }
)

# After translation all that is not alphanumeric, space or apostrophe is a mark.
_MARK = r"[^\w\s']"
_ORPHAN_MARKS = re.compile(rf"(?<![^\s']){_MARK}+")
_STRAY_APOSTROPHES = re.compile(r"''+|(?<!\S)'|'(?!\S)|(?<=\d)'(?=\d)")


def _digit_groups(separators: str, group: str = r"\d{3}") -> Pattern[str]:
    """Match a number written in groups, all separated by the same character."""
    gaps = separators + "\u00a0\u2007\u2009\u202f'’"
    return re.compile(rf"(?<!\d)\d{{1,3}}([{gaps}])(?:{group}\1)*\d{{3}}(?!\d)")


_DOTTED = _digit_groups(".")
_WITH_LAKHS = _digit_groups(",", r"\d{2,3}")
_DIGIT_GROUPS = {
    **dict.fromkeys(("de", "es", "it", "pt"), _DOTTED),
    **dict.fromkeys(("en", "hi"), _WITH_LAKHS),
    "ja": _digit_groups(",，"),
}
_OTHER_DIGIT_GROUPS = _digit_groups("")

_PARTICLE = "を"
_HIRAGANA = "\u3041-\u3091\u3093-\u3096\u309d-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff"
_KANJI = "々〆〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# A long-vowel sign goes with the kana before it; marks go with what they follow.
_SCRIPT_RUNS = re.compile(
    rf"{_PARTICLE}{_MARK}*"
    rf"|[{_HIRAGANA}](?:[{_HIRAGANA}ー]|{_MARK})*"
    rf"|[{_KATAKANA}ー](?:[{_KATAKANA}ー]|{_MARK})*"
    rf"|[{_KANJI}](?:[{_KANJI}]|{_MARK})*"
    rf"|\d(?:\d|{_MARK})*"
    rf"|[^{_PARTICLE}{_HIRAGANA}{_KATAKANA}ー{_KANJI}\d\s]+"
)


def to_spoken(text: str, lang: str) -> str:
    """Return the spoken form of `text`; applying it twice changes nothing more.

    Args:
        text: any text; line breaks count as spaces.
        lang: ISO 639-1 code. It decides how digit groups are written (1,000 or
            1.000) and, for `ja`, that words are runs of one script: kanji, hiragana,
            katakana, digits, and anything else (Latin letters, say).
    """
    if any(map(str.isdigit, text)):
        groups = _DIGIT_GROUPS.get(lang, _OTHER_DIGIT_GROUPS)
        text = groups.sub(_join_digits, text)
    text = text.translate(_TABLE).lower()
    if not text.isascii():
        text = _unify(text)
    if lang == "ja":
        text = " ".join(_SCRIPT_RUNS.findall(text))
    if "'" in text:
        text = _STRAY_APOSTROPHES.sub(" ", text)
    return " ".join(text.split())


def spoken_words(words: List[str], lang: str) -> List[str]:
    """Return the spoken form of each word, so that positions stay aligned.

    A word of punctuation alone becomes an empty string; one that falls into several
    words ("twenty-one") holds spaces.
    """
    return [to_spoken(word, lang) for word in words]


def _join_digits(number: Match[str]) -> str:
    return number.group().replace(number.group(1), "")


def _unify(text: str) -> str:
    """NFKC and lower case, with all that these two bring to light cleaned again."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = unicodedata.normalize("NFKC", text).translate(_TABLE)
    return _ORPHAN_MARKS.sub("", text)
