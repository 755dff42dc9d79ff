"""German: ordinals take their ending from the words before them, years before 2000 are
read in hundreds, and the hundredths of money go unnamed (zwei Euro fünfzig)."""

from __future__ import annotations

import re
from re import Match

from fairseq_mlkd.text.language import (
    Language,
    Unit,
    Wiki,
    coordinates,
    equals,
    multiples,
    powers,
    rule,
    spell,
    table,
    units,
    words,
)
from fairseq_mlkd.text.spoken.roman import Numeral, numerals, parts

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
    rf"\b(?P<e>{_BEFORE_E})) +"
    r"(?:(?:(?:\d{1,3}|[IVX]+)\.|\w*te[nr]?)(?:,| und| bis| oder) +)*\Z",
    re.IGNORECASE,
)
_LONGEST_CONTEXT = 40
# Where these follow, a sentence ends with the number: mit 85. Er starb ...
_SENTENCE_STARTS = (
    "Aber|Als|Am|An|Auch|Auf|Aus|Außerdem|Bei|Beide|Bis|Da|Dabei|Dadurch|Daher|Damit|"
    "Danach|Dann|Das|Dem|Den|Denn|Der|Deren|Des|Dessen|Die|Dies|Diese|Dieser|Dieses|"
    "Doch|Dort|Durch|Ein|Eine|Einen|Einer|Er|Erst|Es|Für|Hier|Ich|Ihr|Ihre|Im|In|Ist|"
    "Jedoch|Kurz|Man|Mit|Nach|Nachdem|Nur|Ob|Obwohl|Oft|Schon|Sein|Seine|Seit|Sie|Sind|"
    "So|Später|Trotz|Über|Um|Und|Unter|Viele|Vom|Von|Vor|Während|War|Was|Weil|Wenn|Wer|"
    "Alle|Alles|Einige|Jeder|Mehr|Weitere|Zwei|Wie|Wir|Zu|Zudem|Zum|Zur|Zwischen"
)
# Nouns that "eine" counts, and weak ordinals after "der": by their ends, or listed.
_FEMININE = re.compile(
    r"[ \u00a0]?(?:[A-ZÄÖÜ]\w*(?:ung|heit|keit|schaft|tät|ion|ik|enz|anz|ur|erei|"
    r"(?<![kg]ch)(?<!a[lm])(?<!End)(?<!Freund)(?<!ind)(?<!Jung)(?<!Gebäud)(?<!Käs)(?<!Aug)(?<!Nam)(?<!jahr)(?<!Jahr)"
    r"(?<!Tag)(?<!Monat)(?<!Teil)(?<!Punkt)(?<!teil)(?<!punkt)(?<!Sieg)(?<!stück)e|gruppe|liga|klasse)|"
    r"\w*(?:Million|Milliarde|Person|Stimme|Frau|Nacht|Mark|Stadt|Liga|Zahl|Hand|Tür|"
    r"Wahl|Bank|Art|Form|Uhr|Nummer|Schwester|Tochter|Mutter|Kammer|Mannschaft|Einheit|"
    r"Staffel|Insel|Oper|Dynastie|Kategorie|Partei|Armee|Fahrt|Zeit|Arbeit|Kultur))\b"
)
_PLURAL = re.compile(r" ?\w+en [A-ZÄÖÜ]")
_MASCULINE = re.compile(
    r"[ \u00a0](?:\w*(?:[Tt]ag|[Mm]onat|[Mm]eter|[Ll]iter|[Pp]unkt|[Ss]ieg|[Tt]itel|"
    r"[Pp]latz|[Ss]pieler|[Tt]eil|Dollar|Euro|Cent|Mann|Sohn|Bruder|Schritt|Film|Tisch|"
    r"Mitarbeiter|Einwohner|Treffer|Versuch|Hektar))\b"
)
_DATIVE = frozenset(
    words("mit nach von zu aus bei seit vor in außer unter gegenüber ab")
)
_ACCUSATIVE = frozenset(words("für um ohne gegen durch über"))


