"""French, read as in France (soixante-dix, quatre-vingts)."""

from __future__ import annotations

import re
from re import Match

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


class _FrenchNumbers(Numbers):
    def ordinal(self, number: int, form: str = MASCULINE) -> str:
        """Return the ordinal; in quatre-vingt-unième the CLDR has an "et" too many."""
        ordinal = super().ordinal(number, form)
        return re.sub(r"(quatre-vingt|cent|mille)-et-(?=un|onz)", r"\1-", ordinal)


_NUMBERS = _FrenchNumbers("fr")
_MONTHS = words(
    "janvier février mars avril mai juin juillet août septembre octobre "
    "novembre décembre"
)
_SOVEREIGNS = words(
    "Albert Alexandre Alexis Alphonse Amédée Auguste Baudouin Benoît Boniface "
    "Charles Clément Constantin Édouard Élisabeth Ferdinand François Frédéric "
    "Georges Grégoire Guillaume Gustave Henri Innocent Jacques Jean Jules Léon "
    "Léopold Louis Marie Napoléon Nicolas Othon Paul Philippe Pie Pierre "
    "Richard Robert Urbain"
)
# Nouns that follow numbers in Wikipedia; only the feminine change them (vingt et une).
_FEMININE_NOUNS = (
    "années? apparitions? cartes? chansons? communes? couleurs? critiques? éditions? "
    "entreprises? espèces? étoiles? femmes? filles? fois guerres? heures? îles? "
    "langues? lignes? livres? maisons? manches? marches? médailles? minutes? missions? "
    "nations? nuits? œuvres? pages? parties? passes? peintures? personnes? photos? "
    "pièces? places? provinces? questions? régions? rencontres? saisons? salles? "
    "secondes? sélections? semaines? stations? tables? tombes? tonnes? versions? "
    "victoires? villes? voitures? voix"
)
_TITLES = table(
    "Mme = madame; Mmes = mesdames; Mlle = mademoiselle; "
    "Mlles = mesdemoiselles; Mgr = monseigneur; Dr = docteur; Pr = professeur"
)
_NAME = re.compile(r"[^\W\d_](?:\.|\w+)")
# Words that begin a sentence before "M. Roy" and are no first names.
_OPENINGS = words("À Avec Car Chez Comme De Et Mais Or Pour Puis Quand Selon Si")


def _read_numeral(numeral: Numeral) -> str | None:
    number = numeral.number
    if numeral.ending:
        first = {"er": MASCULINE, "re": FEMININE, "ère": FEMININE}
        if (number == 1) != (numeral.ending in first):
            return None
        return _NUMBERS.ordinal(number, first.get(numeral.ending, MASCULINE))
    if numeral.before in _SOVEREIGNS or numeral.follows_a_name:
        return _NUMBERS.ordinal(1) if number == 1 else _NUMBERS.cardinal(number)
    is_long = len(numeral.written) > 1 and numeral.before.isalpha()
    if is_long or numeral.follows_a_part:
        return _NUMBERS.cardinal(number)
    return None


def _read_mister(match: Match[str]) -> str:
    """Read M. as a title unless a name or initial stands before it (Albert M. Roy)."""
    before = match.string[: match.start()].rstrip().rpartition(" ")[2]
    is_name = _NAME.fullmatch(before) and before[0].isupper()
    return match.group() if is_name and before not in _OPENINGS else "monsieur"


def _read_clock(hour: int, minute: int) -> str:
    words = [_NUMBERS.cardinal(hour, FEMININE), "heure" if hour < 2 else "heures"]
    return " ".join([*words, _NUMBERS.cardinal(minute)] if minute else words)


_FIRSTS = table(
    "er = premier; ers = premiers; re = première; ère = première; "
    "res = premières; ères = premières"
)
_SECONDS = table("nd = second; nde = seconde; nds = seconds; ndes = secondes")

