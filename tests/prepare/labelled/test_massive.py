"""The reader of MASSIVE: slots in brackets, languages of characters, bad lines."""

import json
from pathlib import Path

import pytest

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import Dropped, WordRow

MASSIVE = READERS["massive"]
ALARM = "wake me up at [time : nine am] on [date : friday]"


def make_record(annotated: str, **fields: str) -> dict:
    utt = annotated
    for slot in ("time", "date", "place"):
        utt = utt.replace(f"[{slot} : ", "")
    return {
        "id": "1",
        "locale": "en-US",
        "partition": "train",
        "scenario": "alarm",
        "intent": "alarm_set",
        "utt": utt.replace("]", ""),
        "annot_utt": annotated,
        **fields,
    }


def write(path: Path, *records: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def read_one(tmp_path: Path, record: dict):
    (row,) = MASSIVE.read(write(tmp_path / "f.jsonl", record), "en")
    return row


def test_slots_in_brackets_become_tags(tmp_path):
    row = read_one(tmp_path, make_record(ALARM))
    assert row == WordRow(
        ["wake", "me", "up", "at", "nine", "am", "on", "friday"],
        line=1,
        tags=["O", "O", "O", "O", "B-time", "I-time", "O", "B-date"],
        intent="alarm_set",
    )


@pytest.mark.parametrize(
    "annotated, tags",
    [
        ("hello", ["O"]),
        ("[date : a] [date : b c]", ["B-date", "B-date", "I-date"]),
        ("[time : 5 : 30]", ["B-time", "I-time", "I-time"]),
        ("[place : rome]'s x", ["B-place", "O"]),
    ],
)
def test_tags_of_neighbours_colons_and_endings(tmp_path, annotated, tags):
    assert read_one(tmp_path, make_record(annotated)).tags == tags


def test_languages_without_spaces_are_read_by_character(tmp_path):
    record = make_record("[time : 五時]に tv を[date : 金曜]", locale="ja-JP")
    row = read_one(tmp_path, record)
    assert row.words == ["五", "時", "に", "tv", "を", "金", "曜"]
    assert row.tags == ["B-time", "I-time", "O", "O", "O", "B-date", "I-date"]


@pytest.mark.parametrize(
    "record, reason",
    [
        (make_record(ALARM, utt="wake me"), "annot_utt has other words than utt"),
        (make_record("x[place : y] z"), "a slot does not begin with a word"),
        (make_record("x [place : ] z"), "a slot does not begin with a word"),
        (make_record(""), "no words"),
    ],
)
def test_rows_without_one_tag_a_word_are_dropped(tmp_path, record, reason):
    assert read_one(tmp_path, record) == Dropped(reason, 1)


def test_one_file_holds_all_splits(tmp_path):
    partitions = ("train", "dev", "train", "test")
    records = [make_record(ALARM, partition=name) for name in partitions]
    path = write(tmp_path / "1.1/data/de-DE.jsonl", *records)
    found = [file[1:] for file in MASSIVE.find(tmp_path)]
    assert found == [("train", "de"), ("valid", "de"), ("test", "de")]
    lines = {s: [r.line for r in MASSIVE.read(path, "de", split=s)] for s, _ in found}
    assert lines == {"train": [1, 3], "valid": [2], "test": [4]}
    assert len(list(MASSIVE.read(path, "de"))) == 4


def test_two_locales_of_a_language_keep_their_names(tmp_path):
    for locale in ("zh-CN", "zh-TW", "pt-PT"):
        write(tmp_path / f"{locale}.jsonl", make_record(ALARM))
    assert [file.lang for file in MASSIVE.find(tmp_path)] == ["pt", "zh-CN", "zh-TW"]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "the file is empty"),
        ("{", r"en-US\.jsonl:1: not JSON \(.*\); correct the line or fetch"),
        ("[1]", r"en-US\.jsonl:1: holds no JSON object; correct the line"),
        (
            json.dumps({**make_record(ALARM), "utt": None}),
            r"en-US\.jsonl:1: no text in field 'utt'",
        ),
        (
            json.dumps(make_record(ALARM, partition="MMNLU-22")),
            r"en-US\.jsonl:1: unknown partition 'MMNLU-22'; expected one of train",
        ),
        (
            json.dumps(make_record("at [time : nine", utt="at nine")),
            r"en-US\.jsonl:1: not \[SLOT : WORDS\] in 'at \[time : nine'; correct",
        ),
    ],
)
def test_bad_files_are_named_with_line_and_remedy(tmp_path, text, complaint):
    path = tmp_path / "en-US.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=complaint):
        list(MASSIVE.read(path, "en"))


def test_byte_order_mark_and_crlf_are_tolerated(tmp_path):
    path = tmp_path / "en-US.jsonl"
    path.write_bytes(f"\ufeff{json.dumps(make_record(ALARM))}\r\n".encode())
    assert len(list(MASSIVE.read(path, "en"))) == 1


@pytest.mark.parametrize(
    "record", [make_record("at [time : nine", utt="at nine"), make_record("x", utt="y")]
)
def test_predictions_that_fit_no_words_have_no_tags(tmp_path, record):
    path = write(tmp_path / "f.jsonl", record)
    (row,) = MASSIVE.read(path, "en", predicted=True)
    assert (row.words, row.tags) == (record["utt"].split(), [])
