"""German: ordinals take their ending from the words before them, years before 2000 are
read in hundreds, and the hundredths of money go unnamed (zwei Euro fünfzig)."""

from __future__ import annotations

import re
from re import Match

from fairseq_mlkd.text.language import Language, Rule, Unit, Wiki, equals, spell

_MONTHS = (
    "Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|"
    "Dezember|Jan|Feb|Apr|Aug|Sept|Okt|Nov|Dez"
)
# Strong dative or a weak ending after these, whatever the noun: am dritten Mai.
_BEFORE_EN = (
    "am|im|vom|zum|zur|beim|dem|den|des|einem|einen|einer|eines|seinem|seinen|seiner|"
    "ihrem|ihren|ihrer|diesem|diesen|dieser|jedem|jeden|jeder|ab|bis"
)
_BEFORE_E = "der|die|das|eine|seine|ihre|diese|jede"
_PREPOSITION = "ab|an|auf|aus|bei|bis|in|mit|nach|seit|über|unter|von|vor|während|zu"
_CONTEXT = re.compile(
    rf"(?:\b(?P<en>(?:{_PREPOSITION}) (?:der|die|das)|{_BEFORE_EN})|"
    rf"\b(?P<e>{_BEFORE_E})) +\Z",
    re.IGNORECASE,
)
_LONGEST_CONTEXT = 24
# Where these follow, a sentence ends with the number: mit 85. Er starb ...
_SENTENCE_STARTS = (
    "Am|An|Auch|Auf|Bei|Da|Dabei|Danach|Dann|Das|Dem|Den|Der|Die|Dies|Diese|Ein|Eine|"
    "Er|Es|Im|In|Mit|Nach|Seine|Seit|Sie|Von|Zu"
)


def _ending(match: Match[str]) -> str:
    """Return "n" or "" (weak) or "r" (strong masculine) for an ordinal."""
    start = match.start()
    before = _CONTEXT.search(match.string[max(0, start - _LONGEST_CONTEXT) : start])
    if before is None:
        return "r"
    return "n" if before.group("en") else ""


def _ordinal(number: str, ending: str) -> str:
    ruleset = f"spellout-ordinal-{ending}" if ending else "spellout-ordinal"
    return spell("de", ruleset, int(number))


def _read_ordinal(match: Match[str]) -> str:
    return _ordinal(match.group(1), _ending(match))


def _read_last(match: Match[str]) -> str:
    """Read a number before the last full stop: an ordinal only after an article."""
    ending = _ending(match)
    return match.group(1) if ending == "r" else _ordinal(match.group(1), ending)


def _read_date(match: Match[str]) -> str:
    ending = _ending(match)
    day, month, year = match.groups()
    return f"{_ordinal(day, ending)} {_ordinal(month, ending)} {year or ''}"


def _read_decade(match: Match[str]) -> str:
    number, ending = match.groups()
    ruleset = "spellout-numbering" if int(number) >= 2000 else "spellout-numbering-year"
    return f"{spell('de', ruleset, int(number))}er{ending}"


def _read_clock(match: Match[str]) -> str:
    hour, minute, second = match.group("hour", "minute", "second")
    words = [spell("de", "spellout-cardinal-masculine", int(hour)), "Uhr"]
    if minute and int(minute):
        words.append(str(int(minute)))
    if second and int(second):
        words.append(f"und {int(second)} Sekunden")
    return " ".join(words)


def _read_score(match: Match[str]) -> str:
    return f"{match.group(1)} zu {match.group(2)}"


