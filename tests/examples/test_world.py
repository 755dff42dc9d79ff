"""The miniature world of the demo: its files, labels, splits and languages."""

import collections
import itertools
import random
import re
import subprocess
import sys

import pytest
from scripts import EXAMPLES
from world import frames, inference, monolingual, paraphrase
from world.__main__ import main
from world.frames import FRAMES, VALUES, draw_values, slot_type
from world.grammar import KINDS, load_language, load_languages, slots_of

LANGS = ["de", "en", "es", "fr", "hi", "it", "ja", "pt"]
XNLI_COLUMNS = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse"
    " sentence2_parse sentence1 sentence2 promptID pairID genre label1 label2 label3"
    " label4 label5 sentence1_tokenized sentence2_tokenized match"
)
FOLDER = EXAMPLES / "world" / "languages"
LANGUAGES = {language.code: language for language in load_languages(FOLDER)}
ENGLISH = LANGUAGES["en"]
SONG = "Blue River"
BRANDS = ("iPad", "PlayStation")


def make_world(out, *options):
    command = [sys.executable, EXAMPLES / "world", out, *options]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def small_world(out, seed):
    sizes = ["--sentences", "60", "--train", "30", "--dev", "12", "--test", "18"]
    sizes += ["--paraphrases", "30", "--utterances", "20", "8", "12"]
    done = make_world(out, "--seed", str(seed), *sizes)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return small_world(tmp_path_factory.mktemp("world") / "out", 1)


def read_files(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def read_rows(path):
    text = path.read_text(encoding="utf-8")
    return [line.split("\t") for line in text.rstrip("\n").split("\n")]


def test_same_seed_writes_the_same_bytes_and_another_seed_other_ones(world, tmp_path):
    again = read_files(small_world(tmp_path / "again", 1))
    other = read_files(small_world(tmp_path / "other", 2))
    assert read_files(world) == again
    assert again.keys() == other.keys()
    assert all(again[name] != other[name] for name in again)


def test_an_existing_folder_is_left_alone(world):
    before = read_files(world)
    done = make_world(world)
    assert done.returncode != 0
    expected = f"{world}: holds something else; remove it or name another folder"
    assert done.stderr.strip() == expected
    small_world(world, 1)  # the same again is no error
    assert read_files(world) == before


@pytest.mark.parametrize(
    "draw_pairs, flag",
    [(paraphrase.draw_pairs, "--paraphrases"), (inference.draw_pairs, "--train")],
)
def test_more_pairs_than_differ_are_refused(draw_pairs, flag, monkeypatch):
    monkeypatch.setattr(frames, "_MOST_REPEATS", 1)
    with pytest.raises(ValueError, match=f"lower {flag}, --dev or --test"):
        draw_pairs(ENGLISH, (9000, 0, 0), 1)


def test_a_refusal_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "_MOST_REPEATS", 0)
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["world", str(out), "--sentences", "5"])
    with pytest.raises(SystemExit, match="runs out of pairs"):
        main()
    assert not list(tmp_path.iterdir())


def test_text_is_one_sentence_a_line(world):
    assert sorted(path.stem for path in (world / "text").iterdir()) == LANGS
    for lang in LANGS:
        text = (world / "text" / f"{lang}.txt").read_text(encoding="utf-8")
        lines = text.splitlines()
        assert len(lines) == 60
        for line in lines:
            assert len(line) <= 256
            assert re.fullmatch(r"[^.。।?？]+[.。।?？]", line), line


def text_of(lang, count):
    languages = list(LANGUAGES.values())
    return list(monolingual.write_text(LANGUAGES[lang], languages, count, seed=1))


def test_a_name_recurs_in_most_of_the_text():
    lines = text_of("en", 1000)
    names = "|".join((*VALUES["person"], *VALUES["city"], *VALUES["artist"]))
    found = [re.findall(names, line) for line in lines]
    recurring = [line for line in found if len(set(line)) < len(line)]
    assert 0.5 < len(recurring) / len(lines) < 0.8


