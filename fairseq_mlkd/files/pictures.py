"""The look of all pictures, and bytes that depend on the data alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from fairseq_mlkd.files.writing import replace_on_success

SOURCE_COLOUR = "#1b3a5c"
TARGET_COLOUR = "#e07a3f"
FAINT = "#c9ced6"
TEXT_COLOUR = "#30363d"
STYLE: Any = {  # matplotlib types its keys one by one
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "text.color": TEXT_COLOUR,
    "axes.labelcolor": TEXT_COLOUR,
    "xtick.color": TEXT_COLOUR,
    "ytick.color": TEXT_COLOUR,
}


@contextmanager
def picture(path: str, width: float, height: float) -> Iterator[Figure]:
    """Give a figure to draw on; the PNG file appears complete or not at all.

    The user's own matplotlib settings have no influence.

    Args:
        path: the file to write.
        width: in inches, of 160 pixels each.
        height: the same.
    """
    with matplotlib.style.context(["default", STYLE]):
        layout = ConstrainedLayoutEngine(
            w_pad=0.12, h_pad=0.12, wspace=0.03, hspace=0.03
        )
        figure = Figure(figsize=(width, height), layout=layout)
        yield figure
        with replace_on_success(path) as partial:
            # Without the version of matplotlib, which it otherwise records.
            metadata = {"Software": None}
            figure.savefig(partial, format="png", dpi=160, metadata=metadata)


def label_rows(axes: Axes, labels: list[str]) -> None:
    """Draw one row per label from top to bottom, vertical lines behind, no frame."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.xaxis.grid(color=FAINT, alpha=0.4, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.tick_params(axis="y", pad=7)  # dots may stand at the edge
    axes.spines[["top", "right", "left"]].set_visible(False)