_HOUR = r"(?P<hour>\d(?<![\d.,:]\d)(?:(?<=[01])\d|(?<=2)[0-4])?)"
_DAY = r"(\d(?<![\d.,:]\d)(?:(?<=[012])\d|(?<=3)[01])?)"
# A look-behind follows the first digit, see `spoken/reader.py`.
_RULES = [
    Rule(re.compile(pattern), read, needs)
    for needs, pattern, read in (
        (
            "",
            rf"{_HOUR}[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d))? ?(?:Uhr|h)\b",
            _read_clock,
        ),
        (
            ":",
            rf"{_HOUR}:(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:]|,\d)",
            _read_clock,
        ),
        ("U", rf"{_HOUR}(?P<minute>)(?P<second>) ?Uhr\b", _read_clock),
        (":", r"(\d{1,3}) ?: ?(\d{1,3})(?![\d:]|,\d)", _read_score),
        (".", rf"{_DAY}\. ?(0?[1-9]|1[0-2])\. ?(\d{{4}}|\d\d)?(?!\d)", _read_date),
        (".", rf"{_DAY}\. ?(?=(?:{_MONTHS})\b)", _read_ordinal),
        (
            ".",
            r"(\d(?<![\d.,:]\d)\d?)\. "
            rf"(?=[^\W\d_])(?!(?:{_SENTENCE_STARTS})\b)",
            _read_ordinal,
        ),
        (".", r"(\d(?<![\d.,:]\d)\d?)\.(?=\s*\Z)", _read_last),
        ("e", r"(\d(?<![\d.,:]\d)\d?(?:\d\d)?)er(n?)\b", _read_decade),
        ("1", r"1(?<=[a-zäöüß] 1)(?= [A-ZÄÖÜ][a-zäöüß])", lambda match: "ein"),
    )
]

_CENTS = ("", "")

