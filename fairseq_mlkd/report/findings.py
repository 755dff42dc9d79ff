"""The paper's three findings, and section 4.4's degradations, for a set of tables."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fairseq_mlkd.report.paper import letters
from fairseq_mlkd.report.significance import LEVEL, Comparison, Resampled, adjust
from fairseq_mlkd.report.tables import Table

TEACHER, VANILLA, DISTILLED = "mBERT8", "Vanilla mLeanBERT", "mLeanBERT"
LARGER, STAGE_2 = "mXLeanBERT", "mLeanBERT (ft-distill)"
# the paper's models, and what else plays their parts
PARTS = {
    TEACHER: ("teacher",),
    VANILLA: ("vanilla student", "vanilla"),
    DISTILLED: ("distilled student", "distilled"),
    LARGER: ("distilled student (larger teacher)", "larger"),
    STAGE_2: ("distilled student (stage 2)", "stage 2 student", "stage 2"),
}
HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided at this scale"


class Finding(NamedTuple):
    """One of the paper's findings.

    Attributes:
        claim: in a sentence.
        model: and `other`, the paper's models that it compares.
        worse: whether it claims that `model` can be the worse one.
    """

    claim: str
    model: str
    other: str
    worse: bool = False


FINDINGS = (
    Finding(
        "Distillation during pretraining (stage 1) helps zero-shot transfer",
        DISTILLED,
        VANILLA,
    ),
    Finding(
        "Distillation during fine-tuning (stage 2) can hurt zero-shot transfer",
        STAGE_2,
        DISTILLED,
        worse=True,
    ),
    Finding("A larger teacher gives a better student", LARGER, DISTILLED),
)


class Verdict(NamedTuple):
    """What a set of tables says of a finding.

    Attributes:
        differences: data set -> the zero-shot average of the one model less that of
            the other, in points.
        comparisons: data set -> whether that is more than luck, where that is known.
    """

    finding: Finding
    verdict: str
    model: str | None
    other: str | None
    differences: dict[str, float]
    comparisons: dict[str, Comparison | None]


def find_parts(models: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    """Return which model plays the part of which of the paper's.

    Args:
        models: that there are.
        named: the paper's model -> one of `models`, as the user said.
    """
    found = dict(named)
    by_letters = {letters(model): model for model in reversed(models)}
    for part, others in PARTS.items():
        here = [by_letters[n] for n in map(letters, (part, *others)) if n in by_letters]
        if here:
            found.setdefault(part, here[0])
    return found


def judge(
    finding: Finding,
    parts: Mapping[str, str],
    tables: Mapping[str, Table],
    drawn: Mapping[str, Resampled],
) -> Verdict:
    """Return what the zero-shot averages say of a finding.

    Over the data sets, p is adjusted by Holm's method. A claim that a model is better
    holds if it is so, beyond `LEVEL`, on one data set or more and worse on none; it
    does not hold if the model is worse on one. A claim that it can be worse holds if
    it is so on one, and does not hold if it is better on all.

    Args:
        parts: as `find_parts` returns.
        tables: data set, in print -> its scores.
        drawn: data set -> its draws.
    """
    model, other = parts.get(finding.model), parts.get(finding.other)
    differences, comparisons = {}, {}
    for name, table in tables.items():
        ours, theirs = (table.zero_shot(m) if m else None for m in (model, other))
        if ours is None or theirs is None:
            continue
        differences[name] = ours.mean - theirs.mean
        comparisons[name] = drawn[name].compare(
            str(model), str(other), table.averaged_langs
        )
    known = {name: c for name, c in comparisons.items() if c is not None}
    ps = adjust([c.p for c in known.values()])
    known = {name: c._replace(p=p) for (name, c), p in zip(known.items(), ps)}
    signs = [math.copysign(c.p < LEVEL, c.difference) for c in known.values()]
    verdict = _decide(signs, len(differences), finding.worse)
    return Verdict(
        finding, verdict, model, other, differences, {**comparisons, **known}
    )


def _decide(signs: Sequence[float], total: int, worse: bool) -> str:
    """Decide by the signs of the differences that are more than luck, 0 for others."""
    better, less = signs.count(1), signs.count(-1)
    if worse:
        if less:
            return HOLDS
        return FAILS if total and better == total else UNDECIDED
    if less:
        return FAILS
    return HOLDS if better else UNDECIDED


def degradation(teacher: float, student: float) -> float:
    """Return what the student lost, in percent of the teacher's score."""
    return 100.0 * (teacher - student) / teacher if teacher else float("nan")
