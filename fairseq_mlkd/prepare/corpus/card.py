"""The data card: what a corpus holds, from its `report.json` alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.writing import replace_on_success
from fairseq_mlkd.prepare.corpus.card_markdown import render_card

CARD_FILE = "card.md"


def write_card(report: Mapping[str, Any], folder: str) -> None:
    """Writes `card.md` and, where matplotlib is installed, the pictures it shows.

    Args:
        report: what `report.json` holds.
        folder: an existing folder.
    """
    try:
        # Only the pictures need matplotlib, which is optional.
        from fairseq_mlkd.prepare.corpus.card_pictures import draw_pictures
    except ImportError as error:
        pictures = f"No pictures: {error}; `pip install fairseq_mlkd[report]` adds it."
    else:
        titles = draw_pictures(report["languages"], folder)
        pictures = "\n\n".join(f"![{title}]({name})" for name, title in titles.items())
    path = str(Path(folder, CARD_FILE))
    with replace_on_success(path) as partial:
        Path(partial).write_text(render_card(report, pictures), encoding="utf-8")
