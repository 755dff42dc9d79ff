"""Tables of numbers -> sections of a report: the paper's tables, findings, protocol."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from fairseq_mlkd.files.markdown import Rows
from fairseq_mlkd.metrics.results import Result
from fairseq_mlkd.report.findings import DISTILLED, TEACHER, Verdict, degradation
from fairseq_mlkd.report.paper import CITATION
from fairseq_mlkd.report.selections import ORACLE, describe_selection
from fairseq_mlkd.report.significance import DRAWS, Resampled
from fairseq_mlkd.report.tables import Score, Table, group_tables, models_of

ABSENT = "–"


class Section(NamedTuple):
    """A table under a title; the notes say how to read it."""

    title: str
    rows: Rows
    notes: list[str]


def table_sections(tables: Sequence[Table], teacher: str) -> list[Section]:
    """Return all tables, those that compare benchmarks first."""
    columns = benchmark_tables(tables)
    sections = [source_section(columns)] if columns else []
    transferred = [table for table in columns if table.target_langs]
    sections += [zero_shot_section(transferred)] if transferred else []
    for first, *others in group_tables(tables):
        sections.append(table_section(first, teacher))
        sections += [details_section(others)] if others else []
    return sections


def benchmark_tables(tables: Sequence[Table]) -> list[Table]:
    """Return the main table of each data set's test data, in the paper's order."""
    firsts = [first for first, *_ in group_tables(tables)]
    found = [t for t in firsts if t.split == "test" and not t.is_perplexity]
    return sorted(found, key=lambda t: t.place)


def source_section(tables: Sequence[Table]) -> Section:
    """Return every data set's score in the source language: the paper's Table 4."""
    lang = tables[0].source_lang

    def cell(table: Table, model: str) -> str:
        return _cell(table.score(model, lang), table.paper.english(model))

    rows = _by_model(tables, cell)
    return _section(f"Table 4: test in {lang}, in percent", rows, _describe(tables))


def zero_shot_section(tables: Sequence[Table]) -> Section:
    """Return every data set's zero-shot average: the paper's Table 5."""

    def cell(table: Table, model: str) -> str:
        paper = table.paper.zero_shot(model, table.averaged_langs)
        return _cell(table.zero_shot(model), paper)

    rows = _by_model(tables, cell)
    notes = [name_means(tables), *_describe(tables)]
    if _names_paper(rows):
        notes.append(
            "Beside the paper's models, every average and every retention is over the "
            "languages that the paper averages over: PAWS-X's leaves Japanese out."
        )
    return _section("Table 5: zero-shot average, in percent", rows, notes)


def table_section(table: Table, teacher: str) -> Section:
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
    notes = [describe_seeds(table), describe_examples(table), describe_choice([table])]
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
    if _names_paper(rows):
        title += f" (the paper's Table {table.paper.number})"
    return _section(title, rows, notes)


def details_section(tables: Sequence[Table]) -> Section:
    """Return the other metrics of a data set: source language, zero-shot average."""
    models = models_of(tables)
    rows = [["metric", *models]]
    for table in tables:
        row = [table.metric]
        for model in models:
            source = _cell(table.score(model, table.source_lang))
            row.append(f"{source} / {_cell(table.zero_shot(model))}")
        rows.append(row)
    first = tables[0]
    title = f"{first.name}: other metrics on {first.split}, in percent"
    mean = f" of {', '.join(first.averaged_langs)}" if first.averaged_langs else ""
    notes = [f"Each cell: {first.source_lang} / zero-shot average{mean}."]
    return _section(title, rows, notes)


def findings_section(verdicts: Sequence[Verdict]) -> Section:
    """Return a row for each of the paper's findings, with its numbers."""
    rows = [["finding", "verdict", "zero-shot average, difference in points"]]
    for found in verdicts:
        if found.model is None or found.other is None:
            missing = [p for p, m in zip(found.finding[1:3], found[2:4]) if m is None]
            rows.append(
                [found.finding.claim, "not tried", f"no {' and no '.join(missing)}"]
            )
            continue
        numbers = [
            f"{name} {found.comparisons[name] or f'{difference:+.2f}'}"
            for name, difference in found.differences.items()
        ]
        compared = f"{found.model} less {found.other}: {'; '.join(numbers)}"
        rows.append([found.finding.claim, found.verdict, compared])
    notes = [_describe_test("Holm's method adjusts p over the data sets of a line.")]
    notes.append(
        "Holds: so on one data set or more (*) and the opposite on none; that stage 2 "
        "can hurt does not hold if it helps on all. Undecided: no difference is more "
        "than luck, or there are no outcomes to test. Not tried: no model plays that "
        "part (see --part)."
    )
    return _section("The paper's findings", rows, notes)


def degradation_section(
    tables: Sequence[Table], parts: Mapping[str, str]
) -> Section | None:
    """Return section 4.4's losses of the student, in percent of its teacher's score."""
    if TEACHER not in parts or DISTILLED not in parts:
        return None
    pair = parts[TEACHER], parts[DISTILLED]

    def source(table: Table) -> str:
        ours = [table.score(model, table.source_lang) for model in pair]
        return _loss(ours, [table.paper.english(model) for model in pair])

    def zero_shot(table: Table) -> str:
        langs = table.averaged_langs
        ours = [table.zero_shot(model) for model in pair]
        return _loss(ours, [table.paper.zero_shot(model, langs) for model in pair])

    rows = [["language", *(table.name for table in tables)]]
    rows.append([tables[0].source_lang, *map(source, tables)])
    rows.append(["zero-shot average", *map(zero_shot, tables)])
    notes = [name_means(tables), f"How much less {pair[1]} scores than {pair[0]}."]
    if _names_paper(rows):
        notes.append(
            "The paper's are computed from its Tables 4 and 5 in the same way; its "
            "text divides the English ones by the student's score."
        )
    title = f"Degradation from {pair[0]} to {pair[1]}, in percent (section 4.4)"
    return _section(title, rows, notes)


