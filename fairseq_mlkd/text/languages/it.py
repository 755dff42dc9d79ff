"""Italian. Centuries, sovereigns and chapters are ordinals ("secolo ventesimo")."""

from __future__ import annotations

import re

from fairseq_mlkd.text.language import (
    Unit,
    Wiki,
    equals,
    multiples,
    powers,
    rule,
    table,
    units,
    words,
)
from fairseq_mlkd.text.spoken import romance
from fairseq_mlkd.text.spoken.roman import Numeral, numerals, parts, small_capitals
from fairseq_mlkd.text.spoken.romance import FEMININE, MASCULINE, Numbers

_NUMBERS = Numbers("it")
_MONTHS = words(
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre "
    "ottobre novembre dicembre"
)
_QUEENS = words(
    "Anna Caterina Cristina Elisabetta Giovanna Isabella Margherita Maria Vittoria"
)
# What stands before a numeral gives gender and number: libro II, nel XX secolo.
_PARTS = {
    **dict.fromkeys(
        words("atto canto capitolo episodio libro millennio secolo secoli volume"),
        MASCULINE,
    ),
    **dict.fromkeys(words("dinastia edizione legislatura parte stagione"), FEMININE),
}
_ARTICLES = {
    **dict.fromkeys(
        words("il lo l' al all' dal dall' del dell' nel nell' sul"), MASCULINE
    ),
    **dict.fromkeys(words("la alla dalla della nella sulla"), FEMININE),
    **dict.fromkeys(
        words("i gli ai agli dai dei degli nei negli sui"), "masculine-plural"
    ),
}
# Nouns that often follow a number in Wikipedia: "un anno", "una volta".
_FEMININE_NOUNS = (
    "apparizione canzone casa città donna edizione famiglia frazione gara giornata "
    "isola lingua medaglia moglie notte ora pagina partita persona presenza provincia "
    "puntata rete sconfitta settimana squadra stagione stella tappa tonnellata vittima "
    "vittoria volta"
)
_MASCULINE_NOUNS = (
    "abitante album anno argento brano bronzo caso chilometro comune consigliere "
    "dollaro episodio esemplare ettaro euro ferito giorno gol grado gruppo libro "
    "membro mese metro miglio miliardo milione minuto morto oro paese passaggio posto "
    "premio punto secondo titolo uomo velivolo video voto"
)


# Nouns that are counted off: II guerra mondiale, I Congresso.
_ORDERED_FEMININE = words(
    "guerra repubblica edizione dinastia olimpiade brigata legione"
)
_ORDERED_MASCULINE = words(
    "millennio congresso concilio festival governo impero campionato torneo "
    "premio reich convegno concorso trofeo salone municipio"
)
_CENTURIES = re.compile(r"secoli (?:[IVX]+(?:, | e | ed ))+\Z")
_MORE_CENTURIES = re.compile(
    r"(?:(?:, ?|- ?|ed? |e il |e l'|al |all'|o |o il |il |l')[IVX]+ ?)+secol"
)


def _read_numeral(numeral: Numeral) -> str | None:
    is_long = len(numeral.written) > 1
    before = numeral.before.lower()
    form = MASCULINE if numeral.after.startswith("secol") else _PARTS.get(before)
    following = (numeral.after.split() or [""])[0].lower().strip(",.;:)")
    if following in _ORDERED_FEMININE:
        form = FEMININE
    is_century = _CENTURIES.search(numeral.preceding) or _MORE_CENTURIES.match(
        numeral.after
    )
    if following in _ORDERED_MASCULINE or is_century:
        form = MASCULINE
    if form is None and (is_long or numeral.after[:1].isupper()):
        form = _ARTICLES.get(before)
    if form is None and _is_italian_name(numeral):
        form = FEMININE if numeral.before in _QUEENS else MASCULINE
    if form is not None:
        return _NUMBERS.ordinal(numeral.number, form)
    is_number = is_long and before.isalpha() or numeral.follows_a_part
    return _NUMBERS.cardinal(numeral.number) if is_number else None


def _is_italian_name(numeral: Numeral) -> bool:
    """Tell names by their last vowel: Pio quinto, but Super Bowl dieci, Like I Do."""
    name = numeral.before
    vowels = "aio" if numeral.written == "I" else "aeio"
    return name.isalpha() and len(name) > 2 and name.istitle() and name[-1] in vowels


def _read_clock(hour: int, minute: int) -> str:
    words = "una" if hour == 1 else _NUMBERS.cardinal(hour)
    return f"{words} e {_NUMBERS.cardinal(minute)}" if minute else words


