"""The reader of Wikiann: both layouts, odd words, bad rows, real files."""

from functools import partial
from pathlib import Path

import pytest
from labelled_files import write_rows

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import WordRow

WIKIANN = READERS["wikiann"]
write = partial(write_rows, end="")
LANGS = ["de", "en", "es", "fr", "hi", "it", "ja", "pt"]


def read(path: Path, lang: str = "en") -> list:
    return [(row.line, row.words, row.tags) for row in WIKIANN.read(path, lang)]


def test_both_layouts_give_the_same_words(tmp_path):
    official = "en:Paris\tB-LOC\nen:is\tO\n\nen:a:b\tI-PER\n"
    expected = [(1, ["Paris", "is"], ["B-LOC", "O"]), (4, ["a:b"], ["I-PER"])]
    assert read(write(tmp_path / "en/train", official)) == expected
    xtreme = official.replace("en:", "")
    assert read(write(tmp_path / "en/train.tsv", xtreme)) == expected


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n"])
def test_the_last_sentence_needs_no_blank_line(tmp_path, end):
    path = write(tmp_path / "dev", "\n\na\tO\n\n\nb\tB-ORG" + end)
    assert read(path) == [(3, ["a"], ["O"]), (6, ["b"], ["B-ORG"])]


def test_odd_words_are_kept_as_they_are(tmp_path):
    words = ["#", "# no comment", "", " ", "\u3000", "\u200b", "\x85", "<s>", '"', "::"]
    path = write(tmp_path / "dev", "".join(f"en:{word}\tO\n" for word in words))
    assert read(path) == [(1, words, ["O"] * len(words))]


def test_byte_order_mark_and_crlf_are_tolerated(tmp_path):
    path = write(tmp_path / "dev", "\ufeffen:a\tO\r\n\r\nen:b\tO\r\n")
    assert read(path) == [(1, ["a"], ["O"]), (3, ["b"], ["O"])]


@pytest.mark.parametrize(
    "data, complaint",
    {
        b"": "the file is empty; fetch the file again",
        b"a\tO\nb\n": "dev:2: 1 tab-separated columns .*test files lack the tags",
        b"a\tO\n\nb\tc\tO\n": "dev:3: 3 tab-separated columns",
        b"a\tO\nb\tB-MISC\n": "dev:2: unknown tag 'B-MISC'; expected one of O, B-PER",
        b"en:a\tO\nb\tO\n": "dev:2: no 'en:' before the word, .*; correct or remove",
        b"a\tO\nb\rc\tO\n": "dev:2: a carriage return inside the line; write the",
        b"a\tO\n\xff\tO\n": "dev:2: not UTF-8",
    }.items(),
)
def test_bad_files_are_named_with_line_and_remedy(tmp_path, data, complaint):
    path = tmp_path / "dev"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=complaint):
        read(path)


def test_files_of_all_layouts_are_found(tmp_path):
    for name in ("en/train", "de/dev.tsv", "zh-yue/test", "en/test.conll"):
        write(tmp_path / name, "a\tO\n")
    write(tmp_path / "test-fr.tsv", "a\tO\n")
    (tmp_path / "data" / "dev").mkdir(parents=True)
    found = sorted((file.lang, file.split) for file in WIKIANN.find(tmp_path))
    expected = [("de", "valid"), ("en", "train"), ("fr", "test"), ("zh-yue", "test")]
    assert found == expected


def test_published_counts():
    assert WIKIANN.published("train", "en") == 20000
    assert WIKIANN.published("test", "hi") == 1000
    assert WIKIANN.published("valid", "et") == 10000
    assert WIKIANN.published("train", "tlh") is None


def test_every_real_row_is_read(mlkd_data):
    files = WIKIANN.find(mlkd_data / "wikiann")
    assert sorted({file.lang for file in files}) == LANGS and len(files) == 10
    for path, split, lang in files:
        text = path.read_text(encoding="utf-8")
        rows = list(WIKIANN.read(path, lang))
        assert all(isinstance(row, WordRow) for row in rows)
        assert len(rows) == WIKIANN.published(split, lang)
        lines = ("\t".join(c) for row in rows for c in zip(row.words, row.tags))
        assert list(lines) == [line for line in text.split("\n") if line]


def test_predictions_may_have_any_tag(tmp_path):
    path = write(tmp_path / "dev", "a\tB-MISC\nb\t\n")
    (row,) = WIKIANN.read(path, "en", predicted=True)
    assert row.tags == ["B-MISC", ""]
