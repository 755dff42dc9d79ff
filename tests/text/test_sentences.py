from itertools import accumulate

import pytest

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.text.sentences import split_sentences


@pytest.mark.parametrize(
    "lang, sentences",
    [
        ("en", ["One.", "Two!", "Three?!", "Four…", "No end"]),
        ("en", ["Mr. J. Smith paid 3.5 dollars, e.g. Tuesday.", "He left."]),
        ("en", ['He said "Stop!" and left.', '"Why?" she asked.', "(So.)", "Yes."]),
        ("en", ["His wife , 63 , left .", "Then ..."]),
        ("de", ["Am 3. Mai kam Dr. Weiß.", "Es war 1990.", "Gut."]),
        ("en", ["Did it?", "I said no.", "It is No. 5.", "Good !", "Yes."]),
        (
            "de",
            [
                "„Ja.“",
                "Er sagte: »Nein.«",
                "»Doch!«",
                "Siehe Nr. 712.",
                "Bahnhofstr. 5.",
            ],
        ),
        ("fr", ["Quoi ?", "M. Dupont !", "Oui."]),
        ("fr", ["Il dit : « Viens ! »", "Elle part...", "« Oui. »", "Fin."]),
        ("it", ["L'art. 5 vale.", "Il sig. Rossi dice: «Sì».", "Fine."]),
        ("pt", ["O art. 41 da Lei.", "A Av. Paulista é longa.", "Fim."]),
        ("es", ["¿Qué?", "¡El Sr. Gil!", "Sí."]),
        ("hi", ["यह है।", "डॉ. राम कौन है?", "वह है॥"]),
    ],
)
def test_sentences_joined_by_spaces_are_found_again(lang, sentences):
    assert split_sentences(" ".join(sentences), lang) == sentences


def test_japanese_needs_no_spaces():
    text = "「行く。」彼は言った！本当?“はい。”「もう。」と彼女。次"
    expected = [
        "「行く。」",
        "彼は言った！",
        "本当?",
        "“はい。”",
        "「もう。」と彼女。",
        "次",
    ]
    assert split_sentences(text, "ja") == expected


@pytest.mark.parametrize(
    "lang, kind, least",
    [("de", "ud", 0.98), ("fr", "ud", 0.98), ("es", "ud", 0.98), ("pt", "ud", 0.98)]
    + [("ja", "ud", 0.98), ("it", "ud", 0.94), ("en", "ud", 0.9)]
    + [("hi", "commonvoice", 0.97)],
)
def test_sentences_of_treebanks_are_found_again(mlkd_data, lang, kind, least):
    """F1 of the bounds inside runs of three sentences, joined as the language does."""
    path = next((mlkd_data / "text" / lang).glob(f"{kind}*"))
    lines = [line for line in map(str.strip, read_lines(str(path))) if line]
    lines = [line for line in lines if line[-1] in ".!?。！？।"][:1500]
    right = n_found = n_known = 0
    for start in range(0, len(lines), 3):
        known = lines[start : start + 3]
        found = split_sentences(("" if lang == "ja" else " ").join(known), lang)
        bounds = [_inner_bounds(sentences) for sentences in (known, found)]
        right += len(bounds[0] & bounds[1])
        n_known += len(bounds[0])
        n_found += len(bounds[1])
    assert n_known > 500 and 2 * right / (n_found + n_known) > least


def _inner_bounds(sentences):
    lengths = [len("".join(sentence.split())) for sentence in sentences[:-1]]
    return set(accumulate(lengths))


@pytest.mark.parametrize("text", ["", "  ", "\u2028"])
def test_no_sentence_in_blank_text(text):
    assert split_sentences(text, "en") == []


@pytest.mark.parametrize("lang", ["en", "hi", "ja"])
def test_nothing_is_lost_in_real_text(mlkd_data, lang):
    path = next((mlkd_data / "text" / lang).glob("mlqa*"), None) or next(
        (mlkd_data / "text" / lang).glob("jaquad*")
    )
    found = 0
    for _, line in zip(range(100), read_lines(str(path))):
        sentences = split_sentences(line, lang)
        found += len(sentences)
        assert "".join("".join(sentences).split()) == "".join(line.split())
    assert found > 200
