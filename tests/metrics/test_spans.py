"""Entity and slot F1, against seqeval itself."""

import random
import warnings

import pytest
import torch
from seqeval.metrics import classification_report, f1_score

from fairseq_mlkd.metrics.spans import count_spans, span_f1, span_types

warnings.filterwarnings("ignore", category=UserWarning)

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-a.b-c", "I-a.b-c"]
TYPES = ["LOC", "PER", "a.b-c"]


def random_tags(rng: random.Random, lengths: list[int]) -> list[list[str]]:
    """Any order of tags: I- without B-, I- after another type, neighbours."""
    return [rng.choices(TAGS, k=length) for length in lengths]


@pytest.mark.parametrize("seed", range(30))
def test_equals_seqeval(seed):
    rng = random.Random(seed)
    lengths = [rng.randint(1, 9) for _ in range(rng.randint(1, 12))]
    gold = random_tags(rng, lengths)
    predicted = [
        [g if rng.random() < 0.7 else p for g, p in zip(*rows)]
        for rows in zip(gold, random_tags(rng, lengths))
    ]
    counts = count_spans(gold, predicted, TYPES)
    assert span_f1(counts) == pytest.approx(100 * f1_score(gold, predicted))
    report = classification_report(gold, predicted, output_dict=True)
    for kind, row in zip(TYPES, counts):
        expected = report.get(kind, {"f1-score": 0.0, "support": 0})
        assert span_f1(row) == pytest.approx(100 * expected["f1-score"])
        assert row[2] == expected["support"]


@pytest.mark.parametrize("gold", [["O", "O"], ["B-PER", "I-PER"]])
@pytest.mark.parametrize("predicted", [["O", "O"], ["B-PER", "I-PER"], ["I-LOC", "O"]])
def test_equals_seqeval_where_spans_are_missing(gold, predicted):
    counts = count_spans([gold], [predicted], TYPES)
    expected = 100 * f1_score([gold], [predicted], zero_division=0)
    assert span_f1(counts) == pytest.approx(expected)


def test_a_type_counts_that_only_one_side_has():
    gold, predicted = [["B-PER", "O", "O"]], [["B-PER", "O", "B-LOC"]]
    counts = count_spans(gold, predicted, TYPES)
    assert counts.tolist() == [[0, 1, 0], [1, 1, 1], [0, 0, 0]]
    assert span_f1(counts) == pytest.approx(100 * 2 / 3)
    assert span_f1(count_spans(predicted, gold, TYPES)) == span_f1(counts)


def test_spans_do_not_run_on_into_the_next_sentence():
    gold = [["B-PER"], ["I-PER"]]
    assert count_spans(gold, gold, TYPES).sum(0).tolist() == [2, 2, 2]


def test_counts_add_up():
    rng = random.Random(1)
    gold, predicted = (random_tags(rng, [5] * 8) for _ in range(2))
    parts = [count_spans(gold[i::2], predicted[i::2], TYPES) for i in range(2)]
    assert torch.equal(sum(parts), count_spans(gold, predicted, TYPES))


def test_nothing_at_all():
    assert span_f1(count_spans([], [], TYPES)) == 0.0
    assert span_f1(count_spans([["O"]], [["O"]], [])) == 0.0


def test_types_of_tags():
    assert span_types(TAGS) == TYPES
    assert span_types(["O", "I-X"]) == ["X"]
