"""Builders of the rules that French, Italian, Portuguese and Spanish share.

The four write numbers, ordinals, dates and times in much the same way; a builder here
makes a `Rule` from the words of one language. Patterns begin with the character that
is looked for, and look behind it afterwards: `re` is fast at finding a character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Match

from fairseq_mlkd.text.language import (
    LONGEST_NUMBER,
    Language,
    Rule,
    coordinates,
    rule,
    spell,
)

MASCULINE = "masculine"
FEMININE = "feminine"
# Rule sets of the CLDR, by the gender of what is counted; "" is for counting alone.
CARDINALS = {
    "": "spellout-numbering",
    MASCULINE: "spellout-cardinal-masculine",
    FEMININE: "spellout-cardinal-feminine",
}

# "Number", before digits: nº, N.°, n. º ...
NUMBER_SIGNS = [
    f"{letter}{point}{space}{sign}{end}"
    for letter in "nN"
    for point in ("", ".")
    for space in ("", " ")
    for sign in "º°"
    for end in ("", ".")
] + ["№", "#"]

# A price takes no part in agreement: its number is read with its currency.
_START = r"\d(?<![\w.,:/$€£-]\d)(?<![\d$€£][ \u00a0]\d)(?<![A-Z]{3}[ \u00a0]\d)"
_GROUPED = r"(?:\d{0,2}(?:[ .\u00a0]\d{3})+|\d*)(?![\w/:]|[.,]\d)"
# Before a noun that is known by its ending alone: four digits may be a year there.
NO_YEAR = _START + r"(?:\d{0,2}(?:[ .\u00a0]\d{3})+|\d{0,2}|\d{4,})(?![\w/:]|[.,]\d)"
_DAY, _MONTH = r"(?P<day>0?[1-9]|[12]\d|3[01])", r"(?P<month>0?[1-9]|1[0-2])"


_MILLION_ENDS = (
    *("millón", "millones", "billón", "billones", "milione", "milioni", "miliardo"),
    *("miliardi", "milhão", "milhões", "bilhão", "bilhões", "million", "millions"),
    *("milliard", "milliards"),
)


@dataclass(frozen=True)
class Romance(Language):
    """A language that says "millions of euros" and "a thousand euros"."""

    cardinals: Mapping[str, str] = field(default_factory=lambda: CARDINALS)
    decimals_together: int = 2
    until: str = "a"

    def cardinal(self, number: int, gender: str = "") -> str:
        """Return the number in words."""
        return Numbers(self.lang).cardinal(number, gender)

    def count(self, number: str, unit: str) -> str:
        """Return a number in words and its unit: "un millón de euros"."""
        if number.endswith(_MILLION_ENDS):
            return self.of(number, unit)
        return f"{number} {unit}"

    def of(self, magnitude: str, unit: str) -> str:
        """Return a magnitude's words, the preposition and the words of a unit."""
        if magnitude.endswith(("mil", "mille", "mila")):
            return f"{magnitude} {unit}"
        if self.lang == "fr" and unit[0] in "aeéiou":
            return f"{magnitude} d'{unit}"
        return f"{magnitude} {'di' if self.lang == 'it' else 'de'} {unit}"


@dataclass(frozen=True)
class Numbers:
    """The numbers of one language in words, by the CLDR's rule sets."""

    lang: str

    def cardinal(self, number: int, gender: str = "") -> str:
        """Return the cardinal number that counts nouns of a gender, or just counts.

        Spanish hundreds of thousands agree, which the CLDR leaves out.
        """
        words = spell(self.lang, CARDINALS[gender], number)
        if self.lang == "es" and gender == FEMININE:
            start = words.rfind("ill") + 1
            words = words[:start] + words[start:].replace("ientos", "ientas")
        return words

    def ordinal(self, number: int, form: str = MASCULINE) -> str:
        """Return the ordinal; the form is a gender or, say, "masculine-plural"."""
        return spell(self.lang, f"spellout-ordinal-{form}", number)


