"""What is kept of each example: it adds up to the line, and is refused otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from fairseq_mlkd.metrics.accuracy import Accuracy
from fairseq_mlkd.metrics.outcomes import (
    outcome_file,
    outcome_score,
    read_outcomes,
    write_outcomes,
)
from fairseq_mlkd.metrics.parsing import ParseMatch
from fairseq_mlkd.metrics.results import Result
from fairseq_mlkd.metrics.spans import EntityF1, IntentSlotMatch

LINE = Result("xnli", "m", "fr", "accuracy", 75.0, 4, selection="best")
RIGHT = np.array([[1, 1], [0, 1], [1, 1], [1, 1]])


def test_come_back_as_they_were(tmp_path):
    path = str(tmp_path / "r.jsonl")
    write_outcomes(path, LINE, RIGHT)
    assert [p.name for p in tmp_path.iterdir()] == ["r.outcomes"]
    assert read_outcomes(path, LINE).tolist() == RIGHT.tolist()
    for other in ({"model": "n"}, {"seed": 2}, {"selection": "last"}, {"lang": "de"}):
        assert read_outcomes(path, replace(LINE, **other)) is None
    assert read_outcomes(path, replace(LINE, metric="intent accuracy")) is None


def test_what_does_not_add_up_is_not_kept_and_not_believed(tmp_path):
    path = str(tmp_path / "r.jsonl")
    write_outcomes(path, replace(LINE, value=50.0), RIGHT)
    assert not list(tmp_path.iterdir())
    write_outcomes(path, LINE, RIGHT)
    for wrong in ({"value": 50.0}, {"examples": 5}):
        with pytest.raises(ValueError, match=r"npz: not of the evaluation that gave"):
            read_outcomes(path, replace(LINE, **wrong))
    outcome_file(path, LINE).write_bytes(b"PK")
    with pytest.raises(ValueError, match="damaged: remove it, or evaluate again"):
        read_outcomes(path, LINE)


PARSE = ["[IN:A", "[SL:B", "x", "]", "]"]


@pytest.mark.parametrize(
    "metric, gold, predicted",
    [
        (Accuracy(2), [{"label": ["a"]}] * 3, [{"label": [c]} for c in "aab"]),
        (ParseMatch(), [{"target": PARSE}] * 2, [{"target": p} for p in (PARSE, [])]),
        (
            IntentSlotMatch(["X"]),
            [{"intent": ["i"], "label": ["B-X"]}] * 3,
            [
                {"intent": ["i"], "label": ["B-X"]},
                {"intent": ["j"], "label": ["B-X"]},
                {"intent": ["i"], "label": ["O"]},
            ],
        ),
    ],
)
def test_outcomes_add_up_to_the_main_score(metric, gold, predicted):
    scores = metric.score_rows(gold, predicted)
    main = next(score.value for score in scores if score.key == metric.main)
    assert 0 < main < 100
    outcomes = metric.outcomes(gold, predicted)
    assert outcome_score(outcomes.sum(axis=0)) == pytest.approx(main)


def test_spans_add_up_to_their_f1():
    tags = [["B-PER", "O"], ["O", "B-LOC"], ["O", "O"]]
    gold, predicted = (
        [{"label": t} for t in tags],
        [{"label": tags[int(i)]} for i in (0, 2, 2)],
    )
    metric = EntityF1(["LOC", "PER"])
    outcomes = metric.outcomes(gold, predicted)
    assert outcomes.tolist() == [[1, 1, 1], [0, 0, 1], [0, 0, 0]]
    score = metric.score_rows(gold, predicted)[0].value
    assert outcome_score(outcomes.sum(0)) == pytest.approx(score)
