"""Hindi as it is spoken. Sources of the rules:

- numbers and Indian groups of digits: Unicode CLDR, `common/rbnf/hi.xml` and
  `common/main/hi.xml`; words below 100 were compared with the standard forms of the
  Central Hindi Directorate ("Ek se sau tak sankhyavachak shabdon ka manak rup", 1980);
- quarters, fractions, ordinals: Kamta Prasad Guru, Hindi Vyakaran (numeral adjectives);
- joiners: Unicode core specification, section 12.1 (Devanagari).
"""

import re
import unicodedata

import pytest

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.text.spoken import spoken_words, to_spoken

# CLDR's spellings. The Directorate writes सताईस, चवालीस, तिरपन, तिरसठ and -वे for -बे
# from 91 on: the same words, all of them in use.
BELOW_100 = """
शून्य एक दो तीन चार पाँच छह सात आठ नौ
दस ग्यारह बारह तेरह चौदह पन्द्रह सोलह सत्रह अठारह उन्नीस
बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस
तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस
चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास
पचास इक्यावन बावन तिरेपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ
साठ इकसठ बासठ तिरेसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर
सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उनासी
अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी
नब्बे इक्यानबे बानबे तिरानबे चौरानबे पंचानबे छियानबे सत्तानबे अट्ठानबे निन्यानबे
"""


@pytest.mark.parametrize("number, word", list(enumerate(BELOW_100.split())))
def test_numbers_that_follow_no_rule(number, word):
    assert to_spoken(str(number), "hi") == unicodedata.normalize("NFKC", word)


