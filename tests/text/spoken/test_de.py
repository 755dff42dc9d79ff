"""German spoken form.

Sources: whole numbers, ordinals with their endings and years are the Unicode CLDR's
rule-based number format (common/rbnf/de.xml). How numbers, dates, times, money and
abbreviations are written, and so recognised: DIN 5008 and the Duden's rules
("Textverarbeitung", "Zahlen und Ziffern", "Uhrzeit", "Abkürzungen"); endings after
articles: Duden, Die Grammatik ("Deklination des Adjektivs").
"""

import pytest

from fairseq_mlkd.text.spoken import spoken_words, to_spoken

TABLE = """
0 | null
21 | einundzwanzig
101 Gäste | einhunderteins gäste
1.000.000 | eine million
12 000 Einwohner | zwölftausend einwohner
1.234.567,5 | eine million zweihundertvierunddreißigtausendfünfhundertsiebenundsechzig \
komma fünf
1234567890 | eins zwei drei vier fünf sechs sieben acht neun null
007 | null null sieben
1984 | neunzehnhundertvierundachtzig
1800 | achtzehnhundert
2005, 2010 | zweitausendfünf zweitausendzehn
1.984 Stück | eintausendneunhundertvierundachtzig stück
1984 km | eintausendneunhundertvierundachtzig kilometer
die 1990er Jahre | die neunzehnhundertneunziger jahre
in den 1950ern | in den neunzehnhundertfünfzigern
90er-Jahre | neunziger jahre
am 3. Mai 1984 | am dritten mai neunzehnhundertvierundachtzig
der 3. Mai | der dritte mai
geboren 1. Januar 1900 | geboren erster januar neunzehnhundert
vom 3. bis 5. Mai | vom dritten bis fünften mai
am 03.05.2010 | am dritten fünften zweitausendzehn
24.12. | vierundzwanzigster zwölfter
im 19. Jahrhundert | im neunzehnten jahrhundert
in der 3. Runde | in der dritten runde
die 2. Liga | die zweite liga
1. FC Köln | erster fc köln
Er starb am 21. | er starb am einundzwanzigsten
Sie ist 21. | sie ist einundzwanzig
Er war 85. Er starb. | er war fünfundachtzig er starb
2,50 € | zwei euro fünfzig
1 €, 1,00 € | ein euro ein euro
0,99 € | null euro neunundneunzig
€ 20 | zwanzig euro
12.000 USD | zwölftausend dollar
5 DM | fünf mark
3,5 Mio. Euro | drei komma fünf millionen euro
5 Millionen € | fünf millionen euro
14:05 Uhr | vierzehn uhr fünf
14.30 Uhr | vierzehn uhr dreißig
14 Uhr, 1 Uhr | vierzehn uhr ein uhr
00:30 | null uhr dreißig
3:0, 2 : 1 | drei zu null zwei zu eins
3:57,22 | drei siebenundfünfzig zweiundzwanzig
25:23 | fünfundzwanzig zu dreiundzwanzig
5 %, 5% | fünf prozent fünf prozent
3,14 | drei komma eins vier
0,05 | null komma null fünf
10-12 km | zehn bis zwölf kilometer
1939–1945 | neunzehnhundertneununddreißig bis neunzehnhundertfünfundvierzig
-5 °C, \N{MINUS SIGN}7 °C | minus fünf grad celsius minus sieben grad celsius
1 km, 1 t, 2 t | ein kilometer eine tonne zwei tonnen
708,2/km², 6±0,5 | siebenhundertacht komma zwei pro quadratkilometer sechs plus minus \
null komma fünf
5\N{NO-BREAK SPACE}km | fünf kilometer
100 m², 120 km/h | einhundert quadratmeter einhundertzwanzig kilometer pro stunde
hat 1 Haus | hat ein haus
1/2, 3/4 | ein halb drei viertel
z. B. z.B. z.\N{NO-BREAK SPACE}B. | zum beispiel zum beispiel zum beispiel
d. h., usw., bzw. | das heißt und so weiter beziehungsweise
Dr. Müller, Prof. Meier | doktor müller professor meier
St. Pauli, Str. | sankt pauli straße
44 v. Chr. | vierundvierzig vor christus
Nr. 5, S. 12, § 5 | nummer fünf seite zwölf paragraf fünf
+49 30 123456 | plus vier neun drei null eins zwei drei vier fünf sechs
030/123456 | null drei null eins zwei drei vier fünf sechs
R&D, a@b.de, C++ | r und d a at b de c plus plus
B2B, MP3 | b zwei b mp drei
1.5.3 | eins fünf drei
Karl V. geht's gut | karl der fünfte geht's gut
E-Mail-Adresse | e mail adresse
"""
CASES = [line.split(" | ") for line in TABLE.strip().split("\n")]


@pytest.mark.parametrize("written, spoken", CASES)
def test_german(written, spoken):
    assert to_spoken(written, "de") == spoken


def test_words_are_read_one_by_one():
    words = ["am", "3.", "Mai", "um", "14:05", "für", "2,50", "€"]
    spoken = ["am", "drei", "mai", "um", "vierzehn uhr fünf", "für"]
    assert spoken_words(words, "de") == [*spoken, "zwei komma fünf null", "euro"]
