"""All that the package knows about a language: numbers, abbreviations, wiki words.

A language is one file, `languages/<ISO 639-1 code>.py`, that defines `LANGUAGE`; every
argument but its code has a default. Whole numbers are spelled by `unicode-rbnf`: the
rules of the Unicode CLDR (rule-based number format) in pure Python without
dependencies. It is the one library that covers all of en, de, fr, es, it, pt, hi and
ja, with grammatical gender, ordinals and years; num2words knows no Hindi and no gender.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from re import Match, Pattern
from typing import NamedTuple

from unicode_rbnf import RbnfEngine

# Longer numbers than this are read digit by digit: written in one run, because they
# are telephone numbers or identifiers; written in groups, because the spelling engine
# computes in float64.
LONGEST_RUN = 9
LONGEST_NUMBER = 15

_PARTED = re.compile(r"[ -]|'[^\W\d]|\Z")


class Unit(NamedTuple):
    """The names of a unit or currency.

    `gender` selects the numeral before it (a key of `Language.cardinals`). For a
    currency, `cents` are the names of its hundredth: 3.50 is then read in two parts;
    with ("", "") the hundredths are a bare number ("zwei Euro fünfzig").
    """

    one: str
    many: str
    gender: str = ""
    cents: Sequence[str] | None = None
    cents_gender: str = ""


@dataclass(frozen=True)
class Wiki:
    """The names that the Wikipedia of a language uses; English ones hold everywhere.

    Args:
        namespaces: patterns of those of media and categories, "|" between them.
        page_namespaces: patterns of those of pages that are no articles.
        skipped_sections: patterns of the titles of sections that hold lists and not
            prose, as MediaWiki stores them (NFC), "|" between them.
        templates: what a template shows -> the names of such templates, lower-case,
            "|" between them. For the fields of a form ("{1}" is the first unnamed
            argument) see `fill` in `prepare/corpus/templates.py`; "=date" is the
            function of that name there.
        silent: patterns of templates that show no words, such as footnotes.
        common_words: that tell its text from that of other languages.
        months: as in a date.
        date: its parts; one of which a field is missing is left out.
        joins: words between numbers, by the English ones: to, and, or, by.
        units: codes of `convert` -> names of units that have no symbol in `units`.
        decimal_mark: where templates take a "." in its place.
    """

    namespaces: str = ""
    page_namespaces: str = ""
    skipped_sections: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)
    silent: str = ""
    common_words: str = ""
    months: Sequence[str] = ()
    date: str = "{day} |{month} |{year}"
    joins: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    decimal_mark: str = ""


Needs = str | Sequence[str] | Pattern[str]


class Rule(NamedTuple):
    """A pattern of written text, and what is said for each match of it.

    `read` may leave digits to later rules, or a match as it is (None). A space is put
    around what it returns, but no second one, none at an apostrophe (l'8 -> l'otto,
    2018's) and none at a hyphen, which may be a minus sign. Every match holds one of
    the strings in `needs`, or a match of that pattern: other text is not searched.
    """

    pattern: Pattern[str]
    read: Callable[[Match[str]], str | None]
    needs: Needs = ()

    def apply(self, text: str, space: str = " ") -> str:
        """Return `text` with all matches replaced, words parted by `space`."""
        if self.needs and not holds(text, self.needs):
            return text

        def read(match: Match[str]) -> str:
            said = self.read(match)
            if said is None:
                return match.group()
            start, end = match.span()
            before = "" if match.string[max(start - 1, 0) : start] in "' -" else " "
            is_parted = _PARTED.match(match.string, end)
            after = "" if is_parted else " "
            return f"{before}{said}{after}".replace(" ", space)

        return self.pattern.sub(read, text)


def rule(
    pattern: str, read: Callable[[Match[str]], str | None], needs: Needs = ()
) -> Rule:
    """Return the rule of a pattern."""
    return Rule(re.compile(pattern), read, needs)


def holds(text: str, needs: Needs) -> bool:
    """Return whether `text` holds the string, one of them, or a match."""
    if isinstance(needs, str):
        return needs in text
    if isinstance(needs, Pattern):
        return needs.search(text) is not None
    return not needs or any(string in text for string in needs)


def words(text: str) -> list[str]:
    """Return the words of a table that is written as running text."""
    return text.split()


def table(text: str) -> dict[str, str]:
    """Return the table that is written as "Mr. = mister; Mrs. = missus"."""
    rows = (row.partition("=") for row in text.split(";"))
    return {written.strip(): said.strip() for written, _, said in rows}


def units(text: str, gender: str = "") -> dict[str, Unit]:
    """Return the units that are written as "km/h, kph = one, many[, gender]; ...".

    Args:
        text: the table; what stands before "=" are the ways to write the unit.
        gender: of units for which none is given.
    """
    named: dict[str, Unit] = {}
    for written, said in table(text).items():
        one, many, *own = (name.strip() for name in said.split(","))
        unit = Unit(one, many, *(own or [gender]))
        named.update((symbol.strip(), unit) for symbol in written.split(","))
    return named


def multiples(prefixes: str, names: str, gender: str = "") -> dict[str, Unit]:
    """Return the units of "W -kM = watt, watts; Wh k = ..., feminine": W, kW, MW, kWh.

    Args:
        prefixes: "k = kilo; M = mega; ...".
        names: after a symbol stand its prefixes, "-" for none.
        gender: of units for which none is given.
    """
    said = {"-": "", **table(prefixes)}
    named: dict[str, Unit] = {}
    for written, names_of in table(names).items():
        symbol, letters = written.split()
        one, many, *own = names_of.split(", ")
        for letter in letters:
            unit = Unit(said[letter] + one, said[letter] + many, *(own or [gender]))
            named[letter.strip("-") + symbol] = unit
    return named


def equals(said: str) -> Rule:
    """Return the rule for the sign between two terms (not around a wiki's headings)."""
    return rule(r"=(?<=\w =)(?= [\w-])", lambda match: said, "=")


def powers(times: str, form: str) -> tuple[Rule, Rule]:
    """Return the rules for 5 × 10⁶: the sign before the power, and the power."""
    raised = re.compile(r"([-\u2212]?)\^(?<=\d\^|[-\u2212]\^)(\d+)(?![\d^])")

    def read(match: Match[str]) -> str:
        return form.format("-" * bool(match[1]) + match[2])

    sign = r"(?:×|x(?<=\dx))(?= {0,2}10[-\u2212]?\^\d)"
    return rule(sign, lambda _: times, "^"), Rule(raised, read, "^")


def coordinates(directions: str, second: str = "s") -> tuple[Rule, Rule]:
    """Return the rules for 48° 51' 24" N.

    Args:
        directions: the words for N, S, E and W (or O).
        second: the unit of seconds.
    """
    north, south, east, west = directions.split()
    names = {"N": north, "S": south, "E": east, "W": west}
    names.setdefault("O", east if east.startswith("O") else west)

    def read(match: Match[str]) -> str:
        minutes, seconds, direction = match.group("minutes", "seconds", "direction")
        parts = [minutes and f"{minutes} min", seconds and f"{seconds} {second}"]
        return " ".join(filter(None, ["°", *parts, names.get(direction, "")]))

    number = r"\d{1,2}(?:[.,]\d+)?"
    return (
        rule(
            rf"[°º](?<=\d[°º]) ?(?P<minutes>{number}) ?'(?!')"
            rf"(?: ?(?P<seconds>{number}) ?(?:''|[\"″”]))?"
            r"(?: ?(?P<direction>[NSEWO])(?!\w))?",
            read,
            ("°", "º"),
        ),
        rule(
            r"°(?<=\d°) ?(?P<minutes>)(?P<seconds>)(?P<direction>[NSEWO])(?!\w|'|\.\w)",
            read,
            "°",
        ),
    )


@cache
def _engine(lang: str) -> RbnfEngine:
    # It tells the root logger, which fairseq makes talkative, of sets that it skips.
    disabled = logging.root.manager.disable
    logging.disable(logging.DEBUG)
    try:
        return RbnfEngine.for_language(lang)
    finally:
        logging.disable(disabled)


@lru_cache(maxsize=1 << 16)
def spell(lang: str, ruleset: str, number: int) -> str:
    """Return `number` (0 to 10^15 - 1) in words, by a CLDR rule set of `lang`."""
    result = _engine(lang).format_number(number, ruleset_names=[ruleset])
    return result.text_by_ruleset[ruleset]


@dataclass(frozen=True)
class Language:
    """The tables from which `Speaker` makes the rules of one language.

    Whatever has a full stop in these tables is an abbreviation for `split_sentences`,
    too: there is no second list.

    Args:
        lang: ISO 639-1 code, as the spelling engine knows it.
        cardinals: gender -> CLDR rule set; "" is the one for counting.
        decimal_mark: the character between whole number and decimals.
        decimal_word: how it is read.
        minus: how the sign before a number is read.
        until: the word between the two numbers of a range.
        group_marks: characters between groups of digits, beside U+00A0 and "'".
        group: pattern of one group that is not the last, `\\d{3}` but in India.
        decimals_together: up to so many decimals are read as one number (3,14 as
            "tre virgola quattordici"); 0 reads all of them digit by digit.
        years: bare numbers of four digits that are read by `year_ruleset`.
        year_ruleset: CLDR rule set.
        singular_below_two: 0 and 1.5 take the singular (French, Portuguese).
        fractions: "1/2" -> words; other numbers around a slash are read one by one.
        fraction_join: the word in 3 1/2, "and".
        units: what follows a number (km, %, €, USD) -> names.
        currencies: the subset of units that may also stand before (€, $).
        currency_join: the word between dollars and cents.
        magnitudes: between a number and its unit ("million", "M") -> words, one form
            or "singular|plural".
        magnitude_gender: selects the numeral before them.
        magnitude_of: pattern of the word between magnitude and unit (millions de $).
        is_attribute: whether a noun follows a quantity that takes the singular before
            it (a $500 bond); gets the text and where the quantity begins and ends.
        each: the word for the slash between a quantity and what has it ("per" in
            $5/month).
        number_signs: before a number only ("No.", "#", "§") -> words.
        abbreviations: as written, with their full stop -> words; "saint|street" is
            the first before a capital and the second elsewhere.
        closing: those of them after which a sentence may begin with any capital
            ("etc."), parted by spaces; others end one only before a word of `openers`.
        openers: words that often begin a sentence and hardly ever a name.
        telephone: beginnings of words before a short telephone number, in lower case.
        dot: the full stop in the name of a site or an address.
        slash: the one after it.
        symbols: single characters anywhere (&, @, +) -> words.
        rules: read first, in this order; all that tables cannot say.
        space: parts the words of what is read; "" where `segment` does that.
        letter_rules: read before these, also where no digit or symbol is in the text.
        wiki: what its Wikipedia calls things.
        segment: cuts clean text into words where spaces do not (Japanese).
    """

    lang: str
    cardinals: Mapping[str, str] = field(
        default_factory=lambda: {"": "spellout-numbering"}
    )
    decimal_mark: str = ","
    decimal_word: str = ""
    minus: str = ""
    until: str = ""
    group_marks: str = ". "
    group: str = r"\d{3}"
    decimals_together: int = 0
    years: range = range(0)
    year_ruleset: str = ""
    singular_below_two: bool = False
    fractions: Mapping[str, str] = field(default_factory=dict)
    fraction_join: str = ""
    units: Mapping[str, Unit] = field(default_factory=dict)
    currencies: Sequence[str] = ()
    currency_join: str = ""
    magnitudes: Mapping[str, str] = field(default_factory=dict)
    magnitude_gender: str = ""
    magnitude_of: str = ""
    is_attribute: Callable[[str, int, int], bool] | None = None
    each: str = ""
    number_signs: Mapping[str, str] = field(default_factory=dict)
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    closing: str = ""
    openers: str = ""
    telephone: str = ""
    dot: str = ""
    slash: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)
    rules: Sequence[Rule] = ()
    space: str = " "
    letter_rules: Sequence[Rule] = ()
    wiki: Wiki = Wiki()
    segment: Callable[[str], str] | None = None

    def cardinal(self, number: int, gender: str = "") -> str:
        """Return the number in words."""
        return spell(self.lang, self.cardinals[gender], number)

    def digits(self, run: str) -> str:
        """Return the digits one by one."""
        return " ".join(self.cardinal(int(digit)) for digit in run)

    def integer(self, run: str, gender: str = "", longest: int = LONGEST_RUN) -> str:
        """Return a run of digits in words; long or zero-led ones digit by digit."""
        if len(run) > longest or (run[0] == "0" and len(run) > 1):
            return self.digits(run)
        return self.cardinal(int(run), gender)

    def decimals(self, run: str) -> str:
        """Return the digits after the decimal mark in words."""
        if len(run) > self.decimals_together:
            return self.digits(run)
        number = run.lstrip("0")
        zeros = self.digits(run[: len(run) - len(number)])
        return f"{zeros} {self.cardinal(int(number))}" if number else zeros

    def year(self, number: int) -> str:
        """Return a year in words; a cardinal where the language has no other form."""
        if not self.year_ruleset:
            return self.cardinal(number)
        return spell(self.lang, self.year_ruleset, number)

    def is_singular(self, number: str) -> bool:
        """Return whether a number as written takes the singular."""
        if self.singular_below_two:
            return number.partition(self.decimal_mark)[0] in ("0", "1")
        return number == "1"

    def count(self, number: str, unit: str) -> str:
        """Return a number in words and the words of the unit that it counts."""
        return f"{number} {unit}"

    def of(self, magnitude: str, unit: str) -> str:
        """Return "million dollars": a magnitude's words before the words of a unit."""
        return f"{magnitude} {unit}"
