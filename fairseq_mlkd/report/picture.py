"""The picture that `mlkd-report --output` draws: what crossed over to new languages."""

import math
import textwrap
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fairseq_mlkd.files.pictures import (
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
    "zorder": 0,
}
MAX_COLUMNS = 2
DODGE = 0.19  # of a row, so that two error bars do not lie on one another


def save_picture(tables: list[Table], path: Path) -> None:
    """Draw one panel per table; the file appears complete or not at all."""
    columns = min(len(tables), MAX_COLUMNS)
    lines = math.ceil(len(tables) / columns)
    models = max(len(table.models) for table in tables)
    size = (0.6 + 6.0 * columns, 0.6 + lines * (1.45 + 0.5 * models))
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
    """Draw a row per model: source language above, zero-shot average below."""
    for row, model in enumerate(table.models):
        source = table.score(model, table.source_lang)
        target = table.zero_shot(model)
        _draw_score(axes, row - DODGE, source, SOURCE_COLOUR)
        _draw_score(axes, row + DODGE, target, TARGET_COLOUR)
    if table.chance is not None:
        axes.axvline(table.chance, **CHANCE_LINE)
    label_rows(axes, table.models)
    axes.margins(x=0.22)  # room for the numbers
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_title(
        f"{table.name}, {table.split}", loc="left", fontweight="bold", pad=10
    )
    axes.set_xlabel(f"{table.metric} (%)\n{describe_langs(table)}", loc="left")


def describe_langs(table: Table) -> str:
    """Say which languages a panel shows."""
    if not table.averaged_langs:
        return f"{table.source_lang} alone"
    mean = textwrap.shorten(", ".join(table.averaged_langs), 60, placeholder=" ...")
    return f"{table.source_lang}; zero-shot average of {mean}"


def _draw_score(axes: Axes, y: float, score: Score | None, colour: str) -> None:
    """Draw a dot with its deviation, and its number right of both."""
    if score is None:
        return
    spread = score.deviation or 0.0
    axes.errorbar(
        score.mean,
        y,
        xerr=spread,
        fmt="o",
        color=colour,
        markersize=7,
        elinewidth=1.5,
        capsize=3,
        zorder=2,
    )
    axes.annotate(
        f"{score.mean:.1f}",
        (score.mean + spread, y),
        xytext=(7, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        color=colour,
        fontsize=9,
        # nothing runs through a number
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        zorder=3,
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