LANGUAGE = Language(
    lang="de",
    cardinals={
        "": "spellout-numbering",
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
    },
    decimal_mark=",",
    decimal_word="Komma",
    group_marks=". ",
    minus="minus",
    until="bis",
    years=range(1100, 2000),
    year_ruleset="spellout-numbering-year",
    fractions={
        "1/2": "ein halb",
        "1/3": "ein Drittel",
        "2/3": "zwei Drittel",
        "1/4": "ein Viertel",
        "3/4": "drei Viertel",
        "1/5": "ein Fünftel",
        "2/5": "zwei Fünftel",
        "3/5": "drei Fünftel",
        "4/5": "vier Fünftel",
        "1/8": "ein Achtel",
        "3/8": "drei Achtel",
        "5/8": "fünf Achtel",
        "7/8": "sieben Achtel",
        "1/10": "ein Zehntel",
    },
    fraction_join="",
    units={
        "%": Unit("Prozent", "Prozent", "m"),
        "‰": Unit("Promille", "Promille", "m"),
        "°C": Unit("Grad Celsius", "Grad Celsius", "m"),
        "°F": Unit("Grad Fahrenheit", "Grad Fahrenheit", "m"),
        "°": Unit("Grad", "Grad", "m"),
        "mm": Unit("Millimeter", "Millimeter", "m"),
        "cm": Unit("Zentimeter", "Zentimeter", "m"),
        "m": Unit("Meter", "Meter", "m"),
        "km": Unit("Kilometer", "Kilometer", "m"),
        "km/h": Unit("Kilometer pro Stunde", "Kilometer pro Stunde", "m"),
        "m²": Unit("Quadratmeter", "Quadratmeter", "m"),
        "km²": Unit("Quadratkilometer", "Quadratkilometer", "m"),
        "/km²": Unit("pro Quadratkilometer", "pro Quadratkilometer", "m"),
        "m³": Unit("Kubikmeter", "Kubikmeter", "m"),
        "qm": Unit("Quadratmeter", "Quadratmeter", "m"),
        "ha": Unit("Hektar", "Hektar", "m"),
        "mg": Unit("Milligramm", "Milligramm", "m"),
        "g": Unit("Gramm", "Gramm", "m"),
        "kg": Unit("Kilogramm", "Kilogramm", "m"),
        "t": Unit("Tonne", "Tonnen", "f"),
        "ml": Unit("Milliliter", "Milliliter", "m"),
        "l": Unit("Liter", "Liter", "m"),
        "min": Unit("Minute", "Minuten", "f"),
        "h": Unit("Stunde", "Stunden", "f"),
        "Hz": Unit("Hertz", "Hertz", "m"),
        "kHz": Unit("Kilohertz", "Kilohertz", "m"),
        "MHz": Unit("Megahertz", "Megahertz", "m"),
        "GHz": Unit("Gigahertz", "Gigahertz", "m"),
        "V": Unit("Volt", "Volt", "m"),
        "W": Unit("Watt", "Watt", "m"),
        "kW": Unit("Kilowatt", "Kilowatt", "m"),
        "MW": Unit("Megawatt", "Megawatt", "m"),
        "PS": Unit("PS", "PS"),
        "KB": Unit("Kilobyte", "Kilobyte", "m"),
        "MB": Unit("Megabyte", "Megabyte", "m"),
        "GB": Unit("Gigabyte", "Gigabyte", "m"),
        **dict.fromkeys(("€", "EUR"), Unit("Euro", "Euro", "m", _CENTS)),
        **dict.fromkeys(
            ("$", "US-$", "USD", "US$"), Unit("Dollar", "Dollar", "m", _CENTS)
        ),
        **dict.fromkeys(("£", "GBP"), Unit("Pfund", "Pfund", "m", _CENTS)),
        **dict.fromkeys(("CHF", "sFr"), Unit("Franken", "Franken", "m", _CENTS)),
        "DM": Unit("Mark", "Mark", "f", _CENTS),
        **dict.fromkeys(("¥", "JPY"), Unit("Yen", "Yen", "m")),
    },
    currencies=("€", "$", "US$", "£", "¥", "EUR", "USD", "GBP", "CHF", "JPY"),
    currency_join="",
    magnitudes={
        "Tausend": "Tausend",
        "Million": "Million",
        "Millionen": "Millionen",
        "Milliarde": "Milliarde",
        "Milliarden": "Milliarden",
        "Billionen": "Billionen",
    },
    number_signs={
        "Nr.": "Nummer",
        "№": "Nummer",
        "#": "Nummer",
        "S.": "Seite",
        "Abs.": "Absatz",
        "Art.": "Artikel",
        "Kap.": "Kapitel",
        "§§": "Paragrafen",
        "§": "Paragraf",
    },
    abbreviations={
        "Dr.": "Doktor",
        "Prof.": "Professor",
        "Hr.": "Herr",
        "Fr.": "Frau",
        "St.": "Sankt",
        "Str.": "Straße",
        "Abb.": "Abbildung",
        "Bd.": "Band",
        "Jh.": "Jahrhundert",
        "Mio.": "Millionen",
        "Mrd.": "Milliarden",
        "Std.": "Stunden",
        "Min.": "Minuten",
        "Tel.": "Telefon",
        "bzw.": "beziehungsweise",
        "ca.": "circa",
        "d. h.": "das heißt",
        "evtl.": "eventuell",
        "geb.": "geboren",
        "gest.": "gestorben",
        "ggf.": "gegebenenfalls",
        "i. d. R.": "in der Regel",
        "inkl.": "inklusive",
        "max.": "maximal",
        "n. Chr.": "nach Christus",
        "sog.": "sogenannte",
        "u. a.": "unter anderem",
        "usw.": "und so weiter",
        "v. a.": "vor allem",
        "v. Chr.": "vor Christus",
        "vgl.": "vergleiche",
        "z. B.": "zum Beispiel",
        "z. T.": "zum Teil",
    },
    symbols={
        "&": "und",
        "@": "at",
        "+": "plus",
        "±": "plus minus",
        "%": "Prozent",
        "°": "Grad",
        "€": "Euro",
        "$": "Dollar",
        "£": "Pfund",
        "§": "Paragraf",
    },
    letter_rules=(equals("gleich"),),
    rules=_RULES,
    wiki=Wiki(
        namespaces="datei|bild|kategorie",
        skipped_sections="einzelnachweise|quellen|literatur|weblinks|siehe auch|"
        "anmerkungen|belege",
        templates={"„{0}“": '"', "{0} m": "höhe"},
    ),
)
