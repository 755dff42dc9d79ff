"""mlkd-report: the numbers in its tables, its messages, its picture."""

import statistics
import sys
from dataclasses import replace

import pytest

from fairseq_mlkd.cli.report import TITLES, main
from fairseq_mlkd.metrics.results import Result, append_results
from fairseq_mlkd.report.formats import to_markdown
from fairseq_mlkd.report.pages import table_section, table_sections
from fairseq_mlkd.report.paper import PAPER
from fairseq_mlkd.report.tables import make_tables

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


def render_report(tables, teacher):
    return to_markdown(table_sections(tables, teacher))


def render_table(table, teacher):
    return to_markdown([table_section(table, teacher)])


def section(markdown: str, title: str) -> dict:
    """Return the rows of the section whose title begins so."""
    (found,) = [part for part in markdown.split("## ") if part.startswith(title)]
    return rows(found)


def rows(markdown: str) -> dict:
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {row[0]: row[1:] for row in cells}


def test_source_language_first_then_average_and_retention():
    (table,) = make_tables(results(), "en", TITLES)
    text = render_table(table, "teacher")
    assert text.startswith("## XNLI: accuracy on test, in percent\n")
    header = ["en", "fr", "de", "zero-shot average", "retention"]
    assert rows(text)["model"] == header
    assert rows(text)["teacher"] == ["80.00", "70.00", "60.00", "65.00", "100.0%"]
    assert rows(text)["student"] == ["70.00", "50.00", "54.00", "52.00", "80.0%"]
    assert "One seed." in text
    assert "Examples: 10 per language." in text


def test_deviation_is_the_sample_deviation_over_seeds():
    lines = results() + results(seed=2, shift=1.0) + results(seed=3, shift=5.0)
    (table,) = make_tables(lines, "en", TITLES)
    deviation = statistics.stdev([0.0, 1.0, 5.0])
    text = render_table(table, "teacher")
    cells = rows(text)["student"]
    assert cells[0] == f"72.00 ± {deviation:.2f}"
    assert cells[-2] == f"54.00 ± {deviation:.2f}"
    assert "3 seeds; mean ± sample standard deviation" in render_table(table, "teacher")


def test_a_seed_without_all_languages_is_left_out_of_the_average():
    lines = results() + results(seed=2, shift=8.0, models=["student"])[:1]
    (table,) = make_tables(lines, "en", TITLES)
    assert table.zero_shot("student").mean == 52.0
    (partial,) = make_tables(results()[:-1], "en", TITLES)
    text = render_table(partial, "teacher")
    assert rows(text)["student"][2:] == ["–", "–", "–"]
    assert "–: not measured" in text


def test_different_numbers_of_examples_are_pointed_out():
    lines = results(models=["student"])
    lines.append(Result("xnli", "teacher", "de", "accuracy", 60.0, 9, dropped=1))
    (table,) = make_tables(lines, "en", TITLES)
    text = render_table(table, "teacher")
    assert "de 10 / 9 (1 dropped) (differs between runs)" in text


def test_perplexity_is_neither_averaged_nor_in_percent():
    lines = [
        Result("pretraining", "teacher", lang, "masked-LM perplexity", 5.3, 10)
        for lang in ("en", "fr", "all")
    ]
    (table,) = make_tables(lines, "en", TITLES)
    text = render_table(table, "teacher")
    assert rows(text)["model"] == ["all", "en", "fr"]
    assert text.startswith("## Pretraining: masked-LM perplexity on test\n")


def named(dataset, metric, values, model="mLeanBERT", split="test"):
    return [
        Result(dataset, model, lang, metric, value, 10, split=split)
        for lang, value in values.items()
    ]


def test_benchmarks_side_by_side_in_the_papers_order():
    lines = results("massive", "exact match") + results("mtop", "exact match")
    lines += results("xnli", models=["student"])
    text = render_report(make_tables(lines, "en", TITLES), "teacher")
    source, target = section(text, "Table 4"), section(text, "Table 5")
    assert source["model"] == target["model"] == ["XNLI", "mTOP", "MASSIVE"]
    assert source["teacher"] == ["–", "80.00", "80.00"]
    assert target["student"] == ["52.00"] * 3
    assert "Metrics: XNLI accuracy, mTOP exact match, MASSIVE exact match." in text
    assert "paper" not in text


def test_the_papers_numbers_stand_beside_models_of_its_names():
    lines = named("xnli", "accuracy", {"en": 77.1, "fr": 68.0, "it": 60.0})
    lines += named("xnli", "accuracy", {"en": 70.0, "fr": 60.0, "it": 40.0}, "mine")
    text = render_report(make_tables(lines, "en", TITLES), "teacher")
    assert section(text, "Table 4")["mLeanBERT"] == ["77.10 (paper 77.23)"]
    # over French, which both have
    assert section(text, "Table 5")["mLeanBERT"] == ["68.00 (paper 68.79)"]
    assert section(text, "Table 5")["mine"] == ["60.00"]
    assert "Means: XNLI of fr." in text
    scores = ["77.10 (paper 77.23)", "68.00 (paper 68.79)", "60.00", "68.00"]
    assert section(text, "XNLI")["mLeanBERT"] == scores
    assert "the mean of fr (as in the paper; left out: it)." in text
    assert "(paper ...): Soltan, Khan and Hamza (2021)" in text


