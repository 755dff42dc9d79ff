"""Hindi: both kinds of digits, lakh and crore, the quarters that have their own names.

Joiners (U+200C, U+200D) vanish: in Hindi they choose between shapes of one and the same
spelling (Unicode core specification, section 12.1). All other marks stay.
"""

from __future__ import annotations

from itertools import product
from re import Match

from fairseq_mlkd.text.language import (
    Language,
    Unit,
    Wiki,
    powers,
    rule,
    spell,
    table,
    words,
)
from fairseq_mlkd.text.spoken.roman import Numeral, numerals
from fairseq_mlkd.text.spoken.speaker import is_name

# Python's \w holds Devanagari's letters but not its vowel signs.
_LETTER = "[\u0900-\u0963\u0971-\u097f]"
_ENDS = rf"(?!\w|{_LETTER})"
_MONTHS = words("जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर")
# Written with full stops and without.
_METRIC = {
    ("", "मी"): "मीटर",
    ("कि", "मी"): "किलोमीटर",
    ("से", "मी"): "सेंटीमीटर",
    ("मि", "मी"): "मिलीमीटर",
    ("कि", "ग्रा"): "किलोग्राम",
    ("मि", "ग्रा"): "मिलीग्राम",
    ("", "ग्रा"): "ग्राम",
    ("मि", "ली"): "मिलीलीटर",
}
_POWERS = (("", ""), ("वर्ग ", "²"), ("घन ", "³"))
_UNITS = table(
    "% = प्रतिशत; ° = डिग्री; °C = डिग्री सेल्सियस; "
    "°F = डिग्री फ़ारेनहाइट; mm = मिलीमीटर; cm = सेंटीमीटर; m = मीटर; "
    "km = किलोमीटर; km/h = किलोमीटर प्रति घंटा; kmph = किलोमीटर प्रति घंटा; "
    "किमी/घं = किलोमीटर प्रति घंटा; "
    "m/s = मीटर प्रति सेकंड; मी/से = मीटर प्रति सेकंड; किमी/से = किलोमीटर प्रति सेकंड; "
    "km/s = किलोमीटर प्रति सेकंड; m/s² = मीटर प्रति वर्ग सेकंड; "
    "मी/से² = मीटर प्रति वर्ग सेकंड; m² = वर्ग मीटर; km² = वर्ग किलोमीटर; "
    "m³ = घन मीटर; cm³ = घन सेंटीमीटर; ha = हेक्टेयर; nm = नैनोमीटर; "
    "cm² = वर्ग सेंटीमीटर; mm² = वर्ग मिलीमीटर; km³ = घन किलोमीटर; "
    "फी. = फ़ीट; घं. = घंटे; मि. = मिनट; mi = मील; ft = फ़ुट; g = ग्राम; "
    "kg = किलोग्राम; mg = मिलीग्राम; lb = पाउंड; lbs = पाउंड; ml = मिलीलीटर; "
    "mL = मिलीलीटर; L = लीटर; ली. = लीटर; cc = सीसी; hp = हॉर्सपावर; "
    "V = वोल्ट; kV = किलोवोल्ट; W = वाट; GW = गीगावाट; kWh = किलोवाट घंटा; "
    "mAh = मिलीएम्पीयर घंटा; dB = डेसिबल; kcal = किलोकैलोरी; "
    "kbps = किलोबिट प्रति सेकंड; Mbps = मेगाबिट प्रति सेकंड; "
    "Gbps = गीगाबिट प्रति सेकंड; "
    "Hz = हर्ट्ज़; kHz = किलोहर्ट्ज़; MHz = मेगाहर्ट्ज़; GHz = गीगाहर्ट्ज़; "
    "kW = किलोवाट; MW = मेगावाट; KB = किलोबाइट; MB = मेगाबाइट; "
    "GB = गीगाबाइट; TB = टेराबाइट"
)
_MAGNITUDES = {
    **{word: word for word in ("हजार", "लाख", "अरब", "खरब")},
    **{word: word for word in ("मिलियन", "बिलियन", "ट्रिलियन")},
    # With nukta, as one code point or as two.
    **dict.fromkeys(("हज\u093cार", "ह\u095bार"), "हज\u093cार"),
    **dict.fromkeys(("करोड\u093c", "करो\u095c"), "करोड\u093c"),
    "लाख करोड\u093c": "लाख करोड\u093c",
    "लाख करो\u095c": "लाख करोड\u093c",
    "हजार करोड\u093c": "हजार करोड\u093c",
    **dict.fromkeys(("million", "m", "M", "mn"), "मिलियन"),
    **dict.fromkeys(("billion", "bn", "b", "B"), "बिलियन"),
    **dict.fromkeys(("crore", "crores", "cr", "Cr"), "करोड\u093c"),
    **dict.fromkeys(("lakh", "lakhs"), "लाख"),
    **dict.fromkeys(("k", "K"), "हज\u093cार"),
    "सौ": "सौ",
}
_TITLES = table("डॉ = डॉक्टर; डा = डॉक्टर; प्रो = प्रोफ़ेसर; पं = पंडित; स्व = स्वर्गीय")
# The names of Latin letters, by which initials are written: ए. पी. जे. अब्दुल कलाम.
_LETTERS = words(
    "ए बी सी डी ई एफ एफ़ जी एच आई जे के एल एम एन ओ पी क्यू आर एस टी यू वी डब्ल्यू एक्स वाई जेड"
)
# The ordinals of sovereigns, and names of some.
_NTH = words("प्रथम द्वितीय तृतीय चतुर्थ पंचम षष्ठ सप्तम अष्टम नवम दशम")
_SOVEREIGNS = words(
    "हेनरी हेनरि लुई एडवर्ड जॉर्ज एलिज़ाबेथ एलिजाबेथ विलियम चार्ल्स जेम्स रिचर्ड फिलिप "
    "फ़िलिप पॉल बेनेडिक्ट पायस ग्रेगरी नेपोलियन निकोलस पीटर अलेक्जेंडर अलेक्ज़ेंडर कैथरीन "
    "विल्हेम फ्रेडरिक फ़्रेडरिक रामेसेस क्लॉडियस रॉबर्ट फ्रांसिस फ़्रांसिस लियोपोल्ड ओटो"
)
_NUMBERED = words(
    "कक्षा भाग खंड खण्ड अध्याय चरण फ़ेज़ फेज फेज़ अनुसूची ब्लॉक मार्क ग्रेड टाइप प्रकार "
    "स्तर श्रेणी वर्ग युद्ध बाउल तालिका पार्ट"
)
# The ordinals that are not a number and वाँ; these stems take ा, ी or े.
_ORDINAL_STEMS = {1: "पहल", 2: "दूसर", 3: "तीसर", 4: "चौथ", 6: "छठ"}


