import json

import pytest

from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

WORDS = ["Low-lying", "...", "Lower", "x"]


@pytest.fixture
def tokenizer(tmp_path):
    path = str(tmp_path / "learnt")
    learn_codes({"low": 5, "lower": 3, "lying": 2}, 6, path)
    return Tokenizer(BpeCodes(path))


def test_tokenize_is_normalisation_then_segmentation(tokenizer):
    pieces = tokenizer.subwords.pieces
    expected = [*pieces("low"), *pieces("lowers")]
    assert tokenizer.tokenize("LOW, lowers!", "en") == expected
    assert expected[0] == "low" and expected[-1] == "s"
    assert tokenizer.tokenize("?!", "en") == []


def test_words_and_pieces_are_aligned(tokenizer):
    pieces, owners = tokenizer.tokenize_words(WORDS, "en")
    assert pieces == tokenizer.tokenize(" ".join(WORDS), "en")
    assert len(pieces) == len(owners) and owners == sorted(owners)
    for index, word in enumerate(WORDS):
        own = [piece for piece, owner in zip(pieces, owners) if owner == index]
        assert own == tokenizer.tokenize(word, "en")


def test_no_normalisation_keeps_case_and_punctuation(tokenizer):
    plain = Tokenizer(tokenizer.subwords, "none")
    assert "".join(plain.tokenize("X, low", "en")).replace("@@", "") == "X,low"


@pytest.mark.parametrize("normalisation", ["spoken", "none"])
def test_round_trip(tokenizer, tmp_path, normalisation):
    before = Tokenizer(tokenizer.subwords, normalisation)
    before.save(str(tmp_path / "a"))
    Tokenizer.load(str(tmp_path / "a")).save(str(tmp_path / "b"))
    after = Tokenizer.load(str(tmp_path / "b"))
    assert after.tokenize("Lower, Lying", "en") == before.tokenize("Lower, Lying", "en")
    assert {path.name for path in (tmp_path / "b").iterdir()} == {
        "codes",
        "subwords.json",
    }


def test_saving_into_its_own_folder_keeps_the_codes(tokenizer, tmp_path):
    tokenizer.save(str(tmp_path / "a"))
    Tokenizer.load(str(tmp_path / "a")).save(str(tmp_path / "a"))
    assert Tokenizer.load(str(tmp_path / "a")).tokenize("low", "en") == ["low"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format": 99}, "format 1"),
        ({"kind": "other"}, "'other' is missing or unknown"),
        ({"kind": ["other"]}, "damaged .*; write the folder again with mlkd-corpus"),
        ({"codes": 5}, "damaged"),
        ({"codes": "gone"}, "gone: cannot be read"),
        ({"normalisation": "odd"}, "normalisation 'odd'"),
        (None, "not JSON"),
    ],
)
def test_damaged_folder_is_one_clear_error(tokenizer, tmp_path, change, message):
    tokenizer.save(str(tmp_path / "a"))
    path = tmp_path / "a" / "subwords.json"
    settings = path.read_text()
    broken = settings[:-9] if change is None else {**json.loads(settings), **change}
    path.write_text(broken if change is None else json.dumps(broken))
    with pytest.raises(ValueError, match=message):
        Tokenizer.load(str(tmp_path / "a"))


def test_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match=r"subwords\.json: cannot be read"):
        Tokenizer.load(str(tmp_path / "none"))
