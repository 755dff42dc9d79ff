"""Significance: against loops, formulas and scipy, and under the null hypothesis."""

import math
import random
import statistics

import numpy as np
import pytest
from random_results import random_outcomes, write_results

from fairseq_mlkd.metrics.outcomes import outcome_score, read_outcomes
from fairseq_mlkd.report.significance import (
    Resampled,
    adjust,
    compare,
    draw_seeds,
    resample,
)
from fairseq_mlkd.report.tables import make_tables


def slow_score(rows):
    """Accuracy or F1 of rows of counts, from its definition."""
    sums = [sum(column) for column in zip(*rows)]
    if len(sums) == 2:
        return 100 * sums[0] / sums[1]
    both, found, true = sums
    precision, recall = both / found, both / true
    return 100 * 2 * precision * recall / (precision + recall)


def slow_interval(ours, theirs, rng, draws=1500):
    """Bootstrap by hand: `ours` and `theirs` are seed -> language -> rows."""
    found = []
    langs = list(ours[0])
    for _ in range(draws):
        drawn = {
            lang: rng.choices(range(len(ours[0][lang])), k=len(ours[0][lang]))
            for lang in langs
        }
        means = []
        for seeds in (ours, theirs):
            chosen = rng.choices(seeds, k=max(1, len(seeds) - 1))
            means.append(
                statistics.mean(
                    slow_score([seed[lang][i] for i in drawn[lang]])
                    for seed in chosen
                    for lang in langs
                )
            )
        found.append(means[0] - means[1])
    found.sort()
    below = sum(x <= 0 for x in found) / draws
    low, high = found[int(0.025 * draws)], found[int(0.975 * draws)]
    return low, high, 2 * min(below, 1 - below)


@pytest.mark.parametrize("dataset", ["xnli", "wikiann"])
def test_agrees_with_a_bootstrap_by_hand(dataset, tmp_path):
    path = tmp_path / "r.jsonl"
    lines = write_results(path, {"a": 0.55, "b": 0.5}, datasets=[dataset], examples=60)
    outcomes = {(r.model, r.lang, r.seed): read_outcomes(str(path), r) for r in lines}
    (table,) = make_tables(lines, "en")
    found = Resampled(table, outcomes).compare("a", "b", ["fr", "de"])
    ours, theirs = (
        [
            {lang: outcomes[model, lang, s].tolist() for lang in ("fr", "de")}
            for s in (1, 2, 3)
        ]
        for model in "ab"
    )
    low, high, p = slow_interval(ours, theirs, random.Random(1))
    width = high - low
    assert found.difference == pytest.approx(
        statistics.mean(slow_score(s[x]) for s in ours for x in s)
        - statistics.mean(slow_score(s[x]) for s in theirs for x in s)
    )
    assert found.low == pytest.approx(low, abs=0.1 * width)
    assert found.high == pytest.approx(high, abs=0.1 * width)
    assert found.p == pytest.approx(p, abs=0.06)


def test_agrees_with_the_formula_and_with_scipy_for_one_seed():
    scipy_stats = pytest.importorskip("scipy.stats", reason="an independent bootstrap")
    rng = np.random.default_rng(3)
    rows = {
        key: random_outcomes(rng, "xnli", 400, p) for key, p in zip("ab", (0.7, 0.6))
    }
    drawn = resample(rows, "label")
    found = compare(drawn["a"][:, None], drawn["b"][:, None], 1)
    gain = 100.0 * (rows["a"][:, 0] - rows["b"][:, 0])
    error = gain.std() / math.sqrt(400)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.08)
    theirs = scipy_stats.bootstrap(
        (gain,), np.mean, n_resamples=2000, method="percentile", vectorized=True
    ).confidence_interval
    assert [found.low, found.high] == pytest.approx([*theirs], abs=0.3 * error)


def test_pairs_are_kept():
    """The same examples are drawn for both: equal models never differ."""
    rng = np.random.default_rng(4)
    rows = random_outcomes(rng, "xnli", 50, 0.5)
    drawn = resample({"a": rows, "b": rows.copy()}, "label")
    assert (drawn["a"] == drawn["b"]).all()
    found = compare(drawn["a"][:, None], drawn["b"][:, None], 1)
    assert (found.low, found.high, found.p) == (0, 0, 1)
    # and a small but steady gain is found where independent draws would not
    better = rows.copy()
    better[np.flatnonzero(rows[:, 0] == 0)[:5], 0] = 1
    drawn = resample({"a": better, "b": rows}, "label")
    found = compare(drawn["a"][:, None], drawn["b"][:, None], 1)
    assert found.p < 0.05 and found.low > 0
    shuffled = compare(drawn["a"][:, None], drawn["b"][::-1, None], 1)
    assert shuffled.p > 0.05


def test_seldom_finds_what_is_not_there():
    """Seeds differ, models do not: about one comparison in twenty is starred."""
    rng = np.random.default_rng(5)
    starred = 0
    for trial in range(120):
        rows = {
            (model, seed): random_outcomes(rng, "xnli", 100, 0.6 + rng.normal(0, 0.03))
            for model in "ab"
            for seed in range(4)
        }
        drawn = resample(rows, str(trial))
        ours, theirs = (
            np.stack([drawn[model, seed] for seed in range(4)], axis=1)
            for model in "ab"
        )
        starred += compare(ours, theirs, trial).p < 0.05
    assert 1 <= starred <= 14


def test_the_variance_over_seeds_is_that_of_their_mean():
    scores = np.tile([50.0, 52.0, 57.0], (20_000, 1))
    drawn = draw_seeds(scores, np.random.default_rng(6))
    assert drawn.var() == pytest.approx(np.var(scores[0], ddof=1) / 3, rel=0.03)


def test_holm():
    assert adjust([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust([0.9, 0.8]) == [1.0, 1.0] and adjust([]) == []


def test_without_outcomes_of_both_nothing_is_said(tmp_path):
    path = tmp_path / "r.jsonl"
    lines = write_results(path, {"a": 0.6, "b": 0.4}, datasets=["xnli"])
    outcomes = {
        (r.model, r.lang, r.seed): read_outcomes(str(path), r)
        for r in lines
        if r.model == "a"
    }
    (table,) = make_tables(lines, "en")
    assert Resampled(table, outcomes).compare("a", "b", ["fr"]) is None
    assert outcome_score(np.zeros(2)) == 0