class _Hindi(Language):
    """Years up to 1999 are counted in hundreds, for which CLDR has no Hindi rules."""

    def year(self, number: int) -> str:
        hundreds, rest = divmod(number, 100)
        words = f"{self.cardinal(hundreds)} सौ"
        return f"{words} {self.cardinal(rest)}" if rest else words


def _read_ordinal(match: Match[str]) -> str:
    written, ending = match.group(1), match.group(2) or match.group(3)
    number = int(written.replace(",", ""))
    if number in _ORDINAL_STEMS:
        return _ORDINAL_STEMS[number] + ending.rstrip("ँं")[-1]
    if ending[0] != "व":
        return f"{written} {ending}"
    words = "सौ" if number == 100 else spell("hi", "spellout-cardinal", number)
    return words + ending


def _read_roman(numeral: Numeral) -> str | None:
    """Read the number of a sovereign, of a part or of what is joined by a hyphen."""
    if numeral.before in _SOVEREIGNS and numeral.number <= len(_NTH):
        return _NTH[numeral.number - 1]
    is_long = len(numeral.written) > 1
    is_joined = is_long and numeral.preceding.endswith("-")
    is_number = is_joined or numeral.before in _NUMBERED
    return str(numeral.number) if is_number else None


def _read_quarters(whole: int, quarters: int) -> str:
    """Return a number and its quarters: सवा दो, ढाई, साढ़े तीन, पौने चार."""
    if quarters == 2:
        return {1: "डेढ़", 2: "ढाई"}.get(whole, f"साढ़े {whole}")
    return f"सवा {whole}" if quarters == 1 else f"पौने {whole + 1}"


