"""The languages side by side, and when a warning is due."""

import pytest

from fairseq_mlkd.metrics.transfer import (
    Transfer,
    averaged_languages,
    compare_languages,
    find_forgetting,
    read_scores,
)

BEFORE = {"en": 75.0, "de": 66.0, "fr": 64.0}


def test_one_line_has_every_language():
    scores = {"en": 77.14, "fr": 63.3, "de": 65.1}
    expected = "accuracy: en 77.1 | zero-shot mean 64.2 (de 65.1, fr 63.3)"
    assert compare_languages("accuracy", scores, "en") == expected


@pytest.mark.parametrize("scores", [{}, {"en": 1.0}, {"de": 1.0, "fr": 2.0}])
def test_one_side_alone_is_no_comparison(scores):
    assert compare_languages("accuracy", scores, "en") is None
    assert find_forgetting("accuracy", BEFORE, scores, "en") is None
    assert find_forgetting("accuracy", scores, BEFORE, "en") is None


@pytest.mark.parametrize(
    "now, is_due",
    [
        ({"en": 77.0, "de": 65.0, "fr": 64.0}, True),  # one fell, and so the mean
        ({"en": 77.0, "de": 69.0, "fr": 60.0}, True),  # the mean fell although one rose
        ({"en": 77.0, "de": 70.0, "fr": 61.0}, False),  # the mean rose
        ({"en": 77.0, "de": 64.0, "fr": 66.0}, False),  # the mean stayed
        ({"en": 75.0, "de": 60.0, "fr": 60.0}, False),  # the source language stayed
        ({"en": 74.0, "de": 60.0, "fr": 60.0}, False),  # all fell
        ({"en": 77.0, "fr": 63.0}, True),  # over the languages that both have
        ({"en": 77.0, "fr": 65.0, "sw": 1.0}, False),
        ({"en": 77.0, "sw": 1.0}, False),
    ],
)
def test_a_warning_is_due_where_the_sides_part(now, is_due):
    assert (find_forgetting("accuracy", BEFORE, now, "en") is not None) is is_due


def test_the_warning_has_both_numbers():
    now = {"en": 77.1, "de": 65.0, "fr": 63.4}
    assert find_forgetting("f1", BEFORE, now, "en") == (
        "forgetting: en f1 rose from 75.00 to 77.10 (+2.10) since the validation "
        "before, while the zero-shot mean over de, fr fell from 65.00 to 64.20 (-0.80)"
    )


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"valid": {"en": 1, "fr": 2.5}}, {"valid": {"en": 1.0, "fr": 2.5}}),
        ({"valid": {"en": "high", 3: 4.0, "fr": 2.5}}, {"valid": {"fr": 2.5}}),
        ({"valid": 3.0, 4: {"en": 1.0}}, {}),
        ({"en": 1, "fr": 2.5}, {}),  # of a checkpoint that did not tell splits apart
        (None, {}),
        ([1, 2], {}),
    ],
)
def test_scores_of_a_checkpoint_are_not_trusted(values, expected):
    assert read_scores(values) == expected


def test_japanese_is_left_out_of_pawsx_and_the_line_says_so():
    scores = {"en": 90.0, "de": 80.0, "fr": 82.0, "ja": 60.0}
    assert compare_languages("accuracy", scores, "en", "pawsx") == (
        "accuracy: en 90.0 | zero-shot mean 81.0 (de 80.0, fr 82.0, ja 60.0; the mean "
        "leaves out ja)"
    )
    assert "mean 74.0" in str(compare_languages("accuracy", scores, "en", "xnli"))
    now = {**scores, "en": 91.0, "ja": 10.0}
    assert find_forgetting("accuracy", scores, now, "en", "pawsx") is None
    assert find_forgetting("accuracy", scores, now, "en", "xnli") is not None
    assert averaged_languages("pawsx", ["ja"]) == ["ja"]


def test_splits_are_compared_each_by_itself():
    transfer = Transfer("f1", "en", "", ["valid", "valid.fr", "test"])
    assert transfer.add("valid", {"en": 90.0}) == ([], [])
    assert transfer.add("valid.fr", {"fr": 80.0}) == ([], [])
    lines, warnings = transfer.add("test", {"en": 50.0, "fr": 40.0})
    assert lines == [
        "valid f1: en 90.0 | zero-shot mean 80.0 (fr 80.0)",
        "test f1: en 50.0 | zero-shot mean 40.0 (fr 40.0)",
    ]
    assert warnings == []
    assert transfer.last["valid"] == {"en": 90.0, "fr": 80.0}
    transfer.add("valid", {"en": 91.0})
    transfer.add("valid.fr", {"fr": 70.0})
    _, warnings = transfer.add("test", {"en": 51.0, "fr": 45.0})
    assert len(warnings) == 1 and warnings[0].startswith("valid forgetting: en f1 rose")
