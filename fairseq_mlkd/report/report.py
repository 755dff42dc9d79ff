"""Everything that a report says, from result lines and what is kept beside them."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from fairseq_mlkd.metrics.outcomes import read_outcomes
from fairseq_mlkd.metrics.results import Result
from fairseq_mlkd.report.findings import FINDINGS, VANILLA, find_parts, judge
from fairseq_mlkd.report.formats import (
    to_csv,
    to_json,
    to_latex,
    to_markdown,
    to_records,
)
from fairseq_mlkd.report.pages import (
    Section,
    benchmark_tables,
    degradation_section,
    findings_section,
    protocol_section,
    significance_section,
    table_sections,
)
from fairseq_mlkd.report.selections import choose_selection, split_selections
from fairseq_mlkd.report.significance import Resampled
from fairseq_mlkd.report.tables import Table, group_tables, make_tables
from fairseq_mlkd.report.web import to_html


class Report:
    """A report of result lines.

    Args:
        results: each with the file that it is from.
        source_lang: the language of the training data.
        titles: names of data sets in print, in the order of columns.
        teacher: retention is measured against it; None: the model of that name.
        baseline: all others are tested against it.
        parts: the paper's model -> the one that plays its part.
        selection: the rule whose models stand in the tables.
        latency: a file of `mlkd-latency --json`.
    Raises:
        ValueError: a model or a rule that has no results.
    """

    def __init__(
        self,
        results: Mapping[Result, str],
        source_lang: str,
        titles: Mapping[str, str],
        *,
        teacher: str | None = None,
        baseline: str | None = None,
        parts: Mapping[str, str] | None = None,
        selection: str | None = None,
        latency: Path | None = None,
    ) -> None:
        self.results, self.titles = results, titles
        self.source_lang = source_lang
        shown = choose_selection(list(results), selection)
        self.tables = make_tables(shown, source_lang, titles)
        self.benchmarks = benchmark_tables(self.tables)
        models = list(dict.fromkeys(r.model for r in shown))
        self._check("--teacher", teacher, models)
        self._check("--baseline", baseline, models)
        for model in (parts or {}).values():
            self._check("--part", model, models)
        self.teacher = teacher or "teacher"
        self.parts = find_parts(models, parts or {})
        self.baseline = baseline or self.parts.get(VANILLA, models[0])
        self.costs = read_costs(latency, models) if latency else []

    @staticmethod
    def _check(flag: str, model: str | None, models: list[str]) -> None:
        if model is not None and model not in models:
            have = ", ".join(models)
            raise ValueError(f"{flag} {model}: no such model; have {have}")

    @property
    def drawn(self) -> list[Table]:
        """What the picture shows: the first metric of each data set and split."""
        firsts = [table for table, *_ in group_tables(self.tables)]
        return [table for table in firsts if not table.is_perplexity]

    @cached_property
    def sections(self) -> list[Section]:
        """All sections, what was found first."""
        return [*self._judged(), *table_sections(self.tables, self.teacher)]

    def _judged(self) -> list[Section]:
        """Return what takes more than one table, or outcomes."""
        tables = [t for t in self.benchmarks if t.target_langs]
        drawn = {t.name: self._resample(t) for t in tables}
        by_name = {t.name: t for t in tables}
        found: list[Section | None] = []
        if tables and {*self.parts}.intersection(f.model for f in FINDINGS):
            verdicts = [judge(f, self.parts, by_name, drawn) for f in FINDINGS]
            found.append(findings_section(verdicts))
        if tables:
            found.append(degradation_section(tables, self.parts))
            if any(r.is_known for r in drawn.values()):
                found.append(significance_section(tables, drawn, self.baseline))
        by_rule = {
            rule: make_tables(results, self.source_lang, self.titles)
            for rule, results in split_selections(list(self.results)).items()
        }
        found.append(protocol_section(by_rule))
        return [section for section in found if section is not None]

    def _resample(self, table: Table) -> Resampled:
        outcomes = {}
        for r in table.results:
            rows = read_outcomes(self.results[r], r)
            if rows is not None:
                outcomes[r.model, r.lang, r.seed] = rows
        return Resampled(table, outcomes)

    def files(self) -> dict[str, str]:
        """Return the report in every form of text, by file name."""
        records = to_records(self.tables)
        return {
            "report.md": to_markdown(self.sections),
            "report.tex": to_latex(self.sections),
            "report.csv": to_csv(records),
            "report.json": to_json(self.sections, records),
            "report.html": to_html(
                self.sections, self.benchmarks, self.teacher, self.costs
            ),
        }


def read_costs(path: Path, models: list[str]) -> list[dict[str, Any]]:
    """Read size and milliseconds a sentence of the models that a report knows.

    Raises:
        ValueError: the file is not what `mlkd-latency --json` writes, or is about other
            models.
    """
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        found = [
            {
                **{key: str(row[key]) for key in ("model", "engine")},
                "disk": float(row["disk"]),
                "p50": float(row["p50"]) / int(row["batch"]),
            }
            for row in rows
            if (row["threads"], row["batch"]) == (rows[0]["threads"], rows[0]["batch"])
        ]
        found[0]
    except (ValueError, KeyError, TypeError, IndexError):
        raise ValueError(
            f"--latency {path}: not what mlkd-latency --json writes"
        ) from None
    known: list[dict[str, Any]] = [row for row in found if row["model"] in models]
    if not known:
        names = ", ".join(dict.fromkeys(str(row["model"]) for row in found))
        raise ValueError(
            f"--latency {path}: has {names}, and the results have "
            f"{', '.join(models)}: export to folders of those names"
        )
    return known
