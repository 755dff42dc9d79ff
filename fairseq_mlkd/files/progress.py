"""How a long step shows itself: as a bar in a terminal, as one line in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def show_progress(
    title: str,
    steps: Iterable[Any] | None = None,
    *,
    total: int | None = None,
    unit: str,
    **bar: Any,
) -> tqdm[Any]:
    """Return tqdm's bar; where standard error is no terminal, say what begins.

    A bar in a log would be thousands of carriage returns.

    Args:
        title: what is done.
        steps: to go through; None: the caller updates the bar.
        total: how many steps there are, if that is known.
        unit: of a step, in the plural.
        bar: more options of tqdm's.
    """
    shown = tqdm(steps, desc=title, total=total, unit=f" {unit}", disable=None, **bar)
    if shown.disable:
        units = unit.removesuffix("s") if total == 1 else unit
        size = "" if total is None else f": {total:,} {units}"
        print(f"{title}{size}", file=sys.stderr, flush=True)
    return shown
