"""The reader of MultiATIS++'s layout: columns, dropped and bad rows, real files."""

from pathlib import Path

import pytest
from labelled_files import write_rows as write

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import Dropped, WordRow

MULTIATIS = READERS["multiatis"]
HEADER = "id\tutterance\tslot_labels\tintent"
ROW = "7\tto Rome  now\tO B-city O\tflight"
EXPECTED = WordRow(
    ["to", "Rome", "now"], line=2, tags=["O", "B-city", "O"], intent="flight"
)


def read(path: Path) -> list:
    return list(MULTIATIS.read(path, "en"))


@pytest.mark.parametrize(
    "header, row",
    [
        (HEADER, ROW),
        ("intent\tslots\tText", "flight\tO B-city O\tto Rome now"),
        (
            "u_id\tutterance\tother\tslot-labels\tintent",
            "7\tto Rome now\tx\tO B-city O\tflight",
        ),
        ("1\ta\tO\tx", ROW),
        ("1\ta\tz\tO\tx", "7\tto Rome now\tx\tO B-city O\tflight"),
    ],
)
def test_columns_are_found_by_name_or_by_their_number(tmp_path, header, row):
    rows = read(write(tmp_path / "f.tsv", header, row))
    assert rows[-1] == EXPECTED
    assert len(rows) == 1 + (header[0] == "1")


def test_several_intents_are_one_label(tmp_path):
    path = write(tmp_path / "f.tsv", HEADER, "1\ta\tO\tflight#airfare")
    assert [row.intent for row in read(path)] == ["flight#airfare"]


def test_every_row_is_accounted_for(tmp_path):
    rows = ["1\ta b\tO\tx", ROW, "", "3\t\t\tx", "4\ta\tO O\tx"]
    found = read(write(tmp_path / "f.tsv", HEADER, *rows))
    assert [row.line for row in found] == [2, 3, 4, 5, 6]
    reasons = [row.reason if isinstance(row, Dropped) else None for row in found]
    mismatch = "not one tag per word"
    assert reasons == [mismatch, None, "empty line", "no words", mismatch]


def test_byte_order_mark_and_crlf_are_tolerated(tmp_path):
    path = write(tmp_path / "f.tsv", "\ufeff" + HEADER, ROW, end="\r\n")
    assert read(path) == [EXPECTED]


@pytest.mark.parametrize(
    "data, complaint",
    [
        ("", "the file is empty"),
        ("a\tb\tc\n", r"f\.tsv:1: no layout of MultiATIS\+\+ has these 3 columns; exp"),
        ("id\tutterance\tintent\tx\n", r"f\.tsv:1: no layout .* these 4 columns"),
        (
            f"{HEADER}\n1\ta\tO\n",
            r"f\.tsv:2: 3 tab-separated columns where line 1 has 4",
        ),
        (f"{HEADER}\n1\ta\tX-city\tx\n", r"f\.tsv:2: unknown tag 'X-city'; expected O"),
        (f"{HEADER}\n1\ta\tB-\tx\n", r"f\.tsv:2: unknown tag 'B-'; expected O, B-NAME"),
        (f"{HEADER}\n1\ta\tO\t \n", r"f\.tsv:2: no intent; correct or remove the row"),
    ],
)
def test_bad_files_are_named_with_line_and_remedy(tmp_path, data, complaint):
    path = write(tmp_path / "f.tsv", data, end="")
    with pytest.raises(ValueError, match=complaint):
        read(path)


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    path = write(tmp_path / "f.tsv", HEADER)
    path.write_bytes(path.read_bytes() + b"1\t\xff\tO\tx\n")
    with pytest.raises(ValueError, match=r"f\.tsv:2: not UTF-8"):
        read(path)


def test_files_are_found_here_and_in_data(tmp_path):
    for name in ("train_EN.tsv", "data/dev_es.tsv", "data/test_HI.tsv", "notes_EN.tsv"):
        write(tmp_path / name, HEADER)
    found = sorted((file.split, file.lang) for file in MULTIATIS.find(tmp_path))
    assert found == [("test", "hi"), ("train", "en"), ("valid", "es")]


def test_published_counts():
    assert MULTIATIS.published("train", "en") == 4488
    assert MULTIATIS.published("valid", "hi") == 160
    assert MULTIATIS.published("test", "tr") == 715
    assert MULTIATIS.published("test", "th") is None


@pytest.mark.parametrize("name, files", [("mtop_flat", 10), ("xsid", 4)])
def test_every_real_row_is_read(mlkd_data, name, files):
    found = MULTIATIS.find(mlkd_data / "multiatis_layout" / name)
    assert len(found) == files
    for path, _, lang in found:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]
        rows = list(MULTIATIS.read(path, lang))
        written = [f"{' '.join(r.words)}\t{' '.join(r.tags)}\t{r.intent}" for r in rows]
        assert written == [line.split("\t", 1)[1] for line in lines]
        assert [row.line for row in rows] == list(range(2, len(lines) + 2))


def test_predictions_may_be_wrong_in_any_way(tmp_path):
    path = write(tmp_path / "f.tsv", HEADER, "1\ta b\tX B-\t", "2\ta b\tO\tx")
    rows = list(MULTIATIS.read(path, "en", predicted=True))
    assert [(row.tags, row.intent) for row in rows] == [(["X", "B-"], ""), (["O"], "x")]
