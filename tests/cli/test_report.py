"""mlkd-report: the numbers in its tables, its messages, its picture."""

import statistics
import sys

import pytest

from fairseq_mlkd.cli.report import main
from fairseq_mlkd.cli.report_tables import make_tables, render_markdown
from fairseq_mlkd.metrics.results import Result, append_results

SCORES = {
    "teacher": {"fr": 70.0, "en": 80.0, "de": 60.0},
    "student": {"fr": 50.0, "en": 70.0, "de": 54.0},
}


def results(dataset="xnli", metric="accuracy", seed=1, shift=0.0, models=SCORES):
    return [
        Result(dataset, model, lang, metric, value + shift, 10, seed=seed, chance=25.0)
        for model in models
        for lang, value in SCORES[model].items()
    ]


def rows(markdown: str) -> dict:
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {row[0]: row[1:] for row in cells}


def test_source_language_first_then_average_and_retention():
    (table,) = make_tables(results(), "en")
    text = render_markdown(table, "teacher")
    assert text.startswith("## XNLI: accuracy on test, in percent\n")
    header = ["en", "fr", "de", "zero-shot average", "retention"]
    assert rows(text)["model"] == header
    assert rows(text)["teacher"] == ["80.00", "70.00", "60.00", "65.00", "100.0%"]
    assert rows(text)["student"] == ["70.00", "50.00", "54.00", "52.00", "80.0%"]
    assert "One seed." in text
    assert "Examples: 10 a language." in text


def test_deviation_is_the_sample_deviation_over_seeds():
    lines = results() + results(seed=2, shift=1.0) + results(seed=3, shift=5.0)
    (table,) = make_tables(lines, "en")
    deviation = statistics.stdev([0.0, 1.0, 5.0])
    text = render_markdown(table, "teacher")
    cells = rows(text)["student"]
    assert cells[0] == f"72.00 ± {deviation:.2f}"
    assert cells[-2] == f"54.00 ± {deviation:.2f}"
    assert "3 seeds; mean ± sample standard deviation" in render_markdown(
        table, "teacher"
    )


def test_a_seed_without_all_languages_is_left_out_of_the_average():
    lines = results() + results(seed=2, shift=8.0, models=["student"])[:1]
    (table,) = make_tables(lines, "en")
    assert table.zero_shot("student").mean == 52.0
    (partial,) = make_tables(results()[:-1], "en")
    text = render_markdown(partial, "teacher")
    assert rows(text)["student"][2:] == ["–", "–", "–"]
    assert "–: not measured" in text


def test_different_numbers_of_examples_are_pointed_out():
    lines = results(models=["student"])
    lines.append(Result("xnli", "teacher", "de", "accuracy", 60.0, 9, dropped=1))
    (table,) = make_tables(lines, "en")
    text = render_markdown(table, "teacher")
    assert "de 10 / 9 (1 dropped) (differs between runs)" in text


def test_perplexity_is_neither_averaged_nor_in_percent():
    lines = [
        Result("pretraining", "teacher", lang, "masked-LM perplexity", 5.3, 10)
        for lang in ("en", "fr", "all")
    ]
    (table,) = make_tables(lines, "en")
    text = render_markdown(table, "teacher")
    assert rows(text)["model"] == ["all", "en", "fr"]
    assert text.startswith("## Pretraining: masked-LM perplexity on test\n")


def test_command_prints_tables_and_replaces_earlier_lines(tmp_path, capsys):
    path = str(tmp_path / "r.jsonl")
    append_results(path, results(shift=-1.0))
    append_results(path, results())
    append_results(path, results("pawsx"))
    main([path])
    captured = capsys.readouterr()
    assert captured.out.count("## ") == 2
    assert "| teacher | 80.00 |" in captured.out
    assert captured.err == "replaced by later lines: 6\n"


def test_output_holds_the_same_markdown_and_a_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    path, out = str(tmp_path / "r.jsonl"), tmp_path / "out"
    append_results(path, results() + results("pawsx", seed=2) + results("wikiann"))
    main([path, "--output", str(out)])
    assert (out / "report.md").read_text(encoding="utf-8") == capsys.readouterr().out
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in out.iterdir()) == ["report.md", "report.png"]


def test_missing_matplotlib_is_explained(tmp_path, monkeypatch):
    path = str(tmp_path / "r.jsonl")
    append_results(path, results())
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "fairseq_mlkd.cli.report_picture", raising=False)
    with pytest.raises(SystemExit, match=r"pip install fairseq_mlkd\[report\]"):
        main([path, "--output", str(tmp_path / "out")])


@pytest.mark.parametrize(
    "content, flags, complaint",
    [
        (None, [], "No such file"),
        ("", [], "no result lines"),
        ("{}\n", [], r"r\.jsonl:1: no field dataset"),
        (
            "good",
            ["--teacher", "x"],
            "no such model; have teacher, student",
        ),
    ],
)
def test_bad_input_is_one_line(tmp_path, content, flags, complaint):
    path = tmp_path / "r.jsonl"
    if content == "good":
        append_results(str(path), results())
    elif content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit, match=complaint):
        main([str(path), *flags])
