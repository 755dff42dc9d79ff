"""The picture that `mlkd-report --output` draws: what crossed over to new languages."""

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fairseq_mlkd.files.pictures import (
    FAINT,
    SOURCE_COLOUR,
    TARGET_COLOUR,
    label_rows,
    picture,
)
from fairseq_mlkd.report.tables import Score, Table

CHANCE_LINE: dict[str, Any] = {
    "color": "#8b949e",
    "linestyle": (0, (4, 3)),
    "linewidth": 1,
}
MAX_COLUMNS = 2


def save_picture(tables: list[Table], path: Path) -> None:
    """Draw one panel per table; the file appears complete or not at all."""
    columns = min(len(tables), MAX_COLUMNS)
    lines = math.ceil(len(tables) / columns)
    models = max(len(table.models) for table in tables)
    size = (0.6 + 6.0 * columns, 0.6 + lines * (1.2 + 0.42 * models))
    with picture(str(path), *size) as figure:
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for table, axes in zip(tables, grid):
            draw_panel(axes, table)
        for axes in grid[len(tables) :]:
            axes.set_axis_off()
        figure.legend(
            handles=_legend(tables),
            loc="outside upper left",
            ncols=3,
            frameon=False,
        )


def draw_panel(axes: Axes, table: Table) -> None:
    """Draw a row per model: source language and zero-shot average, and a line."""
    for row, model in enumerate(table.models):
        source = table.score(model, table.source_lang)
        target = table.zero_shot(model)
        if source is not None and target is not None:
            ends = [source.mean, target.mean]
            axes.plot(ends, [row, row], color=FAINT, linewidth=3, zorder=1)
        _draw_score(axes, row, source, target, SOURCE_COLOUR)
        _draw_score(axes, row, target, source, TARGET_COLOUR)
    if table.chance is not None:
        axes.axvline(table.chance, **CHANCE_LINE)
    label_rows(axes, table.models)
    axes.margins(x=0.22)  # room for the numbers
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_title(table.name, loc="left", fontweight="bold", pad=10)
    axes.set_xlabel(f"{table.metric} on {table.split} (%)", loc="left")


def _draw_score(
    axes: Axes, row: int, score: Score | None, other: Score | None, colour: str
) -> None:
    """Draw a dot with its deviation, and its number on the side away from `other`."""
    if score is None:
        return
    axes.errorbar(
        score.mean,
        row,
        xerr=score.deviation,
        fmt="o",
        color=colour,
        markersize=8,
        elinewidth=1.5,
        capsize=3,
        zorder=2,
    )
    # The source language's number goes right where both are equal.
    equal_side = 1 if colour == SOURCE_COLOUR else -1
    gap = score.mean - (score.mean if other is None else other.mean)
    side = math.copysign(1, gap) if gap else equal_side
    axes.annotate(
        f"{score.mean:.1f}",
        (score.mean + side * (score.deviation or 0), row),
        xytext=(side * 8, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        color=colour,
        fontsize=9,
    )


def _legend(tables: list[Table]) -> list[Line2D]:
    dot: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 8}
    source = f"source language ({tables[0].source_lang})"
    handles = [
        Line2D([], [], color=SOURCE_COLOUR, label=source, **dot),
        Line2D([], [], color=TARGET_COLOUR, label="zero-shot average", **dot),
    ]
    if any(table.chance is not None for table in tables):
        handles.append(Line2D([], [], label="chance", **CHANCE_LINE))
    return handles
