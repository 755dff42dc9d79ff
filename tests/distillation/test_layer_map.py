"""g(m) of equation 3."""

import pytest

from fairseq_mlkd.distillation.layer_map import build_layer_map


def teacher_side(spec: str, student: int, teacher: int) -> tuple:
    layers = build_layer_map(spec, student, teacher)
    assert [i for i, _ in layers.hidden] == list(range(student + 1))
    assert [i for i, _ in layers.attention] == list(range(student))
    return [j for _, j in layers.hidden], [j for _, j in layers.attention]


@pytest.mark.parametrize(
    "spec, student, teacher, hidden, attention",
    [
        ("uniform", 4, 12, [0, 3, 6, 9, 12], [2, 5, 8, 11]),
        ("uniform", 4, 24, [0, 6, 12, 18, 24], [5, 11, 17, 23]),
        ("uniform", 2, 2, [0, 1, 2], [0, 1]),
        ("last", 4, 12, [0, 9, 10, 11, 12], [8, 9, 10, 11]),
        ("last", 3, 4, [0, 2, 3, 4], [1, 2, 3]),
        ("1,4,8,12", 4, 12, [0, 1, 4, 8, 12], [0, 3, 7, 11]),
        ("12, 1", 2, 12, [0, 12, 1], [11, 0]),
    ],
)
def test_map(spec, student, teacher, hidden, attention):
    assert teacher_side(spec, student, teacher) == (hidden, attention)


@pytest.mark.parametrize(
    "spec, student, teacher",
    [
        ("0,6,9,12", 4, 12),
        ("3,6,9,13", 4, 12),
        ("3,6,9", 4, 12),
        ("3,6,9,12,12", 4, 12),
        ("3,six,9,12", 4, 12),
        ("first", 4, 12),
        ("", 4, 12),
        ("uniform", 5, 12),
        ("uniform", 4, 2),
        ("last", 4, 2),
    ],
)
def test_refusal_names_the_valid_range(spec, student, teacher):
    with pytest.raises(ValueError) as error:
        build_layer_map(spec, student, teacher)
    message = str(error.value)
    assert f"--layer-map {spec}" in message
    assert str(student) in message and str(teacher) in message
    assert "\n" not in message


def test_description_has_a_line_a_pair():
    lines = build_layer_map("uniform", 2, 4).describe()
    assert lines == [
        "student hidden 0 <- teacher hidden 0",
        "student hidden 1 <- teacher hidden 2",
        "student hidden 2 <- teacher hidden 4",
        "student attention 0 <- teacher attention 1",
        "student attention 1 <- teacher attention 3",
    ]
