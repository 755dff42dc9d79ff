"""The forms that templates of many names share: dates, numbers, centuries, money.

A form is a text with fields (see `fill`), or one of `FUNCTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from fairseq_mlkd.prepare.corpus.measures import find_unit
from fairseq_mlkd.prepare.corpus.quantities import (
    convert,
    superscript,
    wording_of,
    write_unit,
)
from fairseq_mlkd.text.language import Wiki

FIELD = re.compile(r"\{([^{}]*)\}")
_ISO_DATE = re.compile(r"(\d{3,4})-(\d\d?)(?:-(\d\d?))?")
_SUBSCRIPTS = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")


@dataclass(frozen=True)
class Template:
    """A template with its arguments.

    Args:
        name: as written, stripped.
        unnamed: arguments by position.
        named: the others.
        lang: of the wiki, None if it is not known.
        wiki: of the language that knows the template.
    """

    name: str
    unnamed: list[str]
    named: dict[str, str]
    lang: str | None
    wiki: Wiki

    def get(self, key: str) -> str:
        """Return an argument by position (from 1) or name, "" if it is not there."""
        if key.isdecimal() and int(key) <= len(self.unnamed):
            return self.unnamed[int(key) - 1]
        return self.named.get(key, "")


def fill(form: str, call: Template) -> str | None:
    """Fill the fields of a form; None if an argument is missing.

    `{1}` is the first unnamed argument, `{a|2}` the one called a or else the second,
    `{3|}` one that may be missing, `{all}` all unnamed ones with spaces between.
    """
    lost = False

    def replace(match: re.Match[str]) -> str:
        nonlocal lost
        keys = match.group(1).split("|")
        for key in keys:
            text = " ".join(call.unnamed) if key == "all" else call.get(key)
            if text:
                return text
        lost = lost or keys[-1] != ""
        return ""

    text = FIELD.sub(replace, form)
    return None if lost else text


def _date(call: Template) -> str | None:
    """Return a date given as 1950|5|1, 1|mai|1950, mai|1950, 1950-05-01 or in words."""
    values = call.unnamed[:3]
    filled = list(filter(None, values))
    if not filled:
        return None
    if len(filled) == 1 and not filled[0].isdecimal():
        iso = _ISO_DATE.fullmatch(filled[0])
        if not iso:
            return filled[0] if re.search(r"\d", filled[0]) else None
        values = [part or "" for part in iso.groups()]
    if len(values[0]) > 2 and values[0].isdecimal():
        year, month, day = (*values, "", "")[:3]
    elif len(values) == 3:
        day, month, year = values
    elif len(values) == 2 and not values[0].isdecimal():
        day, month, year = "", *values
        if month and not any(map(str.isdecimal, year)):
            return None
    elif len(values) == 2:
        day, month, year = *values, ""
    else:
        return filled[0]
    return _write_date(day, month, year, call.wiki)


def _write_date(day: str, month: str, year: str, wiki: Wiki) -> str | None:
    if month.isdecimal():
        if not 1 <= int(month) <= 12 or not wiki.months:
            return None
        month = wiki.months[int(month) - 1]
    if day.isdecimal():
        day = str(int(day))
    parts = {"day": day, "month": month, "year": year}
    pieces = (
        re.sub(r"\{(\w+)\}", lambda field: parts[field.group(1)], piece)
        for piece in wiki.date.split("|")
        if all(parts[field] for field in FIELD.findall(piece))
    )
    return "".join(pieces).strip(" ,").removeprefix("de ") or None


def _convert(call: Template) -> str | None:
    is_short = call.name.lower() == "cvt"
    named = {"abbr": "on", **call.named} if is_short else call.named
    return convert(call.unnamed, named, call.lang)


def _convert_names(call: Template) -> str | None:
    """Read {{km to mi|5}}."""
    source, _, target = call.name.partition(" to ")
    return convert([call.get("1"), source, target], call.named, call.lang)


def _height(call: Template) -> str | None:
    """Read {{height|ft=5|in=11}}, {{weight|kg=80}}."""
    pairs = [
        part
        for unit in ("m", "cm", "ft", "in", "st", "lb", "kg")
        if call.get(unit)
        for part in (call.get(unit), unit)
    ]
    return convert(pairs, {}, call.lang) if pairs else None


def _number(call: Template) -> str | None:
    """Return a number as it stands there; its decimal mark may be that of a program."""
    text = call.get("1").removeprefix("+")
    return f"{_local(text, call)} {call.get('2')}".strip() if text else None


def _plain_number(call: Template) -> str | None:
    return _local(call.get("1"), call) or None


def _local(number: str, call: Template) -> str:
    """Write 3.5 with the decimal mark of the wiki, if that is known."""
    mark = call.wiki.decimal_mark
    if mark and re.fullmatch(r"[-−]?\d+\.\d+", number):
        return number.replace(".", mark)
    if call.lang == "en" and re.fullmatch(r"\d{4,15}", number):
        return f"{int(number):,}"  # no year
    return number


_JOINS = {word: word for word in ("à", "et", "ou", "a", "y", "e", "o", "±", "×")}
_JOINS |= {"-": "–", "–": "–", "x": "×"}
_POWER = re.compile(r"[-−]?\d?|[²³]")
_PREFIXES = frozenset("kMGTmcdhnμµ")


def _quantity(call: Template) -> str | None:
    """Read number, unit, exponent, unit, exponent ...: {{unité|30|m||s|-1}}."""
    number, *rest = call.unnamed or [""]
    if not number:
        return None
    mantissa, _, power = number.partition("e")
    text = _local(mantissa, call)
    if power or call.get("e"):
        text += f" × 10{superscript(power or call.get('e'))}"
    while len(rest) > 1 and rest[0] in _JOINS and re.match(r"[\d−-]", rest[1]):
        text += f" {_JOINS[rest[0]]} {_local(rest[1], call)}"
        rest = rest[2:]
    unit = _units(rest)
    if unit is None:
        return None
    return f"{text} {unit or call.get('u') or call.get('ul')}".strip()


def _units(parts: list[str]) -> str | None:
    """Return units with their exponents: km, 2 -> km²; m, "", s, -1 -> m/s.

    A prefix may stand apart (k, m), or words follow (millions, d'euros); None if the
    parts are something else.
    """
    if len(parts) == 2 and not _POWER.fullmatch(parts[1]):
        is_apart = parts[0] in _PREFIXES and len(parts[1]) < 4
        return ("" if is_apart else " ").join(parts).strip()
    units = ""
    for place in range(0, len(parts), 2):
        unit, power = (*parts[place : place + 2], "")[:2]
        if unit[:1].isdigit() or not _POWER.fullmatch(power):
            return None
        is_below = place > 0 and power[:1] in ("-", "−")
        digits = power.lstrip("-−") if is_below else power
        if unit:
            units += ("/" if is_below else "·" if place else "") + unit
        units += superscript(digits if digits != "1" else "")
    return units


def _sides(call: Template) -> str | None:
    """Read {{dunité|10|20|km}}: a length by a width."""
    numbers = [part for part in call.unnamed if re.match(r"\d", part)]
    if len(numbers) < 2:
        return None
    rest = call.unnamed[len(numbers) :]
    join = f" {call.wiki.joins.get('by', '×')} "
    unit = _units(rest)
    return None if unit is None else f"{join.join(numbers)} {unit}"


def _value(call: Template) -> str | None:
    """Read {{val}}: range or value, uncertainty, power of ten, unit."""
    if not call.unnamed:
        return None
    head, *rest = call.unnamed
    text = head
    joins = wording_of(call.lang).joins
    while len(rest) > 1 and rest[0] in ("-", "–", "to", "and", "or", "by", "x", "×"):
        word = {"-": "–", "×": "by", "x": "by"}.get(rest[0], rest[0])
        text += f" {joins.get(word, word)} {rest[1]}"
        rest = rest[2:]
    for number in rest[:2]:
        text += f" ± {number.strip('()')}" if number[:1] not in "+-−" else f" {number}"
    if call.get("e"):
        text += f" × 10{superscript(call.get('e'))}"
    unit = call.get("u") or call.get("ul") or call.get("up") or call.get("upl")
    text = text.replace(" – ", "–")
    found = find_unit(unit) if unit else None
    if found is not None:
        unit = write_unit(found, head, call.lang) or unit
    glued = unit in ("%", "°")
    return f"{call.get('p')}{text}{'' if glued else ' '}{unit}{call.get('s')}".strip()


def _fraction(call: Template) -> str | None:
    """Read {{frac|3|1|2}} as 3 1/2, {{frac|2}} as 1/2."""
    whole, upper, lower = ["", "", "", *filter(None, call.unnamed)][-3:]
    if not lower:
        return None
    return f"{whole} {upper or 1}/{lower}".strip()


def _power(call: Template) -> str | None:
    return f"10{superscript(call.get('1'))}" if call.get("1") else None


def _times_power(call: Template) -> str | None:
    return f" × 10{superscript(call.get('1'))}" if call.get("1") else None


def _superscript(call: Template) -> str | None:
    return raised(call.get("1")) if call.get("1") else None


def raised(text: str) -> str:
    """Return a superscript in text: digits get characters of their own."""
    return superscript(text) if re.fullmatch(r"[-−–+]?\d+[-−+]?", text) else text


def lowered(text: str) -> str:
    """Return a subscript in text: digits get characters of their own."""
    return text.translate(_SUBSCRIPTS)


def _subscript(call: Template) -> str | None:
    return lowered(call.get("1")) or None


def _formula(call: Template) -> str | None:
    """Read {{chem|H|2|O}}, {{chem2|H2O}}."""
    text = "".join(call.unnamed)
    return lowered(text) if text else None


def _digits_in_groups(call: Template) -> str | None:
    return "".join(call.unnamed) or None


def _century(call: Template) -> str | None:
    """Read {{s|XIX|e}}, {{-s|V|e}}."""
    number = call.get("1").upper()
    if not number:
        return None
    end = "er" if number in ("I", "1") else "e"
    era = " av. J.-C." if call.name.startswith("-") else ""
    return f"{number}{end} siècle{era}"


def _centuries(call: Template) -> str | None:
    """Read {{s2|XVIII|e|XIX|e}}, {{sp|XVIII|e|et|XIX|e|s}}."""
    numbers = [part for part in call.unnamed if re.fullmatch(r"[IVXivx]+|\d+", part)]
    joins = [part for part in call.unnamed if part in ("à", "ou", "au", "-", "–", "/")]
    if len(numbers) != 2:
        return None
    first, second = (f"{n.upper()}{'er' if n in ('I', '1') else 'e'}" for n in numbers)
    era = " av. J.-C." if call.name.startswith("-") else ""
    return f"{first} {joins[0] if joins else 'et'} {second} siècles{era}"


def _siglo(call: Template) -> str | None:
    """Read {{siglo|V|a}}: the fifth century, after or before Christ."""
    era = {"a": " a. C.", "d": " d. C."}.get(call.get("2").lower()[:1], "")
    return f"siglo {call.get('1').upper()}{era}" if call.get("1") else None


def _time(call: Template) -> str | None:
    """Read {{heure|12|30}} as 12 h 30."""
    hour, minute, second = (*call.unnamed, "", "", "")[:3]
    if not hour:
        return None
    return " ".join(filter(None, [f"{hour} h", minute, second and f"min {second} s"]))


def _duration(call: Template) -> str | None:
    """Read {{durée|1|30}} as 1 h 30 min."""
    signs = ("h", "min", "s")
    parts = [f"{n} {sign}" for n, sign in zip(call.unnamed, signs) if n.strip("0")]
    return " ".join(parts) or None


def _as_of(call: Template) -> str | None:
    """Read {{as of|2014|5|lc=y}}; other wikis have words of their own for it."""
    if call.lang not in (None, "en"):
        return None
    if call.get("alt"):
        return call.get("alt")
    date = _date(call)
    if date is None:
        return None
    if call.get("bare"):
        return date
    word = "since" if call.get("since") else "as of"
    word = word if call.get("lc") else word.capitalize()
    return " ".join(filter(None, [word, call.get("pre"), date])) + call.get("post")


def _circa(call: Template) -> str | None:
    """Read {{circa|1450|1460}}."""
    word = {"ja": "約", "hi": "लगभग"}.get(call.lang or "", "circa")
    years = [f"{word} {year}" for year in call.unnamed[:2] if year]
    return " – ".join(years) or word


def _years(call: Template) -> str | None:
    """Read {{reign|1450|1470}}: an abbreviation and years."""
    years = "–".join(filter(None, call.unnamed[:2]))
    return f"{call.name.lower()[:1]}. {years}" if years else None


def _flagged(call: Template) -> str | None:
    """Return the country beside a flag, None for a code of three letters."""
    name = call.get("name") or call.get("1")
    return None if not name or (name.isupper() and len(name) == 3) else name


def _last(call: Template) -> str | None:
    return call.unnamed[-1] if call.unnamed and call.unnamed[-1] else None


def _text_if_any(call: Template) -> str | None:
    """Return the words that a complaint is about, if it holds them."""
    return " ".join(part for part in call.unnamed[:1] if " " in part or len(part) > 15)


def _link(call: Template) -> str | None:
    """{{ill|Text|de|Artikel}}, in some wikis {{ill|de|Artikel|Text}}."""
    first, *others = call.unnamed or [""]
    if call.get("lt"):
        return call.get("lt")
    if re.fullmatch(r"[a-z]{2,3}", first) and others:
        return others[-1] or None
    return first or None


def _small_caps(call: Template) -> str | None:
    """Words in small capitals, which Roman numbers are then."""
    text = call.get("1")
    return (text.upper() if re.fullmatch("[ivxlc]+", text) else text) or None


def _coordinates(call: Template) -> str | None:
    """Nothing, if they stand above the article alone."""
    places = call.get("display").split(",")
    return "" if places in (["title"], ["t"]) else None


def _no_call(call: Template) -> str | None:
    return None


def _indian_money(call: Template) -> str | None:
    words = {"c": " crore", "l": " lakh", "k": " thousand", "m": " million"}
    words |= {"b": " billion", "t": " trillion", "lc": " lakh crore"}
    amount = call.get("1")
    return f"₹{amount}{words.get(call.get('2'), '')}" if amount else None


FUNCTIONS: dict[str, Callable[[Template], str | None]] = {
    "as of": _as_of,
    "centuries": _centuries,
    "century": _century,
    "circa": _circa,
    "complaint": _text_if_any,
    "convert": _convert,
    "coord": _coordinates,
    "link": _link,
    "small caps": _small_caps,
    "convert names": _convert_names,
    "date": _date,
    "digits": _digits_in_groups,
    "duration": _duration,
    "flag": _flagged,
    "formula": _formula,
    "fraction": _fraction,
    "height": _height,
    "indian money": _indian_money,
    "last": _last,
    "lost": _no_call,
    "number": _number,
    "plain number": _plain_number,
    "power": _power,
    "quantity": _quantity,
    "siglo": _siglo,
    "sides": _sides,
    "subscript": _subscript,
    "superscript": _superscript,
    "time": _time,
    "times power": _times_power,
    "value": _value,
    "years": _years,
}