def significance_section(
    tables: Sequence[Table], drawn: Mapping[str, Resampled], baseline: str
) -> Section:
    """Return every model's zero-shot average less that of one, tested."""

    def cell(table: Table, model: str) -> str:
        found = drawn[table.name].compare(model, baseline, table.averaged_langs)
        return ABSENT if found is None else str(found)

    rows = _by_model(tables, cell)
    rows = [row for row in rows if row[0] != baseline]
    notes = [_describe_test(), name_means(tables)]
    return _section(
        f"Zero-shot average less that of {baseline}, in points", rows, notes
    )


def protocol_section(by_rule: Mapping[str, Sequence[Table]]) -> Section | None:
    """Return the zero-shot averages by the rule that chose the checkpoint."""
    tables = {rule: benchmark_tables(found) for rule, found in by_rule.items()}
    tables = {rule: found for rule, found in tables.items() if found}
    if len(tables) < 2:
        return None
    every = sorted(
        (t for found in tables.values() for t in found), key=lambda t: t.place
    )
    names = dict.fromkeys(t.name for t in every)
    source = every[0].source_lang
    rows = [["model", "checkpoint", *names]]
    for model in models_of(every):
        for rule, found in tables.items():
            own = {
                t.name: _cell(t.zero_shot(model)) for t in found if model in t.models
            }
            if own:
                what = describe_selection(rule, source)
                rows.append([model, what, *(own.get(name, ABSENT) for name in names)])
    first = list({t.name: t for t in every}.values())
    notes = [name_means(first)]
    if ORACLE in tables:
        notes.append(
            "The last rule reads labels of the target languages: it shows what a "
            "better choice could give, and is no zero-shot result."
        )
    if any(rule.startswith("mix-") for rule in tables):
        notes.append(
            "One of several fixed mixes that is picked by these numbers is chosen by "
            "test data."
        )
    return _section("Zero-shot average by the choice of the checkpoint", rows, notes)


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


def describe_choice(tables: Sequence[Table]) -> str:
    """Say which rule chose the models."""
    source = tables[0].source_lang
    chosen = (
        (describe_selection(r.selection, source), r.model)
        for table in tables
        for r in table.results
    )
    by_rule = _group(dict.fromkeys(chosen))
    if len(by_rule) == 1:
        return f"Checkpoint: {next(iter(by_rule))}."
    parts = (f"{', '.join(models)} {rule}" for rule, models in by_rule.items())
    return f"Checkpoints: {'; '.join(parts)}."


def _describe_test(more: str = "") -> str:
    text = (
        f"In brackets: 95% of {DRAWS:,} draws of a paired bootstrap over examples and, "
        "where there are several, seeds; *: p < 0.05."
    )
    return f"{text} {more}".strip()


def name_means(tables: Sequence[Table]) -> str:
    """Say over which languages each data set's average is."""
    by_langs = _group((", ".join(table.averaged_langs), table.name) for table in tables)
    means = [f"{', '.join(names)} of {langs}" for langs, names in by_langs.items()]
    return f"Means: {'; '.join(means)}."


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return what is said -> the names of which it is true, both in their order."""
    found: dict[str, list[str]] = {}
    for said, name in pairs:
        found.setdefault(said, []).append(name)
    return found


def _by_model(tables: Sequence[Table], cell: Callable[[Table, str], str]) -> Rows:
    """Return a row per model, a column per data set."""
    rows = [
        [model, *(cell(table, model) for table in tables)]
        for model in models_of(tables)
    ]
    return [["model", *(table.name for table in tables)], *rows]


def _cell(score: Score | None, paper: float | None = None) -> str:
    if score is None:
        return ABSENT
    return str(score) if paper is None else f"{score} (paper {paper:.2f})"


def _loss(ours: Sequence[Score | None], paper: Sequence[float | None]) -> str:
    teacher, student = ours
    if teacher is None or student is None:
        return ABSENT
    text = f"{degradation(teacher.mean, student.mean):.2f}"
    if paper[0] is None or paper[1] is None:
        return text
    return f"{text} (paper {degradation(paper[0], paper[1]):.2f})"


def _describe(tables: Sequence[Table]) -> list[str]:
    """Return the metrics, seeds and choices of several data sets."""
    metrics = ", ".join(f"{table.name} {table.metric}" for table in tables)
    seeds = _group((describe_seeds(table), table.name) for table in tables)
    lines = [f"Metrics: {metrics}."]
    if len(seeds) == 1:
        lines += seeds
    else:
        lines += [f"{', '.join(names)}: {text}" for text, names in seeds.items()]
    return [*lines, describe_choice(tables)]


def _names_paper(rows: Rows) -> bool:
    return any("(paper " in cell for row in rows for cell in row[1:])


def _section(title: str, rows: Rows, notes: list[str]) -> Section:
    """Return a section; notes that any table may need are added."""
    if any(ABSENT in cell for row in rows for cell in row[1:]):
        notes.append(f"{ABSENT}: not measured, or not in every target language.")
    if _names_paper(rows):
        notes.append(f"(paper ...): {CITATION}.")
    return Section(title, rows, notes)


def _counts(result: Result) -> str:
    dropped = f" ({result.dropped:,} dropped)" if result.dropped else ""
    return f"{result.examples:,}{dropped}"
