"""A report as one page of HTML that needs nothing else: charts, then every table."""

import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fairseq_mlkd.report.charts import (
    Dot,
    dot_chart,
    fit_axis,
    fit_log_axis,
    legend,
    scatter,
)
from fairseq_mlkd.report.pages import Section, name_means
from fairseq_mlkd.report.tables import Score, Table, models_of

Costs = Sequence[Mapping[str, Any]]  # model, engine, p50 (ms) and disk (MB)

_STYLE = """
:root { color-scheme: light dark; --faint: #d0d7de; --mark: #57606a }
@media (prefers-color-scheme: dark) { :root { --faint: #444c56; --mark: #adbac7 } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem;
  padding: 0 1rem 3rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.25rem; margin-top: 2.2rem }
h3 { font-size: 1rem; margin: 0 0 .3rem }
.charts { display: grid; gap: 1.4rem;
  grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)) }
figure { margin: 0 } figcaption, .note { font-size: .85rem; color: var(--mark) }
svg text { font: 11px system-ui, sans-serif; fill: currentColor }
figure > svg { width: 100%; max-width: 30rem; height: auto }
.grid, .rule { stroke: var(--faint); stroke-width: .7; fill: none }
.mark { stroke: var(--mark); stroke-width: 1.2; stroke-dasharray: 4 3; fill: none }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none;
  padding: 0; font-size: .9rem }
.legend svg { vertical-align: -3px; margin-right: .35rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem;
  font-variant-numeric: tabular-nums }
th, td { padding: .25rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--faint) }
th { white-space: normal; vertical-align: bottom }
th:first-child, td:first-child { text-align: left }
td:first-child { position: sticky; left: 0; background: Canvas; white-space: normal;
  min-width: 5.5rem }
.words th, .words td { white-space: normal; text-align: left; vertical-align: top;
  min-width: 7rem }
.words td:nth-child(2) { font-weight: 600 }
@media (max-width: 40rem) {
  table { font-size: .8rem }
  th, td { padding: .25rem .4rem }
  .words thead { display: none }
  .words td { display: block; border: 0; padding: .1rem 0 }
  .words td:last-child { border-bottom: 1px solid var(--faint); padding-bottom: .6rem }
}
"""


def to_html(
    sections: Sequence[Section], tables: Sequence[Table], teacher: str, costs: Costs
) -> str:
    """Return the page.

    Args:
        sections: all tables of the report.
        tables: the main table of each data set's test data.
        teacher: retention is measured against it, if it is there.
        costs: size and milliseconds, where they are known.
    """
    charted = [table for table in tables if table.target_langs]
    parts = []
    if charted:
        parts = [
            _summary(charted, teacher, costs),
            _overview(charted),
            _gaps(charted),
            _retention(charted, teacher),
            _quality(charted, costs),
        ]
    parts += [_table(section) for section in sections]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Zero-shot transfer</title>\n<style>{_STYLE}</style>\n"
        f"<h1>Zero-shot transfer</h1>\n{''.join(filter(None, parts))}</html>\n"
    )


def _summary(tables: Sequence[Table], teacher: str, costs: Costs) -> str:
    """Return who keeps most of the other languages, and what each model costs."""
    models = models_of(tables)
    means = {m: mean for m in models if (mean := overall(tables, m)) is not None}
    if not means:
        return ""
    names = ", ".join(table.name for table in tables)
    fastest: dict[str, Mapping[str, Any]] = {}
    for row in sorted(costs, key=lambda row: row["p50"]):
        fastest.setdefault(row["model"], row)
    head = ["model", "zero-shot average", "retention", "MB", "ms a sentence", "engine"]
    rows = [head]
    for model in sorted(means, key=lambda m: -means[m]):
        cells = [model, f"{means[model]:.2f}"]
        kept = 100 * means[model] / means[teacher] if means.get(teacher) else None
        cells.append("–" if kept is None else f"{kept:.1f}%")
        cost = fastest.get(model)
        cells += (
            ["–", "–", "–"]
            if cost is None
            else [f"{cost['disk']:.0f}", f"{cost['p50']:.1f}", cost["engine"]]
        )
        rows.append(cells)
    students = [model for model in means if model != teacher] or list(means)
    top = max(means[model] for model in students)
    best = [model for model in students if top - means[model] < 0.005]
    text = (
        f"Of the students, {' and '.join(best)} {'are' if best[1:] else 'is'} best in "
    )
    text += "the other languages"
    if len(best) == 1 and best[0] in fastest:
        cost = fastest[best[0]]
        text += f": {cost['p50']:.1f} ms a sentence and {cost['disk']:.0f} MB"
        text += f" with {cost['engine']}"
    text += ". Whether that is more than luck is in the tests below."
    notes = [f"Zero-shot average: the mean over {names} of each one's average."]
    if not costs:
        notes.append("Size and speed: give --latency what mlkd-latency --json wrote.")
    found = Section("Which student to ship", rows, notes)
    return _table(found, f"<p>{escape(text)}</p>")