def ordinals(
    numbers: Numbers, ending: str, form: str = MASCULINE, needs: str = ""
) -> Rule:
    """Return the rule for digits with an ending (a pattern) that makes an ordinal.

    Args:
        numbers: the language's.
        ending: pattern of what follows the digits.
        form: of the ordinal.
        needs: a sign that every such ending has.
    """
    return rule(
        rf"(?P<number>\d(?<![\w.,/]\d)(?<!\d:\d)\d{{0,3}})(?:{ending})(?!\w)",
        lambda match: numbers.ordinal(int(match["number"]), form),
        needs,
    )


def agreement(
    numbers: Numbers, gender: str, nouns: str, number: str = _START + _GROUPED
) -> Rule:
    """Return the rule for numbers before known nouns: "21 anos", "200 mil pessoas".

    Args:
        numbers: the language's.
        gender: of the nouns.
        nouns: patterns separated by spaces. Nobody can list all nouns; these are the
            ones that most often follow a number in Wikipedia and news.
        number: pattern of the numbers that agree; by default all do.
    """

    def read(match: Match[str]) -> str:
        digits = "".join(filter(str.isdigit, match.group()))
        if len(digits) > LONGEST_NUMBER or digits[0] == "0":
            return match.group()
        thousand = 1000 if match.group().endswith("mil") else 1
        return numbers.cardinal(int(digits) * thousand, gender)

    money = r"(?! ?(?:d[ei] ?|d')?(?:(?:US|R)?[€$£¥]|[A-Z]{3}\b))"
    noun = rf"[ \u00a0](?:{'|'.join(nouns.split())})\b{money}"
    return rule(rf"{number}(?:[ \u00a0]mil)?(?={noun})", read)


