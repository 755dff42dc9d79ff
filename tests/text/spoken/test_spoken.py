import random
import unicodedata
from itertools import islice

import pytest

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.text.spoken import spoken_words, to_spoken
from fairseq_mlkd.text.spoken.characters import _FOLDED, _MAY_FOLD

LANGS = ["en", "de", "fr", "es", "it", "pt", "hi", "ja", "xx"]
ASSIGNED = [chr(c) for c in range(0x30000) if unicodedata.category(chr(c)) != "Cn"]
RARE = [c for c in ASSIGNED if unicodedata.category(c) not in ("Lo", "So", "Co")]
# ideographs, Korean syllables, private use: fast, one in 50 stands for its like
ALIKE = (range(0x3400, 0xA000), range(0xAC00, 0xF900))


@pytest.mark.parametrize(
    "lang, written, spoken",
    [
        ("en", "  Hello,   World! ", "hello world"),
        ("en", "It’s Rock'n'Roll, said 'Tom'.", "it's rock'n'roll said tom"),
        ("en", "a twenty-one_year\u2014old", "a twenty one year old"),
        ("en", "''quoted'' dogs'", "quoted dogs"),
        ("en", "ﬁne ＡＢＣ", "fine abc"),
        ("en", "so\u00adft zero\u200bwidth \ufeffmark", "soft zero width mark"),
        ("en", "— ☺ …", ""),
        ("fr", "L’été chaud", "l'été chaud"),
        ("hi", "हिन्दी में।", "हिन्दी में"),
        ("it", "Cafe\u0301 ´", "café"),
        ("en", "≠ a \u0300\u0301 b'\u0300c", "a b'c"),
        ("en", "?!", ""),
        ("ja", "", ""),
        ("en", "½ １２ १२ ١٢ ２％", "one half twelve twelve twelve two percent"),
        ("pt-BR", "21 casas", "vinte e uma casas"),
        ("de_AT", "21 Katzen", "einundzwanzig katzen"),
        ("xx", "1'000'000 1\u202f000 1.000 1,000", "1000000 1000 1 000 1 000"),
        ("xx", "$5 & 3:30, 12 % １२ १२ ①② x² ½ ፩", "5 3 30 12 12 12 1 2 x 2 1 2 1"),
    ],
)
def test_spoken_form(lang, written, spoken):
    assert to_spoken(written, lang) == unicodedata.normalize("NFKC", spoken)


def test_indic_vowel_signs_are_kept_and_letters_composed_alike():
    word = "कि\u093c"
    assert to_spoken(word, "hi") == unicodedata.normalize("NFKC", word)


@pytest.mark.parametrize("lang", LANGS)
def test_idempotent_on_hostile_characters(lang):
    rng = random.Random(lang)
    common = list("''’´.,  12345ABcÅΣİ日本ーカらを\u0301\u3099\u200d")
    mixed = RARE + common * 50
    for _ in range(3000):
        pool = rng.choice([ASSIGNED, RARE, common, mixed])
        text = "".join(rng.choices(pool, k=rng.randint(1, 10)))
        once = to_spoken(text, lang)
        assert to_spoken(once, lang) == once, ascii(text)


@pytest.mark.parametrize("lang", LANGS[:-1])
def test_no_digit_survives_among_any_neighbours(lang):
    rng = random.Random(lang)
    pool = "0123456789" * 3 + ".,:/-+'\u00a0 %$€°()#&pmsthNo.hUrkg½²٣५５"
    for _ in range(3000):
        text = "".join(rng.choices(pool, k=rng.randint(1, 24)))
        once = to_spoken(text, lang)
        assert not any(map(str.isdigit, once)), ascii(text)
        assert to_spoken(once, lang) == once, ascii(text)


@pytest.mark.parametrize("step", [50, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("lang", LANGS)
def test_only_words_digits_marks_and_apostrophes_come_out(lang, step):
    for code in range(0x11000):
        if code % step and any(code in block for block in ALIKE):
            continue
        spoken = to_spoken(f"a{chr(code)}b", lang)
        bad = {unicodedata.category(c)[0] for c in spoken if c not in " '"} - set("LNM")
        assert not bad, hex(code)
        assert spoken == spoken.lower()


@pytest.mark.parametrize("lang", LANGS[:-1])
def test_laws_hold_on_real_text(mlkd_data, lang):
    paths = sorted((mlkd_data / "text" / lang).glob("*.xz"))
    assert paths
    for path in paths:
        for line in islice(read_lines(str(path)), 400):
            once = to_spoken(line, lang)
            assert to_spoken(once, lang) == once, line
            assert not any(map(str.isdigit, once)), line


def test_words_keep_their_positions():
    words = ["Twenty-one", ",", "Don't", "1,000", "..."]
    assert spoken_words(words, "en") == ["twenty one", "", "don't", "one thousand", ""]


def test_text_that_is_not_folded_would_not_change():
    spared = [chr(c) for c in range(0x80, 0x30000) if not _MAY_FOLD.search(chr(c))]
    assert len(spared) > 500
    assert all(_FOLDED[ord(character)] == character for character in spared)