def _read_mixed_number(match: Match[str]) -> str:
    quarters = {"1/4": 1, "1/2": 2, "3/4": 3}[match.group(2)]
    return _read_quarters(int(match.group(1)), quarters)


def _read_clock(match: Match[str]) -> str:
    hour, minute, second = (int(part) for part in (*match.groups("0"), "0")[:3])
    if hour > 24:
        return f"{hour} {minute}"
    if second:
        return f"{hour} बजकर {minute} मिनट {second} सेकंड"
    if 0 < hour <= 12 and minute in (15, 30, 45):
        return f"{_read_quarters(hour, minute // 15)} बजे"
    return f"{hour} बजकर {minute} मिनट" if minute else f"{hour} बजे"


def _read_angle(match: Match[str]) -> str:
    degrees, minutes, seconds = match.groups()
    words = f"{degrees} डिग्री {int(minutes)} मिनट"
    return f"{words} {seconds} सेकंड" if seconds else words


def _read_length(match: Match[str]) -> str:
    first, second = int(match[1]), int(match[2])
    smaller = "सेकंड" if match[3] == "मिनट" else "मिनट"
    return f"{first} {match[3]} {second} {smaller}" if second else f"{first} {match[3]}"


def _read_date(match: Match[str]) -> str:
    day, month, year = map(int, match.group("day", "month", "year"))
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match.group()
    return f"{day} {_MONTHS[month - 1]} {year}"


def _read_pair(match: Match[str]) -> str:
    """Return a range, or else the score of a game and the like."""
    first, last = match.groups()
    is_range = int(first) < int(last) and not is_name(first, last)
    before = match.string[max(match.start() - 10, 0) : match.start()]
    is_range = is_range or bool(
        before.endswith("ईसा पूर्व ") or match.string.startswith(" ईसा पूर्व", match.end())
    )
    joint = " से " if is_range else ", "
    return f"{first}{joint}{last}"


def _metric_units() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for (prefix, unit), word in _METRIC.items():
        joints = ("", ".", ". ") if prefix else ("",)
        for (power, sign), joint, end in product(_POWERS, joints, ("", ".")):
            name = Unit(f"{power}{word}", f"{power}{word}")
            symbol = f"{prefix}{joint}{unit}{end}"
            units |= {f"{power}{symbol}": name, f"{symbol}{sign}": name}
    return units


