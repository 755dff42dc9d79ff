"""Readers of XNLI and PAWS-X: layouts, quoting, bad rows."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from labelled_files import write_rows as write

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import Dropped, SentencePair, unquote
from fairseq_mlkd.prepare.labelled.selection import Settings, select_files

XNLI, PAWSX = READERS["xnli"], READERS["pawsx"]


def official_xnli(folder: Path) -> Path:
    header = "language\tgold_label\ta\tb\tc\td\tsentence1\tsentence2\tpromptID"
    rows = [
        "fr\tneutral\t\t\t\t\tIl dort.\tIl rêve.\t1",
        "en\tentailment\t\t\t\t\tHe sleeps.\tHe rests.\t1",
        "en\tcontradiction\t\t\t\t\tHe sleeps.\tHe runs.\t2",
    ]
    for split in ("dev", "test"):
        write(folder / f"XNLI-1.0/xnli.{split}.tsv", header, *rows)
    mt = folder / "XNLI-MT-1.0/multinli/multinli.train.en.tsv"
    write(mt, "premise\thypo\tlabel", "It rains.\tIt is dry.\tcontradictory")
    return folder


def test_official_xnli_is_found_and_read_by_column_name(tmp_path):
    files = XNLI.find(official_xnli(tmp_path))
    found = sorted((file.split, file.lang) for file in files)
    expected = [("test", "en"), ("test", "fr"), ("train", "en")]
    assert found == [*expected, ("valid", "en"), ("valid", "fr")]
    rows = list(XNLI.read(tmp_path / "XNLI-1.0/xnli.dev.tsv", "en"))
    assert rows[0] == SentencePair("He sleeps.", "He rests.", "entailment", line=3)
    assert [row.line for row in rows] == [3, 4]


def test_contradictory_is_contradiction(tmp_path):
    official_xnli(tmp_path)
    path = tmp_path / "XNLI-MT-1.0/multinli/multinli.train.en.tsv"
    assert [row.label for row in XNLI.read(path, "en")] == ["contradiction"]


def test_xnli_is_never_unquoted_but_multinli_exports_are(tmp_path):
    plain = write(tmp_path / "dev-en.tsv", '"Go ""on"""\tYes.\tneutral')
    assert next(XNLI.read(plain, "en")).sentence1 == '"Go ""on"""'
    header = "premise\thypothesis\tlabel\tgenre"
    export = write(tmp_path / "t.tsv", header, '"Go ""on"""\tYes.\tneutral\tx')
    assert next(XNLI.read(export, "en")).sentence1 == 'Go "on"'


@pytest.mark.parametrize(
    "field, text",
    {
        '"He said ""no"" ."': 'He said "no" .',
        '"A" and "B"': '"A" and "B"',
        '"': '"',
        '""': "",
        'say "no"': 'say "no"',
        '"""no"" , he said"': '"no" , he said',
    }.items(),
)
def test_unquote_touches_quoted_fields_only(field, text):
    assert unquote(field) == text


@pytest.mark.parametrize("header", [[], ["id\tsentence1\tsentence2\tlabel"]])
@pytest.mark.parametrize("columns", [3, 4])
def test_pawsx_layouts_give_the_same_text(tmp_path, header, columns):
    rows = ['1\t"a ""b"""\tc\t1', '2\ta "b"\tc\t0']
    cut = [row.split("\t", 4 - columns)[-1] for row in [*header, *rows]]
    pairs = list(PAWSX.read(write(tmp_path / "f.tsv", *cut), "en"))
    assert [pair[:3] for pair in pairs] == [('a "b"', "c", "1"), ('a "b"', "c", "0")]


def test_official_pawsx_names(tmp_path):
    for name in ("en/train", "en/dev_2k", "de/translated_train", "de/test_2k"):
        write(tmp_path / f"x-final/{name}.tsv", "id\tsentence1\tsentence2\tlabel")
    found = sorted((file.split, file.lang) for file in PAWSX.find(tmp_path))
    assert found == [("test", "de"), ("train", "de"), ("train", "en"), ("valid", "en")]


def test_placeholders_are_dropped_whatever_their_label(tmp_path):
    path = write(tmp_path / "f.tsv", "1\tNS\tb\todd", "2\ta\tb\t1", "3\ta\tNS\t0")
    kinds = [type(row) for row in PAWSX.read(path, "fr")]
    assert kinds == [Dropped, SentencePair, Dropped]
    write(path, "1\tNS\tb\t0", "2\ta\tb\t1")
    assert len(list(PAWSX.read(path, "fr", keep_placeholders=True))) == 2
    assert {type(r) for r in PAWSX.read(path, "fr", keep_placeholders=True)} == {
        SentencePair
    }


def test_every_row_is_accounted_for(tmp_path):
    path = write(
        tmp_path / "f.tsv", "a\tb\tneutral", "\tb\tneutral", "", "a\t \tneutral"
    )
    rows = list(XNLI.read(path, "en"))
    assert [row.line for row in rows] == [1, 2, 3, 4]
    reasons = Counter(row.reason for row in rows if isinstance(row, Dropped))
    assert reasons == {"empty sentence": 2, "empty line": 1}


@pytest.mark.parametrize("reader", [XNLI, PAWSX])
@pytest.mark.parametrize("label", ["-", " - ", "-1", ""])
def test_rows_without_a_gold_label_are_dropped_and_counted(tmp_path, reader, label):
    good = reader.labels[1]
    rows = (f"a\tb\t{good}", f"a\tb\t{label}", f"c\td\t{good}")
    path = write(tmp_path / "f.tsv", *rows)
    kept, dropped, last = reader.read(path, "en")
    assert [kept.label, last.label] == [good, good]
    assert dropped == Dropped("no gold label", 2)
    # a prediction is scored, whatever it is
    predicted = reader.read(path, "en", predicted=True)
    assert [type(row) for row in predicted] == [SentencePair] * 3


