"""Reading out numbers, units, symbols and abbreviations by a language's tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from re import Match, Pattern

from fairseq_mlkd.text.language import LONGEST_NUMBER, Language, Rule, Unit
from fairseq_mlkd.text.spoken.characters import fold

# A number is no part of a date, a time or a version. The look-behind follows the first
# digit because `re` is fast at finding a digit and slow at trying everywhere.
_STARTS = r"\d(?<![\d.,:/]\d)"
_ENDS = r"(?!\d|[.,:/]\d)"
# Python's \w holds the letters of Devanagari but not its vowel signs.
_BEGINS = r"(?<![\w\u0900-\u0903\u093a-\u094f])"
_GROUP_MARKS = "\u00a0'"
# + and country code, or an area code of three digits and more that begins with 0.
_TELEPHONE = (
    r"\+\d{1,3}(?:[ \u00a0/-]\(?\d{2,}\)?){2,}|"
    r"0(?<![\d.,]0)\d{2,5}(?:\)?[ \u00a0/-]\d{2,})+(?!\d)"
)
_MINUS = r"-(?<![^\s(]-)(?<!\d\s-)(?=[^\w\s]?\d)"


def digit_groups(marks: str, group: str = r"\d{3}") -> str:
    """Return a pattern for the groups after the first one, 1 to 3 digits long.

    All of them have the same mark before them, one of `marks`, U+00A0 or "'".
    """
    return "|".join(
        rf"(?:{re.escape(mark)}{group}){{0,9}}{re.escape(mark)}\d{{3}}(?!\d)"
        for mark in marks + _GROUP_MARKS
    )


def _any_of(written: Iterable[str]) -> str:
    """Return a pattern for any of the strings; longer ones are tried first."""
    longest_first = sorted(map(fold, written), key=len, reverse=True)
    return "|".join(map(re.escape, longest_first)) or r"(?!)"


def _ends_with_any_of(abbreviations: Iterable[str]) -> Pattern[str]:
    """Return a pattern of a full stop that may be the last one of an abbreviation.

    Looking for full stops and then back takes a tenth of the time that looking for
    words takes: what makes text without abbreviations fast.
    """
    by_length: dict[int, list[str]] = defaultdict(list)
    for abbreviation in sorted(abbreviations):
        last_part = re.split(r"[.\s-]+", abbreviation)[-2]
        by_length[len(last_part)].append(re.escape(last_part))
    ends = (rf"(?<=\b(?:{'|'.join(parts)})\.)" for parts in by_length.values())
    return re.compile(rf"\.(?:{'|'.join(ends) or '(?!)'})")


class Reader:
    """Applies the rules that a language's tables stand for, one after the other."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._words = {
            spelling.replace(" ", ""): words
            for key, words in language.abbreviations.items()
            for spelling in (key, key[0].upper() + key[1:])
        }
        # Spaces after inner full stops are free: z. B. and z.B.
        abbreviations = re.sub(r"(\\\.)(?=[^|])", "\\1[ \u00a0]?", _any_of(self._words))
        self._abbreviations = re.compile(rf"{_BEGINS}(?:{abbreviations})(?!\w)")
        self._may_abbreviate = _ends_with_any_of(self._words)
        self._needs_reading = re.compile(rf"\d|{_any_of(language.symbols)}")
        self._units = {fold(name): unit for name, unit in language.units.items()}
        self._rules = [*language.rules, *self._table_rules()]

    def read(self, text: str) -> str:
        """Return folded text with all that is not made of letters read out."""
        if self._may_abbreviate.search(text):
            text = self._abbreviations.sub(self._read_abbreviation, text)
        for rule in self.language.letter_rules:
            text = rule.apply(text, self.language.space)
        if self._needs_reading.search(text):
            for rule in self._rules:
                text = rule.apply(text, self.language.space)
        return text

    def _table_rules(self) -> list[Rule]:
        language = self.language
        groups = digit_groups(language.group_marks, language.group)
        tail = (
            rf"(?:\d{{0,2}}(?:{groups})|\d*)"
            rf"(?:{re.escape(language.decimal_mark)}\d+)?{_ENDS}"
        )
        number = _STARTS + tail
        signs = _any_of(language.number_signs)
        units = _any_of(language.units)
        magnitude = rf"(?: *(?P<magnitude>{_any_of(language.magnitudes)})(?!\w))?"
        currency = rf"(?P<unit>{_any_of(language.currencies)}) ?"
        first = rf"\d(?<![\d.,:/-]\d){tail}"
        rules: list[tuple[str, Callable[[Match[str]], str], str]] = [
            (_TELEPHONE, self._read_telephone, ""),
            (rf"{_BEGINS}(?P<sign>{signs}) *(?=\d)", self._read_sign, ""),
            (
                rf"(?P<first>{first}) ?- ?(?P<last>\d{tail})(?! ?-\d)",
                self._read_range,
                "-",
            ),
            (_MINUS, lambda match: language.minus, "-"),
            (rf"{_STARTS}/\d+{_ENDS}", self._read_fraction, "/"),
            (rf"{currency}(?P<number>{number}){magnitude}", self._read_quantity, ""),
            (
                rf"(?P<number>{number}){magnitude} *(?P<unit>{units})(?![\w'])",
                self._read_quantity,
                "",
            ),
            (number, self._read_number, ""),
            (r"\d+", self._read_number, ""),
            (_any_of(language.symbols), self._read_symbol, ""),
        ]
        return [
            Rule(re.compile(pattern), read, needs) for pattern, read, needs in rules
        ]

    def _read_abbreviation(self, match: Match[str]) -> str:
        return self._words["".join(match.group().split())]

    def _read_telephone(self, match: Match[str]) -> str:
        plus = self.language.symbols.get("+", "") if match.group()[0] == "+" else ""
        return f"{plus} {self.language.digits(re.sub(r'[^0-9]', '', match.group()))}"

    def _read_sign(self, match: Match[str]) -> str:
        return self.language.number_signs[match.group("sign")]

    def _read_range(self, match: Match[str]) -> str:
        return f"{match.group('first')} {self.language.until} {match.group('last')}"

    def _read_fraction(self, match: Match[str]) -> str:
        words = self.language.fractions.get(match.group())
        if words is None:
            return match.group()
        is_mixed = match.string[: match.start()].rstrip(" ")[-1:].isdigit()
        return f"{self.language.fraction_join} {words}" if is_mixed else words

    def _read_quantity(self, match: Match[str]) -> str:
        number, magnitude = match.group("number", "magnitude")
        unit = self._units[match.group("unit")]
        if magnitude:
            words = self.language.magnitudes[magnitude]
            count = self.number(number, self.language.magnitude_gender)
            return f"{count} {words} {unit.many}"
        whole, _, decimals = number.partition(self.language.decimal_mark)
        if unit.cents and len(decimals) == 2:
            return self._money(whole, decimals, unit)
        return self._counted(number, unit.one, unit.many, unit.gender)

    def _money(self, whole: str, hundredths: str, unit: Unit) -> str:
        assert unit.cents is not None
        units = self._counted(whole, unit.one, unit.many, unit.gender)
        if hundredths == "00":
            return units
        one, many = unit.cents
        cents = self._counted(hundredths.lstrip("0"), one, many, unit.cents_gender)
        if whole == "0" and unit.cents[0]:
            return cents
        return f"{units} {self.language.currency_join} {cents}"

    def _counted(self, number: str, one: str, many: str, gender: str) -> str:
        if self.language.singular_below_two:
            whole = number.partition(self.language.decimal_mark)[0]
            singular = whole in ("0", "1")
        else:
            singular = number == "1"
        return f"{self.number(number, gender)} {one if singular else many}"

    def _read_number(self, match: Match[str]) -> str:
        written = match.group()
        language = self.language
        if len(written) == 4 and written.isdigit() and int(written) in language.years:
            return language.year(int(written))
        return self.number(written)

    def number(self, written: str, gender: str = "") -> str:
        """Return a number in words: digits, in groups or not, perhaps decimals.

        Before decimals it is the number for counting, whatever the gender: "un anno",
        but "uno virgola cinque".
        """
        language = self.language
        whole, _, decimals = written.partition(language.decimal_mark)
        gender = "" if decimals else gender
        if whole.isdigit():
            words = language.integer(whole, gender)
        else:
            run = "".join(filter(str.isdigit, whole))
            words = language.integer(run, gender, longest=LONGEST_NUMBER)
        if decimals:
            words = f"{words} {language.decimal_word} {language.decimals(decimals)}"
        return words

    def _read_symbol(self, match: Match[str]) -> str:
        return self.language.symbols[match.group()]