@pytest.mark.parametrize(
    "written, spoken",
    [
        # both kinds of digits, Indian groups
        ("१२ लोग, 12 लोग", "बारह लोग बारह लोग"),
        ("100", "एक सौ"),
        ("1,800 और १०,०००", "एक हज़ार आठ सौ और दस हज़ार"),
        ("1,00,000 लोग", "एक लाख लोग"),
        ("12,34,56,789", "बारह करोड़ चौंतीस लाख छप्पन हज़ार सात सौ नवासी"),
        ("1,234,567", "बारह लाख चौंतीस हज़ार पाँच सौ सड़सठ"),
        ("3 अरब", "तीन अरब"),
        # years
        ("वर्ष 1984 में", "वर्ष उन्नीस सौ चौरासी में"),
        ("१९४७", "उन्नीस सौ सैंतालीस"),
        ("1900 से", "उन्नीस सौ से"),
        ("2005", "दो हज़ार पाँच"),
        ("1990 के दशक", "उन्नीस सौ नब्बे के दशक"),
        ("1594 ई. में", "पन्द्रह सौ चौरानबे ईसवी में"),
        ("९०७ ई०", "नौ सौ सात ईसवी"),
        ("500 ई.पू.", "पाँच सौ ईसा पूर्व"),
        # ordinals
        ("21वीं सदी", "इक्कीसवीं सदी"),
        ("१८वीं", "अठारहवीं"),
        ("16 वें और 5वाँ", "सोलहवें और पाँचवाँ"),
        ("1ला, 2री, 3रे, 4था, 6ठी", "पहला दूसरी तीसरे चौथा छठी"),
        ("1वीं और 6वें", "पहली और छठे"),
        ("100वाँ शतक", "सौवाँ शतक"),
        ("संख्या 4 था", "संख्या चार था"),
        # decimals, fractions, percentages, signs
        ("3.14", "तीन दशमलव एक चार"),
        ("2.5 लाख", "दो दशमलव पाँच लाख"),
        ("5% और ९५ %", "पाँच प्रतिशत और पंचानबे प्रतिशत"),
        ("1/2 और ¾", "आधा और तीन चौथाई"),
        ("2/5", "दो बटा पाँच"),
        ("1 1/2 घंटे, 2½, 3 1/2", "डेढ़ घंटे ढाई साढ़े तीन"),
        ("2 1/4, 1 3/4", "सवा दो पौने दो"),
        ("तापमान -5.5 डिग्री", "तापमान माइनस पाँच दशमलव पाँच डिग्री"),
        ("टी -20", "टी बीस"),
        ("25°C", "पच्चीस डिग्री सेल्सियस"),
        # money
        ("₹1,00,000 है।", "एक लाख रुपये है"),
        ("₹5 करोड़", "पाँच करोड़ रुपये"),
        ("₹1, ₹2.50", "एक रुपया दो रुपये पचास पैसे"),
        ("रु. 500, 500 रु.", "पाँच सौ रुपये पाँच सौ रुपये"),
        ("रु 500, रू० ५००/-", "पाँच सौ रुपये पाँच सौ रुपये"),
        ("$4.1 बिलियन", "चार दशमलव एक बिलियन डॉलर"),
        ("€3.50", "तीन यूरो पचास सेंट"),
        # times and dates
        ("3:30 बजे", "साढ़े तीन बजे"),
        ("1:30 बजे, 2:30", "डेढ़ बजे ढाई बजे"),
        ("4:15 और 4:45", "सवा चार बजे और पौने पाँच बजे"),
        ("6:00 बजे", "छह बजे"),
        ("14:05", "चौदह बजकर पाँच मिनट"),
        ("20:39:56", "बीस बजकर उनतालीस मिनट छप्पन सेकंड"),
        ("15-08-1947", "पन्द्रह अगस्त उन्नीस सौ सैंतालीस"),
        ("26/1/1950", "छब्बीस जनवरी उन्नीस सौ पचास"),
        ("2004-02-03", "तीन फ़रवरी दो हज़ार चार"),
        ("13.13.2004", "तेरह तेरह दो हज़ार चार"),
        # ranges, scores, telephone numbers
        ("10-12 लोग", "दस से बारह लोग"),
        ("1947–1953", "उन्नीस सौ सैंतालीस से उन्नीस सौ तिरेपन"),
        ("5-0 से हराया", "पाँच शून्य से हराया"),
        ("98100 12345", "अट्ठानबे हज़ार एक सौ बारह हज़ार तीन सौ पैंतालीस"),
        ("9810012345", "नौ आठ एक शून्य शून्य एक दो तीन चार पाँच"),
        ("011-23456789", "शून्य एक एक दो तीन चार पाँच छह सात आठ नौ"),
        # units
        (
            "26 किमी, 5 कि.मी. और 7 कि॰मी॰",
            "छब्बीस किलोमीटर पाँच किलोमीटर और सात किलोमीटर",
        ),
        ("10 km, 3 kg", "दस किलोमीटर तीन किलोग्राम"),
        ("26 वर्ग किमी", "छब्बीस वर्ग किलोमीटर"),
        ("7–10 से॰मी॰", "सात से दस सेंटीमीटर"),
        ("10 km², 5 m2", "दस वर्ग किलोमीटर पाँच वर्ग मीटर"),
        # abbreviations, also with the digit zero for their sign
        ("डॉ. सिंह और डॉ॰ राव", "डॉक्टर सिंह और डॉक्टर राव"),
        ("प्रो. शर्मा, श्री वर्मा", "प्रोफ़ेसर शर्मा श्री वर्मा"),
        ("डा० राव, उ०व०-१", "डॉक्टर राव उ व एक"),
        ("उ०प्र० और ५०० ई० पू०, नं० 5", "उत्तर प्रदेश और पाँच सौ ईसा पूर्व नंबर पाँच"),
        ("कि0मी0 और ल०प०४", "कि मी और ल प चार"),
        ("उ.प्र. में", "उत्तर प्रदेश में"),
        ("चौ. चरण सिंह, 15 अग. को", "चौधरी चरण सिंह पन्द्रह अगस्त को"),
        ("सं.रा.अ. में वि. वि.", "संयुक्त राज्य अमेरिका में विश्वविद्यालय"),
        ("झंडा. हुई.", "झंडा हुई"),
        ("गुरु 5", "गुरु पाँच"),
        ("सी & डी", "सी और डी"),
        # letters and marks
        ("दुःख, हँसी; क़लम।", "दुःख हँसी क़लम"),
        ("अवग्रह ऽ", "अवग्रह ऽ"),
        ("दिल्\u200dली क्\u200cया", "दिल्ली क्या"),
        ("राम-राम ॥", "राम राम"),
    ],
)
def test_hindi(written, spoken):
    spoken = unicodedata.normalize("NFKC", spoken)
    assert to_spoken(written, "hi") == spoken
    assert to_spoken(spoken, "hi") == spoken


def test_hindi_tokens_stay_aligned():
    words = ["21वीं", "सदी", "।", "₹500"]
    assert spoken_words(words, "hi") == ["इक्कीसवीं", "सदी", "", "पाँच सौ रुपये"]


def marks_of(text):
    return [c for c in text if unicodedata.category(c) in ("Mn", "Mc")]


def test_every_mark_of_devanagari_survives_after_a_letter():
    marks = marks_of(map(chr, range(0x0900, 0x0980)))
    assert len(marks) > 30
    for mark in marks:
        word = unicodedata.normalize("NFKC", f"क{mark}ब")
        assert to_spoken(word, "hi") == word


def test_marks_of_real_text_survive(mlkd_data):
    not_read = re.compile(r"[^\W\d][^\s\d.॰+%&@]*")  # no number, abbreviation, symbol
    count = 0
    for path in sorted((mlkd_data / "text" / "hi").glob("*.xz")):
        for _, line in zip(range(1000), read_lines(str(path))):
            words = unicodedata.normalize("NFKC", line).split()
            words = list(filter(not_read.fullmatch, words))
            spoken = to_spoken(" ".join(words), "hi")
            assert marks_of(spoken) == marks_of(" ".join(words))
            count += len(marks_of(spoken))
    assert count > 100_000