# A degree sign stands for º unless minutes or a scale or direction follow.
_DEGREE_AS_ORDINAL = (
    r"(?:°| °(?= [^\W\d_]{4}))(?! ?(?:[\d'\"]|[CFKNSEWO]\b|nord|sud|est\b|ovest|"
    r"(?:di )?(?:lati|longi)tud))"
)
_UNITS = units(
    "% = per cento, per cento,; ‰ = per mille, per mille,; "
    "°C = grado celsius, gradi celsius; ° C = grado celsius, gradi celsius; "
    "°F = grado fahrenheit, gradi fahrenheit; ° = grado, gradi; "
    "mm = millimetro, millimetri; cm = centimetro, centimetri; m = metro, metri; "
    "km = chilometro, chilometri; km/h = chilometro all'ora, chilometri all'ora; "
    "km / h = chilometro all'ora, chilometri all'ora; "
    "m/s = metro al secondo, metri al secondo; m² = metro quadrato, metri quadrati; "
    "km² = chilometro quadrato, chilometri quadrati; m³ = metro cubo, metri cubi; "
    "g = grammo, grammi; t = tonnellata, tonnellate, feminine; mi = miglio, miglia; "
    "ft = piede, piedi; cm² = centimetro quadrato, centimetri quadrati; "
    "cm³ = centimetro cubo, centimetri cubi; mq = metro quadrato, metri quadrati; "
    "kmq = chilometro quadrato, chilometri quadrati; Km = chilometro, chilometri; "
    "Km² = chilometro quadrato, chilometri quadrati; "
    "km³ = chilometro cubico, chilometri cubici; "
    "CV, hp, HP = cavallo vapore, cavalli vapore; "
    "kcal = chilocaloria, chilocalorie, feminine; "
    "km/s = chilometro al secondo, chilometri al secondo; s = secondo, secondi; "
    "min = minuto, minuti; h = ora, ore, feminine; px = pixel, pixel; "
    "m/s² = metro al secondo quadrato, metri al secondo quadrato; "
    "mm² = millimetro quadrato, millimetri quadrati; "
    "mm³ = millimetro cubo, millimetri cubi; dm = decimetro, decimetri; "
    "dm³ = decimetro cubo, decimetri cubi; nm = nanometro, nanometri; "
    "μm, µm = micrometro, micrometri; dB = decibel, decibel; "
    "Nm = newton metro, newton metri; ° F = grado fahrenheit, gradi fahrenheit; "
    "ab = abitante, abitanti",
    MASCULINE,
)
_MULTIPLES = multiples(
    "k = chilo; M = mega; G = giga; T = tera; m = milli; c = centi; d = deci; "
    "h = etto; μ = micro; µ = micro",
    "W -kMGTm = watt, watt; Wh -kMGT = wattora, wattora; V -kMm = volt, volt; "
    "Pa -hkMG = pascal, pascal; J kM = joule, joule; N k = newton, newton; "
    "eV -kMGT = elettronvolt, elettronvolt; Hz -kMGT = hertz, hertz; "
    "l -hdcm = litro, litri; L -dcm = litro, litri; Ah -m = amperora, amperora; "
    "A m = ampere, ampere; g kmhμµ = grammo, grammi; B kMGT = byte, byte; "
    "bit/s kMGT = bit al secondo, bit al secondo; "
    "B/s kMG = byte al secondo, byte al secondo",
    MASCULINE,
)
_CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), Unit("euro", "euro", MASCULINE, ("", ""))),
    "$": Unit("dollaro", "dollari", MASCULINE, ("", "")),
    **units(
        "US$, US $, USD = dollaro statunitense, dollari statunitensi; "
        "CAD = dollaro canadese, dollari canadesi; "
        "£, GBP = sterlina, sterline, feminine; ¥, JPY = yen, yen; "
        "CHF, Fr. = franco svizzero, franchi svizzeri; "
        "L., Lit., ₤ = lira, lire, feminine; R$, BRL = real, reais; "
        "₽ = rublo, rubli; ₹ = rupia, rupie, feminine; CNY = yuan, yuan; "
        "DM = marco, marchi",
        MASCULINE,
    ),
}

_SIGNS = {
    **dict.fromkeys([*romance.NUMBER_SIGNS, "n.", "N.", "No."], "numero"),
    **table(
        "nn. = numeri; p. = pagina; pag. = pagina; pagg. = pagine; pp. = pagine; "
        "art. = articolo; artt. = articoli; vol. = volume; voll. = volumi; "
        "t. = tomo; cap. = capitolo; capp. = capitoli; lib. = libro; "
        "tav. = tavola; fasc. = fascicolo; sez. = sezione; fig. = figura; "
        "§ = paragrafo"
    ),
}

