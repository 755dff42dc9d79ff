"""What became of each example, kept beside the result lines for paired tests.

The outcome of an example is a row of small counts that add up to the score: whether the
answer is right, or for spans how many are in both, predicted and true. A file of
results `NAME.jsonl` has them in the folder `NAME.outcomes`, a file per model, language,
split, seed and selection.
"""

import hashlib
import math
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairseq_mlkd.files.writing import copy_file, replace_on_success
from fairseq_mlkd.metrics.results import Result, append_results

_REMEDY = "remove it, or evaluate again"


def outcome_score(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the score in percent of outcomes that were added up.

    Args:
        sums: `(..., 2)`: right answers and answers; `(..., 3)`: spans that are in both,
            predicted and true ones, which give their F1.
    """
    right, *totals = np.moveaxis(sums, -1, 0)
    scores: NDArray[np.float64] = (
        100.0 * len(totals) * right / np.maximum(sum(totals), 1)
    )
    return scores


def outcome_file(results: str, line: Result) -> Path:
    """Return where the outcomes behind a line of the file `results` are."""
    key = (line.dataset, line.model, line.lang, line.split, line.seed, line.selection)
    name = hashlib.sha256(repr(key).encode()).hexdigest()[:20]
    return Path(f"{results.removesuffix('.jsonl')}.outcomes", f"{name}.npz")


def write_outcomes(results: str, line: Result, outcomes: NDArray[np.int64]) -> None:
    """Keep the outcomes behind a line; nothing where they do not add up to its value.

    Args:
        results: the file of the line.
        outcomes: `(examples, 2)` or `(examples, 3)`, in the order of the data.
    """
    if not _adds_up(outcomes, line):
        return
    path = outcome_file(results, line)
    path.parent.mkdir(parents=True, exist_ok=True)
    small = outcomes.astype(np.uint16)
    with replace_on_success(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, outcomes=small, metric=np.array(line.metric))


def read_outcomes(results: str, line: Result) -> NDArray[np.int64] | None:
    """Return the outcomes `(examples, 2 or 3)` behind a line; None: not kept.

    Raises:
        ValueError: the file is damaged, or of another evaluation than the line.
    """
    path = outcome_file(results, line)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as found:
            outcomes: NDArray[np.int64] = found["outcomes"].astype(np.int64)
            metric = str(found["metric"])
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile):
        raise ValueError(f"{path}: damaged: {_REMEDY}") from None
    if metric != line.metric:
        return None
    if outcomes.shape[1:] not in ((2,), (3,)) or not _adds_up(outcomes, line):
        raise ValueError(
            f"{path}: not of the evaluation that gave {line.value:.2f} in {results} "
            f"({line.model}, {line.dataset}, {line.lang}): {_REMEDY}"
        )
    return outcomes


def repeat_results(
    results: str, lines: Sequence[Result], checkpoint: str, selection: str
) -> None:
    """Write lines and their outcomes again, for another checkpoint of the same weights.

    Args:
        results: the file of the lines.
        checkpoint: path of the other checkpoint.
        selection: the rule that chose it.
    """
    for line in lines:
        source = outcome_file(results, line)
        if source.is_file():
            again = replace(line, selection=selection)
            copy_file(source, outcome_file(results, again))
    append_results(
        results,
        [replace(x, checkpoint=checkpoint, selection=selection) for x in lines],
    )


def _adds_up(outcomes: NDArray[np.int64], line: Result) -> bool:
    score = float(outcome_score(outcomes.sum(axis=0)))
    return len(outcomes) == line.examples and math.isclose(
        score, line.value, abs_tol=1e-6
    )