def dates(months: Sequence[str], join: str, first: str) -> Sequence[Rule]:
    """Return the rules for 14/07/1789, 1789-07-14 and for the first of a month.

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
        rule(
            rf"(?=\d)(?<![\d/.-]){_DAY}{separator}{_MONTH}(?P=mark)"
            rf"(?P<year>[12]\d{{3}}|(?<=/[01]\d/)\d\d)(?![\d/-])",
            read_date,
            re.compile(r"[/.-](?:0?[1-9]|1[0-2])[/.-]"),
        ),
        rule(
            r"(?P<year>[12]\d{3})(?<![\w./-]\d{4})-"
            r"(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])(?![\w/-])",
            read_date,
            "-",
        ),
        rule(
            rf"1(?<![\d.,/-]1)(?=[ \u00a0](?:{join} )?(?:{names})\b)",
            lambda match: first,
        ),
    )


def degrees(directions: str) -> Sequence[Rule]:
    """Return the rules of `coordinates`, and for 20 ºC, which has no ordinal."""
    mark = rule(r"(?<=\d) ?º(?= ?[CF]\b)", lambda _: "°", "º")
    return *coordinates(directions), mark


def clock(mark: str, read: Callable[[int, int], str], unit: str = "") -> Rule:
    """Return the rule for 14h30 or 14:30, but not for 14:30:12 or 2:00.531.

    Args:
        mark: pattern of what stands between hour and minute.
        read: the words for hour and minute.
        unit: how the h of 14:30 h is read.
    """
    return rule(
        r"(?P<hour>\d(?<![\w.,:/]\d)(?:(?<=[01])\d|(?<=2)[0-4])?)"
        rf"(?:{mark})"
        r"(?P<minute>[0-5]\d)(?:min)?(?! ?(?:s|m|min)\b)(?!\w|[.,:'/]\d)"
        rf"(?P<unit>{' hs?' if unit else '(?!)'}\b\.?)?",
        lambda match: (
            read(int(match["hour"]), int(match["minute"]))
            + (f" {unit}" if match["unit"] else "")
        ),
        re.compile(rf"{mark}[0-5]") if mark.startswith((":", r"\.")) else (),
    )


def english_numbers(groups: str = r"(?:,\d{3})+(?:,\d{3}|(?<=,000))") -> Sequence[Rule]:
    """Return the rules for numbers that are written as in English.

    A point makes decimals unless three digits follow it.

    Args:
        groups: pattern of the groups of digits with a comma; by default there must be
            two or the only one be 000, since 1,234 is a decimal number.
    """
    return (
        rule(
            r"\d(?<![\w.,:/]\d)\d*\.(?:\d{1,2}|\d{4,})(?!\w|[.,:/]\d)",
            lambda match: match.group().replace(".", ","),
            re.compile(r"\.(?<=\d\.)\d"),
        ),
        rule(
            rf"[1-9](?<![\w.,:/]\d)\d{{0,2}}{groups}(?!\w|[.,:/]\d)",
            lambda match: match.group().replace(",", "."),
            re.compile(r",(?<=\d,)\d"),
        ),
    )


# The 1990s are no seconds.
DECADES = rule(
    r"'?s(?:(?<=\b1\d\d0s)|(?<=\b20\d0s)|(?<=\b1\d\d0's)|(?<=[oO]s [2-9]0s))(?!\w)",
    lambda _: "",
    ("0s", "0's"),
)

_CENTURY = re.compile(
    r"(?:si|sé|se)(?:gl|cul|col)os? [IVX]+\Z|[IVX]+ secolo\Z|mil[eê]nio [IVX]+\Z"
)


def christ(before: str, after: str) -> Rule:
    """Return the rule for 44 A.C., siglo V AC, 220 dC: not for initials (D.C. United).

    Lower-case abbreviations (a. C.) stand in the language's table.
    """
    pattern = r"[aAdD](?<=[\dIVXo][ \u00a0][aAdD])\.? ?C\b\.?(?! [A-ZÀ-Ý])"

    def read(match: Match[str]) -> str:
        context = match.string[max(match.start() - 24, 0) : match.start() - 1]
        if not (context[-1:].isdigit() or _CENTURY.search(context)):
            return match.group()
        return before if match.group()[0] in "aA" else after

    return rule(pattern, read, "C")


def lengths(names: str, join: str = "") -> Sequence[Rule]:
    """Return the rules for 2:30 horas, 3:45 minutos, 1h41m58s: no times of day.

    Args:
        names: of hour, minute and second: "hora horas; minuto minutos; ...".
        join: the word before the last of several units.
    """
    units = [forms.split() for forms in names.split(";")]

    def say(numbers: Sequence[str | None], first: int) -> str:
        said = [
            f"{int(number)} {forms[int(number) != 1]}"
            for number, forms in zip(numbers, units[first:])
            if number and int(number)
        ]
        return f" {join} ".join([" ".join(said[:-1]), said[-1]] if said[1:] else said)

    def read(match: Match[str]) -> str:
        first = next(i for i, forms in enumerate(units) if match["unit"] in forms)
        return say(match.group("first", "second"), first)

    written = r"(?P<first>\d(?<![\w.,:]\d)\d{0,2}):(?P<second>[0-5]\d)"
    words = "|".join(name for forms in units[:2] for name in forms)
    return (
        rule(rf"{written} (?P<unit>{words})\b", read, ":"),
        rule(
            r"(\d(?<![\w.,:]\d)\d?) ?h ?(\d{1,2}) ?(?:m|min|mn)\b\.?"
            r"(?: ?(\d{1,2}) ?s\b|(?<=m)(\d\d)s\b)?|"
            r"(\d(?<![\w.,:]\d)\d?)h(\d{1,2})m(?:in)?(\d{1,2})s\b",
            lambda match: say(
                [match[1] or match[5], match[2] or match[6], match[3] or match[7]], 0
            ),
            re.compile(r"h ?\d{1,2} ?m"),
        ),
        rule(
            r"(\d(?<![\w.,:]\d)\d?) ?m(?:in)? ?(\d{1,2}) ?s\b",
            lambda match: say(match.groups(), 1),
            re.compile(r"m(?:in)? ?\d{1,2} ?s"),
        ),
    )


def out_of(said: str) -> Rule:
    """Return the rule for marks: 7,8 / 10, 65 / 100."""
    return rule(
        r"(?<=\d)(?<!\b1)(?: / |/)(?=100?(?![\w/]|[.,]\d))",
        lambda match: said,
        needs="/",
    )
