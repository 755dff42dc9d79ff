"""English, read the American way: no "and" within numbers, years in two halves. A date
of numbers alone (5/3/2010) is read number by number: its order is not known."""

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


_BEFORE_LENGTHS = re.compile(r"\b(?:in|lasts|lasted|runs|length|time of|for) \Z")


def _read_clock(match: Match[str]) -> str:
    hour, minute, second = match.group("hour", "minute", "second")
    half_day = (match.group("half_day") or "").lower().replace(".", "")
    words = [_cardinal(int(hour))]
    if minute != "00":
        words.append(_two_digits(minute))
    elif not half_day and not second:
        before = match.string[max(match.start() - 12, 0) : match.start()]
        if _BEFORE_LENGTHS.search(before):
            words.append("minutes")
        else:
            words.append("o'clock" if 0 < int(hour) <= 12 else "hundred")
    return " ".join([*words, _two_digits(second) if second else "", half_day])


def _two_digits(written: str) -> str:
    if written == "00":
        return "oh oh"
    return f"oh {written[1]}" if written[0] == "0" else written


_LENGTHS = {"h": ("hour", "minute"), "m": ("minute", "second")}


def _read_length(match: Match[str]) -> str:
    """Read 2:30 hours, 3:45 minutes: no times of day."""
    units = _LENGTHS[match["unit"][0]]
    numbers = (int(match["first"]), int(match["second"]))
    return " ".join(
        f"{number} {unit}{'s' * (number != 1)}"
        for number, unit in zip(numbers, units)
        if number
    )


def _read_lengths(match: Match[str]) -> str:
    """2h 5m, 3 h 45 min 10 s."""
    return " ".join(
        f"{int(number)} {unit}{'s' * (int(number) != 1)}"
        for number, unit in zip(match.groups(), ("hour", "minute", "second"))
        if number
    )


def _read_inches(match: Match[str]) -> str:
    is_one = re.search(r"(?<![\d.,])1 ?\Z", match.string[: match.start()])
    return "inch" if is_one else "inches"


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


_RULERS = words(
    "Abdullah Agrippa Bayezid Berengar Bohemond Hassan Herod Hussein Khosrow "
    "Mithridates Muhammad Mustafa Raymond Seleucus Shapur Abbas Adrian Albert "
    "Alexander Alexios Alexis Alfonso Alphonse Amadeus Andrew Antiochus "
    "Artaxerxes Augustus Baldwin Basil Benedict Bogdan Boniface Bolesław "
    "Callixtus Casimir Catherine Celestine Charles Christian Clement Cleopatra "
    "Conrad Constantine Cosimo Cyrus Darius David Demetrius Edmund Edward "
    "Elizabeth Ernest Eugene Farouk Ferdinand Francis Frederick George Gregory "
    "Gustav Haakon Harald Henry Honorius Hugh Innocent Isabella Ivan James "
    "Jerome Joan John Joseph Julius Justinian Kamehameha Ladislaus Leo Leopold "
    "Louis Ludwig Magnus Manuel Margaret Mary Maurice Maximilian Mehmed Michael "
    "Mohammed Murad Napoleon Nicholas Olaf Oscar Otto Paul Peter Philip "
    "Philippe Pius Ptolemy Ralph Ramesses Ramses Rama Richard Robert Roger "
    "Rudolf Rudolph Sancho Selim Sigismund Sixtus Stephen Suleiman Theodosius "
    "Thomas Thutmose Tiberius Umberto Urban Valdemar Victoria Victor Vittorio "
    "Vladimir Wenceslaus Wilhelm William Xerxes Zog"
)
_TITLES = words(
    "King Queen Emperor Empress Pope Antipope Patriarch Tsar Tsarina Czar "
    "Kaiser Sultan Shah Pharaoh Prince Princess Duke Count Archbishop "
    "Catholicos"
)
# What stands before a number that counts: World War II, Chapter IV, Type II.
_COUNTED = frozenset(
    words(
        "no vol fig ch pt sec art saturn war wars chapter chapters part parts act "
        "acts volume volumes book books title article articles section sections "
        "schedule table figure appendix annex type types phase phases class grade "
        "stage level levels division group category tier zone region mark bowl "
        "psalm psalms episode scene canto number version model series season factor "
        "vatican page pages plate wrestlemania apollo olympiad page schedule saturn "
        "quartet symphony sonata"
    )
)
# What stands behind one that orders: the XXIII Reserve Corps, XIX century.
_ORDERED = words(
    "century centuries dynasty corps army legion olympiad olympic winter summer "
    "games congress conference brigade international reserve panzer bomber "
    "fighter airborne cavalry artillery tactical"
)


