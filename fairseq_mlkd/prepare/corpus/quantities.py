"""`{{convert}}` and its kin: the quantity that a reader sees first, in text.

The other units follow in brackets and are left out. What the arguments mean is said at
https://en.wikipedia.org/wiki/Template:Convert; where an output comes first
(`order=flip`), it is rounded as Module:Convert rounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

from fairseq_mlkd.prepare.corpus.measures import Measure, find_unit
from fairseq_mlkd.text.languages import all_languages, find_language


class Number(NamedTuple):
    """A number as it is shown, its value, and how many decimals it is exact to."""

    text: str
    value: float
    precision: int


Quantity = list[tuple[Number, Measure | None]]
"""Numbers with their units, largest first: 5 ft 11 in."""

_COMPOSED = {
    "ftin": ("ft", "in"),
    "ydft": ("yd", "ft"),
    "stlb": ("st", "lb"),
    "lboz": ("lb", "oz"),
    "mich": ("mi", "chain"),
}
_DEFAULTS = {
    **{"mi": "km", "ft": "m", "in": "mm", "yd": "m", "km": "mi", "m": "ftin"},
    **{"cm": "in", "mm": "in", "lb": "kg", "kg": "lb", "oz": "g", "st": "lb kg"},
    **{"acre": "ha", "ha": "acre", "sqmi": "km2", "km2": "sqmi", "sqft": "m2"},
    **{"m2": "sqft", "C": "F", "F": "C", "mph": "km/h", "km/h": "mph", "hp": "kW"},
    **{"kW": "hp", "nmi": "km", "kn": "km/h", "g": "oz", "L": "impgal USgal"},
}
_LONGEST_NUMBER = 24  # characters; no longer one is a quantity
_OUTPUT_FIRST = ("flip", "out", "output only", "number", "output number only")
# What stands between two numbers -> the word for it.
_JOINS = {
    **dict.fromkeys(("-", "–", "to", "to(-)", "to-", "&ndash;"), "to"),
    **dict.fromkeys(("and", "and(-)", "&", "plus", "+"), "and"),
    **dict.fromkeys(("by", "x", "×", "xx", "*", "by(x)"), "by"),
    **{"or": "or", "+/-": "±", "±": "±", "&plusmn;": "±", "/": "/"},
    **{",": ",", ", and": "and", ", or": "or", "to about": "to about"},
    **{"and around": "and about", "up to": "up to", "but": "but", "till": "to"},
}
_NUMBER = re.compile(
    r"(?P<sign>[-−–+]|&minus;)?(?:(?P<digits>[\d,]*\.?\d+|\d+\.)(?:e(?P<power>[+-]?\d{1,2}))?)?"
    r"(?:(?(digits)(?P<plus>[+ ]))?(?P<upper>\d+)(?:/{1,2}|⁄)(?P<lower>\d+))?",
    re.IGNORECASE,
)
_FRACTIONS = {"½": "+1/2", "¼": "+1/4", "¾": "+3/4", "⅓": "+1/3", "⅔": "+2/3"}
_FRACTIONS |= {"⅛": "+1/8", "⅜": "+3/8", "⅝": "+5/8", "⅞": "+7/8"}


class Wording(NamedTuple):
    """A language's way to write quantities.

    Args:
        symbols: units that spoken form reads out.
        units: codes and symbols -> names; English if {}.
        joins: words between numbers, by the English ones; those that lack are dashes.
        groups: whether "," stands between groups of digits.
        each: the word for the slash in km/h.
    """

    symbols: frozenset[str]
    units: Mapping[str, str]
    joins: Mapping[str, str]
    groups: bool
    each: str = ""


@cache
def wording_of(lang: str | None, *, abbreviated: bool = False) -> Wording:
    """Return how a language writes quantities.

    Units have English names in English, unless they are abbreviated, and in languages
    that are not known if some of ours lack the symbol.
    """
    language = find_language(lang) if lang else None
    if language is None or language.lang == "en":
        known = [frozenset(each.units) for each in all_languages()]
        symbols = frozenset.intersection(*known)
        if language:
            symbols = frozenset(language.units if abbreviated else ())
        joins = {word: word for word in _JOINS.values()}
        return Wording(symbols, {}, joins, True)
    wiki = language.wiki
    names = {symbol: unit.many for symbol, unit in language.units.items()}
    return Wording(
        symbols=frozenset(language.units),
        units={**names, **wiki.units},
        joins=wiki.joins,
        groups=language.decimal_mark == ".",
        each=language.each,
    )


def convert(
    arguments: Sequence[str], named: Mapping[str, str], lang: str | None
) -> str | None:
    """Return what a reader of `{{convert|...}}` reads first; None if it is not known.

    Args:
        arguments: unnamed ones.
        named: the others.
        lang: of the wiki, None if it is not known.
    """
    parsed = _parse(arguments)
    if parsed is None:
        return None
    quantities, joins, rest = parsed
    names = wording_of(lang, abbreviated=named.get("abbr") == "on")
    shown = named.get("disp", "")
    if named.get("order") in ("flip", "out") or shown in _OUTPUT_FIRST:
        quantities = _flip(quantities, rest, named) or quantities
    units = [unit for quantity in quantities for _, unit in quantity if unit]
    if not all(_name(unit, None, names) for unit in units):
        return None
    if shown == "unit":
        return _name(units[-1], None, names._replace(symbols=frozenset()))
    adjective = named.get("adj", "")
    if named.get("abbr") == "values" or "number" in shown:
        quantities = [[(number, None) for number, _ in each] for each in quantities]
    extra = rest[-1] if rest and adjective in ("mid", "pre") else ""
    if adjective and adjective not in ("off", "0", "pre"):
        write: Callable[[Quantity], str] = partial(_with_hyphens, names=names)
        after = extra if not extra or extra.startswith("-") else f" {extra}"
        return _write(quantities, joins, names, write) + after
    grouped = len(quantities) > 1
    write = partial(_with_spaces, names=names, grouped=grouped, before=extra)
    return _write(quantities, joins, names, write)


def write_unit(unit: Measure, number: str, lang: str | None) -> str:
    """Return the unit of a number as `convert` writes it."""
    return _name(unit, read_number(number), wording_of(lang))


def _parse(
    arguments: Sequence[str],
) -> tuple[list[Quantity], list[str], list[str]] | None:
    """Return the quantities, what joins them, and the arguments after them."""
    quantities: list[Quantity] = []
    joins: list[str] = []
    rest = [argument.strip() for argument in arguments]
    while True:
        taken = _take_quantity(rest)
        if taken is None:
            return None
        quantity, rest = taken
        quantities.append(quantity)
        if not rest or rest[0] not in _JOINS:
            break
        joins.append(_JOINS[rest[0]])
        rest = rest[1:]
    if quantities[-1][-1][1] is None:
        return None
    return quantities, joins, rest


def _take_quantity(arguments: list[str]) -> tuple[Quantity, list[str]] | None:
    """Return `5|ft|11|in|...`, or a number alone if a word such as "to" follows."""
    if len(arguments) < 2:
        return None
    number, unit = read_number(arguments[0]), find_unit(arguments[1])
    if number is None or (unit is None and arguments[1] not in _JOINS):
        return None
    if unit is None:
        return [(number, None)], arguments[1:]
    quantity: Quantity = [(number, unit)]
    arguments = arguments[2:]
    while len(arguments) > 1:
        number, part = read_number(arguments[0]), find_unit(arguments[1])
        if number is None or part is None or not _is_part(part, unit):
            break
        quantity.append((number, part))
        unit, arguments = part, arguments[2:]
    return quantity, arguments


def _is_part(unit: Measure, above: Measure) -> bool:
    return unit.kind.strip("*") == above.kind.strip("*") and unit.scale < above.scale


@lru_cache(maxsize=1 << 12)
def read_number(text: str) -> Number | None:
    """Return the number that Module:Convert would read, None if it is none."""
    text = text.strip()
    if len(text) > _LONGEST_NUMBER:
        return None
    for sign, written in _FRACTIONS.items():
        text = text.replace(sign, written)
    if "/" in text:
        text = text.removeprefix("+")
    match = _NUMBER.fullmatch(text)
    if not match or not (match["digits"] or match["upper"]):
        return None
    written = match["digits"] or ""
    digits = written.replace(",", "")
    upper, lower, power = match["upper"], match["lower"], int(match["power"] or 0)
    if lower is not None and not int(lower):
        return None
    value = float(digits or 0) * 10.0**power
    if power:
        written += f" × 10{superscript(str(power))}"
    point = digits.find(".")
    precision = len(digits) - point - 1 if point >= 0 else -_zeros(digits)
    precision -= power
    if upper:
        value += int(upper) / int(lower)
        written = f"{written} {upper}/{lower}".strip()
        precision = max(round(math.log10(int(lower))), 1)
    sign = match["sign"] or ""
    if sign and sign != "+":
        value, sign = -value, "−"
    return Number(sign + written, value, precision)


def _zeros(digits: str) -> int:
    return len(digits) - len(digits.rstrip("0"))


def superscript(text: str) -> str:
    """Return digits and signs as superscripts, which spoken form tells from others."""
    return text.translate(_SUPERSCRIPTS)


_SUPERSCRIPTS = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")


def _write(
    quantities: list[Quantity],
    joins: list[str],
    names: Wording,
    write: Callable[[Quantity], str],
) -> str:
    first, *others = map(write, quantities)
    for join, other in zip(joins, others):
        first += f" {names.joins.get(join, '–')} {other}"
    return first.replace(" – ", "–").replace(" , ", ", ")


def _with_spaces(
    quantity: Quantity, names: Wording, *, grouped: bool, before: str
) -> str:
    words: list[str] = []
    if any("/" in number.text for number, _ in quantity):
        names = names._replace(symbols=frozenset())  # spoken form reads no 1 1/4 mi
    for number, unit in quantity:
        has_word = unit is not None and _name(unit, None, names) != unit.symbol
        words.append(_digits(number, names, grouped or has_word))
        if unit is not None:
            named = names._replace(symbols=frozenset()) if before else names
            words += [before, _name(unit, number, named)]
    return " ".join(filter(None, words))


def _with_hyphens(quantity: Quantity, names: Wording) -> str:
    """Write 10-mile, never 10-mi, since spoken form reads a symbol as a plural."""
    words: list[str] = []
    for number, unit in quantity:
        words.append(_digits(number, names, True))
        if unit is not None:
            words.append(_name(unit, number, names) if names.units else unit.one)
    is_hyphened = not names.units and " " not in words[0]
    return ("-" if is_hyphened else " ").join(words)


def _name(unit: Measure, number: Number | None, names: Wording) -> str:
    """Return the name of a unit, "" if the language has none."""
    if unit.symbol and unit.symbol in names.symbols:
        return unit.symbol
    if names.units:
        own = names.units.get(unit.code) or names.units.get(unit.symbol)
        return own or _name_parts(unit.symbol, names)
    text = number.text.lstrip("−-+") if number else ""
    is_one = text == "1" or (text.count("/") == 1 and " " not in text)
    return unit.one if is_one else unit.many


def _name_parts(symbol: str, names: Wording) -> str:
    """Return "kilograms per cubic metre" for kg/m³, "" if a part has no name."""
    upper, _, lower = (names.units.get(part, "") for part in symbol.partition("/"))
    is_named = names.each and lower and (upper or symbol[0] == "/")
    return f"{upper} {names.each} {lower}".strip() if is_named else ""


def _digits(number: Number, names: Wording, grouped: bool) -> str:
    """Return the number with commas: in groups that no year has, or for decimals."""
    if not names.groups and "," not in number.text:
        return number.text.replace(".", ",")
    if not (grouped and names.groups):
        return number.text
    return re.sub(
        r"\d{4,}(?<![.,/]\d{4})(?![\d/])(?<![⁰-⁹])",
        lambda run: f"{int(run.group()):,}",
        number.text,
    )


def _flip(
    quantities: list[Quantity], rest: list[str], named: Mapping[str, str]
) -> list[Quantity] | None:
    """Return the quantities in the first output unit, None if it is not known."""
    source = quantities[-1][-1][1]
    assert source is not None
    wanted = rest[0] if rest and read_number(rest[0]) is None else ""
    wanted = wanted or _DEFAULTS.get(source.code, "")
    given = next((n for n in map(read_number, rest[:2]) if n is not None), None)
    first = wanted.split(" ")[0].split("+")[0]
    below: Measure | None = None
    if first in _COMPOSED:
        first, lower = _COMPOSED[first]
        below = find_unit(lower)
    target = find_unit(first)
    if target is None or target.kind.strip("*") != source.kind.strip("*"):
        return None
    values = [_in_base(quantity, source) for quantity in quantities]
    unit = below or target
    converted = [value / unit.scale + unit.offset for value in values]
    if given is not None:
        precision = round(given.value)
    elif below is not None:
        precision = 0
    else:
        precisions = (
            _precision(quantity, source, unit, value)
            for quantity, value in zip(quantities, converted)
        )
        precision = max(precisions)
    rounded = [_round(value, precision, named) for value in converted]
    if below is None:
        is_shared = [quantity[-1][1] is None for quantity in quantities]
        return [
            [(number, None if shared else target)]
            for number, shared in zip(rounded, is_shared)
        ]
    ratio = round(target.scale / below.scale)
    return [_compose(number, target, below, ratio) for number in rounded]


def _compose(number: Number, target: Measure, below: Measure, ratio: int) -> Quantity:
    whole, part = divmod(round(number.value), ratio)
    quantity: Quantity = []
    for value, unit in ((whole, target), (part, below)):
        if value or (unit is below and not quantity):
            quantity.append((Number(str(value), value, 0), unit))
    return quantity


def _in_base(quantity: Quantity, last: Measure) -> float:
    pairs = [(number.value, unit or last) for number, unit in quantity]
    return sum((value - unit.offset) * unit.scale for value, unit in pairs)


def _precision(
    quantity: Quantity, source: Measure, target: Measure, value: float
) -> int:
    """Return the decimals of an output, as default_precision of Module:Convert."""
    number = quantity[-1][0]
    shown = sum(each.value for each, _ in quantity)
    if source.kind == "temperature":
        kelvin = abs((number.value - source.offset) * source.scale)
        least = 2 if kelvin < 1e-8 else 2 - math.floor(math.log10(kelvin) + 1e-14)
        return max(number.precision, least)
    if not shown or value <= 0:
        return 0
    if len(quantity) > 1:  # a foot and inches are as exact as the inches
        adjust = math.log10(target.scale) + 2 if source.code == "in" else 0.0
        exact = max(number.precision, 0)
    else:
        adjust, exact = math.log10(abs(shown / value)), number.precision
    least = 1 - math.floor(math.log10(value) + 1e-14)
    return max(math.floor(exact + adjust + math.log10(2)), least)


def _round(value: float, precision: int, named: Mapping[str, str]) -> Number:
    figures, step = named.get("sigfig", ""), named.get("round", "")
    if figures.isdecimal() and value:
        precision = int(figures) - 1 - math.floor(math.log10(abs(value)))
    if step in ("5", "10", "25", "50"):
        value, precision = round(value / int(step)) * int(step), 0
    precision = max(-20, min(precision, 20))
    half_up = math.floor(abs(value) * 10.0**precision + 0.5 + 1e-9) / 10.0**precision
    rounded = math.copysign(half_up, value)
    text = f"{half_up:.{max(precision, 0)}f}"
    return Number(("−" if rounded < 0 else "") + text, rounded, precision)
