"""g(m) of equation 3."""

from decimal import ROUND_HALF_DOWN, Decimal

import pytest

from fairseq_mlkd.distillation.layer_map import LayerMap, build_layer_map, map_layers

REFUSED = [
    ("0,6,9,12", 4, 12),
    ("3,6,9,13", 4, 12),
    ("3,6,9", 4, 12),
    ("3,6,9,12,12", 4, 12),
    ("3,six,9,12", 4, 12),
    ("first", 4, 12),
    ("lasts", 4, 12),
    ("", 4, 12),
    ("uniform", 4, 2),
    ("last", 4, 2),
    ("last-0", 4, 12),
    ("last-5", 4, 12),
    ("last-3", 4, 2),
    ("last-", 4, 12),
    ("last--1", 4, 12),
    ("last-two", 4, 12),
]


def teacher_side(spec: str, student: int, teacher: int) -> tuple:
    layers = build_layer_map(spec, None, student, teacher)
    assert [i for i, _ in layers.hidden] == list(range(student + 1))
    assert [i for i, _ in layers.attention] == list(range(student))
    return [j for _, j in layers.hidden], [j for _, j in layers.attention]


@pytest.mark.parametrize(
    "spec, student, teacher, hidden, attention",
    [
        ("uniform", 4, 12, [0, 3, 6, 9, 12], [2, 5, 8, 11]),
        ("uniform", 4, 24, [0, 6, 12, 18, 24], [5, 11, 17, 23]),
        ("uniform", 2, 2, [0, 1, 2], [0, 1]),
        ("uniform", 5, 12, [0, 2, 5, 7, 10, 12], [1, 4, 6, 9, 11]),
        ("uniform", 2, 3, [0, 1, 3], [0, 2]),  # 1.5 -> 1
        ("last", 4, 12, [0, 9, 10, 11, 12], [8, 9, 10, 11]),
        ("last", 3, 4, [0, 2, 3, 4], [1, 2, 3]),
        ("1,4,8,12", 4, 12, [0, 1, 4, 8, 12], [0, 3, 7, 11]),
        ("12, 1", 2, 12, [0, 12, 1], [11, 0]),
    ],
)
def test_map(spec, student, teacher, hidden, attention):
    assert teacher_side(spec, student, teacher) == (hidden, attention)


@pytest.mark.parametrize(
    "spec, pairs",
    [
        ("last-1", [(4, 12)]),
        ("last-2", [(3, 11), (4, 12)]),
        ("last-4", [(1, 9), (2, 10), (3, 11), (4, 12)]),
    ],
)
def test_last_layers_alone_learn(spec, pairs):
    layers = build_layer_map(spec, None, 4, 12)
    assert layers.hidden == ((0, 0), *pairs)
    assert layers.attention == tuple((i - 1, j - 1) for i, j in pairs)


@pytest.mark.parametrize("student", range(1, 13))
def test_uniform_rounds_each_layer(student):
    for teacher in range(student, 30):
        exact = [Decimal(i * teacher) / student for i in range(1, student + 1)]
        rounded = [int(x.to_integral_value(ROUND_HALF_DOWN)) for x in exact]
        pairs = map_layers("uniform", student, teacher, flag="--layer-map")
        assert pairs == tuple(enumerate(rounded, start=1))
        assert len(set(rounded)) == student and rounded[-1] == teacher


def test_attention_has_a_map_of_its_own():
    layers = build_layer_map("uniform", "last-1", 4, 12)
    assert layers.hidden == build_layer_map("uniform", None, 4, 12).hidden
    assert layers.attention == ((3, 11),)


@pytest.mark.parametrize("spec, student, teacher", REFUSED)
@pytest.mark.parametrize("what, prefix", [("", "--"), ("decoder ", "--decoder-")])
def test_refusal_names_the_flag_and_the_valid_range(
    spec, student, teacher, what, prefix
):
    valid = "1," * (student - 1) + "1"
    for specs, flag in (((spec, None), "layer"), ((valid, spec), "attention")):
        with pytest.raises(ValueError) as error:
            build_layer_map(*specs, student, teacher, what=what)
        message = str(error.value)
        assert message.startswith(f"{prefix}{flag}-map {spec}")
        assert str(student) in message and str(teacher) in message
        assert "\n" not in message


def test_valid_range_of_last():
    for teacher, most in ((12, 4), (3, 3)):
        with pytest.raises(
            ValueError, match=f"K of last-K is from 1 to {most}, with 4"
        ):
            build_layer_map("last-9", None, 4, teacher)


def test_description_has_a_line_a_pair():
    layers = build_layer_map("uniform", "last", 2, 4)
    assert layers.describe() == [
        "student hidden 0 <- teacher hidden 0",
        "student hidden 1 <- teacher hidden 2",
        "student hidden 2 <- teacher hidden 4",
        "student attention 0 <- teacher attention 2",
        "student attention 1 <- teacher attention 3",
    ]
    assert LayerMap((), ((0, 1),)).describe("decoder ") == [
        "student decoder attention 0 <- teacher decoder attention 1"
    ]