def test_the_papers_average_is_table_5s_and_without_japanese():
    values = {"en": 90.0, "fr": 80.0, "de": 80.0, "es": 80.0, "ja": 40.0}
    lines = named("pawsx", "accuracy", values, "vanilla mleanbert")
    text = render_report(make_tables(lines, "en", TITLES), "teacher")
    (cell,) = section(text, "Table 4")["vanilla mleanbert"]
    assert cell == "90.00 (paper 85.22)"
    assert section(text, "Table 5")["vanilla mleanbert"] == ["80.00 (paper 74.06)"]
    cells = section(text, "PAWS-X")["vanilla mleanbert"]
    assert cells[0] == "90.00 (paper 82.90)"  # the paper's tables differ here
    assert cells[-2:] == ["40.00 (paper 59.18)", "80.00"]
    assert "the mean of fr, de, es (as in the paper; left out: ja)." in text


def test_retention_is_over_the_languages_of_table_5():
    values = {"en": 90.0, "fr": 80.0, "de": 80.0, "es": 80.0, "ja": 0.0}
    lines = named("pawsx", "accuracy", values, "mBERT8_Large")
    lines += named("pawsx", "accuracy", dict.fromkeys(values, 40.0))
    text = render_report(make_tables(lines, "en", TITLES), "mBERT8_Large")
    table_5 = section(text, "Table 5")
    assert [table_5[m][0].split()[0] for m in ("mBERT8_Large", "mLeanBERT")] == [
        *("80.00", "40.00")
    ]
    assert section(text, "PAWS-X")["mLeanBERT"][-2:] == ["40.00", "50.0%"]
    # names that the paper lacks: the same rule, in both places
    lines = [replace(line, model=f"my {line.model}") for line in lines]
    text = render_report(make_tables(lines, "en", TITLES), "my mBERT8_Large")
    assert section(text, "Table 5")["my mBERT8_Large"] == ["80.00"]
    assert section(text, "PAWS-X")["my mLeanBERT"][-2:] == ["40.00", "50.0%"]


@pytest.mark.parametrize(
    "metric, split", [("slot F1", "test"), ("exact match", "valid")]
)
def test_other_metrics_and_splits_are_not_compared(metric, split):
    lines = named("multiatis", metric, {"en": 90.0, "fr": 50.0}, split=split)
    text = render_report(make_tables(lines, "en", TITLES), "teacher")
    assert section(text, "MultiATIS++")["mLeanBERT"] == ["90.00", "50.00", "50.00"]
    assert "(paper" not in text and ("Table 4" in text) == (split == "test")


def test_the_papers_averages_are_of_its_languages():
    assert sorted(PAPER) == sorted(["xnli", "pawsx", "wikiann", "multiatis", "mtop"])
    for paper in PAPER.values():
        assert len(paper.models) == 8
        for model in paper.models:
            total = sum(paper.score(model, lang) for lang in paper.averaged)
            mean = total / len(paper.averaged)
            # up to 1.25 apart in the paper itself, rounding aside
            assert abs(mean - paper.zero_shot(model, paper.averaged)) < 1.3
            assert paper.zero_shot(model, ["xx"]) is None
            assert 0 < paper.english(model) < 100


def test_other_metrics_share_one_table():
    lines = results("multiatis", "exact match")
    lines += results("multiatis", "intent accuracy", shift=5.0)
    lines += results("multiatis", "slot F1", shift=9.0, models=["teacher"])
    text = render_report(make_tables(lines, "en", TITLES), "teacher")
    assert text.count("## ") == 4
    details = section(text, "MultiATIS++: other metrics")
    assert details["metric"] == ["teacher", "student"]
    assert details["intent accuracy"] == ["85.00 / 70.00", "75.00 / 57.00"]
    assert details["slot F1"] == ["89.00 / 74.00", "– / –"]


def test_command_prints_tables_and_replaces_earlier_lines(tmp_path, capsys):
    path = str(tmp_path / "r.jsonl")
    append_results(path, results(shift=-1.0))
    append_results(path, results())
    append_results(path, results("pawsx"))
    main([path])
    captured = capsys.readouterr()
    assert captured.out.count("## ") == 4
    assert "| teacher | 80.00 |" in captured.out
    assert captured.err == "replaced by later lines: 6\n"


def test_output_holds_the_same_markdown_and_a_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    path, out = str(tmp_path / "r.jsonl"), tmp_path / "out"
    append_results(path, results() + results("pawsx", seed=2) + results("wikiann"))
    append_results(path, results("wikiann", "entity F1: PER"))  # has no panel
    main([path, "--output", str(out)])
    assert (out / "report.md").read_text(encoding="utf-8") == capsys.readouterr().out
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in out.iterdir()) == [
        f"report.{kind}" for kind in ("csv", "html", "json", "md", "png", "tex")
    ]


def test_missing_matplotlib_is_explained(tmp_path, monkeypatch):
    path = str(tmp_path / "r.jsonl")
    append_results(path, results())
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for module in ("fairseq_mlkd.report.picture", "fairseq_mlkd.files.pictures"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit, match=r"pip install 'fairseq_mlkd\[report\]'"):
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
