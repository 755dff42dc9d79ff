"""g of equation 3: the student layer g(m) that learns from the teacher's layer m.

Teacher layers that g leaves out teach nobody. As code it is a list of pairs (g(m), m),
in the order of the student's layers; a list may give one teacher layer to several.
"""

from typing import NamedTuple

UNIFORM, LAST = "uniform", "last"

Pairs = tuple[tuple[int, int], ...]  # (student, teacher): (g(m), m)


class LayerMap(NamedTuple):
    """g for hidden states and for attention."""

    hidden: Pairs  # points, 0 (embeddings) to the number of layers
    attention: Pairs  # layers, from 0

    def describe(self, what: str = "") -> list[str]:
        """Return the map in words, a line each: `student hidden 2 <- teacher hidden 6`.

        Args:
            what: which part of the models it is about, such as `decoder `.
        """
        return [
            f"student {what}{kind} {student} <- teacher {what}{kind} {teacher}"
            for kind, pairs in zip(self._fields, self)
            for student, teacher in pairs
        ]


def build_layer_map(
    hidden_spec: str,
    attention_spec: str | None,
    student_layers: int,
    teacher_layers: int,
    *,
    what: str = "",
) -> LayerMap:
    """Build the map that `--layer-map` and `--attention-map` name.

    The embeddings (hidden point 0) always learn from the embeddings.

    Args:
        hidden_spec: `--layer-map`, as `map_layers`.
        attention_spec: `--attention-map`, as `map_layers`; None: as the hidden states.
        student_layers: number of layers of the student.
        teacher_layers: number of layers of the teacher.
        what: which part of the models it is about: `decoder ` for
            `--decoder-layer-map` and `--decoder-attention-map`.
    Raises:
        ValueError: a map does not fit; the message holds the valid range.
    """
    depths = (student_layers, teacher_layers)
    prefix = f"--{what}".replace(" ", "-")
    hidden = map_layers(hidden_spec, *depths, flag=f"{prefix}layer-map")
    attention = hidden
    if attention_spec is not None:
        attention = map_layers(attention_spec, *depths, flag=f"{prefix}attention-map")
    return LayerMap(
        ((0, 0), *hidden),
        tuple((student - 1, teacher - 1) for student, teacher in attention),
    )


def map_layers(
    spec: str, student_layers: int, teacher_layers: int, *, flag: str
) -> Pairs:
    """Return the pairs (student, teacher) of layers counted from 1.

    Args:
        spec: `uniform` (every b-th layer, b = teacher_layers / student_layers, as
            TinyBERT; where b is no integer, i * b is rounded, halves down); `last`
            (the teacher's last layers, in order); `last-K` (only the last K layers
            learn, from the teacher's last K; MiniLM is `last-1`); or the teacher's
            layers for the student's layers from first to last, such as `3,6,9,12`.
        student_layers: number of layers of the student.
        teacher_layers: number of layers of the teacher.
        flag: the option that holds the spec, for the message.
    Raises:
        ValueError: the spec does not fit; the message holds the valid range.
    """
    name, _, last = spec.partition("-")
    if name == LAST:
        return _map_last(spec, last, student_layers, teacher_layers, flag)
    if spec == UNIFORM:
        _check_depths(spec, student_layers, teacher_layers, flag)
        half = student_layers // 2
        # round(i * b), halves down, is the ceiling of i * b - 1/2: -(-x // y)
        return tuple(
            (i, -((half - i * teacher_layers) // student_layers))
            for i in range(1, student_layers + 1)
        )
    chosen = _read_list(spec, student_layers, teacher_layers, flag)
    return tuple(enumerate(chosen, start=1))


def _map_last(
    spec: str, last: str, student_layers: int, teacher_layers: int, flag: str
) -> Pairs:
    if spec == LAST:
        _check_depths(spec, student_layers, teacher_layers, flag)
        last = str(student_layers)
    most = min(student_layers, teacher_layers)
    if not last.isdecimal() or not 1 <= int(last) <= most:
        raise ValueError(
            f"{flag} {spec} does not fit: the K of last-K is from 1 to {most}, with "
            f"{student_layers} layers of the student and {teacher_layers} of the "
            "teacher"
        )
    return tuple(
        (student_layers - i, teacher_layers - i) for i in reversed(range(int(last)))
    )


def _check_depths(
    spec: str, student_layers: int, teacher_layers: int, flag: str
) -> None:
    if student_layers > teacher_layers:
        raise ValueError(
            f"{flag} {spec} does not fit: the student's {student_layers} layers are "
            f"more than the teacher's {teacher_layers}; give {student_layers} numbers "
            f"from 1 to {teacher_layers}, or last-K with K from 1 to {teacher_layers}"
        )


def _read_list(
    spec: str, student_layers: int, teacher_layers: int, flag: str
) -> list[int]:
    try:
        chosen = [int(layer) for layer in spec.split(",")]
    except ValueError:
        raise ValueError(
            f"{flag} {spec}: give `uniform`, `last`, `last-K`, or {student_layers} "
            f"numbers from 1 to {teacher_layers}, such as 3,6,9,12"
        ) from None
    outside = [layer for layer in chosen if not 1 <= layer <= teacher_layers]
    if len(chosen) != student_layers or outside:
        raise ValueError(
            f"{flag} {spec} does not fit: it takes {student_layers} numbers, "
            f"one per student layer, each from 1 to the teacher's {teacher_layers}"
        )
    return chosen