_LETTER_RULES = [
    rule(rf"(?<!{_LETTER})(?:रु|रू|Rs)\.? ?(?=\d)", lambda match: "₹"),
    numerals(_read_roman),
    rule(
        rf"(?<!{_LETTER})({'|'.join(_TITLES)})\.(?={_LETTER})",
        lambda match: _TITLES[match[1]],
        [f"{title}." for title in _TITLES],
    ),
]
_DEGREES = r"\d+(?:\.\d+)? ?(?:°|डिग्री)"
_STARTS = r"\d(?<![\d.,:/-]\d)"
_RULES = [
    rule(r"/-(?<=\d/-)(?!\d)", lambda match: ""),
    # Hours and minutes of a length, not of the day: 2:30 घंटे.
    rule(rf"(\d(?<![\d.,:/]\d)\d?):([0-5]\d) ?(घंटे|घंटा|मिनट){_ENDS}", _read_length),
    rule(
        rf"(?<=\d) ?ई\.?( ?पू\.?)?{_ENDS}(?!-)",
        lambda match: "ईसा पूर्व" if match[1] else "ईसवी",
    ),
    # A hyphen after a word and a space is a dash, but for temperatures.
    rule(rf"-(?<={_LETTER} -)(?=\d)(?!{_DEGREES})", lambda match: ""),
    rule(
        rf"({_STARTS}(?:\d{{0,2}}(?:,\d{{2,3}}){{1,4}}|\d{{0,8}}))"
        rf"(?: ?(व(?:ाँ|ां|ीं|ें))|([वलरथठ][ाीे])){_ENDS}",
        _read_ordinal,
    ),
    rule(
        r"([1-9](?<![\d.,:/-][1-9])\d{0,8}) +(1/2|1/4|3/4)(?!\d|[.,:/]\d)",
        _read_mixed_number,
    ),
    rule(
        r"(\d(?<![\d.,:/]\d)\d?):([0-5]\d)(?::([0-5]\d))?(?![\d:]|[.,]\d)"
        rf"(?: ?बजे{_ENDS})?",
        _read_clock,
    ),
    rule(rf"(\d(?<![\d.,:/]\d)\d?)\.([0-5]\d) ?बजे{_ENDS}", _read_clock, "बजे"),
    rule(
        r"(\d+(?:\.\d+)?)° ?([0-5]?\d)['′](?: ?([0-5]?\d(?:\.\d+)?)[\"″])?",
        _read_angle,
        "°",
    ),
    rule(
        rf"(?P<day>{_STARTS}\d?)([-/.])(?P<month>\d\d?)\2(?P<year>\d{{4}})(?![\d-])",
        _read_date,
    ),
    rule(
        rf"(?P<year>{_STARTS}\d{{3}})-(?P<month>\d\d)-(?P<day>\d\d)(?![\d-])",
        _read_date,
    ),
    rule(
        rf"({_STARTS}(?<!0(?=\d))(?<![₹$€£¥]\d)(?<![₹$€£¥] \d)\d{{0,8}})"
        r" ?- ?(\d{1,9})(?!\d| ?[-.,:/]\d)",
        _read_pair,
    ),
]

_MONEY = {
    **dict.fromkeys(
        ("₹", "रु.", "रु", "रू.", "रू", "Rs.", "Rs", "INR"),
        Unit("रुपया", "रुपये", cents=("पैसा", "पैसे")),
    ),
    **dict.fromkeys(("$", "US$", "USD"), Unit("डॉलर", "डॉलर", cents=("सेंट", "सेंट"))),
    **dict.fromkeys(("€", "EUR"), Unit("यूरो", "यूरो", cents=("सेंट", "सेंट"))),
    **dict.fromkeys(("£", "GBP"), Unit("पाउंड", "पाउंड", cents=("पेंस", "पेंस"))),
    **dict.fromkeys(("¥", "JPY"), Unit("येन", "येन")),
    **dict.fromkeys(("CNY",), Unit("युआन", "युआन")),
    **{
        sign: Unit(name, name)
        for sign, name in table(
            "C$ = कनाडाई डॉलर; CA$ = कनाडाई डॉलर; A$ = ऑस्ट्रेलियाई डॉलर; "
            "AU$ = ऑस्ट्रेलियाई डॉलर; NZ$ = न्यूज़ीलैंड डॉलर; HK$ = हांगकांग डॉलर; "
            "S$ = सिंगापुर डॉलर; CHF = स्विस फ़्रैंक; ₩ = वॉन; ₽ = रूबल"
        ).items()
    },
}

