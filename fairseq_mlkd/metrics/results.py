"""Result lines: one JSON object per line, one line per number that was measured."""

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.json_objects import parse_json
from fairseq_mlkd.files.lines import read_lines


@dataclass(frozen=True)
class Result:
    """One measured number.

    Attributes:
        dataset: such as `xnli`; `pretraining` for the masked-LM perplexity.
        metric: its full name, such as `accuracy` or `masked-LM perplexity`.
        value: in percent (0 to 100), perplexities as they are.
        examples: how many examples were scored.
        dropped: how many were left out when the data were prepared.
        seed: of the training run.
        checkpoint: path of the model that was scored.
        chance: what guessing scores, in percent, where that is known.
        selection: the rule that chose the checkpoint, such as `best`; empty: not known.
    """

    dataset: str
    model: str
    lang: str
    metric: str
    value: float
    examples: int
    dropped: int = 0
    seed: int = 1
    checkpoint: str = ""
    split: str = "test"
    chance: float | None = None
    selection: str = ""


FIELDS = {field.name: field for field in fields(Result)}
TEXT = ("dataset", "model", "lang", "metric", "checkpoint", "split", "selection")
COUNTS = ("examples", "dropped", "seed")


def append_results(path: str, results: Iterable[Result]) -> None:
    """Append lines in a single write, so that parallel processes do not interleave.

    They begin on a line of their own, also behind one that was left without its end.
    """
    lines = [json.dumps(asdict(result), ensure_ascii=False) for result in results]
    data = "".join(f"{line}\n" for line in lines).encode()
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        if data and size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def read_results(paths: Iterable[str]) -> list[Result]:
    """Read the lines of all files in order; blank lines are passed over.

    Raises:
        ValueError: a line is no result; the message names file and line.
    """
    results = []
    for path in paths:
        for line, text in enumerate(read_lines(path), start=1):
            if text.strip():
                results.append(_parse(f"{path}:{line}", text))
    return results


def _parse(place: str, text: str) -> Result:
    advice = "correct or remove the line"
    values = parse_json(text, place, advice)
    problem = _find_problem(values)
    if problem:
        raise ValueError(f"{place}: {problem}; {advice}")
    return Result(**values)


def _find_problem(values: dict[str, Any]) -> str | None:
    """Return what keeps `values` from being a result, `None` if nothing does."""
    required = [name for name, field in FIELDS.items() if field.default is MISSING]
    missing = [name for name in required if name not in values]
    unknown = [name for name in values if name not in FIELDS]
    if missing or unknown:
        kind = "no" if missing else "unknown"
        return f"{kind} field {', '.join(missing or unknown)}"
    wrong = [name for name, value in values.items() if not _fits(name, value)]
    return f"bad value in {', '.join(wrong)}" if wrong else None


def _fits(name: str, value: Any) -> bool:
    if name in TEXT:
        return isinstance(value, str)
    if name == "chance" and value is None:
        return True
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in COUNTS:
        return number and isinstance(value, int)
    return number and math.isfinite(value)


def latest_results(results: Iterable[Result]) -> list[Result]:
    """Return the last result per dataset, model, language, metric, seed, split, rule.

    The order is that in which each first appeared.
    """
    latest: dict[Any, Result] = {}
    for r in results:
        key = (r.dataset, r.model, r.lang, r.metric, r.seed, r.split, r.selection)
        latest[key] = r
    return list(latest.values())


def results_of(checkpoint: Path, given: Path | None = None) -> list[Result]:
    """Return the lines that name this checkpoint, or none; empty without a file.

    Where no line has its path, which may have been moved, its file name will do.

    Args:
        given: a file of result lines; default: `results.jsonl` beside the checkpoint.
    Raises:
        ValueError: the given file is missing, a line is no result, or lines are of
            several models.
    """
    path = given or checkpoint.with_name("results.jsonl")
    if not path.is_file():
        if given:
            raise ValueError(f"--results {path}: no such file")
        return []
    lines = read_results([str(path)])
    own = [r for r in lines if r.checkpoint and _is_same(r.checkpoint, checkpoint)]
    name = checkpoint.name
    named = [r for r in lines if Path(r.checkpoint or name).name == name]
    models = dict.fromkeys(r.model for r in named)
    if not own and len(models) > 1:
        raise ValueError(
            f"{path}: no line has the path {checkpoint}, and those of its name are of "
            f"{' and '.join(models)}: give --results with its lines alone"
        )
    return own or named


def _is_same(path: str, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def main_scores(results: Sequence[Result]) -> dict[str, float]:
    """Return each language's test score, of the metric that comes first."""
    found = [r for r in latest_results(results) if r.split == "test"]
    return {r.lang: r.value for r in found if r.metric == found[0].metric}
