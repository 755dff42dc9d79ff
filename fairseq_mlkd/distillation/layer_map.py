"""g(m) of equation 3: the teacher's layer that each student layer learns from."""

from typing import List, NamedTuple, Tuple

UNIFORM, LAST = "uniform", "last"


class LayerMap(NamedTuple):
    """Pairs (student, teacher), in the order of the student's layers."""

    hidden: Tuple[Tuple[int, int], ...]  # points 0 (embeddings) to the number of layers
    attention: Tuple[Tuple[int, int], ...]  # layers, from 0

    def describe(self) -> List[str]:
        """The map in words, a line each: `student hidden 2 <- teacher hidden 6`."""
        return [
            f"student {kind} {student} <- teacher {kind} {teacher}"
            for kind, pairs in zip(self._fields, self)
            for student, teacher in pairs
        ]


def build_layer_map(spec: str, student_layers: int, teacher_layers: int) -> LayerMap:
    """Build the map that `--layer-map` names.

    Args:
        spec: `uniform` (TinyBERT: every b-th layer, b = teacher_layers /
            student_layers), `last` (the teacher's last layers), or the teacher's
            layers, counted from 1, for the student's layers from first to last, such
            as `3,6,9,12`.
        student_layers: number of layers of the student.
        teacher_layers: number of layers of the teacher.
    Raises:
        ValueError: the map does not fit; the message holds the valid range.
    """
    chosen = _teacher_layers(spec, student_layers, teacher_layers)
    outside = [layer for layer in chosen if not 1 <= layer <= teacher_layers]
    if len(chosen) != student_layers or outside:
        raise ValueError(
            f"--layer-map {spec} does not fit: it takes {student_layers} numbers, "
            f"one a student layer, each from 1 to the teacher's {teacher_layers}"
        )
    hidden = ((0, 0), *enumerate(chosen, start=1))
    return LayerMap(hidden, tuple((i, layer - 1) for i, layer in enumerate(chosen)))


def _teacher_layers(spec: str, student_layers: int, teacher_layers: int) -> List[int]:
    if spec == LAST:
        first = teacher_layers - student_layers + 1
        return list(range(first, teacher_layers + 1))
    if spec == UNIFORM:
        step, rest = divmod(teacher_layers, student_layers)
        if rest or not step:
            raise ValueError(
                f"--layer-map uniform needs a teacher whose depth is a multiple of the "
                f"student's: {teacher_layers} layers are no multiple of "
                f"{student_layers}; give `last` or a list of {student_layers} numbers "
                f"from 1 to {teacher_layers}"
            )
        return list(range(step, teacher_layers + 1, step))
    try:
        return [int(layer) for layer in spec.split(",")]
    except ValueError:
        raise ValueError(
            f"--layer-map {spec}: give `uniform`, `last`, or {student_layers} numbers "
            f"from 1 to {teacher_layers}, such as 3,6,9,12"
        ) from None