def _read_numeral(numeral: Numeral) -> str | None:
    number, before, after = numeral.number, numeral.before, numeral.after
    ending = numeral.ending or ""
    is_long = len(numeral.written) > 1
    first = (after.split() or [""])[0].lower().strip(".,;:")
    if before.lower().rstrip(".") in _COUNTED:
        is_range = re.match(r"-[IVX]+\b", after)
        return f"{_cardinal(number)}{' to' if is_range else ending}"
    if re.search(r"\b[IVX]+-\Z", numeral.preceding) and is_long:
        return _cardinal(number)
    if number >= 40:
        return None
    is_ruler = before in _RULERS or (
        before.istitle()
        and (numeral.words[1:2] or [""])[0] in _TITLES
        or (before.istitle() and re.match(r"of [A-Z]", after) and number > 1)
    )
    if is_ruler:
        return f"the {_ordinal(number)}{ending}"
    is_shared = re.match(r"(?:and|to|or) [IVX]+ centur", after)
    if first in _ORDERED or is_shared or after.startswith("World War"):
        return _ordinal(number)
    if before in ("and", "or", "to"):
        is_pair = is_long and re.search(_PAIR, numeral.preceding)
        return _cardinal(number) if is_pair else None
    if number < 6 and before.istitle() and set(numeral.words[1:3]) & set(_RULERS):
        return f"the {_ordinal(number)}{ending}"
    if not is_long or numeral.written in ("IV", "XX", "XXX", "VI"):
        return None
    return f"{_cardinal(number)}{ending}" if before.isalpha() else None


_SIDES = table("km = kilometer; cm = centimeter; mm = millimeter; m = meter; mi = mile")


def _read_area(match: Match[str]) -> str:
    """Read square km: in the plural, but after "per"."""
    before = match.string[: match.start()].split()
    return _SIDES[match.group()] + "s" * (before[-2:-1] != ["per"])


# "Parts I and II": the first of them has been read.
_PAIR = r"\b(?:[IVX]+|one|two|three|four|five|six) (?:and|or|to) \Z"

_DAY = r"\d(?<!\d\d)(?:(?<=[12])\d|(?<=3)[01])?(?!\d)"
# A look-behind follows the first digit, see `spoken/speaker.py`.
_RULES = [
    rule(
        r"(\d(?<![\d.,]\d)[\d,]{0,14})(?:st|nd|rd|th|ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)\b",
        _read_ordinal,
        re.compile(r"[0-9](?:st|nd|rd|th|ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)"),
    ),
    rule(
        r"([1-9](?<!\w\d)\d{0,2}0) ?'?s\b",
        _read_decade,
        re.compile(r"0(?<=\d0) ?'?s\b"),
    ),
    rule(
        r"(\d(?<![\d:.]\d)\d?) ?h(?:rs?)? ?(\d{1,2}) ?m(?:ins?)?\b\.?"
        r"(?: ?(\d{1,2}) ?s(?:ecs?)?\b)?",
        _read_lengths,
        re.compile(r"h(?:rs?)? ?\d{1,2} ?m"),
    ),
    rule(
        r"(?P<first>\d(?<![\d:.]\d)\d{0,2}):(?P<second>[0-5]\d) ?-?"
        r"(?P<unit>hours?|hrs?|minutes?|mins?)\b\.?",
        _read_length,
        ":",
    ),
    rule(
        r"(?P<hour>\d(?<![\d:.]\d)\d?):(?P<minute>[0-5]\d)(?::(?P<second>\d\d))?"
        r"(?![\d:])(?: ?(?P<half_day>[AaPp]\.?[Mm]\b\.?))?",
        _read_clock,
        ":",
    ),
    rule(
        r"(\d{1,2})(?:\.([0-5]\d))? ?([AaPp])\.?([Mm])\b\.?",
        _read_hour,
        re.compile(r"[0-9] ?[AaPp]\.?[Mm]\b"),
    ),
    rule(
        r"(\d{4})-(0\d|1[0-2])-([0-2]\d|3[01])(?![\d-])",
        _read_iso_date,
        re.compile(r"-[01]\d-[0-3]\d"),
    ),
    rule(rf"({_DAY}) ({_MONTH})\b", _read_day_first, re.compile("[0-9] [A-Z]")),
    rule(rf"({_MONTH}) ({_DAY})(?![.:/-]?\d)", _read_month_first),
    rule(
        r"\d{3}(?<!\d\d{3})\)?[ -]\d{3}-\d{4}(?!\d)",
        _read_digits,
        re.compile(r"-\d{4}(?!\d)"),
    ),
    rule(
        r"(?:911|999|112|988)(?:(?<=[Cc]all \d{3})|(?<=called \d{3})|"
        r"(?<=calling \d{3}))(?![\d,.]\d)",
        _read_digits,
        ("call", "Call"),
    ),
    rule(r"(\d{4}) ?- ?0(\d)(?![\d-])", _read_season, re.compile(r"- ?0\d(?!\d)")),
    rule(r"in\b\.?(?:(?<=\din)|(?<=\din\.)|(?<=\d in)(?=\)))", _read_inches, "i"),
    rule(
        r"m(?<=\dm) (?=people|viewers|users|copies|pounds|dollars|euros|jobs|"
        r"tonnes|tons|homes|children|barrels|shares|customers|visitors|voters)",
        lambda match: "million ",
        "m",
    ),
    rule(r"s\b(?:(?<=\.\d s)|(?<=\.\d\d s))", lambda match: "seconds", "s"),
    rule(
        rf"(?:(?<=square )|(?<=cubic ))(?:{'|'.join(_SIDES)})\b",
        _read_area,
        ("square ", "cubic "),
    ),
    # between $5 and $10 million
    rule(
        r"[$€£](?:(?<=[Bb]etween .)|(?<=[Ff]rom .))(?=\d[\d.]* (?:to|and) [$€£]"
        r"\d[\d.]* ?"
        r"(?:[mbt]r?illion|[mbMB]n?\b))",
        lambda match: "",
        "$",
    ),
    rule(r"\.(?<=[$€£¢]\.)(?=\d\d?(?!\d))", lambda match: "0.", "."),
    rule(r"\.(?<![\w.]\.)(?=\d)", lambda match: "point", "."),
]