@pytest.mark.parametrize("lang", LANGS)
def test_translations_say_the_same(lang, monkeypatch):
    said, cls, say = [], type(ENGLISH), type(ENGLISH).say
    monkeypatch.setattr(cls, "say", lambda *args: said.append(args) or say(*args))
    for other in LANGS:
        line = monolingual._translated(
            LANGUAGES[lang], LANGUAGES[other], random.Random(1)
        )
        assert re.fullmatch(r"[^()]+ \([^()]+\)[.。।]?", line), line
    for (one, _, first), (_, _, second) in zip(said[::2], said[1::2]):
        assert one.code == lang and first == second
    assert [other.code for other, _, _ in said[1::2]] == LANGS


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("key", ["restated", "corrected", "open"])
def test_what_follows_is_false_or_stays_open(lang, key, monkeypatch):
    said, cls, say = [], type(ENGLISH), type(ENGLISH).say
    monkeypatch.setattr(cls, "say", lambda *args: said.append(args[1:]) or say(*args))
    language = LANGUAGES[lang]
    denials = {
        template
        for (_, kind), templates in language.templates.items()
        for template in (templates if kind == "denial" else ())
    }
    for seed in range(200):
        monolingual._judged(language, key, random.Random(seed))
    assert any(template in denials for template, _ in said)
    for (_, first), (template, second) in zip(said[::2], said[1::2]):
        assert second and (set(second) <= set(first)) == (key != "open")
        equal = all(first[slot] == second[slot] for slot in set(first) & set(second))
        changed = key != "open" and (key == "corrected") != (template in denials)
        assert equal != changed


@pytest.mark.parametrize("lang", LANGS)
def test_latin_spellings_follow_names_of_other_scripts(lang):
    language = LANGUAGES[lang]
    text = language.glossed().say("{person}, {song}", {"person": "Tom", "song": SONG})
    tom = {"hi": "टॉम (Tom)", "ja": "トム (Tom)"}.get(lang, "Tom")
    assert text.text == f"{tom}, {SONG}"
    glossed = sum("(Tom)" in line for line in text_of(lang, 300))
    assert (glossed > 0) == (lang in ("hi", "ja"))


def test_xnli_columns(world):
    for split, count in ("dev", 12), ("test", 18):
        header, *rows = read_rows(world / f"xnli/XNLI-1.0/xnli.{split}.tsv")
        assert " ".join(header) == XNLI_COLUMNS
        assert [row[0] for row in rows] == [
            code for code in LANGS for _ in range(count)
        ]
        for row in rows:
            assert len(row) == len(header)
            assert row[1] in ("entailment", "neutral", "contradiction")
            assert row[11:16] == [row[1]] * 5
            assert row[6] and row[7] and row[6] != row[7]
    header, *rows = read_rows(world / "xnli/XNLI-MT-1.0/multinli/multinli.train.en.tsv")
    assert header == ["premise", "hypo", "label"]
    labels = collections.Counter(label for _, _, label in rows)
    assert labels == {"entailment": 10, "neutral": 10, "contradictory": 10}


def test_xnli_languages_are_parallel(world):
    _, *rows = read_rows(world / "xnli/XNLI-1.0/xnli.test.tsv")
    by_lang = {lang: [row for row in rows if row[0] == lang] for lang in LANGS}
    for lang in LANGS:
        for row, english in zip(by_lang[lang], by_lang["en"]):
            assert row[1:2] + row[8:16] == english[1:2] + english[8:16]
            digits = [re.findall(r"\d+", " ".join(r[6:8])) for r in (row, english)]
            assert sorted(digits[0]) == sorted(digits[1])


