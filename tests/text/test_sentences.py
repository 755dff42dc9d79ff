import pytest

from fairseq_mlkd.text.files import read_lines
from fairseq_mlkd.text.sentences import split_sentences


@pytest.mark.parametrize(
    "lang, sentences",
    [
        ("en", ["One.", "Two!", "Three?!", "Four…", "No end"]),
        ("en", ["Mr. J. Smith paid 3.5 dollars, e.g. Tuesday.", "He left."]),
        ("en", ['He said "Stop!" and left.', '"Why?" she asked.', "(So.)", "Yes."]),
        ("en", ["His wife , 63 , left .", "Then ..."]),
        ("de", ["Am 3. Mai kam Dr. Weiß.", "Es war 1990.", "Gut."]),
        ("fr", ["Quoi ?", "M. Dupont !", "Oui."]),
        ("es", ["¿Qué?", "¡El Sr. Gil!", "Sí."]),
        ("hi", ["यह है।", "डॉ. राम कौन है?", "वह है॥"]),
    ],
)
def test_sentences_joined_by_spaces_are_found_again(lang, sentences):
    assert split_sentences(" ".join(sentences), lang) == sentences


def test_japanese_needs_no_spaces():
    text = "「行く。」彼は言った！本当？はい"
    expected = ["「行く。」", "彼は言った！", "本当？", "はい"]
    assert split_sentences(text, "ja") == expected


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
