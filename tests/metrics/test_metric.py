"""Accuracy, perplexity, parses, and which metric is for which rows."""

import math

import numpy as np
import pytest

from fairseq_mlkd.metrics.accuracy import Accuracy
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.metrics.metric import add_up
from fairseq_mlkd.metrics.parsing import ParseMatch
from fairseq_mlkd.metrics.perplexity import Perplexity
from fairseq_mlkd.metrics.spans import EntityF1, IntentSlotMatch


def test_accuracy_and_chance():
    gold, predicted = ([{"label": [c]} for c in row] for row in ("aabb", "abbb"))
    (score,) = Accuracy(3).score_rows(gold, predicted)
    assert score[:3] == ("accuracy", 75.0, 4)
    assert score.chance == pytest.approx(100 / 3)
    assert Accuracy().score_rows(gold, predicted)[0].chance is None


def test_perplexity_is_that_of_all_tokens_together():
    batches = [
        {"loss": 6 * math.log(2), "sample_size": 2, "nsentences": 1},
        {"loss": 2 * math.log(2), "sample_size": 6, "nsentences": 3},
    ]
    counts = add_up({k: np.asarray(v) for k, v in b.items()} for b in batches)
    (score,) = Perplexity().scores(counts)
    assert score.value == pytest.approx(2.0) and score.examples == 4


def test_parses():
    gold = [{"target": ["[IN:A", "[SL:B", "x", "]", "]"]}] * 2
    predicted = [gold[0], {"target": ["[IN:A"]}]
    values = [score.value for score in ParseMatch().score_rows(gold, predicted)]
    assert values == [50.0, 50.0, 50.0, 100.0, 50.0]


@pytest.mark.parametrize(
    "folders, kind",
    [
        (("target", "words"), ParseMatch),
        (("label", "intent", "words"), IntentSlotMatch),
        (("label", "words"), EntityF1),
        (("label",), Accuracy),
    ],
)
def test_what_a_row_has_says_how_it_is_scored(folders, kind):
    assert type(choose_metric(folders)) is kind


def test_types_of_spans_come_from_the_tags():
    metric = choose_metric(("label", "words"), tags=[["B-b"], ["O"], ["I-a"]])
    assert metric.types == ["a", "b"]