LANGUAGE = romance.Romance(
    lang="it",
    decimal_word="virgola",
    minus="meno",
    fractions=table(
        "1/2 = un mezzo; 1/3 = un terzo; 2/3 = due terzi; 1/4 = un quarto; "
        "3/4 = tre quarti; 1/5 = un quinto; 1/8 = un ottavo; 1/10 = un decimo"
    ),
    fraction_join="e",
    units={**_UNITS, **_MULTIPLES, **_CURRENCIES, "euro": _CURRENCIES["€"]},
    currencies=tuple(_CURRENCIES),
    currency_join="e",
    magnitude_of="di",
    magnitudes={
        **table(
            "mila = mila; mille = mille; milione = milione; milioni = milioni; "
            "miliardo = miliardo; miliardi = miliardi"
        ),
        **dict.fromkeys(("mln", "mln.", "mio", "mio.", "M"), "milione|milioni"),
        **dict.fromkeys(("mld", "mld.", "mrd", "Mrd"), "miliardo|miliardi"),
        "k": "mila",
    },
    magnitude_gender=MASCULINE,
    each="per",
    number_signs=_SIGNS,
    abbreviations=table(
        "Mr. = mister; Mrs. = missis; Ms. = miss; Bros. = brothers; "
        "Sgt. = sergente; St. = saint; et al. = et al; Op. = opus; "
        "Inf. = Inferno; nn. = numeri; tab. = tabella; trad. = traduzione; "
        "ibid. = ibidem; Spett. = spettabile; gent. = gentile; egr. = egregio; "
        "rev. = reverendo; amm. = ammiraglio; brig. = brigadiere; "
        "pres. = presidente; vice pres. = vice presidente; min. = minimo; "
        "univ. = università; lett. = lettera; sett. = settembre; "
        "lug. = luglio; giu. = giugno; ago. = agosto; mag. = maggio; "
        "sig. = signor; sig.ra = signora; sig.na = signorina; sigg. = signori; "
        "dott. = dottor; dott.ssa = dottoressa; dr. = dottor; "
        "prof. = professor; prof.ssa = professoressa; proff. = professori; "
        "ing. = ingegner; avv. = avvocato; arch. = architetto; "
        "geom. = geometra; rag. = ragionier; cav. = cavalier; "
        "comm. = commendator; on. = onorevole; sen. = senatore; "
        "gen. = generale; col. = colonnello; cap. = capitano; magg. = maggiore; "
        "ten. = tenente; serg. = sergente; mons. = monsignor; card. = cardinal; "
        "S. E. = sua eccellenza; S. M. = sua maestà; SS. MM. = sue maestà; "
        "AA. VV. = autori vari; FF. AA. = forze armate; "
        "FF. SS. = ferrovie dello stato; a. C. = avanti Cristo; "
        "d. C. = dopo Cristo; sec. = secolo; secc. = secoli; "
        "s.l.m. = sul livello del mare; m s.l.m. = metri sul livello del mare; "
        "ad es. = ad esempio; p. es. = per esempio; per es. = per esempio; "
        "es. = esempio; vs. = versus; ecc. = eccetera; etc. = eccetera; "
        "cfr. = confronta; ca. = circa; ab. = abitanti; abit. = abitanti; "
        "art. = articolo; artt. = articoli; ed. = edizione; fig. = figura; "
        "max. = massimo; min. = minuti; tel. = telefono; c.so = corso; "
        "p.zza = piazza; p.za = piazza; v.le = viale; F.lli = fratelli; "
        "Jr. = junior; Inc. = inc; Corp. = corporation; Ltd. = limited; "
        "Co. = company; genn. = gennaio; febbr. = febbraio; apr. = aprile; "
        "ott. = ottobre; nov. = novembre; dic. = dicembre; lat. = latino; "
        "ingl. = inglese"
    ),
    closing="ecc. etc. ab. abit.",
    openers=(
        "Il Lo La I Gli Le L' Un Una Uno Un' In Nel Nella Nei Nelle Dopo Durante "
        "Questo Questa Questi Queste Quello Quella È Era Fu Sono Si Non Con Per Da "
        "Dal Dalla Di Del Della A Al Alla Ma E Se Come Anche Tra Fra Su Sul Sulla "
        "Secondo Poi Quando Mentre Egli Ella Essi Suo Sua Molti Altri Alcuni Tutti Ha "
        "Nato Inoltre Infatti"
    ),
    telephone="telefono tel. fax chiami chiamare verde",
    dot="punto",
    slash="barra",
    symbols=table(
        "& = e; @ = chiocciola; + = più; ± = più o meno; × = per; "
        "% = per cento; ‰ = per mille; € = euro; $ = dollaro; £ = sterlina; "
        "≥ = maggiore o uguale a; ≤ = minore o uguale a; ≈ = circa; ÷ = diviso; "
        "∞ = infinito; √ = radice di"
    ),
    letter_rules=(
        parts(_SIGNS),
        romance.christ("avanti Cristo", "dopo Cristo"),
        # In small letters "i" and "vi" are words.
        small_capitals(
            "secolo",
            r"(?<=secolo )(?:[ivx]{3,}|i[vx]|x[ivx])\b|"
            r"[vx](?<!\w[vx])[ivx]*(?= secolo)",
        ),
        numerals(_read_numeral),
    ),
    rules=(
        romance.DECADES,
        *romance.degrees("nord sud est ovest"),
        *powers("per", " elevato a {}"),
        romance.ordinals(_NUMBERS, r"\.? ?º", needs="º"),
        romance.ordinals(_NUMBERS, r"\.? ?ª|a(?= [a-z]{3})", FEMININE),
        # An angle of 90°.
        rule(r"°(?<=di \d\d°|i \d\d\d°)(?! ?\w)", lambda _: "gradi", "°"),
        romance.ordinals(_NUMBERS, _DEGREE_AS_ORDINAL, needs="°"),
        *romance.dates(_MONTHS, "", "primo"),
        *romance.lengths(
            "ora ore; minuto minuti; secondo secondi",
            "e",
        ),
        romance.clock(":", _read_clock),
        # With a point only after "alle", "dalle", "ore".
        romance.clock(r"\.(?<=lle \d\.|ore \d\.|le \d\d\.|re \d\d\.)", _read_clock),
        *romance.english_numbers(),
        rule(
            r"([1-9]\d{0,2})(?<![.,:]\d)(?<![.,]\d\d)(?<![.,]\d{3}) mila\b",
            lambda match: f"{match[1]}000",
            " mila",
        ),
        romance.out_of("su"),
        equals("uguale"),
        romance.agreement(_NUMBERS, FEMININE, _FEMININE_NOUNS, r"1(?<![\w.,:/$€£-]1)"),
        romance.agreement(
            _NUMBERS, MASCULINE, _MASCULINE_NOUNS, r"1(?<![\w.,:/$€£-]1)"
        ),
    ),
    wiki=Wiki(
        namespaces="immagine|categoria",
        page_namespaces="discussion[ei]|(?:utente|wikipedia|file|immagine|mediawiki|"
        "template|aiuto|categoria|portale|progetto|modulo|bozza)|"
        "discussioni (?:utente|wikipedia|file|immagine|mediawiki|"
        "template|aiuto|categoria|portale|progetto|modulo|bozza)|"
        "speciale",
        skipped_sections="note|bibliografia|collegamenti esterni|voci correlate|"
        "altri progetti",
        common_words="il di del della è e che nel nella gli una dei delle si con "
        "per da ha dal",
        months=_MONTHS,
        date="{day} |{month} |{year}",
        decimal_mark=",",
        joins=table("to = a; and = e; or = o; by = per; ± = ±"),
        units=table(
            "mi = miglia; ft = piedi; in = pollici; yd = iarde; acre = acri; "
            "lb = libbre; oz = once; mph = miglia all'ora; nmi = miglia nautiche; "
            "kn = nodi; hp = cavalli vapore; mi2 = miglia quadrate; "
            "ft2 = piedi quadrati; USgal = galloni statunitensi; "
            "impgal = galloni imperiali; psi = libbre per pollice quadrato; "
            "ha = ettari; ft3 = piedi cubi"
        ),
        templates={
            "=small caps": "maiuscoletto|mc",
            "{1}": "ta|tutto attaccato|senza fonte|citazione necessaria|cn|chiarire|"
            "abbrev",
            "«{1}»": "virgolette",
            "=quantity": "m|misura",
            "=number": "numero",
            "=date": "data|data di nascita|data nascita|data di morte|datanascita|iso",
            "=fraction": "frazione|fraz",
            "{1} secolo": "secolo|sec|sec.",
            "{1} abitanti": "ab.|abitanti",
            " ": "spazio|spazio indivisibile",
        },
        silent=r"senza fonte|citazione necessaria|cn|chiarire|quando|chi|"
        r"lingue|en|it|fr|de|es|la|cita\b.*|vedi anche|torna a|bandiera\d?|"
        r"naz|nota|sfn|refn|collegamento interrotto|"
        r"sezione vuota|organizzare|da aggiornare|controlcopy|f|c|p|w|s|"
        r"infobox.*|senza data|dubbio|noautolink|interprogetto|sic",
    ),
)
