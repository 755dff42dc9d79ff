"""Sections and tables -> Markdown, LaTeX, CSV and JSON."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.report.pages import Section
from fairseq_mlkd.report.tables import Score, Table

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    },
    **{"±": r"$\pm$", "–": "--", "→": r"$\rightarrow$", "<": "$<$", ">": "$>$"},
}


def to_markdown(sections: Sequence[Section]) -> str:
    """Return a report to be read as it is, too."""
    parts = [
        f"## {s.title}\n\n{align(s.rows)}\n\n" + "  \n".join(s.notes) + "\n"
        for s in sections
    ]
    return "\n".join(parts)


def to_latex(sections: Sequence[Section]) -> str:
    """Return a `table` for each section, for \\input; no package is needed."""
    return "\n".join(map(_latex_table, sections))


def _latex_table(section: Section) -> str:
    head, *rows = ([_latex(cell) for cell in row] for row in section.rows)
    lines = [
        r"\begin{table*}[t]",
        r"\centering\small",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"\hline",
        f"{' & '.join(head)} \\\\",
        r"\hline",
        *(f"{' & '.join(row)} \\\\" for row in rows),
        r"\hline",
        r"\end{tabular}",
        rf"\caption{{{_latex(section.title)}. {_latex(' '.join(section.notes))}}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def to_records(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return a record per data set, metric, split, model and language or average."""
    records = []
    for table in tables:
        scored = [(lang, [lang]) for lang in table.langs]
        if table.target_langs and not table.is_perplexity:
            scored.append(("zero-shot average", table.averaged_langs))
        for model in table.models:
            for name, langs in scored:
                score = table.mean(model, langs)
                if score is not None:
                    records.append(_record(table, model, name, langs, score))
    return records


def _record(
    table: Table, model: str, name: str, langs: Sequence[str], score: Score
) -> dict[str, Any]:
    is_mean = name not in table.langs
    paper = table.paper.zero_shot(model, langs) if is_mean else None
    return {
        "dataset": table.dataset,
        "metric": table.metric,
        "split": table.split,
        "selection": table.selection(model),
        "model": model,
        "lang": name,
        "langs": " ".join(langs),
        "mean": score.mean,
        "deviation": score.deviation,
        "seeds": " ".join(map(str, table.seeds(model))),
        "paper": paper if is_mean else table.paper.score(model, name),
    }


def to_csv(records: Sequence[dict[str, Any]]) -> str:
    """Return the records with a header; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def to_json(sections: Sequence[Section], records: Sequence[dict[str, Any]]) -> str:
    """Return the sections as they are printed, and the records in full precision."""
    content = {"sections": [s._asdict() for s in sections], "scores": list(records)}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
