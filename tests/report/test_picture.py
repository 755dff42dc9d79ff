"""The picture: what each panel says, and nothing that hides a number."""

import pytest
from random_results import write_results

pytest.importorskip("matplotlib", reason="the picture needs matplotlib")

from matplotlib.figure import Figure

from fairseq_mlkd.report.picture import draw_panel
from fairseq_mlkd.report.tables import make_tables


@pytest.fixture
def table(tmp_path):
    lines = write_results(tmp_path / "r.jsonl", {"a": 0.6, "b": 0.4}, datasets=["xnli"])
    (table,) = make_tables(lines, "en", {"xnli": "XNLI"})
    table.chance = table.score("a", "en").mean  # right where a number would stand
    return table


def test_a_panel_says_metric_split_and_languages(table):
    axes = Figure().subplots()
    draw_panel(axes, table)
    assert axes.get_title(loc="left") == "XNLI, test"
    assert axes.get_xlabel() == "accuracy (%)\nen; zero-shot average of fr, de"
    table.split = "valid"
    axes = Figure().subplots()
    draw_panel(axes, table)
    assert axes.get_title(loc="left") == "XNLI, valid"


def test_bars_stand_apart_and_the_chance_line_behind_the_numbers(table):
    figure = Figure(figsize=(6, 2.5), dpi=100)
    axes = figure.subplots()
    draw_panel(axes, table)
    figure.canvas.draw()
    bars = [c.lines[0].get_ydata()[0] for c in axes.containers]
    assert len(set(bars)) == 4
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 4
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    chance = axes.lines[-1]
    assert all(text.get_zorder() > chance.get_zorder() for text in axes.texts)
    assert all(text.get_bbox_patch().get_facecolor()[3] == 1 for text in axes.texts)
