"""English spoken form.

Sources: whole numbers, ordinals and years are the Unicode CLDR's rule-based number
format (common/rbnf/en.xml: spellout-cardinal, spellout-ordinal,
spellout-numbering-year). Decimals, money, times, dates, fractions, ranges and units
follow the Chicago Manual of Style (17th edition, chapter 9, numbers as they are spoken
and spelled out; 10.1-10.49, abbreviations); SI names the SI Brochure (9th edition,
American spelling); telephone numbers, read digit by digit, ITU-T E.123.
"""

import pytest

from fairseq_mlkd.text.spoken import spoken_words, to_spoken

TABLE = """
0 | zero
21 | twenty one
342 people | three hundred forty two people
1,000,000 | one million
1,234,567.89 | one million two hundred thirty four thousand five hundred sixty seven \
point eight nine
999,999,999,999,999 | nine hundred ninety nine trillion nine hundred ninety nine \
billion nine hundred ninety nine million nine hundred ninety nine thousand nine \
hundred ninety nine
123456789 | one hundred twenty three million four hundred fifty six thousand seven \
hundred eighty nine
1234567890 | one two three four five six seven eight nine zero
agent 007 | agent zero zero seven
in 1984. | in nineteen eighty four
1900, 1905 | nineteen hundred nineteen oh five
2000, 2005, 2010 | two thousand two thousand five twenty ten
1066 | one thousand sixty six
the 1990s | the nineteen nineties
'90s and 1920's | nineties and nineteen twenties
the 2000s | the two thousands
1st, 2nd, 3rd, 4th | first second third fourth
21st century | twenty first century
the 1,000th | the one thousandth
3.14 | three point one four
0.05 | zero point zero five
.5 | point five
$3.50 | three dollars and fifty cents
$1 or $1.00 | one dollar or one dollar
$0.99 | ninety nine cents
$3.5 million | three point five million dollars
US$5bn | five billion dollars
£1.01 | one pound and one penny
£12,000 | twelve thousand pounds
20 € or EUR 20 | twenty euros or twenty euros
3:30 pm | three thirty pm
9 a.m. and 3PM | nine am and three pm
6.35pm | six thirty five pm
3:05 | three oh five
14:05 | fourteen oh five
15:00 | fifteen hundred
at 3:00, 3:00 p.m. | at three o'clock three pm
75:30 | seventy five thirty
5% | five percent
5.5 % | five point five percent
May 3, 1984 | may third nineteen eighty four
3 May 1984 | the third of may nineteen eighty four
on 2010-05-12 | on may twelfth twenty ten
Dec. 25 | december twenty fifth
1939–1945 | nineteen thirty nine to nineteen forty five
the 2008–09 season | the two thousand eight to oh nine season
10-12 km | ten to twelve kilometers
won 3-2 | won three to two
-5 °C | minus five degrees celsius
\N{MINUS SIGN}40°F | minus forty degrees fahrenheit
1 km, 1.5 km | one kilometer one point five kilometers
5 km² and 7 m\N{SUPERSCRIPT THREE} | five square kilometers and seven cubic meters
2018's best | twenty eighteen's best
12pc of £5bn, 5bn | twelve percent of five billion pounds five billion
60\N{NO-BREAK SPACE}mph | sixty miles per hour
200\N{SQUARE KG} | two hundred kilograms
1/2 | one half
3 1/2, 3½ | three and one half three and one half
24/7 | twenty four seven
9/11 | nine eleven
Dr. Smith, Mr. and Mrs. Jones | doctor smith mister and missus jones
Martin Luther King Jr. | martin luther king junior
e.g. this, i. e. that, etc. | for example this that is that et cetera
No. 5, #7, pp. 10-12 | number five number seven pages ten to twelve
No 5 left | no five left
(212) 555-1234 | two one two five five five one two three four
555-1234 | five five five one two three four
+1 212 555 1234 | plus one two one two five five five one two three four
R&D, AT&T | r and d at and t
me@example.org, www.example.com/news | me at example dot org www dot example dot com \
slash news
C++, 2 + 2 = 4 | c plus plus two plus two equals four
== History ==, x = y | history x equals y
B2B, MP3, A4, A380's | b two b mp three a four a three hundred eighty's
Louis XIV, World War II | louis the fourteenth world war two
U.S. | u s
5'10" | five ten
1,2,3 | one two three
10.5.1 | ten five one
१२ ５ ① | twelve five one
10² | ten to the power of two
well-known rock'n'roll isn't | well known rock'n'roll isn't
so\N{SOFT HYPHEN}ft | soft
"""
CASES = [line.split(" | ") for line in TABLE.strip().split("\n")]


@pytest.mark.parametrize("written, spoken", CASES)
def test_english(written, spoken):
    assert to_spoken(written, "en") == spoken


def test_words_are_read_one_by_one():
    words = ["On", "May", "3", ",", "at", "3:30", "pm", "$", "5", "%", "Dr."]
    spoken = ["on", "may", "three", "", "at", "three thirty", "pm", "dollar", "five"]
    assert spoken_words(words, "en") == [*spoken, "percent", "doctor"]
