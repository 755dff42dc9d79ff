"""Units of `{{convert}}`: their codes, names and sizes.

The codes and sizes are those of https://en.wikipedia.org/wiki/Module:Convert/data.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Measure(NamedTuple):
    """A unit: `scale` of the base unit of its kind each, counted from `offset`."""

    code: str
    one: str
    many: str
    symbol: str
    kind: str
    scale: float
    offset: float = 0.0


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
_LONGEST_CODE = 64  # characters; each may be a step of the recursion
_SQUARE = re.compile(r"(?:sq|square ?)(.+)|(.+?)\^?2")
_CUBE = re.compile(r"(?:cu|cubic ?)(.+)|(.+?)\^?3")


def _read_table() -> dict[str, Measure]:
    units: dict[str, Measure] = {}
    for line in _TABLE.strip().split("\n"):
        codes, one, many, symbol, kind, scale, *offset = line.split(";")
        first, *others = codes.split(",")
        start = float(offset[0]) if offset else 0.0
        unit = Measure(first, one, many or f"{one}s", symbol, kind, float(scale), start)
        units |= dict.fromkeys([first, one, unit.many, *others], unit)
    return units


_UNITS = _read_table()


@lru_cache(maxsize=1 << 12)
def find_unit(code: str) -> Measure | None:
    """Return the unit of a code of Module:Convert, None if it is none."""
    if len(code) > _LONGEST_CODE:
        return None
    if code in _UNITS:
        return _UNITS[code]
    scaled = re.fullmatch(r"(e\d\d?)(.+)", code)
    if scaled and scaled.group(1) in _SCALES:
        return _scale(find_unit(scaled.group(2)), *_SCALES[scaled.group(1)])
    if "/" in code:
        return _divide(*code.split("/", 1))
    return _prefixed(code) or _power(code)


def _scale(unit: Measure | None, word: str, factor: float) -> Measure | None:
    if unit is None:
        return None
    one, many = f"{word} {unit.many}", f"{word} {unit.many}"
    scale = unit.scale * factor
    return unit._replace(code=word, one=one, many=many, symbol="", scale=scale)


def _divide(upper: str, lower: str) -> Measure | None:
    """Return a unit per unit, as in km/h, m3/s, /sqmi."""
    above = find_unit(upper) if upper else Measure("", "", "", "", "", 1.0)
    below = find_unit(lower)
    if above is None or below is None:
        return None
    one, many = (f"{name} per {below.one}".strip() for name in above[1:3])
    kind = f"{above.kind}/{below.kind}".replace("*", "")
    # People are counted without a name: 100/km².
    is_signed = below.symbol and (above.symbol or above.kind in ("", "people"))
    symbol = f"{above.symbol}/{below.symbol}" if is_signed else ""
    return Measure(
        f"{upper}/{lower}", one, many, symbol, kind, above.scale / below.scale
    )


def _prefixed(code: str) -> Measure | None:
    for prefix, (word, factor) in _PREFIXES.items():
        for head in (prefix, word):
            unit = _UNITS.get(code[len(head) :]) if code.startswith(head) else None
            if unit is None or not unit.kind.endswith("*"):
                continue
            rest = code[len(head) :]
            if head == prefix and rest not in (unit.code, "L", "l"):
                continue
            return unit._replace(
                code=prefix + unit.code,
                one=word + unit.one,
                many=word + unit.many,
                symbol=unit.symbol and prefix + unit.symbol,
                scale=unit.scale * factor,
            )
    return None


def _power(code: str) -> Measure | None:
    """Return a square or cube of a length, as in km2, sqmi, cuft."""
    for power, word, pattern in ((2, "square", _SQUARE), (3, "cubic", _CUBE)):
        match = pattern.fullmatch(code)
        length = find_unit(match.group(1) or match.group(2)) if match else None
        if length is not None and length.kind.startswith("length"):
            return Measure(
                f"{length.code}{power}",
                f"{word} {length.one}",
                f"{word} {length.many}",
                length.symbol and length.symbol + "²³"[power - 2],
                ("area", "volume")[power - 2],
                length.scale**power,
            )
    return None