LANGUAGE = _Hindi(
    lang="hi",
    group_marks=",",
    group=r"\d{2,3}",
    decimal_mark=".",
    cardinals={"": "spellout-cardinal"},
    decimal_word="दशमलव",
    minus="माइनस",
    until="से",
    years=range(1100, 2000),
    fractions={
        **{
            f"{upper}/{lower}": f"{upper} बटा {lower}"
            for lower in range(2, 11)
            for upper in range(1, lower)
        },
        **table(
            "1/2 = आधा; 1/3 = एक तिहाई; 2/3 = दो तिहाई; 1/4 = एक चौथाई; 3/4 = तीन चौथाई"
        ),
    },
    fraction_join="और",
    units={
        **_metric_units(),
        **{name: Unit(word, word) for name, word in _UNITS.items()},
        **_MONEY,
    },
    currencies=tuple(sign for sign in _MONEY if sign not in ("रु", "रू")),
    magnitudes=_MAGNITUDES,
    each="प्रति",
    number_signs={
        **dict.fromkeys(("नं.", "No.", "no.", "№", "#"), "नंबर"),
        **table("पृ. = पृष्ठ; सं. = संख्या; क्र. = क्रमांक; फ़ोन. = फ़ोन"),
    },
    abbreviations={
        **{f"{letter}.": letter for letter in _LETTERS},
        **{f"{title}.": word for title, word in _TITLES.items()},
        **table(
            "श्री. = श्री; कु. = कुमारी; सु. = सुश्री; मो. = मोहम्मद; "
            "मु. = मुहम्मद; ले. = लेफ्टिनेंट; लेफ्टि. = लेफ्टिनेंट; कर्न. = कर्नल; "
            "ब्रिगे. = ब्रिगेडियर; कै. = कैप्टन; जन. = जनरल; इंजी. = इंजीनियर; "
            "एड. = एडवोकेट; कं. = कंपनी; लि. = लिमिटेड; प्रा. = प्राइवेट; "
            "क्र. सं. = क्रम संख्या; पृ. सं. = पृष्ठ संख्या; "
            "उ. प्र. = उत्तर प्रदेश; म. प्र. = मध्य प्रदेश; "
            "हि. प्र. = हिमाचल प्रदेश; आं. प्र. = आंध्र प्रदेश; "
            "वि. सं. = विक्रम संवत; ई. पू. = ईसा पूर्व; ई. सं. = ईसवी संवत; "
            "ज. = जन्म; मृ. = मृत्यु; उदा. = उदाहरण; जैसे. = जैसे; जि. = जिला; "
            "ता. = तारीख; दि. = दिनांक; टे. = टेलीफ़ोन; Dr. = डॉक्टर; Mr. = मिस्टर; "
            "Mrs. = मिसेज़; Inc. = इंक; Ltd. = लिमिटेड; Pvt. = प्राइवेट; "
            "Prof. = प्रोफ़ेसर; St. = सेंट; Jr. = जूनियर; vs. = बनाम; "
            "चौ. = चौधरी; ठा. = ठाकुर; कुँ. = कुँवर; वि. वि. = विश्वविद्यालय; "
            "सं. रा. अ. = संयुक्त राज्य अमेरिका; सं. रा. = संयुक्त राज्य; "
            "भा. ज. पा. = भा ज पा; फर. = फ़रवरी; अग. = अगस्त; सित. = सितंबर; "
            "अक्टू. = अक्टूबर; नव. = नवंबर; दिस. = दिसंबर"
        ),
    },
    telephone="फ़ोन फोन टेलीफोन दूरभाष मोबाइल हेल्पलाइन",
    dot="डॉट",
    slash="स्लैश",
    symbols=table(
        "& = और; @ = ऐट; + = प्लस; ± = प्लस माइनस; × = गुणा; % = प्रतिशत; ° = डिग्री"
    ),
    letter_rules=_LETTER_RULES,
    rules=(*powers("गुणा", " की घात {}"), *_RULES),
    wiki=Wiki(
        namespaces="चित्र|श्रेणी",
        page_namespaces="वार्ता|(?:सदस्य|विकिपीडिया|चित्र|"
        "मीडियाविकि|साँचा|सहायता|श्रेणी|"
        "प्रवेशद्वार|मॉड्यूल)(?: वार्ता)?|"
        "विशेष",
        skipped_sections="(?:सन्दर्भ|संदर्भ)(?: सूची| ग्रन्थ| ग्रंथ)?|(?:इन्हें|यह|ये) भी देखें|"
        "बाहरी (?:कड़ियाँ|कड़ियां|कड़ी|लिंक)|टिप्पणी|टिप्पणियाँ|टीका-टिप्पणी|ग्रन्थसूची|ग्रंथसूची",
        date="{day} |{month} |{year}",
        joins=table("to = से; and = और; or = या; by = गुणा; ± = ±"),
        months=_MONTHS,
        units=table(
            "in = इंच; yd = गज़; acre = एकड़; oz = औंस; ha = हेक्टेयर; "
            "nmi = समुद्री मील; kn = नॉट; mph = मील प्रति घंटा; hp = अश्वशक्ति; "
            "USgal = अमेरिकी गैलन; impgal = गैलन; mi2 = वर्ग मील; ft2 = वर्ग फ़ुट; "
            "in2 = वर्ग इंच; yd2 = वर्ग गज़; m3 = घन मीटर; ft3 = घन फ़ुट; "
            "km3 = घन किलोमीटर; t = टन; ST = टन; LT = टन; L = लीटर; bbl = बैरल; "
            "st = स्टोन; ly = प्रकाश वर्ष; K = केल्विन; h = घंटे; "
            "m/s = मीटर प्रति सेकंड; m3/s = घन मीटर प्रति सेकंड; "
            "/km2 = प्रति वर्ग किलोमीटर; /sqmi = प्रति वर्ग मील; person = व्यक्ति; "
            "s = सेकंड; min = मिनट; d = दिन; W = वाट; bhp = अश्वशक्ति; "
            "cc = घन सेंटीमीटर; rpm = चक्कर प्रति मिनट; Pa = पास्कल; "
            "kPa = किलोपास्कल; hPa = हेक्टोपास्कल; MPa = मेगापास्कल; bar = बार; "
            "psi = पाउंड प्रति वर्ग इंच; N = न्यूटन; kN = किलोन्यूटन; "
            "Nm = न्यूटन मीटर; kgf = किलोग्राम बल; V = वोल्ट; A = एम्पीयर; "
            "J = जूल; kcal = किलोकैलोरी; cuft/s = घन फ़ुट प्रति सेकंड; "
            "ft/s = फ़ुट प्रति सेकंड; AU = खगोलीय इकाई; fathom = फ़ैदम; "
            "furlong = फ़र्लांग; carat = कैरेट"
        ),
        templates={
            "{1}": "नोरैप|छोटा|अनुवाद कड़ी|नस्तालीक़|नस्तालीक|उर्दू|बड़ा|संक्षेप|देवनागरी",
            "{2}": "भाषा|लिप्यंतरण",
            "=date": "जन्म तिथि|जन्म तिथि और आयु|मृत्यु तिथि|"
            "मृत्यु तिथि और आयु|तिथि|दिनांक|"
            "आरंभ तिथि|प्रारंभ तिथि|"
            "जन्म तिथि एवं आयु|जन्मतिथि|मृत्युतिथि",
            "{1} ईसा पूर्व": "ईसा पूर्व|ईपू|ई.पू.",
        },
        silent=r"सन्दर्भ.*|संदर्भ.*|उद्धरण.*|प्रमाण.*|तथ्य|स्पष्ट करें|"
        r"मुख्य.*|देखें|ज्ञानसन्दूक.*|अन्य.*|आधार|निर्वाचित.*|कौन|कब|कहाँ",
    ),
)