def _ending(match: Match[str]) -> str:
    """Return "n" or "" (weak) or "r" (strong masculine) for an ordinal."""
    start = match.start()
    before = _CONTEXT.search(match.string[max(0, start - _LONGEST_CONTEXT) : start])
    if before is None:
        return "" if _FEMININE.match(match.string, match.end()) else "r"
    article, following = (before.group("e") or "").lower(), match.end()
    is_weak = (
        before.group("en")
        or (article == "der" and _FEMININE.match(match.string, following))
        or (article == "die" and _PLURAL.match(match.string, following))
    )
    return "n" if is_weak else ""


def _ordinal(number: str, ending: str) -> str:
    ruleset = f"spellout-ordinal-{ending}" if ending else "spellout-ordinal"
    return spell("de", ruleset, int(number))


def _read_ordinal(match: Match[str]) -> str:
    return _ordinal(match.group(1), _ending(match))


def _read_place(match: Match[str]) -> str:
    """Read a number with a full stop, a cardinal after a noun: Highway 1. Dort ..."""
    ending = _ending(match)
    before = match.string[: match.start()].rstrip(" ").rpartition(" ")[2]
    if len(match.group(1)) == 3 and before.lower() not in _BEFORE_ORDINALS:
        return f"{match.group(1)}."
    is_count = ending == "r" and before[:1].isupper() and before.isalpha()
    return match.group(1) if is_count else _ordinal(match.group(1), ending)


def _read_one(match: Match[str]) -> str:
    """Read 1 before a noun: ein, eine, einem, einer, einen; eins after another noun."""
    text, start, end = match.string, match.start(), match.end()
    before = text[max(start - 24, 0) : start].rstrip(" \u00a0").rpartition(" ")[2]
    word = before.lower()
    is_preposition = word in _DATIVE or word in _ACCUSATIVE
    opens = not before or not before[-1].isalnum() or before in _OPENERS
    if before[:1].isupper() and not (is_preposition or opens):
        return "1"
    if _FEMININE.match(text, end) or re.match(r"[ \u00a0][a-zäöüß]+e ", text[end:]):
        return "einer" if word in _DATIVE else "eine"
    if word in _DATIVE:
        return "einem"
    is_accusative = word in _ACCUSATIVE and _MASCULINE.match(text, end)
    return "einen" if is_accusative else "ein"


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


def _read_length(match: Match[str]) -> str:
    """Read 2:30 Stunden, 3:45 Minuten: no times of day."""
    names = _LENGTHS[match["unit"][0]]
    numbers = (match["first"], match["second"], match["third"] or "")
    return " ".join(
        f"{spell('de', 'spellout-cardinal-feminine', int(number))} "
        f"{name if int(number) == 1 else name + 'n'}"
        for number, name in zip(numbers, names)
        if number and int(number)
    )


_LENGTHS = {
    "S": ("Stunde", "Minute", "Sekunde"),
    "M": ("Minute", "Sekunde"),
    "m": ("Minute", "Sekunde"),
}


def _read_track(match: Match[str]) -> str:
    return f"{match[1]} Minuten {int(match[2])}"


