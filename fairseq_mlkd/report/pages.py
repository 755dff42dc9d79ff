"""Tables -> Markdown: the paper's Tables 4 and 5, and what each benchmark gave."""

from collections.abc import Callable, Sequence

from fairseq_mlkd.files.markdown import Rows, align
from fairseq_mlkd.metrics.results import Result
from fairseq_mlkd.report.paper import CITATION
from fairseq_mlkd.report.tables import Score, Table, group_tables

ABSENT = "–"


def render_report(tables: Sequence[Table], teacher: str) -> str:
    """Return all tables, those that compare benchmarks first."""
    groups = group_tables(tables)
    columns = [t for t, *_ in groups if t.split == "test" and not t.is_perplexity]
    columns.sort(key=lambda t: t.place)
    parts = [render_source(columns)] if columns else []
    transferred = [table for table in columns if table.target_langs]
    parts += [render_zero_shot(transferred)] if transferred else []
    for first, *others in groups:
        parts.append(render_table(first, teacher))
        if others:
            parts.append(render_details(others))
    return "\n".join(parts)


def render_source(tables: Sequence[Table]) -> str:
    """Return every data set's score in the source language: the paper's Table 4."""
    lang = tables[0].source_lang

    def cell(table: Table, model: str) -> str:
        return _cell(table.score(model, lang), table.paper.english(model))

    rows = _by_model(tables, cell)
    return _render(f"Table 4: test in {lang}, in percent", rows, _describe(tables))


def render_zero_shot(tables: Sequence[Table]) -> str:
    """Return every data set's zero-shot average: the paper's Table 5."""

    def cell(table: Table, model: str) -> str:
        paper = table.paper.zero_shot(model, table.averaged_langs)
        return _cell(table.zero_shot(model), paper)

    rows = _by_model(tables, cell)
    means = [f"{table.name} of {', '.join(table.averaged_langs)}" for table in tables]
    notes = [f"Means: {'; '.join(means)}."] + _describe(tables)
    if _names_paper(rows):
        notes.append(
            "Beside the paper's models, every average and every retention is over the "
            "languages that the paper averages over: PAWS-X's leaves Japanese out."
        )
    return _render("Table 5: zero-shot average, in percent", rows, notes)


def render_table(table: Table, teacher: str) -> str:
    """Return one metric by language, and what one must know to read its numbers."""
    averaged = bool(table.target_langs) and not table.is_perplexity
    compared = averaged and teacher in table.models
    header = ["model", *table.langs]
    header += ["zero-shot average"] * averaged + ["retention"] * compared
    rows = [header]
    for model in table.models:
        row = [model]
        for lang in table.langs:
            row.append(_cell(table.score(model, lang), table.paper.score(model, lang)))
        row += [_cell(table.zero_shot(model))] * averaged
        if compared:
            kept = table.retention(model, teacher)
            row.append(ABSENT if kept is None else f"{kept:.1f}%")
        rows.append(row)
    notes = [describe_seeds(table), describe_examples(table)]
    if averaged:
        left_out = [x for x in table.target_langs if x not in table.averaged_langs]
        mean = ", ".join(table.averaged_langs)
        if left_out:
            mean += f" (as in the paper; left out: {', '.join(left_out)})"
        notes.append(f"Zero-shot average: the mean of {mean}.")
    if compared:
        notes.append(f"Retention: zero-shot average in percent of {teacher}'s.")
    unit = "" if table.is_perplexity else ", in percent"
    title = f"{table.name}: {table.metric} on {table.split}{unit}"
    return _render(title, rows, notes)


def render_details(tables: Sequence[Table]) -> str:
    """Return the other metrics of a data set: source language, zero-shot average."""
    models = dict.fromkeys(model for table in tables for model in table.models)
    rows = [["metric", *models]]
    for table in tables:
        row = [table.metric]
        for model in models:
            source = _cell(table.score(model, table.source_lang))
            row.append(f"{source} / {_cell(table.zero_shot(model))}")
        rows.append(row)
    first = tables[0]
    title = f"{first.name}: other metrics on {first.split}, in percent"
    notes = [f"Each cell: {first.source_lang} / zero-shot average."]
    return _render(title, rows, notes)


def describe_seeds(table: Table) -> str:
    """Say how many seeds each number rests on."""
    counts = {model: len(table.seeds(model)) for model in table.models}
    if len(set(counts.values())) == 1:
        number = next(iter(counts.values()))
        text = "One seed" if number == 1 else f"{number} seeds"
    else:
        text = "Seeds: " + ", ".join(f"{model} {n}" for model, n in counts.items())
    if max(counts.values()) > 1:
        text += "; mean ± sample standard deviation"
    return text + "."


def describe_examples(table: Table) -> str:
    """Say how many examples were scored and left out, by language."""
    if len({_counts(result) for result in table.results}) == 1:
        return f"Examples: {_counts(table.results[0])} per language."
    parts = []
    for lang in table.langs:
        own = {_counts(r): None for r in table.results if r.lang == lang}
        # Models scored on different examples must not be compared silently.
        differ = " (differs between runs)" if len(own) > 1 else ""
        parts.append(f"{lang} {' / '.join(own)}{differ}")
    return f"Examples: {', '.join(parts)}."


def _by_model(tables: Sequence[Table], cell: Callable[[Table, str], str]) -> Rows:
    """Return a row per model, a column per data set."""
    models = dict.fromkeys(model for table in tables for model in table.models)
    rows = [[model, *(cell(table, model) for table in tables)] for model in models]
    return [["model", *(table.name for table in tables)], *rows]


def _cell(score: Score | None, paper: float | None = None) -> str:
    if score is None:
        return ABSENT
    return str(score) if paper is None else f"{score} (paper {paper:.2f})"


def _describe(tables: Sequence[Table]) -> list[str]:
    """Return the metrics and seeds of several data sets."""
    metrics = ", ".join(f"{table.name} {table.metric}" for table in tables)
    seeds: dict[str, list[str]] = {}
    for table in tables:
        seeds.setdefault(describe_seeds(table), []).append(table.name)
    if len(seeds) == 1:
        return [f"Metrics: {metrics}.", *seeds]
    return [
        f"Metrics: {metrics}.",
        *(f"{', '.join(names)}: {text}" for text, names in seeds.items()),
    ]


def _names_paper(rows: Rows) -> bool:
    return any("(paper " in cell for row in rows for cell in row[1:])


def _render(title: str, rows: Rows, notes: list[str]) -> str:
    """Return a section; notes that any table may need are added."""
    if any(ABSENT in cell for row in rows for cell in row[1:]):
        notes.append(f"{ABSENT}: not measured, or not in every target language.")
    if _names_paper(rows):
        notes.append(f"In brackets: {CITATION}.")
    return f"## {title}\n\n{align(rows)}\n\n" + "  \n".join(notes) + "\n"


def _counts(result: Result) -> str:
    dropped = f" ({result.dropped:,} dropped)" if result.dropped else ""
    return f"{result.examples:,}{dropped}"
