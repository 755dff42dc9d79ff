"""Charts as SVG for a page: dots on one axis, told apart by colour and by shape."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

# Okabe and Ito (2008), told apart by the colour-blind, with a shape each
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#3a9bdc"),
    *("#6b6b6b", "#a0522d"),
)
_SHAPES = (
    '<circle r="4.2"/>',
    '<rect x="-3.8" y="-3.8" width="7.6" height="7.6"/>',
    '<path d="M0-5 4.8 3.6-4.8 3.6z"/>',
    '<path d="M0-5.4 5.4 0 0 5.4-5.4 0z"/>',
    '<path d="M0 5 4.8-3.6-4.8-3.6z"/>',
    '<path d="M-4-4 4 4M-4 4 4-4" stroke-width="2.4"/>',
    '<path d="M-5 0 5 0M0-5 0 5" stroke-width="2.4"/>',
    '<path d="M-5-2.6 5-2.6 5 2.6-5 2.6z"/>',
)
WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 360, 92, 14, 8, 34
_DODGE = 11  # between the dots of a row
_LETTER = 5.9  # of 11px text, about


class Dot(NamedTuple):
    """A number of a series, and its deviation over seeds if there are several."""

    series: int
    value: float
    deviation: float | None = None


class Axis(NamedTuple):
    """From where to where, what it measures, and the values that get a line."""

    low: float
    high: float
    label: str
    lines: Mapping[float, str] = {}
    is_log: bool = False

    def place(self, value: float, start: float, end: float) -> float:
        """Return where a value stands between `start` and `end`."""
        low, high, x = (
            map(math.log, (self.low, self.high, value))
            if self.is_log
            else (self.low, self.high, value)
        )
        return start + (end - start) * (x - low) / (high - low or 1)

    def ticks(self) -> list[float]:
        """Return some round values."""
        if self.is_log:
            return _log_ticks(self.low, self.high)
        step = _round_step((self.high - self.low) / 4)
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def fit_axis(
    dots: Sequence[Dot], label: str, *, lines: Mapping[float, str] | None = None
) -> Axis:
    """Return an axis that holds all dots with their deviations, and lines."""
    ends = [(d.value - (d.deviation or 0), d.value + (d.deviation or 0)) for d in dots]
    every = [*(lines or {}), *(end for pair in ends for end in pair)]
    low, high = min(every), max(every)
    room = 0.06 * (high - low) or 1.0
    return Axis(low - room, high + room, label, lines or {})


def fit_log_axis(values: Sequence[float], label: str) -> Axis:
    """Return a logarithmic axis that holds all values, with some room."""
    return Axis(min(values) / 1.4, max(values) * 1.4, label, is_log=True)


def marker(series: int, x: float, y: float) -> str:
    """Return the dot of a series."""
    colour = COLOURS[series % len(COLOURS)]
    shape = _SHAPES[series % len(_SHAPES)]
    where = f"translate({x:.1f} {y:.1f})"
    return f'<g transform="{where}" fill="{colour}" stroke="{colour}">{shape}</g>'


def legend(names: Sequence[str]) -> str:
    """Return the names of series beside their dots, as HTML."""
    items = "".join(
        f'<li><svg viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true">'
        f"{marker(i, 0, 0)}</svg>{escape(name)}</li>"
        for i, name in enumerate(names)
    )
    return f'<ul class="legend">{items}</ul>'


def dot_chart(rows: Sequence[tuple[str, Sequence[Dot]]], axis: Axis, name: str) -> str:
    """Return a chart with a row per label; dots of a row stand below one another.

    Args:
        rows: label and dots, from top to bottom.
        name: of the chart, for those who hear it.
    """
    parts, y = [], float(_TOP)
    for label, dots in rows:
        lines = _wrap(label, (_LEFT - 8) / _LETTER)
        height = max(_DODGE * (len(dots) - 1) + 20, 13 * len(lines) + 8)
        parts.append(_row_label(lines, y + height / 2))
        first = y + (height - _DODGE * (len(dots) - 1)) / 2
        for i, dot in enumerate(dots):
            parts += _dot(dot, first + _DODGE * i, axis, label)
        y += height
        parts.append(f'<path class="rule" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
    return _svg([*_horizontal(axis, y), *parts], y + _BOTTOM, name)


def _row_label(lines: Sequence[str], y: float) -> str:
    start = y + 4 - 6.5 * (len(lines) - 1)
    return "".join(
        f'<text x="{_LEFT - 8}" y="{start + 13 * i:.1f}" text-anchor="end">'
        f"{escape(line)}</text>"
        for i, line in enumerate(lines)
    )


def _wrap(label: str, room: float) -> list[str]:
    """Return a label in as many lines as it takes; a longer word is cut."""
    words = textwrap.wrap(label, int(room), break_long_words=True)
    return words or [""]


def _dot(dot: Dot, y: float, axis: Axis, label: str) -> Iterator[str]:
    start, end = _LEFT, WIDTH - _RIGHT
    x = axis.place(dot.value, start, end)
    if dot.deviation:
        ends = [dot.value - dot.deviation, dot.value + dot.deviation]
        a, b = (axis.place(value, start, end) for value in ends)
        colour = COLOURS[dot.series % len(COLOURS)]
        line = f"M{a:.1f} {y:.1f}H{b:.1f}"
        yield f'<path d="{line}" stroke="{colour}" stroke-width="1.6"/>'
    spread = f" ± {dot.deviation:.2f}" if dot.deviation else ""
    tip = escape(f"{label}: {dot.value:.2f}{spread}")
    yield f"<g><title>{tip}</title>{marker(dot.series, x, y)}</g>"


def _horizontal(axis: Axis, bottom: float) -> Iterator[str]:
    """Yield the axis below, lines behind the dots, and what the lines mean."""
    for value in axis.ticks():
        x = axis.place(value, _LEFT, WIDTH - _RIGHT)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom:.1f}"/>'
        yield _text(x, bottom + 13, f"{value:g}", "middle")
    for value, meaning in axis.lines.items():
        x = axis.place(value, _LEFT, WIDTH - _RIGHT)
        yield f'<path class="mark" d="M{x:.1f} {_TOP}V{bottom:.1f}">'
        yield f"<title>{escape(meaning)}</title></path>"
    yield _text(WIDTH - _RIGHT, bottom + 28, axis.label, "end")


def scatter(
    points: Sequence[tuple[int, float, float]], across: Axis, up: Axis, name: str
) -> str:
    """Return dots in two directions: series, value across, value up."""
    left, bottom, top = 40.0, 220.0, 24.0
    parts = []
    for value in across.ticks():
        x = across.place(value, left, WIDTH - _RIGHT)
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>')
        parts.append(_text(x, bottom + 13, f"{value:g}", "middle"))
    for value in up.ticks():
        y = up.place(value, bottom, top)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(_text(left - 6, y + 4, f"{value:g}", "end"))
    parts.append(_text(WIDTH - _RIGHT, bottom + 28, across.label, "end"))
    parts.append(_text(0, 12, up.label, "start"))
    for series, x, y in points:
        tip = f"<title>{x:.2f}, {y:.2f}</title>"
        dot = marker(
            series, across.place(x, left, WIDTH - _RIGHT), up.place(y, bottom, top)
        )
        parts.append(f"<g>{tip}{dot}</g>")
    return _svg(parts, bottom + _BOTTOM, name)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(parts: Sequence[str], height: float, name: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="'
        f'{escape(name)}">{"".join(parts)}</svg>'
    )


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step * 0.999)


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [f * 10.0**p for p in powers for f in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]