def _overview(tables: Sequence[Table]) -> str:
    """Return a chart per data set: source language and zero-shot average."""
    source = tables[0].source_lang
    charts = []
    for table in tables:
        rows = []
        for model in table.models:
            scores = [table.score(model, source), table.zero_shot(model)]
            rows.append((model, _dots(scores)))
        lines = {} if table.chance is None else {table.chance: "chance"}
        drawn = [dot for _, dots in rows for dot in dots]
        if drawn:
            axis = fit_axis(drawn, f"{table.metric}, %", lines=lines)
            langs = ", ".join(table.averaged_langs)
            about = f"{table.split}; zero-shot average of {langs}"
            about += "; dashed: chance" if lines else ""
            charts.append(_figure(table.name, dot_chart(rows, axis, table.name), about))
    names = [f"{source}, trained on", "zero-shot average"]
    return _group("Source language and zero-shot average", legend(names), charts)


def _gaps(tables: Sequence[Table]) -> str:
    """Return a chart per data set: what each language lacks to the source language."""
    models, source = models_of(tables), tables[0].source_lang
    by_table = {}
    for table in tables:
        rows = []
        for lang in table.target_langs:
            dots = []
            for i, model in enumerate(models):
                score, top = table.score(model, lang), table.score(model, source)
                if score and top:
                    dots.append(Dot(i, score.mean - top.mean))
            rows.append((lang, dots))
        by_table[table.name] = rows
    drawn = [dot for rows in by_table.values() for _, dots in rows for dot in dots]
    if not drawn:
        return ""
    label = f"score less that of {source}, points"
    axis = fit_axis(drawn, label, lines={0.0: source})
    charts = [
        _figure(
            t.name, dot_chart(by_table[t.name], axis, t.name), f"{t.metric}, {t.split}"
        )
        for t in tables
    ]
    text = f"Zero-shot gap: each language less {source}, one axis for all"
    return _group(text, legend(models), charts)


def _retention(tables: Sequence[Table], teacher: str) -> str:
    """Return one chart: the zero-shot average in percent of the teacher's."""
    rows = []
    for model in models_of(tables):
        kept = [(i, t.retention(model, teacher)) for i, t in enumerate(tables)]
        dots = [Dot(i, value) for i, value in kept if value is not None]
        if model != teacher and dots:
            rows.append((model, dots))
    if not rows:
        return ""
    drawn = [dot for _, dots in rows for dot in dots]
    label = f"zero-shot average, % of {teacher}'s"
    axis = fit_axis(drawn, label, lines={100.0: teacher})
    chart = _figure("", dot_chart(rows, axis, "retention"), name_means(tables))
    return _group("Retention", legend([t.name for t in tables]), [chart])


def _quality(tables: Sequence[Table], costs: Costs) -> str:
    """Return quality against size, and against milliseconds, where known."""
    models = list(dict.fromkeys(row["model"] for row in costs))
    means = {m: overall(tables, m) for m in models}
    known = [row for row in costs if means[row["model"]] is not None]
    if not known:
        return ""
    dots = [Dot(0, means[row["model"]] or 0.0) for row in known]
    up = fit_axis(dots, "zero-shot average, %")
    charts = []
    for key, label, title in (
        ("disk", "MB on disk", "Quality against size"),
        ("p50", "milliseconds a sentence, median", "Quality against milliseconds"),
    ):
        across = fit_log_axis([row[key] for row in known], label)
        points = [
            (models.index(row["model"]), row[key], means[row["model"]] or 0.0)
            for row in known
        ]
        engines = ", ".join(dict.fromkeys(row["engine"] for row in known))
        chart = scatter(points, across, up, title)
        charts.append(_figure(title, chart, f"A dot for each engine: {engines}"))
    return _group("Quality and what it costs", legend(models), charts)


def overall(tables: Sequence[Table], model: str) -> float | None:
    """Return the mean of the zero-shot averages; None where one is missing."""
    scores = [table.zero_shot(model) for table in tables]
    means = [score.mean for score in scores if score is not None]
    return statistics.mean(means) if len(means) == len(tables) else None


def _dots(scores: Sequence[Score | None]) -> list[Dot]:
    return [Dot(i, s.mean, s.deviation) for i, s in enumerate(scores) if s is not None]


def _figure(title: str, chart: str, caption: str) -> str:
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f"<figure>{head}{chart}<figcaption>{escape(caption)}</figcaption></figure>"


def _group(title: str, key: str, charts: Sequence[str]) -> str:
    return (
        f"<h2>{escape(title)}</h2>\n{key}\n"
        f'<div class="charts">{"".join(charts)}</div>\n'
    )


def _table(section: Section, before: str = "") -> str:
    """Return a section; one of words wraps, one of numbers scrolls."""
    head, *rows = section.rows
    longest = max(len(cell) for row in rows for cell in row) if rows else 0
    kind = ' class="words"' if longest > 60 else ""
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in section.notes)
    return (
        f"<h2>{escape(section.title)}</h2>\n{before}"
        f'<div class="scroll"><table{kind}><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>\n{notes}\n"
    )
