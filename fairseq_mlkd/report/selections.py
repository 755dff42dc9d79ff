"""Which rule chose the models of a report: see docs/protocol.md."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fairseq_mlkd.metrics.results import Result

ORACLE = "oracle"
_NUMBERED = re.compile(r"checkpoint(\d+|_\d+_\d+)")
_MEAN = re.compile(r"mean-(\d+)")
_MIX = re.compile(r"mix-([\d.e-]+)")
_SEEDS = re.compile(r"seeds-(\d+)-of-(.+)")
_NAMES = {
    "best": "selected by validation in {}",
    "last": "end of training",
    "": "not stated",
    "mix": "mixed with weights from before, as much as validation in {} allows",
    ORACLE: "selected by each language's own validation data; for diagnosis alone",
}


def describe_selection(rule: str, source_lang: str) -> str:
    """Return a rule in words."""
    mean = _MEAN.fullmatch(rule)
    if mean:
        return f"mean of the last {mean[1]} checkpoints' weights"
    mix = _MIX.fullmatch(rule)
    if mix:
        return f"weights mixed {mix[1].replace('-', ' : ')}"
    seeds = _SEEDS.fullmatch(rule)
    if seeds:
        each = describe_selection(seeds[2], source_lang)
        return f"mean of {seeds[1]} seeds' weights, each: {each}"
    return _NAMES.get(rule, f"{rule}.pt").format(source_lang)


def split_selections(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the results by rule, the oracle's last, without single checkpoints."""
    by_rule: dict[str, list[Result]] = {"best": [], "last": []}
    candidates = []
    for result in results:
        if _NUMBERED.fullmatch(result.selection):
            candidates.append(result)
        else:
            by_rule.setdefault(result.selection, []).append(result)
    by_rule[ORACLE] = choose_by_oracle(candidates)
    return {rule: found for rule, found in by_rule.items() if found}


def choose_by_oracle(results: Sequence[Result]) -> list[Result]:
    """Return, of several checkpoints, the results that each language would have chosen.

    Those of test data, of the checkpoint that does best on the language's validation
    data; of equal ones the first. Nothing for a language without validation data.
    """
    found: dict[tuple[Any, ...], dict[str, dict[str, Result]]] = {}
    for r in results:
        key = (r.dataset, r.model, r.metric, r.lang, r.seed)
        found.setdefault(key, {}).setdefault(r.split, {})[r.selection] = r
    chosen = []
    for splits in found.values():
        valid, test = splits.get("valid", {}), splits.get("test", {})
        both = [rule for rule in valid if rule in test]
        if both:
            best = max(both, key=lambda rule: valid[rule].value)
            chosen.append(replace(test[best], selection=ORACLE))
    return chosen


def choose_selection(results: Sequence[Result], wanted: str | None) -> list[Result]:
    """Return the results of one rule: what the tables show.

    Args:
        wanted: the rule; None: of each model and data set the first of `best`, one that
            is not stated, and any other but the oracle's.
    Raises:
        ValueError: no model was chosen by it.
    """
    rules = split_selections(results)
    if wanted is not None:
        if wanted not in rules:
            raise ValueError(f"--selection {wanted}: there are {', '.join(rules)}")
        return rules[wanted]
    order: list[str] = [rule for rule in ("best", "") if rule in rules]
    order += [rule for rule in rules if rule not in (*order, ORACLE)]
    first: dict[tuple[str, str], str] = {}
    for rule in order:
        for r in rules[rule]:
            first.setdefault((r.model, r.dataset), rule)
    return [r for r in results if first.get((r.model, r.dataset)) == r.selection]