_BEFORE_ATTRIBUTES = re.compile(
    r"\b(?:an?|the|this|that|each|every|another|his|her|its|their|our|my|your|one|two|"
    r"three|four|five|six|ten|first|second|new|single|whole|record|further|[A-Z]?[a-z]+'s)"
    r"(?: (?:new|total|record|initial|annual|additional|further|reported|estimated|"
    r"whopping|massive|one-time|single|first|second|final|original|cash|full|whole|"
    r"roughly|nearly|proposed|multi-year|so-called|combined))* "
    r"[\"“]?(?:[$€£¥]?[\d.,]+(?: ?-| to )?)?\Z",
    re.IGNORECASE,
)
# After an amount these do not name what costs it: the $5 was paid, the $3 in cash.
_NO_NOUNS = frozenset(
    words(
        "a about above across after again against ago all along already also "
        "although an and annually any are around as at away back be because been "
        "before being below between but by came can cash comes could daily did do "
        "does due during each either else equals even every extra fell for from "
        "gave given goes had has have he her his how i if in instead into is it its "
        "just last later less lost made may might monthly more must my nearly next "
        "no nor not now of off on once one only onto or other our out over owed "
        "paid per plus raised roughly rose she should since so some spent than that "
        "the their them then there these they this those though through to today "
        "together too toward towards under until up upon was we weekly went were "
        "what when where whether which while who whose will with within without won "
        "worth would yearly yesterday yet you"
    )
)
# These take an amount before them even where no article stands: in £10 notes.
_PRICED = frozenset(
    words(
        "bill bills note notes coin coins banknote banknotes ticket tickets stamp "
        "stamps prize prizes bond bonds fee fees contract contracts deal deals "
        "budget budgets loan loans grant grants donation investment project "
        "projects settlement bonus salary reward bounty lawsuit"
    )
)
_HYPHENED = re.compile(r"\d[\d.,]*-[A-Za-z]+")  # 9-mm
_NOUN = re.compile(r"[ \u00a0-]([a-z][a-z-]+|[A-Z][a-z]+)")


def _is_attribute(text: str, start: int, end: int) -> bool:
    """Return whether a noun takes the quantity as its attribute: a $500 bond."""
    if _HYPHENED.fullmatch(text, start, end):
        return True
    noun = _NOUN.match(text, end)
    if noun is None or noun[1].lower() in _NO_NOUNS or noun[1].endswith(("ed", "ly")):
        return False
    before = text[max(start - 40, 0) : start]
    is_hyphened = text[end] == "-" or "-" in text[start + 1 : end]
    is_hyphened = is_hyphened or noun[1].lower() in _PRICED
    return bool(is_hyphened or _BEFORE_ATTRIBUTES.search(before))


