"""mlkd-corpus: from text and dumps to binary data."""

import json
import os

import pytest
from dumps import write_dump

from fairseq_mlkd.cli.corpus import main
from fairseq_mlkd.files.lines import read_lines


@pytest.fixture
def corpus(capsys):
    """Run the command in this process; return its error, None without, and output."""

    def run(*arguments):
        error = None
        try:
            main(list(map(str, arguments)))
        except SystemExit as stop:
            error = stop.code
        return error, capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "en.txt"
    path.write_text("".join(f"Sentence number {n}.\n" for n in range(40)))
    return path


def build_english(corpus, out, files):
    """Build a small corpus without an error; return what its report says."""
    sizes = ("--codes", 10, "--valid", 5, "--workers", 1)
    error, _ = corpus(out, f"en={files}", *sizes)
    assert error is None
    (entry,) = json.loads((out / "report.json").read_text())["languages"].values()
    return entry


def test_last_line_names_the_alpha_and_a_second_run_does_nothing(
    corpus, text, tmp_path
):
    out = tmp_path / "out"
    arguments = (out, f"en={text}", "--codes", 10, "--valid", 5, "--alpha", 0.3)
    error, lines = corpus(*arguments)
    assert error is None and lines[-1].endswith("--sampling-alpha 0.3")
    assert (out / "report.json").exists()
    error, lines = corpus(*arguments)
    assert error is None and lines[0].endswith("nothing to do")
    assert lines[-1].endswith("--sampling-alpha 0.3")


def test_sampled_data_are_trained_on_as_they_are(corpus, text, tmp_path):
    sizes = ("--codes", 10, "--valid", 5, "--sentences", 50, "--workers", 1)
    error, lines = corpus(tmp_path / "out", f"en={text}", *sizes)
    assert error is None and lines[-1].endswith("--sampling-alpha 1")


def test_patterns_name_files_in_order(corpus, text, tmp_path):
    (tmp_path / "en2.txt").write_text("".join(f"More text {n}.\n" for n in range(9)))
    sizes = ("--codes", 10, "--valid", 5, "--workers", 2, "--shards", 2)
    error, lines = corpus(tmp_path / "out", f"en={tmp_path}/en*.txt", *sizes)
    assert error is None
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    names = [os.path.basename(path) for path in report["languages"]["en"]["files"]]
    assert names == ["en.txt", "en2.txt"]
    assert lines[-1].startswith(f"train on {tmp_path}/out/shard0:{tmp_path}/out/shard1")


def test_the_numbered_parts_of_a_dump_go_through(corpus, tmp_path):
    """download.py fetches them under these names, and prints this pattern."""
    folder = tmp_path / "enwiki-20261101"
    folder.mkdir()
    for part in range(2):
        pages = [
            (f"Title {part} {n}", [f"It has the number {part} and {n}."])
            for n in range(10)
        ]
        name = f"enwiki-20261101-pages-articles-multistream{part}.xml-p{part}p{part}9"
        write_dump(folder / f"{name}.bz2", pages, multistream=True)
    entry = build_english(corpus, tmp_path / "out", f"{folder}/*.bz2")
    assert entry["documents"] == 20
    assert entry["train"] + entry["valid"] == 20


def test_a_dump_goes_through(corpus, tmp_path):
    articles = [[f"Article {n} has a sentence. It has {n} more."] for n in range(30)]
    pages = [(f"Title {n}", paragraphs) for n, paragraphs in enumerate(articles)]
    write_dump(tmp_path / "wiki.xml.bz2", pages, multistream=True)
    entry = build_english(corpus, tmp_path / "out", f"{tmp_path}/wiki.xml.bz2")
    assert entry["documents"] == 30
    assert entry["train"] + entry["valid"] == 60
    assert sum(entry["dropped"].values()) == entry["sentences"] - 60


@pytest.mark.parametrize(
    "languages, message",
    [
        (["en"], "'en': write LANG=FILE"),
        (["../en=a"], "'../en=a': write LANG=FILE"),
        (["en=a", "en=b"], "language en is given twice"),
        (["en=gone.txt"], "gone.txt: no such file"),
        (["en=gone*.txt"], "gone*.txt: no file has such a name"),
        (
            ["en={bad}", "--cluster-options", "x"],
            "--cluster-options x: write KEY=VALUE",
        ),
        (["en={bad},{bad}"], "bad.txt: given twice"),
        (["en={bad}"], "bad.txt:2: not UTF-8"),
    ],
)
def test_bad_arguments_are_one_line(corpus, tmp_path, languages, message):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"fine\n\xff\n")
    languages = [language.format(bad=bad) for language in languages]
    error, lines = corpus(tmp_path / "out", *languages)
    assert lines == [] and len(error.splitlines()) == 1
    assert error.startswith("mlkd-corpus: error: ") and message in error
    assert os.listdir(tmp_path) == ["bad.txt"]


def test_real_text_of_all_languages(corpus, mlkd_data, tmp_path):
    languages = []
    for lang in ["de", "en", "es", "fr", "hi", "it", "ja", "pt"]:
        source = mlkd_data / "text" / lang / "wikiann_train.txt.xz"
        lines = [line for _, line in zip(range(150), read_lines(str(source)))]
        (tmp_path / lang).write_text("\n".join(lines), encoding="utf-8")
        languages.append(f"{lang}={tmp_path / lang}")
    sizes = ("--codes", 100, "--valid", 10, "--workers", 1)
    error, lines = corpus(tmp_path / "out", *languages, *sizes)
    assert error is None and len(lines) == 1 + len(languages) + 2