_KINGS = frozenset(
    words(
        "Abbas Adolf Albert Albrecht Alexander Alexei Alfons Amadeus Andreas "
        "Antiochos August Balduin Benedikt Boleslaw Bonifaz Bonifatius Boris Calixt "
        "Christian Clemens Coelestin Konrad Konstantin Dareios David Eduard Erich "
        "Ernst Eugen Ferdinand Franz Friedrich Georg Gregor Gustav Haakon Hadrian "
        "Harald Heinrich Hugo Innozenz Iwan Jakob Jean Johann Johannes Joseph Josef "
        "Julius Karl Kasimir Kleopatra Knut Ladislaus Leo Leopold Lothar Louis "
        "Ludwig Magnus Manuel Maximilian Mehmed Michael Mohammed Moritz Murad "
        "Napoleon Nikolaus Olaf Oskar Otto Paul Peter Philipp Pius Pippin "
        "Ptolemaios Rainer Ramses Richard Robert Roger Rudolf Sancho Selim "
        "Sigismund Sixtus Stephan Süleyman Theodosius Thutmosis Urban Valdemar "
        "Victor Viktor Waldemar Wenzel Wilhelm Wladimir Xerxes"
    )
)
_QUEENS = frozenset(
    words(
        "Anna Elisabeth Elizabeth Isabella Johanna Katharina Kleopatra Margarethe "
        "Margrethe Maria Mary Viktoria"
    )
)
_TITLES = frozenset(
    words(
        "Kaiser König Königin Kaiserin Papst Zar Zarin Sultan Schah Pharao Fürst "
        "Prinz Graf Herzog Kurfürst Landgraf Markgraf Bischof Erzbischof Patriarch "
        "Großherzog"
    )
)
_GENITIVE_TITLES = frozenset(
    words(
        "Kaisers Königs Papstes Zaren Sultans Fürsten Prinzen Grafen Herzogs "
        "Kurfürsten Landgrafen Markgrafen Bischofs Erzbischofs Patriarchen des"
    )
)
_COUNTED = frozenset(
    words(
        "Bowl Kapitel Band Teil Akt Typ Klasse Stufe Phase Artikel Abschnitt Buch "
        "Liga Gruppe Kategorie Weltkrieg Titel Satz Szene Nummer Version Mark Zone "
        "Apollo Abteilung Anlage Anhang Tabelle Tafel Staffel Episode Folge Schicht "
        "Serie Quartett"
    )
)
_BEFORE_ORDINALS = frozenset(
    words(
        "der die das dem den des im am zum zur vom beim ein eine einem einen einer "
        "eines seine seinem seinen seiner ihre ihrem ihren ihrer dieser diesem"
    )
)


def _read_numeral(numeral: Numeral) -> str | None:
    number, before = numeral.number, numeral.before
    if before in _COUNTED:
        return spell("de", "spellout-numbering", number)
    follows = re.search(r"\b[IVX]+\. (?:und|bis|oder) \Z", numeral.preceding)
    precedes = re.match(r"(?:und|bis|oder) [IVX]+\.", numeral.after)
    opens = not before and len(numeral.written) > 1  # I. Kant is a man's initial
    if before.lower() in _BEFORE_ORDINALS or opens or (follows and numeral.ending):
        if not numeral.ending or not (precedes or re.match(r"\w", numeral.after)):
            return None
        text = f"{numeral.preceding}{numeral.written}. {numeral.after}"
        start = len(numeral.preceding)
        match = re.compile(r"(\w+)\.").match(text, start)
        return _ordinal(str(number), _ending(match)) if match else None
    article = _article(numeral)
    if article:
        ending = "" if article in ("der", "die") else "n"
        return f"{article.strip()} {_ordinal(str(number), ending)}"
    is_name = before.istitle() and before.isalpha()
    is_end = not (numeral.ending and numeral.after)  # the full stop is the sentence's
    if is_name and len(numeral.written) > 1 and is_end and number < 40:
        return spell("de", "spellout-numbering", number)
    return None


def _article(numeral: Numeral) -> str:
    """Return the article of a ruler's number: Wilhelm der Zweite, unter Wilhelm dem ..

    "der " with a space is the feminine dative or genitive; "" says that it is no ruler.
    """
    name, *words = numeral.words
    genitive = name not in _KINGS | _QUEENS and name.endswith("s")
    base = name[:-1] if genitive else name
    is_known = base in _KINGS or base in _QUEENS
    titled = any(word in _TITLES | _GENITIVE_TITLES for word in words[:2])
    goes_on = bool(numeral.ending) and re.match(r"[a-zäöüß,;)]", numeral.after)
    if numeral.number >= 40 or not name.istitle() or not name.isalpha():
        return ""
    if not (is_known or titled or goes_on):
        return ""
    is_queen = base in _QUEENS
    genitive = genitive and (is_known or titled)
    for word in () if genitive else words[:4]:
        if word in _GENITIVE_TITLES:
            genitive = True
        elif word.lower() in _DATIVE:
            return "der " if is_queen else "dem"
        elif word.lower() in _ACCUSATIVE:
            return "die" if is_queen else "den"
        if genitive or not word.istitle():
            break
    if genitive:
        return "der " if is_queen else "des"
    return "die" if is_queen else "der"