_DOLLARS = {
    **table("$ = ; US$ = ; USD = ; U.S.$ ="),
    "A$": "Australian ",
    "AU$": "Australian ",
    "AUD": "Australian ",
    "C$": "Canadian ",
    "CA$": "Canadian ",
    "CAD": "Canadian ",
    "NZ$": "New Zealand ",
    "HK$": "Hong Kong ",
    "S$": "Singapore ",
    "SGD": "Singapore ",
    "NT$": "Taiwan ",
    "HKD": "Hong Kong ",
    "NZD": "New Zealand ",
}
_MONEY = {
    **{
        sign: Unit(f"{country}dollar", f"{country}dollars", cents=("cent", "cents"))
        for sign, country in _DOLLARS.items()
    },
    **dict.fromkeys(("€", "EUR"), Unit("euro", "euros", cents=("cent", "cents"))),
    **dict.fromkeys(("£", "GBP"), Unit("pound", "pounds", cents=("penny", "pence"))),
    **dict.fromkeys(
        ("₹", "INR", "Rs.", "Rs"), Unit("rupee", "rupees", cents=("paisa", "paise"))
    ),
    **units(
        "¥, JPY = yen, yen; CNY, RMB, CN¥ = yuan, yuan; "
        "CHF, SFr., SFr = Swiss franc, Swiss francs; ₩, KRW = won, won; "
        "₽, RUB = ruble, rubles; ₺, TRY = lira, lira; R$, BRL = real, reais; "
        "₱, PHP = peso, pesos; MX$, MXN = Mexican peso, Mexican pesos; "
        "₪, ILS = shekel, shekels; ₦, NGN = naira, naira; ฿, THB = baht, baht; "
        "₫ = dong, dong; SEK = Swedish krona, Swedish kronor; "
        "NOK = Norwegian krone, Norwegian kroner; "
        "DKK = Danish krone, Danish kroner; DM = mark, marks; ZAR = rand, rand; "
        "PLN = zloty, zlotys"
    ),
}
_SHORT_MONTHS = table("Mar. = March; Apr. = April; Jun. = June; Jul. = July")
_BRITISH_TITLES = table("St = saint; Mr = mister; Mrs = missus; Ms = miz; Dr = doctor")

