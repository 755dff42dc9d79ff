"""What French, Italian, Portuguese and Spanish share: builders of their rules.

The four write numbers, ordinals, dates and times in much the same way; a builder here
makes a `Rule` from the words of one language. Patterns begin with the character that
is looked for, and look behind it afterwards: `re` is fast at finding a character.
"""

from __future__ import annotations

import re
from typing import Callable, Mapping, Match, NamedTuple, Optional, Sequence

from fairseq_mlkd.text.spoken.language import Rule, Unit, spell

MASCULINE = "masculine"
FEMININE = "feminine"
# Rule sets of the CLDR, by the gender of what is counted; "" is for counting alone.
CARDINALS = {
    "": "spellout-numbering",
    MASCULINE: "spellout-cardinal-masculine",
    FEMININE: "spellout-cardinal-feminine",
}

_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
# Without L, C, D and M no word of these languages is taken for a number ("CD", "MIL"),
# and sovereigns, centuries and chapters hardly ever reach 40.
_ROMAN = {
    "X" * tens + one: 10 * tens + value
    for tens in range(4)
    for value, one in enumerate(_ONES)
    if tens or value
}
_START = r"\d(?<![\w.,:/-]\d)(?<!\d[ \u00a0]\d)"
_GROUPED = r"(?:\d{0,2}(?:[ .\u00a0]\d{3})+|\d*)(?![\w/:]|[.,]\d)"
_DAY, _MONTH = r"(?P<day>0?[1-9]|[12]\d|3[01])", r"(?P<month>0?[1-9]|1[0-2])"


class Numeral(NamedTuple):
    """A Roman numeral and what stands around it on the page.

    `before` is the word before it as written ("Louis", "dell'"), `after` the text that
    follows; both may be empty.
    """

    number: int
    written: str
    ending: str
    before: str
    after: str


def numerals(read: Callable[[Numeral], Optional[str]], endings: str = "(?!)") -> Rule:
    """Return the rule for Roman numerals from I to XXXIX.

    Args:
        read: the words of a numeral, or None to leave its letters alone.
        endings: pattern of what may be written right after it (the e of XIXe).
    """
    pattern = rf"[IVX](?<![\w.][IVX])[IVX]*(?P<ending>{endings})?(?![\w'])"

    def replace(match: Match[str]) -> str:
        ending = match["ending"] or ""
        written = match.group()[: len(match.group()) - len(ending)]
        if written not in _ROMAN:
            return match.group()
        preceding = match.string[max(match.start() - 40, 0) : match.start()]
        before = re.split(r"[ \u00a0(\"-]+", preceding.rstrip(" \u00a0-"))[-1]
        after = match.string[match.end() : match.end() + 40]
        numeral = Numeral(_ROMAN[written], written, ending, before, after.lstrip())
        return read(numeral) or match.group()

    return Rule(re.compile(pattern), replace)


def ordinals(ending: str, read: Callable[[int], str]) -> Rule:
    """Return the rule for digits with an ending (a pattern) that makes an ordinal."""
    pattern = rf"\d(?<![\w.,:/]\d)\d{{0,3}}(?={ending}){ending}(?!\w)"
    return Rule(
        re.compile(pattern),
        lambda match: read(int(re.findall(r"\d+", match.group())[0])),
    )


def agreement(lang: str, gender: str, nouns: str, number: str = "") -> Rule:
    """Return the rule for numbers before known nouns: "21 anos", "200 pessoas".

    Args:
        lang: ISO 639-1 code.
        gender: of the nouns.
        nouns: separated by spaces. Nobody can list all; these are the ones that most
            often follow a number in Wikipedia and news.
        number: pattern of the numbers that agree; by default all do.
    """
    alternatives = "|".join(nouns.split())
    pattern = (
        rf"{number or _START + _GROUPED}(?<![$€£]\d)(?<![$€£] \d)"
        rf"(?=[ \u00a0](?:{alternatives})\b)"
    )

    def read(match: Match[str]) -> str:
        digits = "".join(filter(str.isdigit, match.group()))
        if len(digits) > 15 or digits[0] == "0":
            return match.group()
        return spell(lang, CARDINALS[gender], int(digits))

    return Rule(re.compile(pattern), read)


def dates(months: Sequence[str], join: str, first: str) -> Sequence[Rule]:
    """Return the rules for 14/07/1789 and for the first of a month.

    Args:
        months: their names, January first.
        join: the word between day, month and year, or "".
        first: how the day 1 is read before a month's name.
    """

    def read_date(match: Match[str]) -> str:
        day = str(int(match["day"]))
        month = months[int(match["month"]) - 1]
        return f" {join} ".join((first if day == "1" else day, month, match["year"]))

    names = "|".join(months)
    separator = r"(?P<mark>[/.-])"
    return (
        Rule(
            re.compile(
                rf"(?=\d)(?<![\d/.-]){_DAY}{separator}{_MONTH}(?P=mark)"
                rf"(?P<year>[12]\d{{3}})(?![\d/-])"
            ),
            read_date,
        ),
        Rule(
            re.compile(rf"1(?<![\d.,/-]1)(?=[ \u00a0](?:{join} )?(?:{names})\b)"),
            lambda match: first,
        ),
    )


def clock(mark: str, read: Callable[[int, int], str]) -> Rule:
    """Return the rule for 14h30 or 14:30 (not for 14:30:12 and 2:00.531).

    Args:
        mark: pattern of what stands between hour and minute.
        read: the words for hour and minute.
    """
    return Rule(
        re.compile(
            rf"(?=\d)(?<![\w.,:/])(?P<hour>[01]?\d|2[0-4])(?:{mark})(?P<minute>[0-5]\d)"
            r"(?! ?(?:s|m|min)\b)(?!\w|[.,:'/]\d)"
        ),
        lambda match: read(int(match["hour"]), int(match["minute"])),
    )


def english_decimals() -> Rule:
    """Return the rule for a decimal point: not followed by exactly three digits."""
    return Rule(
        re.compile(r"\d(?<![\w.,:/]\d)\d*\.(?:\d{1,2}|\d{4,})(?!\w|[.,:/]\d)"),
        lambda match: match.group().replace(".", ","),
    )


def equals(words: str) -> Rule:
    """Return the rule for the sign between two terms (not around a wiki's headings)."""
    return Rule(re.compile(r"=(?<=\w =)(?= [\w-])"), lambda match: words)


def units(names: Mapping[str, Sequence[str]]) -> Mapping[str, Unit]:
    """Return a table of units from symbol -> (one, many[, gender]).

    A symbol that ends in ² may be written with a space before it.
    """
    table = {
        symbol: Unit(*forms[:2], *(forms[2:] or [MASCULINE]))
        for symbol, forms in names.items()
    }
    return {
        written: unit
        for symbol, unit in table.items()
        for written in (symbol, symbol.replace("²", " ²"))
    }