def _read_score(match: Match[str]) -> str:
    return f"{match.group(1)} zu {match.group(2)}"


_HOUR = r"(?P<hour>\d(?<![\d.,:]\d)(?:(?<=[01])\d|(?<=2)[0-4])?)"
_DAY = r"(\d(?<![\d.,:]\d)(?:(?<=[012])\d|(?<=3)[01])?)"
# A look-behind follows the first digit, see `spoken/speaker.py`.
_RULES = [
    rule(
        r"(?P<first>\d(?<![\d.,:]\d)\d?):(?P<second>[0-5]\d)(?::(?P<third>\d\d))? ?"
        r"(?P<unit>Stunden?|Std\b|Minuten?|[Mm]in\b)\.?",
        _read_length,
        ":",
    ),
    rule(
        r"(\d(?<![\d.,:]\d)\d?)\.(?P<to> ?- ?|/)(?=\d{1,2}\. ?[A-ZÄÖÜ])",
        lambda match: _read_ordinal(match) + (" bis" if "-" in match["to"] else ""),
        re.compile(r"\.(?: ?- ?|/)\d"),
    ),
    rule(r"%ig(e?[nrsm]?)\b", lambda match: f"prozentig{match[1]}", "%"),
    rule(r"x(?<=\dx)\b(?! ?\d)", lambda match: "mal", "x"),
    rule(r"(?<=\()(\d):([0-5]\d)(?=\))", _read_track, "("),
    rule(
        r"(?:(?<=zeit )|(?<=Länge )|(?<=Dauer ))(\d):([0-5]\d)(?![\d:]| ?Uhr)",
        _read_track,
        ":",
    ),
    rule(
        r"(\d(?<![\d.,:]\d)\d?)\."
        r"(?=(?:,| und| bis| oder) \d{1,2}\. ?(?:,|und|[A-ZÄÖÜ]))",
        _read_ordinal,
        re.compile(r"\.(?:,| und| bis| oder) \d"),
    ),
    rule(
        r"(\d{1,3})(?<![.,]\d)(?<![.,]\d\d)(?<![.,]\d{3}) ?Tsd\b\.?",
        lambda match: f"{match[1]}000",
        "Tsd",
    ),
    rule(
        r"(\d(?<![\d.,:]\d)\d{0,2})s?t(e[nrsm]?)\b",
        lambda match: _ordinal(match[1], match[2][1:]),
        re.compile(r"[0-9]s?te"),
    ),
    rule(
        r"(?<=um )(\d\d?) ?h\b|(?<=ab )(\d\d?) ?h\b|(?<=gegen )(\d\d?) ?h\b",
        lambda match: f"{match[1] or match[2] or match[3]} Uhr",
        re.compile(r"h\b(?:(?<=\dh)|(?<=\d h))"),
    ),
    rule(
        rf"{_HOUR}[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d))? ?(?:Uhr|h)\b",
        _read_clock,
        re.compile(r"[:.][0-5]\d(?:[:.]\d\d)? ?(?:Uhr|h)\b"),
    ),
    rule(
        rf"{_HOUR}:(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:]|,\d)",
        _read_clock,
        ":",
    ),
    rule(rf"{_HOUR}(?P<minute>)(?P<second>) ?Uhr\b", _read_clock, "U"),
    rule(r"(\d{1,3}) ?: ?(\d{1,3})(?![\d:]|,\d)", _read_score, ":"),
    rule(
        rf"{_DAY}\. ?(0?[1-9]|1[0-2])\. ?(\d{{4}}|\d\d)?(?!\d)",
        _read_date,
        re.compile(r"\. ?\d{1,2}\."),
    ),
    rule(
        rf"{_DAY}\. ?(?=(?:{_MONTHS})\b)",
        _read_ordinal,
        re.compile(r"\.(?<=\d\.) ?[A-Z]"),
    ),
    rule(
        r"(\d(?<![\d.,:^]\d)\d{0,2})\. "
        rf"(?=[^\W\d_])(?!(?:{_SENTENCE_STARTS})\b)",
        _read_place,
        re.compile(r"\.(?<=\d\.) [^\W\d_]"),
    ),
    rule(
        r"(\d(?<![\d.,:^]\d)\d?)\.(?=\s*\Z)",
        _read_last,
        re.compile(r"\.(?<=\d\.)\s*\Z"),
    ),
    rule(
        r"(\d(?<![\d.,:]\d)\d?(?:\d\d)?)er(n?)\b",
        _read_decade,
        re.compile(r"er(?<=\der)"),
    ),
    rule(r"1(?<![\w.,:/-]1) ?-?mal\b", lambda match: "einmal", "1"),
    rule(
        r"1(?<![\w.,:/-]1)(?<!\d[ \u00a0]1)"
        r"(?=[ \u00a0](?:[a-zäöüß]+e[rs]? )?[A-ZÄÖÜ][a-zäöüß])"
        r"(?!.(?:Mio|Mrd|Md|Mill\.|Bio)\b)",
        _read_one,
        "1",
    ),
    rule(
        r",-{1,2}(?<=\d,-)(?![\w-])|,-(?<=\d,-)(?= ?(?:€|EUR|DM|CHF|Euro))",
        lambda match: "",
        ",",
    ),
]

