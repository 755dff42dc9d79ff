"""Hindi: both kinds of digits, lakh and crore, the quarters that have their own names.

Joiners (U+200C, U+200D) vanish: in Hindi they choose between shapes of one and the same
spelling (Unicode core specification, section 12.1). All other marks stay.
"""

from __future__ import annotations

import re
from typing import Match

from fairseq_mlkd.text.spoken.language import Language, Rule, spell

# Python's \w holds Devanagari's letters but not its vowel signs.
_LETTER = "[\u0900-\u0963\u0971-\u097f]"
_ENDS = rf"(?!\w|{_LETTER})"
_MONTHS = [
    "जनवरी",
    "फ़रवरी",
    "मार्च",
    "अप्रैल",
    "मई",
    "जून",
    "जुलाई",
    "अगस्त",
    "सितंबर",
    "अक्टूबर",
    "नवंबर",
    "दिसंबर",
]
_TITLES = {
    "डॉ": "डॉक्टर",
    "डा": "डॉक्टर",
    "प्रो": "प्रोफ़ेसर",
    "पं": "पंडित",
    "स्व": "स्वर्गीय",
}
_TITLE = "|".join(_TITLES)
# The ordinals that are not a number and वाँ; these stems take ा, ी or े.
_ORDINAL_STEMS = {1: "पहल", 2: "दूसर", 3: "तीसर", 4: "चौथ", 6: "छठ"}


class _Hindi(Language):
    """Years up to 1999 are counted in hundreds, for which CLDR has no Hindi rules."""

    def year(self, number: int) -> str:
        hundreds, rest = divmod(number, 100)
        words = f"{self.cardinal(hundreds)} सौ"
        return f"{words} {self.cardinal(rest)}" if rest else words


def _read_ordinal(match: Match[str]) -> str:
    number = int(match.group(1).replace(",", ""))
    ending = match.group(2)
    if number in _ORDINAL_STEMS:
        return _ORDINAL_STEMS[number] + ending.rstrip("ँं")[-1]
    return spell("hi", "spellout-cardinal", number) + ending


def _read_quarters(whole: int, quarters: int) -> str:
    """Return whole numbers and quarters: डेढ़ (1 1/2), ढाई, साढ़े तीन, सवा दो, पौने दो."""
    if quarters == 2:
        return {1: "डेढ़", 2: "ढाई"}.get(whole, f"साढ़े {whole}")
    return f"सवा {whole}" if quarters == 1 else f"पौने {whole + 1}"


def _read_mixed_number(match: Match[str]) -> str:
    whole, numerator, denominator = map(int, match.groups())
    return _read_quarters(whole, 4 * numerator // denominator)


def _read_fraction(match: Match[str]) -> str:
    numerator, denominator = match.groups()
    joint = " बटा " if int(numerator) < int(denominator) else " "
    return f"{numerator}{joint}{denominator}"


def _read_clock(match: Match[str]) -> str:
    hour, minute, second = (int(part or 0) for part in match.groups())
    if second:
        return f"{hour} बजकर {minute} मिनट {second} सेकंड"
    if 0 < hour <= 12 and minute in (15, 30, 45):
        return f"{_read_quarters(hour, minute // 15)} बजे"
    return f"{hour} बजकर {minute} मिनट" if minute else f"{hour} बजे"


def _read_date(match: Match[str]) -> str:
    day, _, month, year = match.groups()
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def _read_iso_date(match: Match[str]) -> str:
    year, month, day = match.groups()
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def _read_pair(match: Match[str]) -> str:
    """A range, or else the score of a game and the like."""
    first, last = match.groups()
    joint = " से " if int(first) < int(last) else " "
    return f"{first}{joint}{last}"


_STARTS = r"\d(?<![\d.,:/-]\d)"
_RULES = [
    Rule(re.compile(pattern), read)
    for pattern, read in (
        # Typists take the digit zero for the abbreviation sign: डा०, उ०प्र०.
        (rf"(?<!{_LETTER})({_TITLE})0", lambda match: _TITLES[match[1]]),
        (rf"({_LETTER})0(?!\d)", lambda match: match[1]),
        (
            rf"(\d{{1,3}}(?:,\d{{2,3}})+|\d{{1,9}})(?: ?(व(?:ाँ|ां|ीं|ें))|(व[ाीे]))"
            rf"{_ENDS}",
            lambda match: match,
        ),
    )
]