def test_snlis_own_layout_is_read(tmp_path):
    header = "gold_label\tsentence1_parse\tsentence1\tsentence2\tlabel1"
    rows = ["neutral\t(a)\ta\tb\tneutral", "-\t(a)\ta\tb\tneutral"]
    found = list(XNLI.read(write(tmp_path / "snli.txt", header, *rows), "en"))
    assert found == [SentencePair("a", "b", "neutral", 2), Dropped("no gold label", 3)]


def test_bom_crlf_and_odd_separators_are_tolerated(tmp_path):
    path = tmp_path / "f.tsv"
    path.write_bytes("\ufeffa\u2028\x85b\tc\tneutral\r\n".encode())
    assert list(XNLI.read(path, "en")) == [
        SentencePair("a\u2028\x85b", "c", "neutral", 1)
    ]


@pytest.mark.parametrize(
    "data, complaint",
    [
        (b"", "the file is empty"),
        (b"a\tb\tneutral\na\tb\n", r"f\.tsv:2: 2 tab-separated columns.*line 1 has 3"),
        (b"a\tb\tneutral\na\tb\tmaybe\n", r"f\.tsv:2: unknown label 'maybe'; expected"),
        (b"a\tb\tneutral\n\xff\tb\tneutral\n", r"f\.tsv:2: not UTF-8"),
        (b"a\tb\n", r"f\.tsv:1: no xnli layout has these 2 columns.*lack the labels"),
    ],
)
def test_bad_files_are_named_with_line_and_remedy(tmp_path, data, complaint):
    path = tmp_path / "f.tsv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=complaint):
        list(XNLI.read(path, "en"))


def xtreme(folder: Path, *names: str) -> Path:
    for name in names:
        write(folder / f"{name}.tsv", "a\tb\tneutral")
    return folder


def select(folder: Path, settings: Settings, train: Path | None = None):
    return select_files(XNLI, folder, XNLI.find(folder), settings, train)


def test_selection_reads_training_data_in_the_source_language_only(tmp_path):
    names = ("train-en", "train-de", "dev-en", "dev-de", "dev-fr", "test-de")
    folder = xtreme(tmp_path, *names)
    files = select(folder, Settings(langs=("de",)))
    assert [file.path.stem for file in files] == [
        *("train-en", "dev-en", "dev-de", "test-de")
    ]


def test_a_dev_file_can_train_only_with_a_held_out_part(tmp_path):
    folder = xtreme(tmp_path, "dev-en", "dev-de")
    train = folder / "dev-en.tsv"
    with pytest.raises(ValueError, match="both training and valid"):
        select(folder, Settings(), train)
    files = select(folder, Settings(valid_fraction=0.1), train)
    assert [(f.split, f.lang) for f in files] == [("train", "en"), ("valid", "de")]


@pytest.mark.parametrize(
    "names, settings, complaint",
    [
        (["dev-en"], {}, "no training file for 'en'"),
        (["train-en"], {}, "no validation file for 'en'"),
        (["train-en", "dev-en"], {"langs": ("xx",)}, "no file for xx"),
        (["train-en", "dev-en"], {"valid_fraction": 0.1}, "leave out --valid-fraction"),
        (["train-en", "dev-en", "xnli.dev"], {}, "both hold valid.en; move one away"),
    ],
)
def test_incomplete_or_ambiguous_folders_are_refused(
    tmp_path, names, settings, complaint
):
    folder = xtreme(tmp_path, *names)
    if "xnli.dev" in names:
        header = "language\tgold_label\tsentence1\tsentence2"
        write(folder / "xnli.dev.tsv", header, "en\tneutral\ta\tb")
    with pytest.raises(ValueError, match=complaint):
        select(folder, Settings(**settings))


def count(benchmark, path: Path, lang: str) -> Counter:
    rows = benchmark.read(path, lang)
    return Counter("kept" if isinstance(r, SentencePair) else r.reason for r in rows)


def test_real_xnli_has_the_published_counts(mlkd_data):
    files = XNLI.find(mlkd_data / "xnli")
    assert len(files) == 8
    for path, split, lang in files:
        assert count(XNLI, path, lang) == {"kept": XNLI.published(split, lang)}


@pytest.mark.parametrize(
    "name, placeholders",
    [("dev-de", 68), ("dev-es", 38), ("dev-ja", 20), ("dev-fr", 8), ("test-de", 32)],
)
def test_real_pawsx_placeholders(mlkd_data, name, placeholders):
    path, lang = mlkd_data / f"pawsx/{name}.tsv", name[-2:]
    kept = 2000 - placeholders
    expected = {"kept": kept, "placeholder NS": placeholders}
    assert count(PAWSX, path, lang) == expected
    if name.startswith("dev"):
        assert PAWSX.published("valid", lang) == kept


def test_real_quoted_files_read_as_csv_reads_them(mlkd_data):
    path = mlkd_data / "nli_en/multinli_taxinli.tsv"
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row[:3] for row in csv.reader(file, delimiter="\t")][1:]
    pairs = list(XNLI.read(path, "en"))
    assert len(pairs) == len(rows) == 10071
    stripped = [[cell.strip() for cell in row] for row in rows]
    assert [list(pair[:3]) for pair in pairs] == stripped


def test_predictions_may_have_any_label(tmp_path):
    path = write(tmp_path / "f.tsv", "a\tb\tmaybe")
    (row,) = XNLI.read(path, "en", predicted=True)
    assert row.label == "maybe"
