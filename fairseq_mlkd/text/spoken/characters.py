"""The part of spoken form that is the same in every language: its characters.

Before numbers are read, `fold` brings the many forms of digits, dashes, spaces and
full-width signs to one. After that `clean` leaves only lower-case words: letters,
marks, digits and the apostrophes inside words. All rules are the Unicode Character
Database's (general categories, compatibility decompositions); none is a list of words.
"""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHES = "'’‘‛ʼ´`′＇"
# Letters and marks that Unicode calls such although nothing of them is visible.
_FILLERS = "\u115f\u1160\u3164\uffa0"
_IGNORABLE_MARKS = [0x034F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)]
_IGNORABLE_MARKS += range(0xE0100, 0xE01F0)

_DIGIT_GROUP_SPACES = "\u00a0\u2007\u2009\u202f"
_NOT_IN_A_NUMBER = re.compile("(?<!\\d)\u00a0|\u00a0(?!\\d{3}(?!\\d))")
_DEVANAGARI_ABBREVIATION = "\u0970"
# Typists take the digit zero for that sign: डा०, उ०प्र०.
_ABBREVIATING_ZERO = re.compile("0(?<=[\u0900-\u0963\u0971-\u097f]0)")
_WAVE_DASH = "\u301c"
# One character for a whole word: ℃, ℉, ㋿ and the "squared" ㎞, ㎡, ㍑, ㏠ ...
_UNIT_SIGNS = {0x2103, 0x2109, 0x32FF, *range(0x3300, 0x3400)}

# After translation all that is not alphanumeric, space or apostrophe is a mark.
MARK = r"[^\w\s']"
_ORPHAN_MARKS = re.compile(rf"{MARK}(?<![^\s']{MARK}){MARK}*")
_STRAY_APOSTROPHES = re.compile(r"''+|(?<!\S)'|'(?!\S)|(?<=\d)'(?=\d)")


class _FoldingTable(dict[int, str]):
    """The result of `fold` for each character, decided when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = result = _fold_character(chr(code))
        return result


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "No":
        return _fold_other_number(character)
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    unified = unicodedata.normalize("NFKC", character)
    if ord(character) in _UNIT_SIGNS:
        parts = unicodedata.decomposition(character).split()[1:]
        return "".join(_fold_character(chr(int(part, 16))) for part in parts)
    style = unicodedata.decomposition(character).split(" ")[0]
    if unified.isascii() and (category == "Nl" or style in ("<wide>", "<font>")):
        return unified
    return unified if category[0] in "PS" and len(unified) == 1 else character


def _fold_other_number(character: str) -> str:
    """Fold superscripts, ½, ①, and the signs for 10, 100 ... of other scripts."""
    unified = unicodedata.normalize("NFKC", character).replace("⁄", "/")
    if any(map(str.isdecimal, unified)):
        superscript = unicodedata.decomposition(character).startswith("<super>")
        return f"^{unified}" if superscript else f" {unified} "
    value = unicodedata.numeric(character)
    return f" {value:.0f} " if value == int(value) else " "


class _CleaningTable(dict[int, int | str | None]):
    """The result of `clean` for each character, decided when it is first met."""

    def __missing__(self, code: int) -> int | str | None:
        category = unicodedata.category(chr(code))
        result: int | str | None = " "
        if category[0] in "LN" or category in ("Mn", "Mc"):
            result = code
        elif category in ("Cf", "Me"):
            result = None
        self[code] = result
        return result


_TO_APOSTROPHE = {ord(character): "'" for character in _APOSTROPHES}
_FOLDED = _FoldingTable(
    {
        **_TO_APOSTROPHE,
        **{ord(character): "\u00a0" for character in _DIGIT_GROUP_SPACES},
        ord(_DEVANAGARI_ABBREVIATION): ".",
        ord(_WAVE_DASH): "~",
    }
)
_CLEANED = _CleaningTable(
    {
        **_TO_APOSTROPHE,
        **{ord(character): " " for character in _FILLERS + "\u200b"},
        **dict.fromkeys(_IGNORABLE_MARKS),
    }
)


# Most letters and signs of Latin stay as they are: text of them alone is done.
_MAY_FOLD = re.compile("[^\x00-\x9f¡-±µ-¸º»¿-ʻ]")


def fold(text: str) -> str:
    """Return `text` with one form for what has many, and letters as they are.

    Decimal digits of every script become 0-9, dashes "-" (the minus sign stays, for it
    says more), the spaces of digit groups U+00A0, other spaces " ", apostrophes "'",
    superscripts "^2", fractions like ½ " 1/2 ", the abbreviation sign of Devanagari
    ".", Roman numerals and letters of other widths or fonts those of ASCII, full-width
    signs and ㎞, ㎡, ℃ what they stand for.
    """
    if not _MAY_FOLD.search(text):
        return text
    text = _ABBREVIATING_ZERO.sub(".", text.translate(_FOLDED))
    return _NOT_IN_A_NUMBER.sub(" ", text) if "\u00a0" in text else text


def clean(text: str) -> str:
    """Return the lower-case words of `text`, NFKC, parted by one or more spaces."""
    text = text.translate(_CLEANED).lower()
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text).lower()
        # All that these two brought to light is cleaned again.
        text = unicodedata.normalize("NFKC", text).translate(_CLEANED)
    return _ORPHAN_MARKS.sub("", text)


def part_words(text: str) -> str:
    """Return clean words without stray apostrophes, parted by one space."""
    if "'" in text:
        text = _STRAY_APOSTROPHES.sub(" ", text)
    return " ".join(text.split())
