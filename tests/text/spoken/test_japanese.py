import random
from multiprocessing import Pool

import pytest

from fairseq_mlkd.text.spoken.japanese import split_words


@pytest.mark.parametrize(
    "text, words",
    [
        ("関係に立つということ", "関係 に 立つ と いう こと"),
        ("東京 都", "東京 都"),
        # In its context a word may differ from what would be made of it alone.
        ("九時までに", "九 時 まで に"),
        ("まで", "まで"),
        # A number is one word, unless a longer word begins with it.
        ("千九百八十四年", "千九百八十四 年"),
        ("三点一四", "三 点 一四"),
        ("一人", "一人"),
        # Marks and the long-vowel sign stay with what they follow.
        ("あ\u3099い", "あ\u3099い"),
        ("わーーーい", "わーーー い"),
        ("ーあ", "ー あ"),
        # Other scripts part words and are not cut.
        ("l'étéの夏привет", "l'été の 夏 привет"),
        ("", ""),
    ],
)
def test_split_words(text, words):
    assert split_words(text) == words
    assert split_words(words) == words


def test_split_again_changes_nothing_and_no_character_is_lost():
    rng = random.Random(0)
    kana = [chr(code) for code in [*range(0x3041, 0x3097), *range(0x30A1, 0x30FD)]]
    kanji = [chr(code) for code in range(0x4E00, 0x9FFF)]
    words = [
        "一人",
        "千",
        "十分",
        "まで",
        "ーー",
        "々",
        "〇",
        "\u3099",
        "a'",
        "\U00020bb7",
    ]
    for _ in range(2000):
        pool = rng.choice([kana, kana + kanji, words + kana, words])
        text = "".join(rng.choices(pool, k=rng.randint(1, 30)))
        once = split_words(text)
        assert split_words(once) == once, ascii(text)
        assert once.replace(" ", "") == text


def test_text_without_any_punctuation_is_cut_piece_by_piece():
    text = "関係に立つということであり" * 1000
    once = split_words(text)
    assert once.replace(" ", "") == text
    assert split_words(once) == once
    assert once.count("関係 に 立つ と いう こと で あり") > 950


def test_processes_agree():
    texts = ["東京タワーへ行った", "千九百八十四年のことである"] * 20
    expected = [split_words(text) for text in texts]
    with Pool(2) as pool:
        assert pool.map(split_words, texts, chunksize=5) == expected
