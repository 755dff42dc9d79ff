"""The reader of mTOP: columns, words, pointers, dropped and bad rows, real files."""

from pathlib import Path

import pytest
from labelled_files import mtop_row
from labelled_files import mtop_tokens as tokens
from labelled_files import write_rows as write

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import Dropped, WordRow
from fairseq_mlkd.text.pointers import MAX_POINTERS, from_pointers

MTOP = READERS["mtop"]
PARSE = "[IN:A [SL:X at six ] ]"
EXPECTED = WordRow(
    ["six", "at", "six"], 1, parse=["[IN:A", "[SL:X", "@ptr_1", "@ptr_2", "]", "]"]
)


def make_row(parse: str = PARSE, text: str = "six at six", spans: str = "") -> str:
    return mtop_row(parse, text, spans=spans)


def read(path: Path) -> list:
    return list(MTOP.read(path, "en"))


def test_eight_columns_and_seven_without_the_id(tmp_path):
    row = make_row()
    assert read(write(tmp_path / "f.txt", row)) == [EXPECTED]
    assert read(write(tmp_path / "f.txt", row.partition("\t")[2])) == [EXPECTED]


def test_byte_order_mark_and_crlf_are_tolerated(tmp_path):
    path = write(tmp_path / "f.txt", "\ufeff" + make_row(), make_row(), end="\r\n")
    assert read(path) == [EXPECTED, EXPECTED._replace(line=2)]


@pytest.mark.parametrize("comma", [",", "，", ", "])
def test_spans_of_characters_tell_words_apart(tmp_path, comma):
    parse = "[IN:A [SL:X six ] [SL:Y six ] [SL:Z at ] ]"
    spans = comma.join(["0:3:SL:Y", "7:10:SL:X"])
    (row,) = read(write(tmp_path / "f.txt", make_row(parse, spans=spans)))
    assert [s for s in row.parse if s[0] == "@"] == ["@ptr_2", "@ptr_0", "@ptr_1"]


def test_tokens_that_are_one_word_of_the_parse_are_joined(tmp_path):
    parse = "[IN:A [SL:X 8th ] [SL:Y at 7 pm ] ]"
    row = make_row(parse, "8 th 8_th at 7_pm 8_th_.", "10:16:SL:Y")
    (found,) = read(write(tmp_path / "f.txt", row))
    assert found.words == ["8", "th", "8th", "at", "7", "pm", "8th", "."]
    assert from_pointers(found.parse, found.words) == parse.split()
    assert found.parse[2] == "@ptr_2"


def test_every_row_is_accounted_for(tmp_path):
    many = " ".join(["a"] * MAX_POINTERS + ["b"])
    rows = [
        make_row(),
        "",
        make_row("[IN:A [SL:X seven ] ]"),
        make_row("[IN:A six ]"),
        make_row("[IN:A [SL:X b ] ]", many),
        make_row("[IN:A [SL:X a ] ]", many),
    ]
    found = read(write(tmp_path / "f.txt", *rows))
    assert [row.line for row in found] == [1, 2, 3, 4, 5, 6]
    assert [getattr(row, "reason", None) for row in found] == [
        None,
        "empty line",
        "a word of the parse is none of the tokens",
        "the parse is not decoupled",
        "a word after the first 256 is pointed at",
        None,
    ]


def test_a_sentence_without_words_is_dropped(tmp_path):
    no_words = '{"tokens": [], "tokenSpans": []}'
    row = make_row("[IN:A ]").replace(tokens("six at six"), no_words)
    assert read(write(tmp_path / "f.txt", row)) == [Dropped("no words", 1)]


COLUMNS = make_row().split("\t")


def change(column: int, text: str) -> str:
    return "\t".join([*COLUMNS[:column], text, *COLUMNS[column + 1 :]])


