"""Reading out numbers, units, symbols and abbreviations by a language's tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from re import Match

from fairseq_mlkd.text.language import LONGEST_NUMBER, Language, Needs, Rule, Unit
from fairseq_mlkd.text.spoken.characters import fold
from fairseq_mlkd.text.spoken.patterns import (
    any_of,
    beginning_with_any_of,
    digit_groups,
    ends_with_any_of,
)
from fairseq_mlkd.text.spoken.written import MAY_BE_SITE, rewrites, sites

_Row = tuple[str, Callable[[Match[str]], str], Needs]

# A number is no part of a date, a time or a version. The look-behind follows the first
# digit because `re` is fast at finding a digit and slow at trying everywhere.
_STARTS = r"\d(?<![\d.,:/]\d)"
_ENDS = r"(?!\d|[.,:/]\d)"
# + and country code, or an area code of three digits and more that begins with 0.
_TELEPHONE = (
    r"\+\d{1,3}[ \u00a0-]\d{8,12}(?!\d)|"
    r"\+\d{1,3}(?:[ \u00a0/-]\(?\d\)?)?(?:[ \u00a0/-]\(?\d{2,}\)?){2,}|"
    r"0(?<![\d.,]0)(?<!\d[ \u00a0]0)\d{2,5}(?:\)?[ \u00a0/-]\d{2,})+(?!\d)"
)
# A hyphen is a minus sign at the beginning, after a space (but "5 -7") and after what
# opens, compares or lists.
_MINUS = (
    r"-(?<![^\s(\[{/:;,=<>≤≥≈~|'\"“„«»「『（、。$€£*+-]-)(?<!\d\s-)(?<!\d--)"
    r"(?=[^\w\s]?\d| \d+(?:[.,]\d+)? ?°)"
)
_THOUSAND = ("mil", "mille", "mila", "Tausend")
_DIGIT = re.compile("[0-9]")  # in folded text; faster than \d
_POWERS = (("²", "2"), ("³", "3"), ("²", " ²"))
# Units that may stand without a number: inhabitants/km², mg per kg.
_AREA = re.compile(r"sq|.*\D[23]\Z")
_MEASURE = re.compile(r"[kcdmµμ](?:m|g|l)|kWh|GB|MB")
_NAME_FOLLOWS = re.compile("[ \u00a0]?[A-ZÀ-ÖØ-Þ]")
_NUMBER_FOLLOWS = re.compile(r"[ \u00a0]?(?:[0-9]|[IVX]+(?!\w))")
# Initials, not an abbreviation at the beginning of a sentence: D. C., A.C.
_INITIALS = re.compile(r"(?:[^\W\d_]\. ?)+")


def _spellings(abbreviations: Mapping[str, str]) -> dict[str, str]:
    """Return the words of each way to write an abbreviation, a capital first or not."""
    return {
        written: words
        for key, words in abbreviations.items()
        for written in (key[0].upper() + key[1:], key)
        if written == key or not (_INITIALS.fullmatch(key) and written.isupper())
    }


def is_name(first: str, last: str) -> bool:
    """Return whether 747-400, 737-800 and 747-8 are names, and no ranges."""
    if not (len(first) == 3 and f"{first}{last}".isdigit()):
        return False
    if len(last) != 3:
        return len(last) == 1
    return last[1:] == "00" and (first > last or first[2] != "0")


class Speaker:
    """Applies the rules that a language's tables stand for, one after the other."""

    def __init__(self, language: Language) -> None:
        self.language = language
        spellings = _spellings(language.abbreviations)
        self._words = {key.replace(" ", ""): spellings[key] for key in spellings}
        # Spaces after inner full stops are free: z. B. and z.B.
        abbreviations = re.sub(
            r"(\\\.)(?:\\ )?(?=[^|)])",
            "\\1[ \u00a0]?",
            beginning_with_any_of(spellings),
        ).replace("\\ ", "[ \u00a0]")
        self._abbreviations = re.compile(rf"{abbreviations}(?!\w)")
        self._may_abbreviate = ends_with_any_of(self._words)
        self._needs_reading = re.compile(rf"[0-9]|{any_of(language.symbols)}")
        units = {
            written: unit
            for name, unit in language.units.items()
            for written in (name, *(name.replace(*pair) for pair in _POWERS))
        }
        self._units = {fold(name): unit for name, unit in units.items()}
        self._signs = _spellings(language.number_signs)
        self._sites = sites(language)
        self._rewrites = rewrites(language)
        self._has_money = re.compile(rf"(?:{any_of(language.currencies)}) ?\d")
        self._rules = [*language.rules, *self._table_rules(has_money=True)]
        self._rules_without_money = [
            *language.rules,
            *self._table_rules(has_money=False),
        ]

    def read(self, text: str) -> str:
        """Return folded text with all that is not made of letters read out."""
        if self._may_abbreviate.search(text):
            text = self._abbreviations.sub(self._read_abbreviation, text)
        for rule in self.language.letter_rules:
            text = rule.apply(text, self.language.space)
        if MAY_BE_SITE.search(text):
            for rewrite in self._sites:
                text = rewrite.apply(text)
        if _DIGIT.search(text):
            for rewrite in self._rewrites:
                text = rewrite.apply(text)
        if self._needs_reading.search(text):
            has_money = self._has_money.search(text)
            for rule in self._rules if has_money else self._rules_without_money:
                text = rule.apply(text, self.language.space)
        return text

    def _table_rules(self, has_money: bool) -> list[Rule]:
        language = self.language
        groups = digit_groups(language.group_marks, language.group)
        tail = (
            rf"(?:\d{{0,2}}(?:{groups})|\d*)"
            rf"(?:{re.escape(language.decimal_mark)}\d+)?{_ENDS}"
        )
        number = _STARTS + tail
        signs = beginning_with_any_of(self._signs)
        ends = "".join({re.escape(fold(sign)[-1]) for sign in self._signs})
        sign_ends = re.compile(rf"[{ends}](?<!\d[{ends}]) *\d" if ends else "(?!)")
        first = rf"\d(?<![\d.,:/-]\d){tail}"
        rules: list[_Row] = [
            (_TELEPHONE, self._read_telephone, ""),
            (rf"(?P<sign>{signs}) *(?=\d)", self._read_sign, sign_ends),
            (_MINUS, lambda match: language.minus, "-"),
            *(self._prices(first, tail) if has_money else ()),
            # 5%-10%
            (
                r"-(?:(?:(?<=\d[%‰€$£]-)|(?<=\d[%‰] -)|(?<=\d [%‰] -)) ?(?=[$€£]?\d)|"
                r"(?:(?<=\d-)|(?<=\d\w-)|(?<=\d\w\w-))(?=[$€£]\d))",
                self._read_until,
                "-",
            ),
            (
                rf"(?P<first>{first}) ?- ?(?P<last>-?\d{tail})(?! ?-\d)",
                self._read_range,
                "-",
            ),
            (rf"{_STARTS}/\d+{_ENDS}", self._read_fraction, "/"),
            *self._quantities(number, has_money),
            (number, self._read_number, ""),
            (r"\d+", self._read_number, _DIGIT),
            (any_of(language.symbols), self._read_symbol, ""),
        ]
        return [
            Rule(re.compile(pattern), read, needs) for pattern, read, needs in rules
        ]

    def _prices(self, first: str, tail: str) -> list[_Row]:
        """Return the rules that move a currency's sign to where it is said."""
        currency = rf"(?P<unit>{any_of(self.language.currencies)}) ?"
        names = {
            name
            for sign in self.language.currencies
            for name in self.language.units[sign][:2]
        }
        codes = [sign for sign in self.language.currencies if sign.isalpha()]
        magnitudes = rf"(?: ?(?:{any_of(self.language.magnitudes)}))?"
        of = rf" ?(?:{self.language.magnitude_of or '(?!)'})?"
        last = rf"(?:{currency})?"
        return [
            # Its name follows: $5 million dollars.
            (
                rf"{currency}(?=\d[\d.,\u00a0]*{magnitudes}{of}"
                rf" ?(?:{any_of(names)})\b)",
                lambda match: "",
                "",
            ),
            # $25 USD
            (
                rf"{currency}(?=\d(?:[\d.,\u00a0]*\d)?{magnitudes}"
                rf" ?(?:{any_of(codes)})(?! ?\d|\w))",
                lambda match: "",
                "",
            ),
            # $4-6 million
            (
                rf"{currency}(?P<first>{first}) ?- ?{last.replace('unit', 'same')}"
                rf"(?=\d{tail}(?! ?-\d))",
                lambda match: f"{match['first']} {self.language.until} {match['unit']}",
                "-",
            ),
        ]

    def _quantities(self, number: str, has_money: bool) -> list[_Row]:
        """Return the rules for numbers with a magnitude, a unit or both."""
        language = self.language
        currency = rf"(?P<unit>{any_of(language.currencies)}) ?"
        said = any_of(language.magnitudes)
        magnitude = rf"[ \u00a0-]*(?P<magnitude>{said})(?!\w)"
        names = any_of(self._units)
        # a year and somebody's initial: 1935 V. Nabokov
        initial = r"(?<=[12]\d{3}[ \u00a0][A-Z])\.[ \u00a0]?[A-Z]"
        units = rf"(?P<unit>{names})(?![\w']|{initial})"
        # $5/month, 12 €/m²
        slash = "/" if language.each else "(?!)"
        each = rf"(?P<slash> ?{slash} ?(?P<each>{names})(?![\w'])|{slash}(?=[^\W\d_]))?"
        of = rf"(?:[ \u00a0](?:{language.magnitude_of or '(?!)'})(?=[ \u00a0'$€£¥]))?"
        shortened = [
            written
            for written, words in language.magnitudes.items()
            if len(written) > 1 and written not in words.split("|")
        ]
        stems = [
            stem
            for stem in shortened
            if not any(stem != other and stem.startswith(other) for other in shortened)
        ]
        # 1,5 M d'euros
        million = (
            rf"(?P<number>{number})[ \u00a0]?"
            rf"(?P<magnitude>M)(?= {language.magnitude_of})",
            lambda match: self._read_magnitude(*match.group("number", "magnitude")),
            "M",
        )
        price = rf"{currency}(?P<number>{number})(?:{magnitude})?{each}"
        # 8 L/100 km
        after_unit = r"(?:(?<=\d[^\W\d_]/)|(?<=\d [^\W\d_]/)|(?<=[^\W\d_]{2}/))"
        shares = rf"/{after_unit}(?=\d+[ \u00a0]?{units})"
        return [
            *([(shares, lambda _: language.each, "/")] if language.each else ()),
            *([(price, self._read_quantity, "")] if has_money else ()),
            (
                rf"(?P<number>{number})(?:{magnitude}{of})?"
                rf"(?:[ \u00a0]*|-(?=[^\W\d_](?:[^\W\d_]|-| [a-z]))){units}{each}",
                self._read_quantity,
                "",
            ),
            *(self._measures() if language.each else ()),
            *([million] if language.magnitude_of else ()),
            (
                rf"(?P<number>{number})[ \u00a0-]?"
                rf"(?P<magnitude>{any_of(shortened)})(?!\w)",
                lambda match: self._read_magnitude(*match.group("number", "magnitude")),
                stems or ["\0"],
            ),
        ]

    def _measures(self) -> list[_Row]:
        """Return the rules for units without a number: people/km², mg per kg."""
        areas = [name for name in self._units if _AREA.match(name)]
        measures = [name for name in self._units if _MEASURE.fullmatch(name)]
        each = f" {self.language.each} "
        one = rf"(?P<unit>{any_of([*areas, *measures])})(?![\w'])"
        return [
            (rf"/(?<=[\w.\u0900-\u0963]/){one}", self._read_each, "/"),
            (rf"{each}{one}", self._read_each, each),
            (
                rf"(?P<unit>{beginning_with_any_of(areas)})(?![\w'])",
                lambda match: self._units[match["unit"]].many,
                re.compile(r"[23](?<=[a-z^]\d)|sq "),
            ),
        ]

    def _read_each(self, match: Match[str]) -> str:
        return f"{self.language.each} {self._units[match['unit']].one}"

    def _read_abbreviation(self, match: Match[str]) -> str:
        sign = self._signs.get(match.group())
        if sign and _NUMBER_FOLLOWS.match(match.string, match.end()):
            return sign
        words, _, otherwise = self._words["".join(match.group().split())].partition("|")
        if otherwise and not _NAME_FOLLOWS.match(match.string, match.end()):
            return otherwise
        return words

    def _read_telephone(self, match: Match[str]) -> str:
        plus = self.language.symbols.get("+", "") if match.group()[0] == "+" else ""
        return f"{plus} {self.language.digits(re.sub(r'[^0-9]', '', match.group()))}"

    def _read_sign(self, match: Match[str]) -> str:
        return self._signs[match.group("sign")]

    def _read_until(self, match: Match[str]) -> str:
        return self.language.until

    def _read_range(self, match: Match[str]) -> str:
        language = self.language
        last = match["last"].replace("-", f"{language.minus} ")
        if is_name(match["first"], last):
            return f"{match['first']}, {last}"
        return f"{match['first']} {language.until} {last}"

    def _read_fraction(self, match: Match[str]) -> str:
        words = self.language.fractions.get(match.group())
        if words is None:
            return match.group()
        is_mixed = match.string[: match.start()].rstrip(" ")[-1:].isdigit()
        return f"{self.language.fraction_join} {words}" if is_mixed else words

    def _read_quantity(self, match: Match[str]) -> str:
        said = self._read_amount(match)
        if not match["slash"]:
            return said
        each = self._units[match["each"]].one if match["each"] else ""
        return f"{said} {self.language.each} {each}".rstrip()

    def _read_amount(self, match: Match[str]) -> str:
        number, magnitude = match.group("number", "magnitude")
        unit = self._units[match.group("unit")]
        is_attribute = self.language.is_attribute
        is_whole = not match["slash"]
        if is_whole and is_attribute and is_attribute(match.string, *match.span()):
            cents = unit.cents and (unit.cents[0], unit.cents[0])
            unit = unit._replace(many=unit.one, cents=cents)
        if magnitude:
            count = self._read_magnitude(number, magnitude)
            return self.language.of(count, unit.many)
        whole, _, decimals = number.partition(self.language.decimal_mark)
        if unit.cents and len(decimals) == 2:
            return self._money(whole, decimals, unit)
        if match["unit"] in unit[:2]:  # its name is written, and nothing else is said
            return f"{self.number(number, unit.gender)} {match['unit']}"
        return self._counted(number, unit.one, unit.many, unit.gender)

    def _read_magnitude(self, number: str, magnitude: str) -> str:
        language = self.language
        one, _, many = language.magnitudes[magnitude].partition("|")
        words = many if many and not language.is_singular(number) else one
        if words in _THOUSAND and number.isdigit() and number[0] != "0":
            return self.number(f"{number}000", language.magnitude_gender)
        return f"{self.number(number, language.magnitude_gender)} {words}"

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
        words = one if self.language.is_singular(number) else many
        return self.language.count(self.number(number, gender), words)

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