_MONEY = {
    **dict.fromkeys(("€", "EUR"), Unit("euro", "euros", cents=("", ""))),
    "$": Unit("dollar", "dollars", cents=("", "")),
    **units(
        "US$, $US, $ US, USD = dollar américain, dollars américains; "
        "CAD, $CA, $ CA, CA$, $ CAN = dollar canadien, dollars canadiens; "
        "£, GBP, £ST = livre sterling, livres sterling, feminine; "
        "¥, JPY = yen, yens; CHF = franc suisse, francs suisses; "
        "FF, FRF, F = franc, francs; FCFA, F CFA, XOF, XAF = franc CFA, francs CFA; "
        "DM = mark, marks; ₽ = rouble, roubles; ₹ = roupie, roupies, feminine; "
        "R$ = réal, réaux; CNY = yuan, yuans"
    ),
}

_SIGNS = {
    **dict.fromkeys([*romance.NUMBER_SIGNS, "no", "No."], "numéro"),
    **dict.fromkeys(("nos", "n°s", "nᵒˢ"), "numéros"),
    **table(
        "p. = page; pp. = pages; art. = article; arts. = articles; "
        "vol. = volume; t. = tome; chap. = chapitre; ch. = chapitre; "
        "pl. = planche; fasc. = fascicule; al. = alinéa; fig. = figure; "
        "§ = paragraphe"
    ),
}

