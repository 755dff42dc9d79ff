"""English, read the American way: no "and" within numbers, years in two halves. A date
of numbers alone (5/3/2010) is read number by number: its order is not known."""

from __future__ import annotations

import re
from re import Match

from fairseq_mlkd.text.language import Language, Rule, Unit, Wiki, equals, spell

_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_MONTH = "|".join(_MONTHS)


def _cardinal(number: int) -> str:
    return spell("en", "spellout-cardinal", number)


def _ordinal(number: int) -> str:
    return spell("en", "spellout-ordinal", number)


def _read_ordinal(match: Match[str]) -> str:
    return _ordinal(int(match.group(1).replace(",", "")))


def _read_decade(match: Match[str]) -> str:
    year = spell("en", "spellout-numbering-year", int(match.group(1)))
    return f"{year[:-1]}ies" if year.endswith("y") else f"{year}s"


def _read_clock(match: Match[str]) -> str:
    hour, minute, second = match.group("hour", "minute", "second")
    half_day = (match.group("half_day") or "").lower().replace(".", "")
    words = [_cardinal(int(hour))]
    if minute != "00":
        words.append(f"oh {minute[1]}" if minute[0] == "0" else minute)
    elif not half_day:
        words.append("o'clock" if 0 < int(hour) <= 12 else "hundred")
    return " ".join([*words, second or "", half_day])


def _read_hour(match: Match[str]) -> str:
    hour, minute, half, day = match.groups()
    return f"{hour} {minute or ''} {half}{day}"


def _read_season(match: Match[str]) -> str:
    return "{} to oh {}".format(*match.groups())


def _read_day_first(match: Match[str]) -> str:
    return f"the {_ordinal(int(match.group(1)))} of {match.group(2)}"


def _read_month_first(match: Match[str]) -> str:
    return f"{match.group(1)} {_ordinal(int(match.group(2)))}"


def _read_iso_date(match: Match[str]) -> str:
    year, month, day = match.groups()
    return f"{_MONTHS[int(month) - 1]} {_ordinal(int(day))} {year}"


def _read_digits(match: Match[str]) -> str:
    return " ".join(_cardinal(int(digit)) for digit in re.findall(r"\d", match.group()))


_DAY = r"\d(?<!\d\d)(?:(?<=[12])\d|(?<=3)[01])?(?!\d)"
# A look-behind follows the first digit, see `spoken/reader.py`.
_RULES = [
    Rule(re.compile(pattern), read, needs)
    for needs, pattern, read in (
        ("", r"(\d(?<![\d.,]\d)[\d,]{0,14})(?:st|nd|rd|th)\b", _read_ordinal),
        ("s", r"([1-9](?<!\w\d)\d{0,2}0) ?'?s\b", _read_decade),
        (
            ":",
            r"(?P<hour>\d(?<![\d:.]\d)\d?):(?P<minute>[0-5]\d)(?::(?P<second>\d\d))?"
            r"(?![\d:])(?: ?(?P<half_day>[AaPp]\.?[Mm]\b\.?))?",
            _read_clock,
        ),
        ("", r"(\d{1,2})(?:\.([0-5]\d))? ?([AaPp])\.?([Mm])\b\.?", _read_hour),
        ("-", r"(\d{4})-(0\d|1[0-2])-([0-2]\d|3[01])(?![\d-])", _read_iso_date),
        ("", rf"({_DAY}) ({_MONTH})\b", _read_day_first),
        ("", rf"({_MONTH}) ({_DAY})(?![.:/-]?\d)", _read_month_first),
        ("-", r"\d{3}(?<!\d\d{3})\)?[ -]\d{3}-\d{4}(?!\d)", _read_digits),
        ("-", r"\d{3}(?<![\d-]\d{3})-\d{4}(?![\d-])", _read_digits),
        ("-", r"(\d{4}) ?- ?0(\d)(?![\d-])", _read_season),
        (".", r"\.(?<![\w.]\.)(?=\d)", lambda match: "point"),
    )
]

