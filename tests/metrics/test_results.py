"""Result lines: round trip, bad lines, replacement."""

import json
from dataclasses import asdict, replace

import pytest

from fairseq_mlkd.metrics.results import (
    Result,
    append_results,
    latest_results,
    read_results,
)

RESULT = Result("xnli", "étudiant", "fr", "accuracy", 61.5, 5010, chance=100 / 3)


def test_lines_round_trip_and_append(tmp_path):
    path = str(tmp_path / "new" / "results.jsonl")
    append_results(path, [RESULT])
    append_results(path, [replace(RESULT, seed=2), replace(RESULT, lang="de")])
    read = read_results([path])
    assert read == [RESULT, replace(RESULT, seed=2), replace(RESULT, lang="de")]


def test_a_last_line_without_its_end_stays_alone(tmp_path):
    path = tmp_path / "results.jsonl"
    append_results(str(path), [RESULT])
    path.write_text(path.read_text().rstrip("\n"))
    append_results(str(path), [])
    assert not path.read_text().endswith("\n")
    append_results(str(path), [replace(RESULT, seed=2)])
    assert read_results([str(path)]) == [RESULT, replace(RESULT, seed=2)]


def test_optional_fields_have_defaults(tmp_path):
    values = asdict(RESULT)
    for name in ("dropped", "seed", "checkpoint", "split", "chance"):
        del values[name]
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(values) + "\n\n")
    assert read_results([str(path)]) == [replace(RESULT, chance=None)]


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"value": float("nan")}, "bad value in value"),
        ({"value": "61.5"}, "bad value in value"),
        ({"examples": 1.5}, "bad value in examples"),
        ({"model": None}, "bad value in model"),
        ({"colour": "red"}, "unknown field colour"),
    ],
)
def test_bad_values_name_file_and_line(tmp_path, change, complaint):
    path = tmp_path / "r.jsonl"
    lines = [json.dumps(asdict(RESULT)), json.dumps({**asdict(RESULT), **change})]
    path.write_text("\n".join(lines))
    with pytest.raises(
        ValueError, match=rf"r\.jsonl:2: {complaint}; correct or remove"
    ):
        read_results([str(path)])


@pytest.mark.parametrize(
    "line, complaint",
    [
        (b'{"dataset": "xnli"', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[1]", "holds no JSON object"),
        (b'{"dataset": "xnli"}', "no field model, lang, metric, value, examples"),
    ],
)
def test_broken_lines_name_file_and_line(tmp_path, line, complaint):
    path = tmp_path / "r.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(ValueError, match=rf"r\.jsonl:1: {complaint}"):
        read_results([str(path)])


def test_a_later_line_replaces_an_earlier_one_in_its_place():
    other, newer = replace(RESULT, lang="de"), replace(RESULT, value=70.0, dropped=3)
    assert latest_results([RESULT, other, newer]) == [newer, other]
    assert len(latest_results([RESULT, replace(RESULT, seed=2)])) == 2
