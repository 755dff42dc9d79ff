"""The pictures of the data card: shares, what became of the text, subwords."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fairseq_mlkd.files.pictures import (
    FAINT,
    SOURCE_COLOUR,
    TARGET_COLOUR,
    label_rows,
    picture,
)
from fairseq_mlkd.prepare.corpus.report import characters_by_fate

# Told apart by the colour-blind; what is kept is dark, what is no text is grey.
DROP_COLOURS = ("#e07a3f", "#56b4e9", "#f0d264", "#7a5c99", "#009e73", "#a23b4a")
WIDTH = 7.5
LEGEND: dict[str, Any] = {  # all names in one line
    "ncols": 8,
    "frameon": False,
    "columnspacing": 1.2,
    "handlelength": 1.2,
}
_DOT: dict[str, Any] = {  # whole, also at the edge
    "marker": "o",
    "linestyle": "",
    "markersize": 7,
    "clip_on": False,
    "zorder": 3,
}
Languages = Mapping[str, Mapping[str, Any]]


def draw_pictures(languages: Languages, folder: str) -> dict[str, str]:
    """Write the PNG files.

    Args:
        languages: the entry of that name in `report.json`.
        folder: an existing folder.
    Returns:
        what each file shows, by file name.
    """
    drawings = {
        "card_shares.png": (draw_shares, "Share of each language in the sentences"),
        "card_text.png": (draw_text, "What became of the characters read"),
        "card_subwords.png": (draw_subwords, "Subwords per word"),
    }
    height = 1.8 + 0.3 * len(languages)
    for name, (draw, title) in drawings.items():
        with picture(str(Path(folder, name)), WIDTH, height) as figure:
            axes = figure.subplots()
            axes.set_title(title, loc="left", fontweight="bold", pad=10)
            draw(axes, languages)
            if axes.get_legend_handles_labels()[0]:
                figure.legend(loc="outside lower left", **LEGEND)
    return {name: title for name, (_, title) in drawings.items()}


def draw_shares(axes: Axes, languages: Languages) -> None:
    """Draw one row per language, the largest first: share before and after sampling."""
    rows = _sorted(languages, "share_before")
    before = [100 * languages[lang]["share_before"] for lang in rows]
    after = [100 * languages[lang]["share_after"] for lang in rows]
    axes.hlines(range(len(rows)), before, after, color=FAINT, linewidth=3, zorder=1)
    axes.plot(before, range(len(rows)), color=SOURCE_COLOUR, label="before", **_DOT)
    axes.plot(after, range(len(rows)), color=TARGET_COLOUR, label="after", **_DOT)
    label_rows(axes, rows)
    axes.set_xlim(left=0)
    axes.set_xlabel("% of all sentences, before and after sampling", loc="left")
    _write_beside(axes, [f"{b:.1f} → {a:.1f}" for b, a in zip(before, after)])


def draw_text(axes: Axes, languages: Languages) -> None:
    """Draw one bar per language: characters kept, dropped by reason, in no sentence."""
    rows = _sorted(languages, "characters_in")
    fates = [characters_by_fate(languages[lang]) for lang in rows]
    names = list(dict.fromkeys(name for fate in fates for name in fate))
    colours = [SOURCE_COLOUR, *DROP_COLOURS[: len(names) - 2], FAINT]
    totals = [max(1, sum(fate.values())) for fate in fates]
    left = [0.0] * len(rows)
    for name, colour in zip(names, colours):
        counts = [max(0, fate.get(name, 0)) for fate in fates]
        # A bar goes beyond 100 by what normalisation added.
        width = [100 * n / total for n, total in zip(counts, totals)]
        label = name.replace("_", " ")
        axes.barh(range(len(rows)), width, 0.7, left, color=colour, label=label)
        left = [a + b for a, b in zip(left, width)]
    label_rows(axes, rows)
    axes.set_xlim(0, max(100.0, *left))
    about = "% of the characters read"
    if max(left) > 100.1:
        about += "; beyond 100: what normalisation added, such as numbers read out"
    axes.set_xlabel(about, loc="left")
    kept = [100 * fate["kept"] / total for fate, total in zip(fates, totals)]
    _write_beside(axes, [f"{share:.2f} kept" for share in kept])


def draw_subwords(axes: Axes, languages: Languages) -> None:
    """Draw one row per language, best covered first; 1 means that words stay whole."""
    rows = _sorted(languages, "subwords_per_word")[::-1]
    values = [languages[lang]["subwords_per_word"] for lang in rows]
    axes.hlines(range(len(rows)), 1, values, color=FAINT, linewidth=3, zorder=1)
    axes.plot(values, range(len(rows)), color=SOURCE_COLOUR, **_DOT)
    label_rows(axes, rows)
    axes.set_xlim(left=1)
    axes.set_xlabel("subwords per word (1: every word is whole)", loc="left")
    unknown = [100 * languages[lang]["unknown_rate"] for lang in rows]
    texts = [f"{v:.2f}, {u:.3f}% unknown" for v, u in zip(values, unknown)]
    _write_beside(axes, texts)


def _sorted(languages: Languages, key: str) -> list[str]:
    return sorted(languages, key=lambda lang: -languages[lang][key])


def _write_beside(axes: Axes, texts: list[str]) -> None:
    """Write one text per row, right of the axes."""
    for row, text in enumerate(texts):
        axes.annotate(
            text,
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
