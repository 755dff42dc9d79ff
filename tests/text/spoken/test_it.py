"""Italian as it is spoken. Sources of the rules:

- numbers, ordinals: Unicode CLDR, `common/rbnf/it.xml`;
- centuries, sovereigns and popes are ordinals: Treccani, La grammatica italiana,
  "Numerali"; `1º maggio` is "primo maggio": Accademia della Crusca, Consulenza
  linguistica; "euro" has no plural: the same;
- times and prices ("le sei e trenta", "tre euro e cinquanta"): Serianni, Grammatica
  italiana, chapter VI;
- `sig.`, `dott.`, `ecc.`, `a.C.`: Treccani, Vocabolario;
- units: INRIM's translation of the SI brochure.
"""

import pytest

from fairseq_mlkd.text.spoken import to_spoken

EXAMPLES = [
    # Cardinal numbers, groups of digits, decimals
    ("28 anni e 33 giorni", "ventotto anni e trentatré giorni"),
    ("1 anno, 1 volta", "un anno una volta"),
    ("101 pagine", "centouno pagine"),
    ("80 cani e 100 gatti", "ottanta cani e cento gatti"),
    ("1.000 abitanti", "mille abitanti"),
    ("12 000 voti", "dodicimila voti"),
    (
        "1.234.567 voti",
        "un milione duecentotrentaquattromilacinquecentosessantasette voti",
    ),
    ("nel 1984", "nel millenovecentottantaquattro"),
    ("nel 2005", "nel duemilacinque"),
    ("L'8 luglio", "l'otto luglio"),
    ("l’11 settembre", "l'undici settembre"),
    ("gli anni '80", "gli anni ottanta"),
    ("una media di 3,14", "una media di tre virgola quattordici"),
    ("0,05 punti", "zero virgola zero cinque punti"),
    ("3 milioni", "tre milioni"),
    # Ordinal numbers, Roman numerals
    ("il 1º maggio", "il primo maggio"),
    ("il 1° maggio", "il primo maggio"),
    ("la 3ª tappa", "la terza tappa"),
    (":10ª tappa", "decima tappa"),
    ("nel 1989 l' attore", "nel millenovecentottantanove l attore"),
    ("al 56º minuto", "al cinquantaseiesimo minuto"),
    ("la 21ª edizione", "la ventunesima edizione"),
    ("nel XIX secolo", "nel diciannovesimo secolo"),
    ("nel secolo XX", "nel secolo ventesimo"),
    ("nell'XI secolo", "nell'undicesimo secolo"),
    ("i XX Giochi", "i ventesimi giochi"),
    ("Super Bowl XX", "super bowl venti"),
    ("I cani di Pio X", "i cani di pio decimo"),
    ("Like I Do", "like i do"),
    ("la parte II del libro V", "la parte seconda del libro quinto"),
    ("tra il XV e il XVI secolo", "tra il quindicesimo e il sedicesimo secolo"),
    ("Luigi XIV", "luigi quattordicesimo"),
    ("papa Giovanni XXIII", "papa giovanni ventitreesimo"),
    ("Carlo V e Vittorio Emanuele II", "carlo quinto e vittorio emanuele secondo"),
    ("Elisabetta II", "elisabetta seconda"),
    # Money
    ("3,50 €", "tre euro e cinquanta"),
    ("€ 400", "quattrocento euro"),
    ("1 €", "un euro"),
    ("$ 25", "venticinque dollari"),
    ("10 £", "dieci sterline"),
    ("2,3 miliardi di €", "due virgola tre miliardi di euro"),
    ("100 USD", "cento dollari statunitensi"),
    # Time and dates
    ("alle 6:30", "alle sei e trenta"),
    ("alle 18.30", "alle diciotto e trenta"),
    ("alle 21:00", "alle ventuno"),
    ("25/04/1945", "venticinque aprile millenovecentoquarantacinque"),
    # Percentages, units, signs
    ("il 12 %, lo 0,5%", "il dodici per cento lo zero virgola cinque per cento"),
    ("-5 °C", "meno cinque gradi celsius"),
    ("120 km/h", "centoventi chilometri all'ora"),
    ("2.917 m", "duemilanovecentodiciassette metri"),
    ("75 m², 1 km", "settantacinque metri quadrati un chilometro"),
    ("16 per km²", "sedici per chilometro quadrato"),
    ("7,8 / 10", "sette virgola otto su dieci"),
    ("1/2, 3/4", "un mezzo tre quarti"),
    ("2 + 2 = 4", "due più due uguale quattro"),
    ("Rossi & figli", "rossi e figli"),
    # Abbreviations and apostrophes
    ("il sig. Rossi e la sig.ra Bianchi", "il signor rossi e la signora bianchi"),
    ("il dott. Neri, la dott.ssa Verdi", "il dottor neri la dottoressa verdi"),
    ("il prof. Neri", "il professor neri"),
    ("nel 450 a.C.", "nel quattrocentocinquanta avanti cristo"),
    ("pane, vino, ecc.", "pane vino eccetera"),
    ("n. 5, nº 7, n° 9", "numero cinque numero sette numero nove"),
    ("l'art. 3 a pag. 7", "l'articolo tre a pagina sette"),
    ("Dell’acqua, un po’ d’aria", "dell'acqua un po d'aria"),
    ("com'è, c'è", "com'è c'è"),
]


@pytest.mark.parametrize("written, spoken", EXAMPLES)
def test_italian(written, spoken):
    assert to_spoken(written, "it") == spoken
    assert to_spoken(spoken, "it") == spoken