def test_pawsx_layout_and_parallel_rows(world):
    english = {}
    for lang in ["en", *LANGS]:
        folder = world / "pawsx" / "x-final" / lang
        train = ["train.tsv"] if lang == "en" else []
        names = {"dev_2k.tsv", "test_2k.tsv", *train}
        assert {path.name for path in folder.iterdir()} == names
        for name in sorted(names):
            header, *rows = read_rows(folder / name)
            assert header == ["id", "sentence1", "sentence2", "label"]
            labels = [row[3] for row in rows]
            assert labels.count("0") == labels.count("1") == len(rows) / 2
            assert [row[0] for row in rows] == [str(i + 1) for i in range(len(rows))]
            assert english.setdefault(name, labels) == labels


def frozen(values):
    return tuple(sorted(values.items()))


def test_no_premise_is_shared_between_splits_and_labels_are_balanced():
    splits = inference.draw_pairs(ENGLISH, (600, 150, 150), seed=3)
    keys = [{(pair.frame.name, frozen(pair.premise)) for pair in s} for s in splits]
    for one, other in itertools.combinations(keys, 2):
        assert not one & other
    for split in splits:
        labels = collections.Counter(pair.label for pair in split)
        assert set(labels.values()) == {len(split) // 3}


def test_labels_follow_from_what_is_said():
    (pairs,) = inference.draw_pairs(ENGLISH, (900,), seed=4)
    for pair in pairs:
        said = set(pair.hypothesis) <= set(pair.premise)
        equal = all(
            pair.hypothesis[slot] == pair.premise[slot]
            for slot in set(pair.hypothesis) & set(pair.premise)
        )
        assert pair.hypothesis[pair.frame.slots[0]] == pair.premise[pair.frame.slots[0]]
        if pair.label == "neutral":
            assert equal and said == (pair.way == "detail")
        else:
            holds = equal != denies(pair)
            assert said and holds == (pair.label == "entailment")
    for label in inference.LABELS:
        denied = [denies(pair) for pair in pairs if pair.label == label]
        share = sum(denied) / len(denied)
        assert abs(share - inference.DENIAL_SHARES[label]) < 0.1


def denies(pair):
    assert not (pair.way and pair.kind == "denial")
    return pair.kind == "denial" or pair.way == "denied"


@pytest.mark.parametrize("lang", LANGS)
def test_a_brand_is_a_detail_of_neutral_hypotheses_alone(lang):
    (pairs,) = inference.draw_pairs(ENGLISH, (900,), seed=4)
    for pair, premise, hypothesis in inference._realise(LANGUAGES[lang], pairs, "4"):
        assert pair.brand not in premise
        assert (pair.brand in hypothesis) == (pair.way == "detail")
        assert pair.way != "detail" or pair.label == "neutral"
        assert ("fake news" in hypothesis.lower()) == (pair.way == "denied")


def test_every_hypothesis_serves_every_label():
    for frame in FRAMES:
        if (frame.name, "claim") not in ENGLISH.templates:
            continue
        premises = ENGLISH.slot_sets(frame.name, "statement")
        for kind in "claim", "denial":
            for slots in ENGLISH.slot_sets(frame.name, kind):
                covered = [set(slots) <= set(premise) for premise in premises]
                assert any(covered) and not all(covered), (frame.name, kind, slots)


def test_no_paraphrase_is_shared_between_splits_even_when_swapped():
    splits = paraphrase.draw_pairs(ENGLISH, (400, 100, 100), seed=3)
    keys = [
        {(pair.frame.name, frozenset(v.values())) for pair in s for v in [pair.first]}
        for s in splits
    ]
    for pairs in splits:
        assert sum(pair.label for pair in pairs) == len(pairs) / 2
        for pair in pairs:
            assert sorted(pair.first.values()) == sorted(pair.second.values())
    for one, other in itertools.combinations(keys, 2):
        assert not one & other


@pytest.mark.parametrize("lang", LANGS)
def test_every_template_fills(lang):
    """With every value of every slot, so that each gender meets each template."""
    language = LANGUAGES[lang]
    rng = random.Random(lang)
    for (section, kind), templates in language.templates.items():
        if kind not in (*KINDS, "story"):  # the others join clauses
            continue
        for template in templates:
            slots = slots_of(template)
            for slot in slots:
                for value in VALUES[slot_type(slot)]:
                    values = draw_values(slots, {slot: value}, rng=rng)
                    phrase = language.finish(language.say(template, values))
                    assert not re.search(r"[{}|]|  ", phrase.text), (section, template)
                    for span in phrase.spans:
                        spelling, _ = language.lexicon[slot_type(span.slot)][
                            values[span.slot]
                        ]
                        written = phrase.text[span.start : span.end]
                        assert written[1:] == spelling[1:]


@pytest.mark.parametrize("lang", LANGS)
def test_swappable_frames_have_two_phrasings(lang):
    language = LANGUAGES[lang]
    for frame in FRAMES:
        for slots in language.slot_sets(frame.name, "statement"):
            if frame.swap and set(frame.swap) <= set(slots):
                assert len(language.phrasings(frame.name, "statement", slots)) > 1


@pytest.mark.parametrize("lang, script", [("ja", "ぁ-ヿ一-鿿"), ("hi", "ऀ-ॿ")])
def test_only_songs_artists_and_brands_stay_latin(lang, script):
    for kind, words in LANGUAGES[lang].lexicon.items():
        for spelling, _ in words.values():
            latin = bool(re.search("[A-Za-z]", spelling))
            stays = kind in ("song", "artist") or spelling in BRANDS
            assert latin == stays, spelling
            if not latin and not spelling.isdigit():
                assert re.fullmatch(f"[{script} ]+", spelling), spelling


def say(lang, template, **values):
    language = LANGUAGES[lang]
    return language.finish(language.say(template, values)).text


def test_words_agree_and_elide():
    born = "{person} est {person:né|née} à {city}, loin de {city2}"
    anna = say("fr", born, person="Anna", city="Lima", city2="Oslo")
    assert anna == "Anna est née à Lima, loin d'Oslo."
    assert say("fr", "de {person}", person="Tom") == "De Tom."
    assert say("de", "mit {item:dem|der|dem} {item}", item="book") == "Mit dem Buch."
    assert say("es", "¿{day}?", day="sunday") == "¿Domingo?"


def test_spans_survive_joining():
    first = ENGLISH.say("{person} is in {city}", {"person": "Tom", "city": "Oslo"})
    second = ENGLISH.say("in {city} it rains", {"city": "Lima"})
    text = ENGLISH.finish(ENGLISH.join("{a}, but {b}", first, second))
    assert text.text == "Tom is in Oslo, but in Lima it rains."
    words = [text.text[span.start : span.end] for span in text.spans]
    assert words == ["Tom", "Oslo", "Lima"]


@pytest.mark.parametrize(
    "message, change",
    {
        "[slot day] lacks monday": ("monday = Monday", ""),
        "[language] lacks stop": ("stop = .", ""),
        "party has the unknown gender": ("party = party", "party = party/x"),
        "[music] request has the unknown slots": ("play {song} by", "play {melody} by"),
        "parsing errors": ("[flight]", "[flight"),
    }.items(),
)
def test_a_broken_language_file_is_named(tmp_path, message, change):
    text = (FOLDER / "en.ini").read_text(encoding="utf-8")
    path = tmp_path / "en.ini"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        load_language(path)
    assert str(path) in str(error.value)


def test_a_language_that_lacks_a_template_is_named(tmp_path):
    for code in "en", "pt":
        text = (FOLDER / f"{code}.ini").read_text(encoding="utf-8")
        if code == "pt":
            text = text.replace("    {person} está de visita em {city}\n", "")
        (tmp_path / f"{code}.ini").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"pt.ini: \[visit\] claim .*city, person"):
        load_languages(tmp_path)