LANGUAGE = Language(
    lang="en",
    cardinals={"": "spellout-cardinal"},
    decimal_mark=".",
    decimal_word="point",
    group_marks=",",
    minus="minus",
    until="to",
    years=range(1100, 2100),
    year_ruleset="spellout-numbering-year",
    fractions={
        "1/2": "one half",
        "1/3": "one third",
        "2/3": "two thirds",
        "1/4": "one quarter",
        "3/4": "three quarters",
        "1/5": "one fifth",
        "2/5": "two fifths",
        "3/5": "three fifths",
        "4/5": "four fifths",
        "1/8": "one eighth",
        "3/8": "three eighths",
        "5/8": "five eighths",
        "7/8": "seven eighths",
        "1/10": "one tenth",
    },
    fraction_join="and",
    units={
        "%": Unit("percent", "percent"),
        "pc": Unit("percent", "percent"),
        "bn": Unit("billion", "billion"),
        "°C": Unit("degree celsius", "degrees celsius"),
        "°F": Unit("degree fahrenheit", "degrees fahrenheit"),
        "°": Unit("degree", "degrees"),
        "mm": Unit("millimeter", "millimeters"),
        "cm": Unit("centimeter", "centimeters"),
        "m": Unit("meter", "meters"),
        "km": Unit("kilometer", "kilometers"),
        "km/h": Unit("kilometer per hour", "kilometers per hour"),
        "mph": Unit("mile per hour", "miles per hour"),
        "m²": Unit("square meter", "square meters"),
        "km²": Unit("square kilometer", "square kilometers"),
        "/km²": Unit("per square kilometer", "per square kilometer"),
        "m³": Unit("cubic meter", "cubic meters"),
        "sq mi": Unit("square mile", "square miles"),
        "ft": Unit("foot", "feet"),
        "mi": Unit("mile", "miles"),
        "lb": Unit("pound", "pounds"),
        "lbs": Unit("pound", "pounds"),
        "oz": Unit("ounce", "ounces"),
        "mg": Unit("milligram", "milligrams"),
        "g": Unit("gram", "grams"),
        "kg": Unit("kilogram", "kilograms"),
        "ml": Unit("milliliter", "milliliters"),
        "Hz": Unit("hertz", "hertz"),
        "kHz": Unit("kilohertz", "kilohertz"),
        "MHz": Unit("megahertz", "megahertz"),
        "GHz": Unit("gigahertz", "gigahertz"),
        "kW": Unit("kilowatt", "kilowatts"),
        "MW": Unit("megawatt", "megawatts"),
        "KB": Unit("kilobyte", "kilobytes"),
        "MB": Unit("megabyte", "megabytes"),
        "GB": Unit("gigabyte", "gigabytes"),
        "TB": Unit("terabyte", "terabytes"),
        **dict.fromkeys(
            ("$", "US$", "USD"), Unit("dollar", "dollars", cents=("cent", "cents"))
        ),
        **dict.fromkeys(("€", "EUR"), Unit("euro", "euros", cents=("cent", "cents"))),
        **dict.fromkeys(
            ("£", "GBP"), Unit("pound", "pounds", cents=("penny", "pence"))
        ),
        **dict.fromkeys(("¥", "JPY"), Unit("yen", "yen")),
        **dict.fromkeys(("₹", "INR"), Unit("rupee", "rupees")),
        "¢": Unit("cent", "cents"),
    },
    currencies=("$", "US$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "JPY", "INR"),
    currency_join="and",
    magnitudes={
        "thousand": "thousand",
        "million": "million",
        "billion": "billion",
        "trillion": "trillion",
        "m": "million",
        "bn": "billion",
        "k": "thousand",
    },
    number_signs={
        "No.": "number",
        "no.": "number",
        "Nos.": "numbers",
        "№": "number",
        "#": "number",
        "p.": "page",
        "pp.": "pages",
        "§": "section",
    },
    abbreviations={
        "Mr.": "mister",
        "Mrs.": "missus",
        "Dr.": "doctor",
        "Prof.": "professor",
        "Gen.": "general",
        "Col.": "colonel",
        "Capt.": "captain",
        "Lt.": "lieutenant",
        "Sgt.": "sergeant",
        "Rev.": "reverend",
        "Hon.": "honorable",
        "Gov.": "governor",
        "Sen.": "senator",
        "Rep.": "representative",
        "Jr.": "junior",
        "Sr.": "senior",
        "Mt.": "mount",
        "Inc.": "incorporated",
        "Corp.": "corporation",
        "Ltd.": "limited",
        "Co.": "company",
        "Ave.": "avenue",
        "Blvd.": "boulevard",
        "Jan.": "January",
        "Feb.": "February",
        "Aug.": "August",
        "Sept.": "September",
        "Oct.": "October",
        "Nov.": "November",
        "Dec.": "December",
        "vs.": "versus",
        "etc.": "et cetera",
        "e. g.": "for example",
        "i. e.": "that is",
        "approx.": "approximately",
        "dept.": "department",
        "est.": "established",
        "fig.": "figure",
        "vol.": "volume",
    },
    symbols={
        "&": "and",
        "@": "at",
        "+": "plus",
        "±": "plus or minus",
        "%": "percent",
        "°": "degrees",
        "$": "dollar",
        "€": "euro",
        "£": "pound",
    },
    letter_rules=(equals("equals"),),
    rules=_RULES,
    wiki=Wiki(
        namespaces="file|image|media|category",
        skipped_sections="references|notes|footnotes|citations|bibliography|sources|"
        "works cited|further reading|see also|external links|notes and references|"
        "explanatory notes",
        templates={
            "{0}": "nowrap|nobr|small|abbr|ill|interlanguage link|vanchor|"
            "visible anchor|citation|latin|formatnum|fmtn",
            "{1}": "lang|transl",
            "{0} {1}": "convert|cvt|tmp|currency",
            "{all}": "date|val",
            "'": "'",
            "'s": "'s",
        },
    ),
)
