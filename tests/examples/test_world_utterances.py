"""The world's WikiAnn, MultiATIS++ and mTOP: layouts, spans, splits, languages."""

import collections
import itertools
import json
import re

import pytest
from scripts import EXAMPLES
from world.frames import FRAMES
from world.grammar import KINDS, Phrase, Span, load_languages
from world.parsing import write_mtop, write_parse
from world.tagging import ENTITIES, write_multiatis, write_wikiann
from world.utterances import SPLIT_SHARES, Utterance, draw_utterances, split_words

LANGUAGES = {x.code: x for x in load_languages(EXAMPLES / "world" / "languages")}
ENGLISH = LANGUAGES["en"]
COUNTS = {"train": 30, "dev": 20, "test": 60}
FLIGHT = next(frame for frame in FRAMES if frame.name == "flight")
every_language = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("utterances")
    writers = {"wikiann": write_wikiann, "multiatis": write_multiatis}
    for name, write in {**writers, "mtop": write_mtop}.items():
        write(folder / name, list(LANGUAGES.values()), COUNTS, 1)
    return folder


def read_sentences(path):
    """Return lists of (token, tag)."""
    blocks = path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    return [[line.split("\t") for line in block.split("\n")] for block in blocks]


def read_rows(path):
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return [line.split("\t") for line in lines]


def entities(tags):
    """(type, first word, words) of each chunk."""
    found = []
    for position, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append([tag[2:], position, 1])
        elif tag.startswith("I-"):
            assert found[-1][0] == tag[2:]
            found[-1][2] += 1
    return found


@every_language
def test_files_of_a_language(world, lang):
    english = lang == "en"
    names = {path.name for path in (world / "wikiann" / lang).iterdir()}
    assert names == {"dev", "test", *["train"] * english}
    names = {path.name for path in (world / "mtop" / lang).iterdir()}
    assert names == {"eval.txt", "test.txt", *["train.txt"] * english}
    names = {path.name for path in (world / "multiatis").glob(f"*_{lang.upper()}.tsv")}
    assert {name.split("_")[0] for name in names} == {
        "dev",
        "test",
        *["train"] * english,
    }


@every_language
def test_wikiann_tags_what_english_tags(world, lang):
    sentences = read_sentences(world / "wikiann" / lang / "test")
    assert len(sentences) == COUNTS["test"]
    english = read_sentences(world / "wikiann" / "en" / "test")
    for sentence, other in zip(sentences, english):
        assert all(token.startswith(f"{lang}:") for token, _ in sentence)
        found = entities([tag for _, tag in sentence])
        expected = entities([tag for _, tag in other])
        assert sorted(x[0] for x in found) == sorted(x[0] for x in expected)
    types = {tag[2:] for sentence in sentences for _, tag in sentence if tag != "O"}
    assert types == set(ENTITIES.values())


@every_language
def test_multiatis_rows(world, lang):
    header, *rows = read_rows(world / "multiatis" / f"test_{lang.upper()}.tsv")
    assert header == ["id", "utterance", "slot_labels", "intent"]
    _, *english = read_rows(world / "multiatis" / "test_EN.tsv")
    assert len(rows) == COUNTS["test"]
    for row, other in zip(rows, english):
        words, tags = row[1].split(" "), row[2].split(" ")
        assert len(words) == len(tags) and all(words)
        slots = [name for name, _, _ in entities(tags)]
        assert sorted(slots) == sorted(x[0] for x in entities(other[2].split(" ")))
        assert row[3] == other[3]


@every_language
def test_mtop_rows_agree_with_themselves(world, lang):
    rows = read_rows(world / "mtop" / lang / "test.txt")
    assert len(rows) == COUNTS["test"]
    nested = 0
    for _, intent, slots, utterance, _, locale, parse, tokens in rows:
        assert locale == f"{lang}_XX"
        assert parse.startswith(f"[{intent} ")
        assert parse.count("[") == parse.count("]") == len(re.findall("IN:|SL:", parse))
        words = json.loads(tokens)
        for token, span in zip(words["tokens"], words["tokenSpans"]):
            start = span["start"]
            assert utterance[start : start + span["length"]] == token
        leaves = [x for x in parse.split() if x[0] not in "[]"]
        remaining = iter(words["tokens"])
        assert all(leaf in remaining for leaf in leaves)  # in this order
        spans = re.split("[,，]", slots)
        for span in spans:
            start, end, label = span.split(":", 2)
            said = utterance[int(start) : int(end)]
            if label != "SL:FACT":
                quoted = re.search(rf"\[{label} (.*?) \]", parse)[1]
                assert quoted.replace(" ", "") == said.replace(" ", "")
        assert len({span.split(":", 2)[2] for span in spans}) == len(spans)
        nested += parse.count("IN:") == 2
    assert 0 < nested < COUNTS["test"] / 3


def test_a_nested_parse():
    template = "tell {person} that {a}"
    fact = ENGLISH.say("{person} is in {city}", {"person": "Tom", "city": "Oslo"})
    sentence = ENGLISH.finish(ENGLISH.tell(template, "Eva", fact))
    assert sentence.text == "Tell Eva that Tom is in Oslo."
    told = Utterance(FLIGHT, "statement", {"person": "Tom", "city": "Oslo"}, "Eva")
    assert write_parse(told, split_words(sentence)) == (
        "[IN:TELL [SL:PERSON Eva ] [SL:FACT"
        " [IN:FLIGHT [SL:PERSON Tom ] [SL:CITY Oslo ] ] ] ]"
    )


@pytest.mark.parametrize(
    "text, words",
    [
        ("Loin d'Oslo, à 5 heures ?", "Loin d' Oslo , à 5 heures ?"),
        ("Y a-t-il un train ?", "Y a-t-il un train ?"),
        ("¿Hay un tren?", "¿ Hay un tren ?"),
        ("कैमरा माँगो।", "कैमरा माँगो ।"),
        ("大阪に7時にBlue Riverを", "大阪 に 7 時 に Blue River を"),
    ],
)
def test_words(text, words):
    assert [word.text for word in split_words(Phrase(text))] == words.split()


def test_a_word_ends_where_a_slot_ends():
    phrase = Phrase("大阪行きの", (Span("city", 0, 2),))
    words = split_words(phrase)
    assert [word.text for word in words] == ["大阪", "行", "きの"]
    assert [word.tag({"city": "LOC"}) for word in words] == ["B-LOC", "O", "O"]
    assert {word.tag({"day": "DAY"}) for word in words} == {"O"}


def test_no_meaning_is_shared_between_splits():
    keys = [
        {
            (utterance.frame.name, tuple(sorted(utterance.values.items())))
            for utterance in draw_utterances(ENGLISH, KINDS, split, 400, seed=3)
        }
        for split in SPLIT_SHARES
    ]
    for one, other in itertools.combinations(keys, 2):
        assert not one & other


def test_every_request_is_in_training():
    utterances = draw_utterances(ENGLISH, ["request"], "train", 1500, seed=1)
    said = collections.Counter(
        (utterance.frame.name, tuple(sorted(utterance.values)))
        for utterance in utterances
    )
    wanted = {
        (frame.name, slots)
        for frame in FRAMES
        for slots in ENGLISH.slot_sets(frame.name, "request")
    }
    assert set(said) == wanted and min(said.values()) > 5