# before Roman numerals, too
_PARTS = table(
    "No. = number; no. = number; Nos. = numbers; nos. = numbers; Ch. = chapter; "
    "ch. = chapter; Art. = article; art. = article; Sec. = section; Pt. = part"
)

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
    fractions=table(
        "1/2 = one half; 1/3 = one third; 2/3 = two thirds; 1/4 = one quarter; "
        "3/4 = three quarters; 1/5 = one fifth; 2/5 = two fifths; "
        "3/5 = three fifths; 4/5 = four fifths; 1/8 = one eighth; "
        "3/8 = three eighths; 5/8 = five eighths; 7/8 = seven eighths; "
        "1/10 = one tenth"
    ),
    fraction_join="and",
    units={
        **units(
            "%, pc = percent, percent; ‰ = per mille, per mille; "
            "°C, ° C = degree celsius, degrees celsius; "
            "°F, ° F = degree fahrenheit, degrees fahrenheit; ° = degree, degrees; "
            "mm Hg, mmHg = millimeter of mercury, millimeters of mercury; "
            "nm = nanometer, nanometers; μm, µm = micrometer, micrometers; "
            "mm = millimeter, millimeters; cm = centimeter, centimeters; "
            "m = meter, meters; km = kilometer, kilometers; "
            "km/h, kph, kmph = kilometer per hour, kilometers per hour; "
            "m/s = meter per second, meters per second; "
            "ft/s = foot per second, feet per second; "
            "mph, mi/h = mile per hour, miles per hour; "
            "rpm = revolution per minute, revolutions per minute; kn = knot, knots; "
            "mm² = square millimeter, square millimeters; "
            "cm² = square centimeter, square centimeters; "
            "m², sq m = square meter, square meters; "
            "km², sq km, sq. km = square kilometer, square kilometers; "
            "cm³ = cubic centimeter, cubic centimeters; "
            "m³ = cubic meter, cubic meters; km³ = cubic kilometer, cubic kilometers; "
            "sq mi, sqmi, sq. mi, sq. mi., mi² = square mile, square miles; "
            "sq ft, sqft, sq. ft., ft² = square foot, square feet; "
            "cu ft, ft³ = cubic foot, cubic feet; ha = hectare, hectares; "
            "ft, ft. = foot, feet; yd, yd., yds = yard, yards; mi = mile, miles; "
            "nmi = nautical mile, nautical miles; lb, lbs, lb., lbs. = pound, pounds; "
            "oz, oz. = ounce, ounces; gal = gallon, gallons; "
            "hr, hrs, hr., hrs. = hour, hours; min, mins, min. = minute, minutes; "
            "sec, secs, sec. = second, seconds; ms = millisecond, milliseconds; "
            "N = newton, newtons; dB = decibel, decibels; "
            "kcal = kilocalorie, kilocalories; hp = horsepower, horsepower; "
            "t = tonne, tonnes; Nm = newton meter, newton meters; "
            "km/s = kilometer per second, kilometers per second; "
            "m/s² = meter per second squared, meters per second squared; "
            "kbit/s, kbps = kilobit per second, kilobits per second; "
            "Mbit/s, Mbps = megabit per second, megabits per second; "
            "Gbit/s, Gbps = gigabit per second, gigabits per second; "
            "KB = kilobyte, kilobytes; ¢, c. = cent, cents"
        ),
        **multiples(
            "k = kilo; M = mega; G = giga; T = tera; m = milli; c = centi; d = deci; "
            "h = hecto; n = nano; μ = micro; µ = micro",
            "W -kMGTm = watt, watts; Wh kMGT = watt hour, watt hours; "
            "V -kMmμµ = volt, volts; Pa hkMG = pascal, pascals; J kMG = joule, joules; "
            "N k = newton, newtons; eV -kMGT = electron volt, electron volts; "
            "Hz -kMGT = hertz, hertz; l -hdcmμµ = liter, liters; "
            "L -dcmμµ = liter, liters; "
            "Ah -m = ampere hour, ampere hours; A mμµ = ampere, amperes; "
            "g -kmnμµ = gram, grams; B kMGT = byte, bytes; "
            "B/s kMG = byte per second, bytes per second",
        ),
        **_MONEY,
    },
    currencies=tuple(_MONEY),
    currency_join="and",
    magnitudes={
        **table(
            "hundred = hundred; thousand = thousand; million = million; "
            "billion = billion; trillion = trillion; lakh = lakh; crore = crore"
        ),
        **dict.fromkeys(("m", "M", "mn", "mil", "mil.", "mln", "mm"), "million"),
        **dict.fromkeys(("bn", "b", "B", "bil", "bil."), "billion"),
        **dict.fromkeys(("tn", "trn", "T"), "trillion"),
        **dict.fromkeys(("k", "K"), "thousand"),
    },
    is_attribute=_is_attribute,
    each="per",
    number_signs={
        **_PARTS,
        **dict.fromkeys(("№", "#"), "number"),
        **table("p. = page; pp. = pages; § = section; §§ = sections"),
        **table("Op. = opus; b. = born; d. = died; r. = reigned; fl. = flourished"),
        **dict.fromkeys(("c.", "ca."), "circa"),
        **_SHORT_MONTHS,
    },
    abbreviations=table(
        "Apt. = apartment; Mon. = Monday; Wed. = Wednesday; Fri. = Friday; "
        "Sat. = Saturday; Gens. = generals; Cllr. = councillor; "
        "Mfg. = manufacturing; Mgr. = manager; Asst. = assistant; "
        "Assoc. = associate; Treas. = treasurer; Ala. = Alabama; "
        "Ark. = Arkansas; Del. = Delaware; Kan. = Kansas; Wyo. = Wyoming; "
        "Vt. = Vermont; Ont. = Ontario; Que. = Quebec; resp. = respectively; "
        "Mr. = mister; Mrs. = missus; Ms. = miz; Messrs. = messrs; "
        "Dr. = doctor; Drs. = doctors; Prof. = professor; Gen. = general; "
        "Brig. = brigadier; Maj. = major; Col. = colonel; Capt. = captain; "
        "Cpt. = captain; Cmdr. = commander; Cdr. = commander; "
        "Comdr. = commander; Lt. = lieutenant; Sgt. = sergeant; "
        "Cpl. = corporal; Pvt. = private; Pfc. = private first class; "
        "Adm. = admiral; Rev. = reverend; Revd. = reverend; Hon. = honorable; "
        "Gov. = governor; Sen. = senator; Sens. = senators; "
        "Rep. = representative; Reps. = representatives; Pres. = president; "
        "Supt. = superintendent; Insp. = inspector; Det. = detective; "
        "Atty. = attorney; Amb. = ambassador; Msgr. = monsignor; Fr. = father; "
        "Jr. = junior; Sr. = senior; Esq. = esquire; St. = saint|street; "
        "Ste. = sainte|suite; Mt. = mount; Ft. = fort; Bros. = brothers; "
        "Inc. = incorporated; Corp. = corporation; Ltd. = limited; "
        "Co. = company; Cos. = companies; Univ. = university; "
        "Assn. = association; Intl. = international; Natl. = national; "
        "Govt. = government; Ave. = avenue; Blvd. = boulevard; Rd. = road; "
        "Hwy. = highway; Pkwy. = parkway; Jan. = January; Feb. = February; "
        "Aug. = August; Sept. = September; Sep. = September; Oct. = October; "
        "Nov. = November; Dec. = December; Tues. = Tuesday; Thurs. = Thursday; "
        "Ariz. = Arizona; Calif. = California; Colo. = Colorado; "
        "Conn. = Connecticut; Fla. = Florida; Ga. = Georgia; Ky. = Kentucky; "
        "Md. = Maryland; Mich. = Michigan; Minn. = Minnesota; Neb. = Nebraska; "
        "Nev. = Nevada; Okla. = Oklahoma; Pa. = Pennsylvania; "
        "Tenn. = Tennessee; Va. = Virginia; Wis. = Wisconsin; vs. = versus; "
        "etc. = et cetera; e. g. = for example; i. e. = that is; cf. = compare; "
        "viz. = namely; et al. = et al; approx. = approximately; "
        "dept. = department; est. = established; fig. = figure; "
        "figs. = figures; vol. = volume; vols. = volumes; ed. = edition; "
        "eds. = editors; ext. = extension; max. = maximum; "
        "misc. = miscellaneous; incl. = including; esp. = especially; "
        "var. = variety"
    ),
    closing="etc. al.",
    openers=(
        "The It He She They We You This That These Those There Their His Her Its Our "
        "In On At As After Before When While Although However But And If For From By "
        "With During Since Both Some Many Most Once What Who Why How Later Then Today "
        "An It's He's According Because Under Several Another Here Such"
    ),
    telephone="tel. telephone phone fax dial hotline extension",
    dot="dot",
    slash="slash",
    symbols=table(
        "& = and; @ = at; + = plus; ± = plus or minus; × = by; % = percent; "
        "° = degrees; $ = dollar; € = euro; £ = pound; ≥ = greater than or equal to; "
        "≤ = less than or equal to; ≈ = approximately; ÷ = divided by; ∞ = infinity; "
        "√ = square root of"
    ),
    letter_rules=(
        equals("equals"),
        parts(_PARTS),
        # as the British write them
        rule(
            rf"\b(?:{'|'.join(_BRITISH_TITLES)})(?= [A-Z])",
            lambda match: _BRITISH_TITLES[match.group()],
            [f"{title} " for title in _BRITISH_TITLES],
        ),
        numerals(_read_numeral, "'s", "IVXL"),
        rule(
            r"[MAJ](?<!\w[MAJ])(?:ar|pr|un|ul)\.(?= ?\d)",
            lambda match: _SHORT_MONTHS[match.group()],
            re.compile(r"\. ?\d"),
        ),
    ),
    rules=(
        *coordinates("north south east west", "sec"),
        *powers("times", " to the power of {}"),
        *_RULES,
    ),
    wiki=Wiki(
        namespaces="file|image|media|category",
        page_namespaces="talk|(?:user|wikipedia|project|file|image|mediawiki|"
        "template|help|category|portal|draft|module|book|timedtext|"
        "education program|gadget|topic)(?: talk)?|special|media|wp|"
        "mos",
        skipped_sections="references|notes|footnotes|citations|bibliography|sources|"
        "works cited|further reading|see also|external links|notes and references|"
        "explanatory notes",
        common_words="the of and is was were to with for on as by at it his her that",
        months=_MONTHS,
        date="{month} |{day}, |{year}",
        templates={
            "…": "...|…|ellipsis",
            "π": "pi",
            "{all}": "bibleverse|bible verse|bv",
            "=last": "transl|transliteration|translit",
            "{1|} BCE": "bce",
            "{1|} BC": "bc",
            "AD {1|}": "ad",
            "=small caps": "smallcaps|sc|sc1|sc2|smcp",
            "=link": "ill|interlanguage link|interlanguage link multi|illm",
            "=coord": "coord|coor|coord dms|coor title dms|geodatos|coordinate|"
            "ウィキ座標2段度分秒",
            "{1}": "nowrap|nobr|nobreak|nowr|small|smaller|big|larger|resize|abbr|"
            "abbrlink|tooltip|hover title|vanchor|visible anchor|"
            "visible anchors|citation|latin|em|strong|strongbad|var|mvar|"
            "samp|kbd|code|mono|tt|allcaps|uc|lc|ucfirst|lcfirst|huge|"
            "not a typo|notatypo|typo|sic|proper name|as written|wikt|"
            "wiktionary|wt|unichar|unicode|polytonic|greek|hebrew|"
            "he|arabic|nastaliq|iast|iast1|iso|iso 15919|pinyin|"
            "section link|slink|flagu|angbr|angle bracket|bracket|nee|"
            "overline|underline|u|strike|gr|bold|italic|i|ital|"
            "citation needed span|clarify span|tq|center|left|right|"
            "noitalic|no italic|serif|sans-serif|bibleref|"
            "no wrap|nwr|math|numwords|number to word|spellnum|spellnum per mos",
            "{2}": "lang|rtl-lang|color|font color|fontcolor|audio|sort|hs|"
            "colorsample|font|bgcolor|fgcolor",
            "{1|3|2}": "nihongo|nihongo foot|nihongo2|nihongo3|nihongo krt",
            "{2|1}": "fontsize|size|script",
            "{1} {2}": "sortname|currency|"
            "oldstyledate|oldstyledatedy|old style date|osdate",
            "{1|} {2}": "ship",
            "{1}-class {2|}": "sclass|sclass2|sclass-|sclass2-",
            "=convert": "convert|cvt|conv|convert/spell|conversion|convertir|converti|"
            "converter",
            "=convert names": "mi to km|km to mi|ft to m|m to ft|in to cm|cm to in|"
            "lb to kg|"
            "kg to lb|nmi to km|acre to ha|ha to acre|c to f|f to c|in to mm|"
            "mm to in|yd to m|mph to km/h|sqmi to km2|km2 to sqmi|oz to g",
            "=height": "height|weight",
            "=value": "val",
            "=number": "formatnum|num|number|formatprice|format price|numero|nts",
            "=digits": "gaps|cent|linktext|lk",
            "=fraction": "frac|sfrac|fraction",
            "=power": "10^",
            "=times power": "e|e-sp|x10^|x10|×10^",
            "=superscript": "sup|super|superscript|^|exp",
            "=subscript": "sub|subscript|inf|ind",
            "=formula": "chem|chem2|ce|fchim|fq",
            "=circa": "circa|c.|ca|ca.",
            "=years": "reign|r.|floruit|fl.|fl|born|b.|died|d.",
            "=as of": "as of|asof",
            "=date": "date|dts|start date|start-date|end date|end-date|birth date|"
            "birth-date|bda|birth date and age|birth-date and age|death date|"
            "death-date|death date and age|death-date and age|dob|dda|film date|"
            "start date and age|end date and age|release date|launch date|"
            "birth year and age|birth year|death year and age|format date|dtsa|"
            "start and end dates",
            "=flag": "flag|flagcountry",
            "=indian money": "indian rupee convert|inrconvert|inr convert",
            "=complaint": "according to whom|attribution needed|who|which|whom|when|"
            "where|why|"
            "vague|weasel-inline|like whom|by whom|clarify|disputed inline",
            "US${1|}": "us$|usd|us dollar|us dollars|usdollar|$",
            "A${1|}": "a$|au$|aud",
            "C${1|}": "c$|ca$|cad|can$",
            "NZ${1|}": "nz$|nzd",
            "HK${1|}": "hk$|hkd",
            "S${1|}": "s$|sgd",
            "R${1|}": "r$|brl",
            "£{1|}": "£|gbp|pound sterling|pounds",
            "€{1|}": "€|eur|euro|euros",
            "¥{1|}": "¥|jpy|yen|jp¥",
            "CNY {1|}": "cny|cn¥|rmb|renminbi",
            "₹{1|}": "₹|inr|indian rupee|indian rupees|indian rupee symbol|rupee|"
            "भारतीय रुपया|रुपया|भा रु|रु",
            "₨{1|}": "pkr|npr|lkr",
            "₩{1|}": "₩|krw",
            "₱{1|}": "₱|php",
            "₽{1|}": "₽|rub",
            "'": "'|`|apostrophe|apos|okina|'okina|ayin|hamza|ʻ",
            "'s": "'s",
            "s'": "s'",
            "“{1}”": '"|quote inline|talk quote inline',
            '"': "quot",
            "'\"": "'\"|' \"",
            "\"'": "\"'|\" '",
            " ": "nbsp|space|spaces|spc|nbs|pad|thinsp|thin space|hair space|"
            "hsp|spaced|px|break|br|crlf|nnbsp|emsp|ensp|nbhsp|,",
            " – ": "snd|spnd|sndash|spaced ndash|spaced en dash|dash|–|spaced dash|"
            "spaced endash|spaced n dash|spndash|tiret",
            "–": "ndash|endash|en dash|nsndn",
            " — ": "mdash|em dash|emdash|spaced mdash|smd|spmd|spaced em dash|—",
            "-": "hyphen|nbh|nbhyph",
            " · ": "·|dot|middot|•|bull|bullet|\\|spaced dot",
            " / ": "/|slash",
            "|": "!|pipe",
            "*": "*",
            "[": "((",
            "]": "))",
            "×": "×|times|x",
            "±": "±|plus-minus|plusminus|plusmn",
            "°": "deg|degree|degrees",
            "{1}th": "ordinal|nth",
            "No. {1|}": "no.|numero sign",
            "p. {1}": "p.",
            "pp. {1}": "pp.",
        },
        silent=r"!|pipe|nowrap (?:begin|end)|wrap|wbr|zwsp|shy|zwj|zwnj|wj|"
        r"harvard citation.*|sfn\w*|harv\w*|"
        r"e?fn|efn\S*|refn|refn\S*|rp|rpage|r|r2|ref\b.*|#tag|"
        r"cite\b.*|citation needed.*|cn|fact|cit|full citation.*|citequote|"
        r"cita\w*req\w*|"
        r"clarif.*|dubious.*|disputed.*|better source.*|verif.*|failed verification|"
        r"page needed|pn|page number.*|year needed|update\w*|update after|"
        r"specify.*|needs update.*|original research.*|or|pov\b.*|peacock.*|fix.*|"
        r"according to whom.*|unreliable.*|self-published.*|primary source.*|"
        r"non-primary.*|third-party.*|tone.*|awkward|ambiguous|contradict.*|"
        r"dead link|deadlink|webarchive|cbignore|bare url.*|open access|closed access|"
        r"subscription.*|registration.*|paywall|anchors?|anker|-|--|clear.*|clr|toc.*|"
        r"notoc|wikicite|note|notetag|note label|ref label|reflabel|#invoke|"
        r"sfnref|harvid|"
        r"flagicon.*|flag icon|flagdeco|noflagicon|icon|ico|file icon|color box|"
        r"legend.*|"
        r"increase|decrease|steady|gain|loss|no change|nochange|profit|"
        r"up|down|rise|fall|"
        r"audio-\w+|audio icon|listen|sound|hlist|short description|use .*|"
        r"engvar.*|maplink|geo\w*|defaultsort|displaytitle|"
        r"italic title.*|"
        r"good article|featured article|pp-.*|about|for|distinguish|redirect.*|"
        r"main|see also|further|hatnote|multiple image|wide image|stub|.*-stub|"
        r"portal.*|commons.*|authority control|in lang|link language|"
        r"en icon|[a-z][a-z] icon|dagger|ddagger|double-dagger|†|‡|sic\?|asof-cat|"
        r"0+|phantom|hidden.*|ill-wd2-note|sronly|screen reader only|notelist.*|"
        r"cref.*|cnote.*|request quotation|rq|quote needed|example needed|examples|"
        r"incomprehensible inline|copy edit.*|elucidate|expand.*|missing information.*|"
        r"inconsistent|lead.*|lopsided|speculation.*|synthesis.*|undue.*|weasel.*|"
        r"off-topic.*|opinion|promotion.*|relevance.*|importance.*|editorializing|"
        r"jargon.*|definition needed|buzz.*|over-explained|sps|rs|ps|medcn|tertiary|"
        r"chronology.*|circular.*|obsolete.*|date missing|time needed|gender needed|"
        r"image needed|where lived|full|nonspecific|non sequitur|infobox.*|"
        r"#if.*empty|void|null|\^|inflation[-/].*|inflation-fn|efn-\w+|s2cid|citeref",
    ),
)
