"""`{{convert}}` and its kin: the quantity that a reader sees first, in text.

The other units follow in brackets and are left out. What the arguments mean is said at
https://en.wikipedia.org/wiki/Template:Convert; where an output comes first
(`order=flip`), it is rounded as Module:Convert rounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from fairseq_mlkd.text.languages import all_languages, find_language


class Unit(NamedTuple):
    """A unit: `scale` of the base unit of its kind each, counted from `offset`."""

    code: str
    one: str
    many: str
    symbol: str
    kind: str
    scale: float
    offset: float = 0.0


class Number(NamedTuple):
    """A number as it is shown, its value, and how many decimals it is exact to."""

    text: str
    value: float
    precision: int


Quantity = list[tuple[Number, Unit | None]]
"""Numbers with their units, largest first: 5 ft 11 in."""

_PREFIXES = {
    **{"T": ("tera", 1e12), "G": ("giga", 1e9), "M": ("mega", 1e6), "k": ("kilo", 1e3)},
    **{"h": ("hecto", 1e2), "da": ("deca", 10.0), "d": ("deci", 0.1)},
    **{"c": ("centi", 1e-2), "m": ("milli", 1e-3), "µ": ("micro", 1e-6)},
    **{"μ": ("micro", 1e-6), "u": ("micro", 1e-6), "n": ("nano", 1e-9)},
    **{"p": ("pico", 1e-12)},
}
# Codes; name; plural, where no s is added; symbol that languages know; kind; size in
# base units; where it counts from. SI prefixes go before those of a kind with *, before
# their first code and their name; squares and cubes are made of lengths.
_TABLE = """
m,metre,meter,meters,metres;meter;;m;length*;1
mi,mile,miles;mile;;mi;length;1609.344
ft,foot,feet;foot;feet;ft;length;.3048
in,inch,inches;inch;inches;in;length;.0254
yd,yard,yards;yard;;yd;length;.9144
nmi;nautical mile;;nmi;length;1852
fathom,fathoms,ftm;fathom;;;length;1.8288
furlong,furlongs;furlong;;;length;201.168
chain,chains;chain;;;length;20.1168
rod,rods;rod;;;length;5.0292
league,leagues;league;;;length;4828.032
hand,hands;hand;;;length;.1016
angstrom,Å;angstrom;;Å;length;1e-10
ly,lightyear;light year;;;length;9.4607304725808e15
AU,au;astronomical unit;;;length;1.495978707e11
pc,parsec;parsec;;;length*;3.0856775814914e16
solar radius;solar radius;solar radii;;length;6.957e8
acre,acres;acre;;;area;4046.8564224
ha,hectare,hectares;hectare;;ha;area;1e4
a,are;are;;;area;100
dunam,dunams;dunam;;;area;1000
rai;rai;rai;;area;1600
L,l,litre,liter,litres,liters;liter;;l;volume*;.001
cc;cubic centimeter;;;volume;1e-6
USgal,U.S.gal,usgal,USgals,gal;US gallon;;;volume;.003785411784
impgal,imp.gal;imperial gallon;;;volume;.00454609
USqt,U.S.qt,usqt;US quart;;;volume;.000946352946
impqt;imperial quart;;;volume;.0011365225
USpt,uspt;US pint;;;volume;.000473176473
imppt,pt;imperial pint;;;volume;.00056826125
USfloz,usfloz,USoz,usoz,U.S.floz;US fluid ounce;;;volume;2.95735295625e-5
impfloz,impoz;imperial fluid ounce;;;volume;2.84130625e-5
USbsh,usbsh;US bushel;;;volume;.03523907016688
impbsh,bsh;imperial bushel;;;volume;.03636872
bbl,oilbbl;barrel;;;volume;.158987294928
acre.ft,acre·ft,acre-ft,acreft;acre foot;acre feet;;volume;1233.48183754752
cup;cup;;;volume;2.365882365e-4
tsp;teaspoon;;;volume;4.92892159375e-6
tbsp;tablespoon;;;volume;1.478676478125e-5
board foot;board foot;board feet;;volume;.002359737216
g,gram,grams,gramme,grammes;gram;;g;mass*;.001
t,tonne,tonnes,metric-ton,MT;tonne;;;mass;1000
lb,lbs,pound,pounds;pound;;lb;mass;.45359237
oz,ounce,ounces;ounce;;oz;mass;.028349523125
st,stone;stone;stone;;mass;6.35029318
ST,short-ton,shortton,S/T;short ton;;;mass;907.18474
LT,L/T,longton;long ton;;;mass;1016.0469088
cwt,long-cwt,longcwt;long hundredweight;long hundredweight;;mass;50.80234544
shortcwt,short-cwt;short hundredweight;short hundredweight;;mass;45.359237
ozt,troyounce;troy ounce;;;mass;.0311034768
gr,grain,grains;grain;;;mass;6.479891e-5
carat,carats,ct;carat;;;mass;.0002
dr,drachm;drachm;;;mass;.0017718451953125
C,°C,degC,celsius;degree Celsius;degrees Celsius;°C;temperature;1;-273.15
F,°F,degF;degree Fahrenheit;degrees Fahrenheit;°F;temperature;.5555555555555556;-459.67
K,kelvin,kelvins;kelvin;;;temperature*;1
R,°R;degree Rankine;degrees Rankine;;temperature;.5555555555555556
C-change;degree Celsius;degrees Celsius;°C;change;1
F-change;degree Fahrenheit;degrees Fahrenheit;°F;change;.5555555555555556
mph;mile per hour;miles per hour;mph;length/time;.44704
kn,knot,knots,kt;knot;;;length/time;.5144444444444445
kph,km/h,kmh;kilometer per hour;kilometers per hour;km/h;length/time;.2777777777777778
mach;Mach;Mach;;length/time;340.29
m/s2,m/s²;meter per second squared;meters per second squared;;acceleration;1
ft/s2,ft/s²;foot per second squared;feet per second squared;;acceleration;.3048
s,second,sec,seconds;second;;;time;1
min,minute,minutes;minute;;;time;60
h,hr,hour,hours;hour;;;time;3600
d,day,days;day;;;time;86400
week,weeks;week;;;time;604800
month,months;month;;;time;2629800
y,yr,year,years;year;;;time;31557600
hp,horsepower;horsepower;horsepower;;power;745.69987158227022
bhp;brake horsepower;brake horsepower;;power;745.69987158227022
shp;shaft horsepower;shaft horsepower;;power;745.69987158227022
ihp;indicated horsepower;indicated horsepower;;power;745.69987158227022
PS,metrichp,cv,ch;metric horsepower;metric horsepower;;power;735.49875
W,watt,watts;watt;;W;power*;1
VA;volt-ampere;;;apparent*;1
J,joule,joules;joule;;;energy*;1
cal;calorie;;;energy*;4.184
Cal;calorie;;;energy;4184
Wh;watt-hour;;;energy*;3600
BTU,Btu;British thermal unit;;;energy;1055.05585262
eV;electronvolt;;;energy*;1.602176487e-19
erg;erg;;;energy;1e-7
tonTNT,tTNT;ton of TNT;tons of TNT;;energy;4.184e9
ktonTNT,ktTNT;kiloton of TNT;kilotons of TNT;;energy;4.184e12
MtonTNT,MtTNT;megaton of TNT;megatons of TNT;;energy;4.184e15
N,newton,newtons;newton;;;force*;1
lbf;pound-force;pounds-force;;force;4.4482216152605
kgf;kilogram-force;kilograms-force;;force;9.80665
dyn;dyne;;;force;1e-5
LTf;long ton-force;long tons-force;;force;9964.01641818352
STf;short ton-force;short tons-force;;force;8896.443230521
Nm,N.m,N·m;newton-meter;;;torque*;1
lbft,lb.ft,lb·ft,lbfft,lbf.ft,ftlb,ft.lb,ft.lbf,ft·lbf;pound-foot;pound-feet;;torque;1.3558179483314
lbin,lbfin,in.lb;pound-inch;pound-inches;;torque;.1129848290276167
kgm,kg.m,kgf.m;kilogram meter;;;torque;9.80665
Pa,pascal;pascal;;;pressure*;1
bar;bar;;;pressure*;1e5
psi;pound per square inch;pounds per square inch;;pressure;6894.757293168362
psf;pound per square foot;pounds per square foot;;pressure;47.88025898033584
atm;standard atmosphere;;;pressure;101325
mmHg;millimeter of mercury;millimeters of mercury;;pressure;133.322387415
inHg;inch of mercury;inches of mercury;;pressure;3386.388640341
torr,Torr;torr;torrs;;pressure;133.3223684210526
Hz,hertz;hertz;hertz;Hz;frequency*;1
rpm;revolution per minute;revolutions per minute;;frequency;.016666666666666666
V,volt,volts;volt;;;voltage*;1
A,amp,ampere;ampere;;;current*;1
mpgUS,mpgus,mpg-US,MPGUS,mpgU.S.,mpg;mile per gallon;miles per gallon;;fuel;425143.707
mpgimp,mpg-imp;mile per imperial gallon;miles per imperial gallon;;fuel;354006.19
PD;person;people;;people;1
people,person,inhabitants;person;people;;people;1
B,byte,bytes;byte;;;data*;8
bit,bits;bit;;;data*;1
deg,°;degree;;°;angle;1
T,tesla;tesla;teslas;;magnetic*;1
$,USD,US$;US dollar;;;money;1
€,EUR,euro;euro;;;euro;1
£,GBP;pound;;;sterling;1
"""
_SCALES = {
    **{"e3": ("thousand", 1e3), "e6": ("million", 1e6), "e9": ("billion", 1e9)},
    **{"e12": ("trillion", 1e12), "e15": ("quadrillion", 1e15)},
}
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
    r"(?P<sign>[-−–+]|&minus;)?(?:(?P<digits>[\d,]*\.?\d+|\d+\.)(?:e(?P<power>[+-]?\d+))?)?"
    r"(?:(?(digits)(?P<plus>[+ ]))?(?P<upper>\d+)(?:/{1,2}|⁄)(?P<lower>\d+))?",
    re.IGNORECASE,
)
_SQUARE = re.compile(r"(?:sq|square ?)(.+)|(.+?)\^?2")
_CUBE = re.compile(r"(?:cu|cubic ?)(.+)|(.+?)\^?3")
_FRACTIONS = {"½": "+1/2", "¼": "+1/4", "¾": "+3/4", "⅓": "+1/3", "⅔": "+2/3"}
_FRACTIONS |= {"⅛": "+1/8", "⅜": "+3/8", "⅝": "+5/8", "⅞": "+7/8"}


def _read_table() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for line in _TABLE.strip().split("\n"):
        codes, one, many, symbol, kind, scale, *offset = line.split(";")
        first, *others = codes.split(",")
        start = float(offset[0]) if offset else 0.0
        unit = Unit(first, one, many or f"{one}s", symbol, kind, float(scale), start)
        units |= dict.fromkeys([first, one, unit.many, *others], unit)
    return units


_UNITS = _read_table()


@cache
def find_unit(code: str) -> Unit | None:
    """Return the unit of a code of Module:Convert, None if it is none."""
    if code in _UNITS:
        return _UNITS[code]
    scaled = re.fullmatch(r"(e\d\d?)(.+)", code)
    if scaled and scaled.group(1) in _SCALES:
        return _scale(find_unit(scaled.group(2)), *_SCALES[scaled.group(1)])
    if "/" in code:
        return _divide(*code.split("/", 1))
    return _prefixed(code) or _power(code)


def _scale(unit: Unit | None, word: str, factor: float) -> Unit | None:
    if unit is None:
        return None
    one, many = f"{word} {unit.many}", f"{word} {unit.many}"
    scale = unit.scale * factor
    return unit._replace(code=word, one=one, many=many, symbol="", scale=scale)


def _divide(upper: str, lower: str) -> Unit | None:
    """A unit per unit, as in km/h, m3/s, /sqmi."""
    above = find_unit(upper) if upper else Unit("", "", "", "", "", 1.0)
    below = find_unit(lower)
    if above is None or below is None:
        return None
    one, many = (f"{name} per {below.one}".strip() for name in above[1:3])
    kind = f"{above.kind}/{below.kind}".replace("*", "")
    symbol = f"{above.symbol}/{below.symbol}" if below.symbol else ""
    return Unit(f"{upper}/{lower}", one, many, symbol, kind, above.scale / below.scale)


def _prefixed(code: str) -> Unit | None:
    for prefix, (word, factor) in _PREFIXES.items():
        for head in (prefix, word):
            unit = _UNITS.get(code[len(head) :]) if code.startswith(head) else None
            if unit is None or not unit.kind.endswith("*"):
                continue
            rest = code[len(head) :]
            if rest not in ((unit.code, "L", "l") if head == prefix else unit[1:3]):
                continue
            return unit._replace(
                code=prefix + unit.code,
                one=word + unit.one,
                many=word + unit.many,
                symbol=unit.symbol and prefix + unit.symbol,
                scale=unit.scale * factor,
            )
    return None


def _power(code: str) -> Unit | None:
    """A square or cube of a length, as in km2, sqmi, cuft."""
    for power, word, pattern in ((2, "square", _SQUARE), (3, "cubic", _CUBE)):
        match = pattern.fullmatch(code)
        length = find_unit(match.group(1) or match.group(2)) if match else None
        if length is not None and length.kind.startswith("length"):
            return Unit(
                f"{length.code}{power}",
                f"{word} {length.one}",
                f"{word} {length.many}",
                length.symbol and length.symbol + "²³"[power - 2],
                ("area", "volume")[power - 2],
                length.scale**power,
            )
    return None


class Names(NamedTuple):
    """How a language writes quantities.

    Args:
        symbols: units that spoken form reads out.
        units: codes -> names of units that have none of these symbols; English if {}.
        joins: words between numbers, by the English ones; those that lack are dashes.
        groups: whether "," stands between groups of digits.
    """

    symbols: frozenset[str]
    units: Mapping[str, str]
    joins: Mapping[str, str]
    groups: bool


@cache
def names_of(lang: str | None) -> Names:
    """Return how a language writes quantities; if it is not known, as many as can."""
    language = find_language(lang) if lang else None
    if language is None or language.lang == "en":
        known = [frozenset(each.units) for each in all_languages()]
        joins = {word: word for word in _JOINS.values()}
        return Names(frozenset.intersection(*known), {}, joins, True)
    wiki = language.wiki
    return Names(
        frozenset(language.units), wiki.units, wiki.joins, language.decimal_mark == "."
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
    names = names_of(lang)
    shown = named.get("disp", "")
    if shown == "unit":
        unit = quantities[-1][-1][1]
        return unit and _name(unit, None, names)
    if named.get("order") in ("flip", "out") or shown in (
        "flip",
        "out",
        "output only",
        "number",
        "output number only",
    ):
        flipped = _flip(quantities, rest, named)
        quantities = flipped or quantities
    adjective = named.get("adj", "")
    if named.get("abbr") == "values" or "number" in shown:
        quantities = [[(number, None) for number, _ in each] for each in quantities]
    extra = rest[-1] if rest and adjective in ("mid", "pre") else ""
    if adjective == "pre" and "|" not in extra:
        return _write(quantities, joins, names, before=extra)
    if adjective and adjective not in ("off", "0", "pre"):
        return _write_adjective(quantities, joins, names) + _after(extra)
    return _write(quantities, joins, names)


def write_unit(unit: Unit, number: str, lang: str | None) -> str:
    """Return the unit of a number as `convert` writes it."""
    return _name(unit, read_number(number), names_of(lang))


def _after(extra: str) -> str:
    return extra if not extra or extra.startswith("-") else f" {extra}"


def _parse(
    arguments: Sequence[str],
) -> tuple[list[Quantity], list[str], list[str]] | None:
    """Quantities, what joins them, and the arguments after them."""
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
    unit = quantities[-1][-1][1]
    if unit is None:
        return None
    return quantities, joins, rest


def _take_quantity(arguments: list[str]) -> tuple[Quantity, list[str]] | None:
    """`5|ft|11|in|...`, or a number alone if a word such as "to" follows."""
    quantity: Quantity = []
    while arguments:
        number = read_number(arguments[0])
        if number is None:
            break
        code = arguments[1] if len(arguments) > 1 else ""
        unit = find_unit(code)
        if not quantity:
            if unit is None and code not in _JOINS:
                return None
            quantity, arguments = [(number, unit)], arguments[1 + (unit is not None) :]
            if unit is None:
                break
            continue
        above = quantity[-1][1]
        if unit is None or above is None or not _is_part(unit, above):
            break
        quantity.append((number, unit))
        arguments = arguments[2:]
    return (quantity, arguments) if quantity else None


def _is_part(unit: Unit, above: Unit) -> bool:
    return unit.kind.strip("*") == above.kind.strip("*") and unit.scale < above.scale


@lru_cache(maxsize=1 << 12)
def read_number(text: str) -> Number | None:
    """Return the number that Module:Convert would read, None if it is none."""
    text = text.strip()
    for sign, written in _FRACTIONS.items():
        text = text.replace(sign, written)
    text = text.removeprefix("+") if "/" in text and text[:1] == "+" else text
    match = _NUMBER.fullmatch(text)
    if not match or not (match["digits"] or match["upper"]):
        return None
    digits = (match["digits"] or "").replace(",", "")
    upper, lower, power = match["upper"], match["lower"], int(match["power"] or 0)
    if lower is not None and not int(lower):
        return None
    value = float(digits or 0) * 10.0**power
    written = match["digits"] or ""
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
    quantities: list[Quantity], joins: list[str], names: Names, before: str = ""
) -> str:
    several = len(quantities) > 1
    parts: list[str] = []
    for i, quantity in enumerate(quantities):
        if i:
            parts.append(names.joins.get(joins[i - 1], "–"))
        words: list[str] = []
        for number, unit in quantity:
            has_word = unit is not None and _name(unit, None, names) != unit.symbol
            words.append(_digits(number, names, several or has_word))
            if unit is not None:
                words.append(before)
                named = names._replace(symbols=frozenset()) if before else names
                words.append(_name(unit, number, named))
        parts.append(" ".join(filter(None, words)))
    return " ".join(parts).replace(" – ", "–").replace(" , ", ", ")


def _write_adjective(quantities: list[Quantity], joins: list[str], names: Names) -> str:
    """10-mile, never 10-mi, since spoken form reads a symbol as a plural."""
    parts: list[str] = []
    for i, quantity in enumerate(quantities):
        if i:
            parts.append(names.joins.get(joins[i - 1], "–"))
        words: list[str] = []
        for number, unit in quantity:
            words.append(_digits(number, names, True))
            if unit is not None:
                name = names.units.get(unit.code) or unit.one
                words.append(name if not names.units else _name(unit, number, names))
        is_hyphened = not names.units and " " not in "".join(words[:1])
        parts.append(("-" if is_hyphened else " ").join(words))
    return " ".join(parts).replace(" – ", "–").replace(" , ", ", ")


def _name(unit: Unit, number: Number | None, names: Names) -> str:
    if unit.symbol and unit.symbol in names.symbols:
        return unit.symbol
    if unit.code in names.units:
        return names.units[unit.code]
    text = number.text.lstrip("−-+") if number else ""
    is_one = text in ("1", "1.0") or (text.count("/") == 1 and " " not in text)
    return unit.one if is_one else unit.many


def _digits(number: Number, names: Names, grouped: bool) -> str:
    """The number with commas, so that no four digits look like a year."""
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
    """The quantities in the first output unit; None if there is none that we know."""
    source = quantities[-1][-1][1]
    assert source is not None
    wanted = rest[0] if rest and read_number(rest[0]) is None else ""
    wanted = wanted or _DEFAULTS.get(source.code, "")
    given = next((n for n in map(read_number, rest[:2]) if n is not None), None)
    first = wanted.split(" ")[0].split("+")[0]
    below: Unit | None = None
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


def _compose(number: Number, target: Unit, below: Unit, ratio: int) -> Quantity:
    whole, part = divmod(round(number.value), ratio)
    quantity: Quantity = []
    for value, unit in ((whole, target), (part, below)):
        if value or (unit is below and not quantity):
            quantity.append((Number(str(value), value, 0), unit))
    return quantity


def _in_base(quantity: Quantity, last: Unit) -> float:
    pairs = [(number.value, unit or last) for number, unit in quantity]
    return sum((value - unit.offset) * unit.scale for value, unit in pairs)


def _precision(quantity: Quantity, source: Unit, target: Unit, value: float) -> int:
    """Decimals of an output, as the function default_precision of Module:Convert."""
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
    half_up = math.floor(abs(value) * 10.0**precision + 0.5 + 1e-9) / 10.0**precision
    rounded = math.copysign(half_up, value)
    text = f"{half_up:.{max(precision, 0)}f}"
    return Number(("−" if rounded < 0 else "") + text, rounded, precision)