LANGUAGE = romance.Romance(
    lang="fr",
    decimal_word="virgule",
    minus="moins",
    until="à",
    singular_below_two=True,
    fractions=table(
        "1/2 = un demi; 1/3 = un tiers; 2/3 = deux tiers; 1/4 = un quart; "
        "3/4 = trois quarts; 1/5 = un cinquième; 1/8 = un huitième; "
        "1/10 = un dixième"
    ),
    fraction_join="et",
    units={
        **units(
            "% = pour cent, pour cent; ‰ = pour mille, pour mille; "
            "°C = degré celsius, degrés celsius; ° C = degré celsius, degrés celsius; "
            "°F = degré fahrenheit, degrés fahrenheit; ° = degré, degrés; "
            "mm = millimètre, millimètres; cm = centimètre, centimètres; "
            "m = mètre, mètres; km = kilomètre, kilomètres; "
            "km/h = kilomètre par heure, kilomètres par heure; "
            "km / h = kilomètre par heure, kilomètres par heure; "
            "m/s = mètre par seconde, mètres par seconde; "
            "m² = mètre carré, mètres carrés; "
            "km² = kilomètre carré, kilomètres carrés; m³ = mètre cube, mètres cubes; "
            "ha = hectare, hectares; g = gramme, grammes; t = tonne, tonnes, feminine; "
            "mi = mille, milles; ft = pied, pieds; nm = nanomètre, nanomètres; "
            "μm = micromètre, micromètres; cm² = centimètre carré, centimètres carrés; "
            "cm³ = centimètre cube, centimètres cubes; "
            "km³ = kilomètre cube, kilomètres cubes; ch = cheval, chevaux; "
            "mph = mile par heure, miles par heure; "
            "kcal = kilocalorie, kilocalories, feminine; "
            "km/s = kilomètre par seconde, kilomètres par seconde; "
            "s = seconde, secondes, feminine; min = minute, minutes, feminine; "
            "h = heure, heures, feminine; H = heure, heures, feminine; "
            "px = pixel, pixels; "
            "m/s² = mètre par seconde carrée, mètres par seconde carrée; "
            "mm² = millimètre carré, millimètres carrés; "
            "mm³ = millimètre cube, millimètres cubes; dm = décimètre, décimètres; "
            "dm³ = décimètre cube, décimètres cubes; "
            "Nm = newton mètre, newtons mètres; "
            "tr/min = tour par minute, tours par minute; hab = habitant, habitants",
            MASCULINE,
        ),
        **multiples(
            "k = kilo; M = méga; G = giga; T = téra; m = milli; c = centi; d = déci; "
            "h = hecto; μ = micro; µ = micro",
            "W -kMGTm = watt, watts; Wh -kMGT = wattheure, wattheures; "
            "V -kMm = volt, volts; Pa -hkMG = pascal, pascals; J kM = joule, joules; "
            "N k = newton, newtons; eV -kMGT = électronvolt, électronvolts; "
            "Hz -kMGT = hertz, hertz; l -hdcm = litre, litres; L -dcm = litre, litres; "
            "Ah -m = ampère heure, ampères heure; A m = ampère, ampères; "
            "g kmμµ = gramme, grammes; B d = bel, bels; o kMGT = octet, octets; "
            "bit/s kMGT = bit par seconde, bits par seconde; "
            "o/s kMG = octet par seconde, octets par seconde",
            MASCULINE,
        ),
        **_MONEY,
        "euros": _MONEY["€"],
        "dollars": _MONEY["$"],
    },
    currencies=tuple(sign for sign in _MONEY if sign not in ("F", "FF")),
    magnitude_of="d[e'] ?",
    magnitudes={
        **table(
            "mille = mille; million = million; millions = millions; "
            "milliard = milliard; milliards = milliards"
        ),
        **dict.fromkeys(("M", "Mio"), "million|millions"),
        **dict.fromkeys(("Md", "Mds", "Mrd", "G"), "milliard|milliards"),
        "k": "mille",
        "K": "mille",
    },
    each="par",
    number_signs=_SIGNS,
    abbreviations=table(
        "Mrs. = missis; Ms. = miss; Bros. = brothers; et al. = et al; "
        "Op. = opus; coll. = collection; dir. = direction; trad. = traduction; "
        "ibid. = ibidem; Vve. = veuve; Sté. = société; dr. = docteur; "
        "réf. = référence; cap. = capitaine; prés. = président; "
        "univ. = université; gal. = général; env. = environ; Mr. = monsieur; "
        "MM. = messieurs; Mme. = madame; Mlle. = mademoiselle; Dr. = docteur; "
        "Pr. = professeur; Prof. = professeur; Me. = maître; Gal. = général; "
        "gén. = général; Col. = colonel; Cdt. = commandant; "
        "Cap. = capitaine; Lt. = lieutenant; Sgt. = sergent; St. = saint; "
        "Ste. = sainte; Mgr. = monseigneur; Jr. = junior; Sr. = senior; "
        "Cie. = compagnie; Inc. = inc; Corp. = corporation; Ltd. = limited; "
        "Ltée. = limitée; Co. = company; av. J.-C. = avant Jésus-Christ; "
        "apr. J.-C. = après Jésus-Christ; ap. J.-C. = après Jésus-Christ; "
        "av. n. è. = avant notre ère; p. ex. = par exemple; ex. = exemple; "
        "c.-à-d. = c'est-à-dire; vs. = versus; etc. = et cetera; "
        "cf. = confer; env. = environ; hab. = habitants; av. = avenue; "
        "bd. = boulevard; boul. = boulevard; pl. = place; tél. = téléphone; "
        "min. = minutes; max. = maximum; éd. = édition; fig. = figure; "
        "janv. = janvier; févr. = février; avr. = avril; juil. = juillet; "
        "sept. = septembre; oct. = octobre; nov. = novembre; déc. = décembre; "
        "dép. = département; arr. = arrondissement; anc. = ancien; "
        "angl. = anglais; lat. = latin"
    ),
    closing="etc. hab.",
    openers=(
        "Le La Les L Un Une Des Du Au Aux En Dans Il Elle Ils Elles On Ce Cet Cette "
        "Ces C Son Sa Ses Leur Leurs Après Avant Avec Par Pour Mais Et Selon Depuis "
        "Durant Pendant Entre Jusqu Quand Lorsque Lors Bien Comme Sur Sous Sans Si "
        "Très Plus Tous Toutes Ainsi Enfin Puis Alors Aussi De D À Plusieurs Certains "
        "Aujourd S Qui Que"
    ),
    telephone="téléphone tél. fax composez appelez",
    dot="point",
    slash="slash",
    symbols=table(
        "& = et; @ = arobase; + = plus; ± = plus ou moins; × = sur; "
        "% = pour cent; ‰ = pour mille; € = euro; $ = dollar; "
        "£ = livre sterling; "
        "≥ = supérieur ou égal à; ≤ = inférieur ou égal à; ≈ = environ; "
        "÷ = divisé par; ∞ = infini; √ = racine de"
    ),
    letter_rules=(
        parts(_SIGNS),
        rule(
            r"[MDP](?<!\w[MDP])(?:mes?|lles?|gr|r(?= [A-ZÉÈ]))(?![\w'])",
            lambda match: _TITLES.get(match.group(), match.group()),
        ),
        rule(r"M(?<![\w.]M)\.(?= ?[A-ZÉÈ]\w| et M)", _read_mister),
        rule(r"Me(?<!\wMe)(?= [A-ZÉÈ][a-zé])", lambda match: "maître", "Me"),
        rule(
            r"S(?<!\wS)te?(?=-[A-ZÉÈ])",
            lambda match: "sainte" if match[0] == "Ste" else "saint",
            "St",
        ),
        small_capitals("siècle", r"[ivx](?<!\w[ivx])[ivx]*(?:er|e)(?= siècle)"),
        rule(r"s\.(?<=[IVX]e s\.)", lambda _: "siècle", "e s."),
        numerals(_read_numeral, "er|re|ère|e|ème|ᵉ"),
    ),
    rules=(
        romance.DECADES,
        *romance.degrees("nord sud est ouest"),
        *powers("fois", " puissance {}"),
        rule(
            r"(?<=\d)(?: [×x] |[×x])(?=[1-9]00 ?m|\d+ ?=)",
            lambda _: "fois",
            ("x", "×"),
        ),
        rule(
            r"1(?<![\w.,:/-]1)(ers?|res?|ères?)(?!\w)",
            lambda match: _FIRSTS[match[1]],
        ),
        rule(
            r"2(?<![\w.,:/-]2)(nde?s?)(?!\w)",
            lambda match: _SECONDS[match[1]],
        ),
        rule(
            r"([1-9]\d?)(?<![\d.,/]\d)/([4-9]|1\d|[2-9]0)e\b",
            lambda match: (
                f"{match[1]} {_NUMBERS.ordinal(int(match[2]))}"
                + "s" * (match[1] != "1")
            ),
            "/",
        ),
        romance.ordinals(_NUMBERS, r" ?(?:e|i?[èe]me|ᵉ|º)"),
        romance.ordinals(_NUMBERS, r"(?:es|i?[èe]mes)", "masculine-plural"),
        *romance.dates(_MONTHS, "", "premier"),
        romance.out_of("sur"),
        equals("égale"),
        *romance.lengths(
            "heure heures; minute minutes; seconde secondes",
            "",
        ),
        # The length of a song, not a time of day, follows a dash or a bracket.
        rule(
            r"(\d(?:(?<=[(]\d)|(?<=- \d))\d?):([0-5]\d)(?![\w:]|[.,]\d)",
            lambda match: f"{match[1]} min {int(match[2])}",
        ),
        romance.clock(" ?[hH](?:eures?)? ?|:", _read_clock),
        *romance.english_numbers(),
        romance.agreement(_NUMBERS, FEMININE, _FEMININE_NOUNS),
    ),
    wiki=Wiki(
        namespaces="fichier|catégorie",
        page_namespaces="discussion|(?:utilisateur|utilisatrice|wikipédia|projet|"
        "fichier|image|mediawiki|modèle|aide|catégorie|portail|"
        "référence|module)|discussion (?:utilisateur|utilisatrice|"
        "wikipédia|projet|fichier|mediawiki|modèle|aide|catégorie|"
        "portail|référence|module)|spécial",
        skipped_sections="références|notes et références|bibliographie|"
        "liens? externes?|voir aussi|articles connexes|annexes|"
        "sources et bibliographie",
        common_words="le les aux des du et est une dans au aux à elle sur par pour "
        "en il que qui sont son",
        months=_MONTHS,
        date="{day} |{month} |{year}",
        decimal_mark=",",
        joins=table("to = à; and = et; or = ou; by = sur; ± = ±"),
        units=table(
            "mi = milles; ft = pieds; in = pouces; yd = yards; acre = acres; "
            "lb = livres; oz = onces; mph = milles à l'heure; nmi = milles marins; "
            "kn = nœuds; hp = chevaux; mi2 = milles carrés; ft2 = pieds carrés; "
            "USgal = gallons américains; impgal = gallons impériaux; "
            "psi = livres par pouce carré; ft3 = pieds cubes"
        ),
        templates={
            "=small caps": "petites capitales|pc",
            "{1}": "abréviation|abréviation discrète|abrd|abréviation souple|"
            "page h'|terme défini|citation nécessaire|refnec|"
            "référence nécessaire|référence souhaitée|refsou|"
            "passage évasif|passage promotionnel|pas clair|"
            "pertinence passage|passage contradictoire|"
            "référence à confirmer|rom-maj|rom-min|romain|rom|nom d'usage|"
            "grec ancien|quand|qui|lesquels|lesquelles|lequel|laquelle|où|"
            "comment|pourquoi|quoi|combien|"
            "nobr romains|nobr romain|citation étrangère|japonais|souverain-|"
            "souverain2",
            "{2}": "langue|en langue|couleur|infobulle",
            "{texte|trad affiché|fr|1}": "lien",
            "{nom} {1|}": "nom de famille",
            "{1} {2|}": "nom",
            "=quantity": "tmp|température|unité|unité/2|u|nombre|nb|nbr|format nombre",
            "=sides": "dunité",
            "=date": "date-|date rapide|date de naissance|date de décès|date de mort|"
            "date de naissance-|date de décès-|date de début|date de fin|"
            "date républicaine-",
            "=century": "s|s-|-s|-s-|siècle|s mini",
            "=centuries": "s2|s2-|-s2|sp|sp-|-sp|-sp-",
            "=time": "heure|heures|h",
            "=duration": "durée|duree",
            "=times power": "x10",
            "=formula": "formule chimique|formule brute",
            "=fraction": "fraction numérique",
            "– {1} –": "incise",
            "« {1} »": "«|guillemets|cita|citation",
            "“{1}”": "“",
            "{1} euros": "euros",
            "{1|} €": "euro",
            "er": "er|ier",
            "re": "re|ère|ière|ire",
            "e": "e|ème|ieme|ième|es|eme",
            "nd": "nd",
            "nde": "nde",
            "Mme {1|}": "mme|madame",
            "Mmes": "mmes",
            "Mlle {1|}": "mlle|mademoiselle",
            "Mlles": "mlles",
            "M. {1|}": "m.|monsieur",
            "MM. {1|}": "mm.|messieurs",
            "Mgr {1|}": "mgr|monseigneur",
            "Dr {1|}": "dr|docteur",
            "Pr {1|}": "pr|professeur",
            "Me {1|}": "me|maître",
            "St {1|}": "st|saint",
            "Ste {1|}": "ste|sainte",
            "n° {1|}": "n°|numéro|no|n|nº",
            "nos {1|}": "nos|numéros|n°s",
            "p. {1|}": "p.|page",
            "vol. {1|}": "vol.|volume",
            "t. {1|}": "t.|tome",
            "chap. {1|}": "chap.|chapitre",
            "{1|} av. J.-C.": "av jc|avjc|av. j.-c.|av j-c|av. jc",
            "{1|} apr. J.-C.": "ap jc|apjc|apr. j.-c.|apr jc|ap j-c|ap. j.-c.",
            "années {1}": "années|décennie",
            "c'est-à-dire": "cad|càd|c.-à-d.",
            " ": "esp|espace|espace insécable|espace fine|espaces|retour|saut|tab",
            "-": "tiret insécable|trait d'union insécable|tnr",
        },
        silent=r"références?|note|notes?\b.*|réf\w*|cita?tion requise|sfn|harvsp|"
        r"référence (?:nécessaire|insuffisante|incomplète|obsolète|à confirmer).*|"
        r"source (?:insuffisante|à confirmer|obsolète).*|pourquoi|"
        r"en|fr|de|es|it|pt|ru|la|ja|ar|grc|zh|nl|indication de langue|"
        r"article détaillé.*|voir.*|ébauche.*|infobox.*|drapeau\d?|drapeau.*|"
        r"clr|clear|palette.*|portail.*|"
        r"précision nécessaire|pas clair|lien brisé|lire en ligne|plume|inédit|"
        r"non neutre.*|à (?:sourcer|préciser|vérifier|actualiser).*|augmentation|"
        r"diminution|"
        r"stagnation|ancre|crochet.*vide|date manquante|page à préciser|"
        r"commentaire biblio.*",
    ),
)
