"""Entity and slot F1, against seqeval itself."""

import random
import warnings

import pytest
from seqeval.metrics import classification_report, f1_score

from fairseq_mlkd.metrics.metric import add_up
from fairseq_mlkd.metrics.spans import (
    EntityF1,
    IntentSlotMatch,
    count_spans,
    find_odd_tags,
    span_f1,
    span_types,
)

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
    assert (sum(parts) == count_spans(gold, predicted, TYPES)).all()


def test_nothing_at_all():
    assert span_f1(count_spans([], [], TYPES)) == 0.0
    assert span_f1(count_spans([["O"]], [["O"]], [])) == 0.0


def test_types_of_tags():
    assert span_types([tag] for tag in TAGS) == TYPES
    assert span_types([["O"], ["I-X"]]) == ["X"]


@pytest.mark.parametrize("seed", range(20))
def test_tags_of_no_known_form_score_as_in_seqeval(seed):
    rng = random.Random(seed)
    odd = [*TAGS[:3], "o", "0", "X", "b-PER", "PER"]
    gold = random_tags(rng, [6] * 5)
    predicted = [rng.choices(odd, k=6) for _ in gold]
    counts = count_spans(gold, predicted, span_types([*gold, *predicted]))
    assert span_f1(counts) == pytest.approx(100 * f1_score(gold, predicted))


def test_odd_tags_are_told():
    tags = ["O", "B-a", "", "<unk>", "o", "0", "b-a", "B-", "I-x-y"]
    assert find_odd_tags(tags) == ["o", "0", "b-a", "B-"]


# --- the metrics


GOLD = [{"label": ["B-PER", "O"]}, {"label": ["O", "B-LOC"]}]
PREDICTED = [{"label": ["B-PER", "O"]}, {"label": ["<unk>", "I-PER"]}]


def test_entities_in_all_and_by_type():
    found = EntityF1(["LOC", "PER"]).score_rows(GOLD, PREDICTED)
    keys = {score.key: score.value for score in found}
    assert keys == {"f1": 50.0, "f1_LOC": 0.0, "f1_PER": pytest.approx(200 / 3)}
    assert {score.examples for score in found} == {2}


def test_intents_and_slots():
    gold = [{**row, "intent": ["a"]} for row in GOLD]
    predicted = [{**row, "intent": [name]} for row, name in zip(PREDICTED, "ab")]
    found = IntentSlotMatch(["LOC", "PER"]).score_rows(gold, predicted)
    assert [score.value for score in found] == [50.0, 50.0, 50.0]
    # a word without a tag is none of the tags, not even O
    gold, predicted = (
        [{"label": ["O"], "intent": ["a"]}],
        [{"label": ["<unk>"], "intent": ["a"]}],
    )
    found = IntentSlotMatch([]).score_rows(gold, predicted)
    assert [score.value for score in found] == [0.0, 100.0, 0.0]


@pytest.mark.parametrize("kind", [EntityF1, IntentSlotMatch])
def test_batches_add_up_to_the_whole(kind):
    rng = random.Random(1)
    metric = kind(TYPES)
    gold, predicted = (
        [{"label": tags, "intent": [rng.choice("ab")]} for tags in rows]
        for rows in (random_tags(rng, [5] * 9), random_tags(rng, [5] * 9))
    )
    parts = (metric.count(gold[i::3], predicted[i::3]) for i in range(3))
    total = {**add_up(parts), "nsentences": 9}
    assert metric.scores(total) == metric.score_rows(gold, predicted)
    assert set(total) == set(metric.counters)