@pytest.mark.parametrize(
    "data, complaint",
    [
        ("", "the file is empty; fetch the file again"),
        ("a\tb\tc\n", r"f\.txt:1: no layout of mTOP has 3 tab-separated columns; exp"),
        (f"{make_row()}\na\tb\n", r"f\.txt:2: 2 tab-sep.* where line 1 has 8; correct"),
        (change(6, "[IN:A [SL:X at ]"), r"f\.txt:1: '\[IN:A' is never closed; correct"),
        (change(6, ""), r"f\.txt:1: the parse is empty; correct or remove the row"),
        (change(6, "six"), r"f\.txt:1: the parse begins with 'six', not with a brack"),
        (change(6, "[IN:A ] ]"), r"f\.txt:1: the parse goes on after its end: '\]'"),
        (change(2, "0:3"), r"f\.txt:1: slot span '0:3' is not START:END:SL:NAME; corr"),
        (change(7, "{"), r'f\.txt:1: the last column is not {"tokens": \[...\], "tok'),
        (change(7, "[" * 10**5), r"f\.txt:1: the last column is not"),
        (change(7, '["six"]'), r"f\.txt:1: the last column is not"),
        (change(7, '{"tokens": ["a"]}'), r"f\.txt:1: the last column is not"),
        (
            change(7, tokens("a b").replace('"b"', '"b", "c"')),
            r"f\.txt:1: the last column is not",
        ),
        (
            change(7, tokens("a b").replace('"b"', '""')),
            r"f\.txt:1: the last column",
        ),
        (
            change(7, tokens("a b").replace('"b"', "2")),
            r"f\.txt:1: the last column",
        ),
        (
            change(7, tokens("a").replace("0", '"0"')),
            r"f\.txt:1: the last column is",
        ),
    ],
)
def test_bad_files_are_named_with_line_and_remedy(tmp_path, data, complaint):
    path = write(tmp_path / "f.txt", data, end="")
    with pytest.raises(ValueError, match=complaint) as refusal:
        read(path)
    assert "\n" not in str(refusal.value)


def test_other_encodings_are_refused(tmp_path):
    path = tmp_path / "f.txt"
    path.write_bytes(make_row().encode() + "\né".encode("latin-1"))
    with pytest.raises(ValueError, match=r"f\.txt:2: not UTF-8"):
        read(path)


def test_predicted_parses_may_be_anything(tmp_path):
    parses = [PARSE, "[IN:A [SL:X ten", "", "] ]"]
    path = write(tmp_path / "f.txt", *(make_row(parse) for parse in parses))
    rows = list(MTOP.read(path, "en", predicted=True))
    assert [" ".join(row.parse) for row in rows] == parses
    assert all(row.words == ["six", "at", "six"] for row in rows)


def test_files_are_found_here_and_one_folder_down(tmp_path):
    names = ["en/train.txt", "en/eval.txt", "mtop/de/dev.txt", "mtop/de/test.txt"]
    for name in [*names, "en/notes.txt", "README.txt", "mtop/deu/test.txt"]:
        write(tmp_path / name, make_row())
    found = MTOP.find(tmp_path)
    assert {str(file.path.relative_to(tmp_path)) for file in found} == {*names}
    assert {(file.split, file.lang) for file in found} == {
        *(("train", "en"), ("valid", "en"), ("valid", "de"), ("test", "de")),
    }


def test_published_counts():
    assert MTOP.published("train", "en") == 15667
    assert MTOP.published("test", "fr") == 3193
    assert MTOP.published("valid", "xx") is None


def read_parses(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.split("\t")[-2].split(" ") for line in lines if line]


def test_every_real_row_goes_to_pointers_and_back(mlkd_data):
    """Three parses cut a word that is one token: `'s` in `the 80's`."""
    dropped = []
    for path in sorted((mlkd_data / "mtop").glob("**/*.txt")):
        parses, rows = read_parses(path), read(path)
        assert [row.line for row in rows] == list(range(1, len(parses) + 1))
        for parse, row in zip(parses, rows):
            if isinstance(row, Dropped):
                dropped.append(row)
            else:
                assert from_pointers(row.parse, row.words) == parse
    reason = "a word of the parse is none of the tokens"
    assert [(row.reason, row.line) for row in dropped] == [
        *((reason, 1744), (reason, 5334), (reason, 12955)),
    ]