_OPENERS = frozenset(_SENTENCE_STARTS.split("|"))
_CENTS = ("", "")
_MONEY = {
    **dict.fromkeys(("€", "EUR"), Unit("Euro", "Euro", "m", _CENTS)),
    **dict.fromkeys(("$", "US$", "US-$", "USD"), Unit("Dollar", "Dollar", "m", _CENTS)),
    **dict.fromkeys(("£", "GBP"), Unit("Pfund", "Pfund", "m", _CENTS)),
    **dict.fromkeys(("CHF", "sFr", "sFr."), Unit("Franken", "Franken", "m", _CENTS)),
    **dict.fromkeys(("DM", "D-Mark"), Unit("Mark", "Mark", "f", _CENTS)),
    "RM": Unit("Reichsmark", "Reichsmark", "f", _CENTS),
    **units(
        "C$, CAD = kanadische Dollar, kanadische Dollar, m; "
        "A$, AUD = australische Dollar, australische Dollar, m; "
        "¥, JPY = Yen, Yen, m; ₽, RUB = Rubel, Rubel, m; "
        "₹, INR = Rupie, Rupien, f; ₺, TRY = Lira, Lira, f; "
        "zł, PLN = Złoty, Złoty, m; Kč, CZK, SEK, NOK, DKK = Krone, Kronen, f; "
        "ATS = Schilling, Schilling, m; CNY, RMB = Yuan, Yuan, m; R$ = Real, Real, m"
    ),
}

# before Roman numerals, too
_PARTS = table(
    "Nr. = Nummer; Nrn. = Nummern; Abs. = Absatz; Art. = Artikel; Kap. = Kapitel; "
    "Sp. = Spalte; Ziff. = Ziffer; Tab. = Tabelle; Taf. = Tafel"
)

