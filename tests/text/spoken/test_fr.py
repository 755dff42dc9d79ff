"""French as it is spoken. Sources of the rules:

- numbers, ordinals: Unicode CLDR, `common/rbnf/fr.xml` ("vingt-et-un": all parts are
  joined by hyphens since the Rectifications de l'orthographe, Conseil supérieur de la
  langue française, 1990; a recogniser writes no hyphens);
- `1er`, `2e`, centuries and sovereigns in Roman numerals, `M.`, `Mme`: Lexique des
  règles typographiques en usage à l'Imprimerie nationale;
- `14 h 30`, sums of money, dates, `etc.`, `p. ex.`: Office québécois de la langue
  française, Banque de dépannage linguistique;
- units: Bureau international des poids et mesures, Le Système international d'unités.
"""

import pytest

from fairseq_mlkd.text.spoken import to_spoken

EXAMPLES = [
    # Cardinal numbers, groups of digits, decimals
    ("Il a 21 ans, elle 80.", "il a vingt et un ans elle quatre vingts"),
    ("71 chats, 81 chiens", "soixante et onze chats quatre vingt un chiens"),
    ("200 pages et 203 pages", "deux cents pages et deux cent trois pages"),
    ("1 000 habitants", "mille habitants"),
    (
        "1\u202f234\u202f567 voix",
        "un million deux cent trente quatre mille cinq cent soixante sept voix",
    ),
    ("12.500 places", "douze mille cinq cents places"),
    ("0 faute", "zéro faute"),
    ("né en 1984", "né en mille neuf cent quatre vingt quatre"),
    ("depuis 2005", "depuis deux mille cinq"),
    ("une moyenne de 3,14", "une moyenne de trois virgule quatorze"),
    ("0,05 point", "zéro virgule zéro cinq point"),
    ("21 personnes", "vingt et une personnes"),
    # Ordinal numbers, Roman numerals
    ("le 1er mai", "le premier mai"),
    ("la 1re fois, la 1ère page", "la première fois la première page"),
    ("les 1ers pas", "les premiers pas"),
    ("le 2e prix, le 3ème prix", "le deuxième prix le troisième prix"),
    ("la 2nde place", "la seconde place"),
    ("la 81e place", "la quatre vingt unième place"),
    ("la 101e édition", "la cent unième édition"),
    ("au XIXe siècle", "au dix neuvième siècle"),
    ("au XXᵉ siècle", "au vingtième siècle"),
    ("Louis XIV et Louis XVI", "louis quatorze et louis seize"),
    ("François Ier", "françois premier"),
    (
        "Pie X, Jean-Paul II, Ulrich V de Souabe",
        "pie dix jean paul deux ulrich cinq de souabe",
    ),
    ("le rugby à XV", "le rugby à quinze"),
    ("un disque de Malcolm X", "un disque de malcolm x"),
    ("Élisabeth Ire", "élisabeth première"),
    # Money
    ("3,50 €", "trois euros cinquante"),
    ("1 €", "un euro"),
    ("12 000 €", "douze mille euros"),
    ("25 $ et 10 £", "vingt cinq dollars et dix livres sterling"),
    ("450 millions €", "quatre cent cinquante millions d'euros"),
    ("100 USD", "cent dollars américains"),
    # Time and dates
    ("à 14h30", "à quatorze heures trente"),
    ("à 14 h 30", "à quatorze heures trente"),
    ("à 8h", "à huit heures"),
    ("à 1h", "à une heure"),
    ("à 21 h", "à vingt et une heures"),
    ("à 14:05", "à quatorze heures cinq"),
    ("Louise (4:29)", "louise quatre minutes vingt neuf"),
    ("le 14/07/1789", "le quatorze juillet mille sept cent quatre vingt neuf"),
    # Percentages, units, signs
    ("12 %, 0,5 %", "douze pour cent zéro virgule cinq pour cent"),
    ("3 ‰", "trois pour mille"),
    ("-5 °C", "moins cinq degrés celsius"),
    ("120 km/h", "cent vingt kilomètres par heure"),
    ("75 m² ou 1 km", "soixante quinze mètres carrés ou un kilomètre"),
    ("2,5 kg", "deux virgule cinq kilogrammes"),
    ("8.5 / 10, 65 / 100", "huit virgule cinq sur dix soixante cinq sur cent"),
    ("3 min 33 s 59", "trois minutes trente trois secondes cinquante neuf"),
    ("1/2, 3/4", "un demi trois quarts"),
    ("de 10-12 ans", "de dix à douze ans"),
    ("Dupont & fils", "dupont et fils"),
    ("2 + 2 = 4", "deux plus deux égale quatre"),
    # Abbreviations and apostrophes
    ("M. Martin et Mme Petit", "monsieur martin et madame petit"),
    (
        "MM. Petit, Mlle Roy, le Dr Roy",
        "messieurs petit mademoiselle roy le docteur roy",
    ),
    ("le n° 5, le nº 7", "le numéro cinq le numéro sept"),
    ("en 52 av. J.-C.", "en cinquante deux avant jésus christ"),
    ("le thé, le café, etc.", "le thé le café et cetera"),
    ("p. ex. l’eau", "par exemple l'eau"),
    ("Selon M. Roy, Albert M. Roy a ri.", "selon monsieur roy albert m roy a ri"),
    ("J. M. Barrie part. M. Roy reste.", "j m barrie part monsieur roy reste"),
    ("c.-à-d. aujourd’hui", "c'est à dire aujourd'hui"),
    ("D’Artagnan arrive à l’île", "d'artagnan arrive à l'île"),
    ("peut-être, dit-il", "peut être dit il"),
    ("plus d'1,5 million d'euros", "plus d'un virgule cinq million d'euros"),
]


@pytest.mark.parametrize("written, spoken", EXAMPLES)
def test_french(written, spoken):
    assert to_spoken(written, "fr") == spoken
    assert to_spoken(spoken, "fr") == spoken