LANGUAGE = Language(
    lang="de",
    cardinals={
        "": "spellout-numbering",
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
    },
    decimal_word="Komma",
    minus="minus",
    until="bis",
    years=range(1100, 2000),
    year_ruleset="spellout-numbering-year",
    fractions=table(
        "1/2 = ein halb; 1/3 = ein Drittel; 2/3 = zwei Drittel; "
        "1/4 = ein Viertel; 3/4 = drei Viertel; 1/5 = ein Fünftel; "
        "2/5 = zwei Fünftel; 3/5 = drei Fünftel; 4/5 = vier Fünftel; "
        "1/8 = ein Achtel; 3/8 = drei Achtel; 5/8 = fünf Achtel; "
        "7/8 = sieben Achtel; 1/10 = ein Zehntel"
    ),
    fraction_join="",
    units={
        **units(
            "% = Prozent, Prozent, m; ‰ = Promille, Promille, m; "
            "°C = Grad Celsius, Grad Celsius, m; "
            "°F = Grad Fahrenheit, Grad Fahrenheit, m; ° = Grad, Grad, m; "
            "mm = Millimeter, Millimeter, m; cm = Zentimeter, Zentimeter, m; "
            "m = Meter, Meter, m; km = Kilometer, Kilometer, m; "
            "km/h = Kilometer pro Stunde, Kilometer pro Stunde, m; "
            "m² = Quadratmeter, Quadratmeter, m; "
            "km² = Quadratkilometer, Quadratkilometer, m; "
            "m³ = Kubikmeter, Kubikmeter, m; qm = Quadratmeter, Quadratmeter, m; "
            "ha = Hektar, Hektar, m; t = Tonne, Tonnen, f; ft = Fuß, Fuß, m; "
            "mi = Meile, Meilen, f; mph = Meile pro Stunde, Meilen pro Stunde, f; "
            "kn = Knoten, Knoten, m; m/s = Meter pro Sekunde, Meter pro Sekunde, m; "
            "nm = Nanometer, Nanometer, m; μm, µm = Mikrometer, Mikrometer, m; "
            "cm² = Quadratzentimeter, Quadratzentimeter, m; "
            "cm³ = Kubikzentimeter, Kubikzentimeter, m; s = Sekunde, Sekunden, f; "
            "min = Minute, Minuten, f; ct = Cent, Cent, m; h = Stunde, Stunden, f; "
            "km³ = Kubikkilometer, Kubikkilometer, m; hp = PS, PS; "
            "mm² = Quadratmillimeter, Quadratmillimeter, m; "
            "kcal = Kilokalorie, Kilokalorien, f; Nm = Newtonmeter, Newtonmeter, m; "
            "km/s = Kilometer pro Sekunde, Kilometer pro Sekunde, m; "
            "kbit/s = Kilobit pro Sekunde, Kilobit pro Sekunde, m; "
            "Mbit/s = Megabit pro Sekunde, Megabit pro Sekunde, m; "
            "Gbit/s = Gigabit pro Sekunde, Gigabit pro Sekunde, m; "
            "dB = Dezibel, Dezibel, m; PS = PS, PS; KB = Kilobyte, Kilobyte, m; "
            "m/s² = Meter pro Quadratsekunde, Meter pro Quadratsekunde, m"
        ),
        **multiples(
            "k = kilo; M = mega; G = giga; T = tera; m = milli; c = zenti; d = dezi; "
            "h = hekto; n = nano; μ = mikro; µ = mikro",
            "W -kMGTm = watt, watt; Wh kMGT = wattstunde, wattstunden, f; "
            "V -kMm = volt, volt; Pa hkMG = pascal, pascal; J kMG = joule, joule; "
            "N k = newton, newton; eV -kMGT = elektronenvolt, elektronenvolt; "
            "Hz -kMGT = hertz, hertz; l -hdcmμµ = liter, liter; L -dcm = liter, liter; "
            "Ah -m = amperestunde, amperestunden, f; A mμµ = ampere, ampere; "
            "g -kmnμµ = gramm, gramm; B kMGT = byte, byte; "
            "B/s kMG = byte pro Sekunde, byte pro Sekunde",
            "m",
        ),
        **_MONEY,
        "Euro": _MONEY["€"],
        "Dollar": _MONEY["$"],
    },
    currencies=tuple(sign for sign in _MONEY if sign != "zł"),
    currency_join="",
    magnitudes={
        **dict.fromkeys(("Tausend", "Tsd.", "Tsd"), "Tausend"),
        "Million": "Million",
        "Millionen": "Millionen",
        **dict.fromkeys(("Mio.", "Mio", "Mill."), "Million|Millionen"),
        "Milliarde": "Milliarde",
        "Milliarden": "Milliarden",
        **dict.fromkeys(("Mrd.", "Mrd", "Md."), "Milliarde|Milliarden"),
        "Billion": "Billion",
        "Billionen": "Billionen",
        **dict.fromkeys(("Bio.", "Bio"), "Billion|Billionen"),
        "M": "Million|Millionen",
    },
    magnitude_gender="f",
    each="pro",
    number_signs={
        **_PARTS,
        **table("№ = Nummer; # = Nummer; S. = Seite; Z. = Zeile; §§ = Paragrafen"),
        "§": "Paragraf",
    },
    abbreviations=table(
        "Mr. = Mister; Mrs. = Missis; Ms. = Miss; Bros. = Brothers; "
        "Sgt. = Sergeant; Cie. = Compagnie; et al. = et al; Op. = Opus; "
        "Abt. = Abteilung; Bez. = Bezirk; Kt. = Kanton; Hptm. = Hauptmann; "
        "Oblt. = Oberleutnant; Joh. = Johann; Wilh. = Wilhelm; "
        "Friedr. = Friedrich; Verf. = Verfasser; Red. = Redaktion; "
        "Vors. = Vorsitzender; stellv. = stellvertretend; Präs. = Präsident; "
        "Univ. = Universität; Ges. = Gesellschaft; Vol. = Volumen; "
        "ausschl. = ausschließlich; einschl. = einschließlich; "
        "Nov. = November; Jan. = Januar; Aug. = August; Apr. = April; "
        "Hbf. = Hauptbahnhof; gegr. = gegründet; zit. = zitiert; Zit. = Zitat; "
        "österr. = österreichisch; schweiz. = schweizerisch; "
        "amerik. = amerikanisch; chin. = chinesisch; hebr. = hebräisch; "
        "arab. = arabisch; poln. = polnisch; tschech. = tschechisch; "
        "ung. = ungarisch; niederl. = niederländisch; Dr. = Doktor; "
        "Inh. = Inhaber; med. = med; phil. = phil; jur. = jur; rer. = rer; "
        "nat. = nat; ev. = evangelisch; kath. = katholisch; Prof. = Professor; "
        "Dipl. = Diplom; Ing. = Ingenieur; Mag. = Magister; Hr. = Herr; "
        "Fr. = Frau|Franken; Frl. = Fräulein; Gen. = General; Lt. = Leutnant; "
        "St. = Sankt; hl. = heilige; Str. = Straße; Abb. = Abbildung; "
        "Anm. = Anmerkung; Aufl. = Auflage; Bd. = Band; Bde. = Bände; "
        "Hrsg. = Herausgeber; Hg. = Herausgeber; Jh. = Jahrhundert; "
        "Jhd. = Jahrhundert; Jhdt. = Jahrhundert; Std. = Stunden; "
        "Min. = Minuten; Sek. = Sekunden; Tel. = Telefon; Fa. = Firma; "
        "Co. = Co; Inc. = Inc; Corp. = Corp; Ltd. = Limited; Jr. = Junior; "
        "jun. = junior; Sr. = Senior; sen. = senior; Okt. = Oktober; "
        "Dez. = Dezember; Feb. = Februar; Sept. = September; allg. = allgemein; "
        "bes. = besonders; bspw. = beispielsweise; bzgl. = bezüglich; "
        "bzw. = beziehungsweise; ca. = circa; d. h. = das heißt; "
        "dt. = deutsch; ehem. = ehemals; eigtl. = eigentlich; engl. = englisch; "
        "etc. = et cetera; evtl. = eventuell; evt. = eventuell; "
        "exkl. = exklusive; franz. = französisch; frz. = französisch; "
        "geb. = geboren; gest. = gestorben; ggf. = gegebenenfalls; "
        "griech. = griechisch; i. d. R. = in der Regel; inkl. = inklusive; "
        "insb. = insbesondere; insbes. = insbesondere; ital. = italienisch; "
        "jap. = japanisch; lat. = lateinisch; max. = maximal; "
        "mind. = mindestens; n. Chr. = nach Christus; o. g. = oben genannte; "
        "röm. = römisch; russ. = russisch; sog. = sogenannte; span. = spanisch; "
        "u. a. = unter anderem; u. Ä. = und Ähnliches; usf. = und so fort; "
        "usw. = und so weiter; u. U. = unter Umständen; v. a. = vor allem; "
        "v. Chr. = vor Christus; verh. = verheiratet; vgl. = vergleiche; "
        "vmtl. = vermutlich; z. B. = zum Beispiel; Z. B. = zum Beispiel; "
        "z. T. = zum Teil; z. Z. = zurzeit; zzgl. = zuzüglich"
    ),
    closing="etc. usw. usf. Ä.",
    openers=_SENTENCE_STARTS.replace("|", " "),
    telephone="telefon tel. fax notruf ruf durchwahl",
    dot="Punkt",
    slash="Schrägstrich",
    symbols=table(
        "& = und; @ = at; + = plus; ± = plus minus; × = mal; % = Prozent; "
        "° = Grad; € = Euro; $ = Dollar; £ = Pfund; § = Paragraf; ≥ = größer gleich; "
        "≤ = kleiner gleich; ≈ = ungefähr; ÷ = geteilt durch; ∞ = unendlich; "
        "√ = Wurzel aus"
    ),
    letter_rules=(
        equals("gleich"),
        parts(_PARTS),
        numerals(_read_numeral, r"\.", "IVXL"),
        rule(
            r"M(?<!\wM)(?<!\d[ \u00a0]M)(?:io|rd)\b\.?",
            lambda match: "Millionen" if match.group()[1] == "i" else "Milliarden",
        ),
    ),
    rules=(
        *coordinates("Nord Süd Ost West"),
        *powers("mal", " hoch {}"),
        *_RULES,
    ),
    wiki=Wiki(
        namespaces="datei|bild|kategorie",
        page_namespaces="diskussion|(?:benutzer|benutzerin|wikipedia|datei|bild|"
        "mediawiki|vorlage|hilfe|kategorie|portal|"
        "modul)(?: diskussion)?|spezial",
        skipped_sections="einzelnachweise|quellen|literatur|weblinks|siehe auch|"
        "anmerkungen|belege",
        common_words="der die das und ist war ein eine im von zu mit den dem des "
        "sich auf für nicht er es sind wurde",
        months=["Januar", *_MONTHS.split("|")[2:13]],
        date="{day}. |{month} |{year}",
        decimal_mark=",",
        joins=table("to = bis; and = und; or = oder; by = mal; ± = ±"),
        units=table(
            "mi = Meilen; ft = Fuß; in = Zoll; yd = Yards; acre = Acres; lb = Pfund; "
            "oz = Unzen; mph = Meilen pro Stunde; nmi = Seemeilen; kn = Knoten; "
            "hp = PS; mi2 = Quadratmeilen; ft2 = Quadratfuß; USgal = US-Gallonen; "
            "impgal = Gallonen; F = Grad Fahrenheit; psi = Pfund pro Quadratzoll; "
            "ha = Hektar; t = Tonnen; m3 = Kubikmeter; ft3 = Kubikfuß"
        ),
        templates={
            "{1}": "polytonisch|kapitälchen|hebr|arab|unicode|sperrsatz|antiqua|"
            "fraktur|überstrich|musik|nobreak",
            "{2}": "farbe|farbtext|schriftfarbe",
            "„{text|1}“": '"|zitat',
            "‚{1}‘": "‚",
            "{1} m": "höhe|höhenangabe",
            "=fraction": "bruch|b",
            "=number": "zahl",
            "=date": "datum|formatdate|format date",
            "=convert": "umrechnen",
            "§ {1}": "§|paragraph",
            "§§ {1}": "§§",
            "v. Chr.": "v. chr.|v.chr.|vchr",
            "n. Chr.": "n. chr.|n.chr.|nchr",
            "z. B.": "z. b.|z.b.|zb",
            "d. h.": "d. h.|d.h.|dh",
            "u. a.": "u. a.|u.a.|ua",
            " ": "nbs|absatz",
        },
        silent=r"fn|fnb\w*|fn-?box|anker|belege.*|quelle.*|einzelnachweis\w*|refidx|"
        r"internetquelle|literatur|webarchiv|wann\??|wer\??|wo\??|"
        r"hauptartikel|siehe auch|"
        r"infobox.*|navigationsleiste.*|toter link|"
        r"belege fehlen|veraltet|zukunft|absatz|hinweis.*|"
        r"lückenhaft|überarbeiten|neutralität|verkleinert|zeitzone.*|sortkey\w*|skey",
    ),
)
