"""A teacher of other subwords: it meets its student at words and at labels."""

from typing import Any, NamedTuple

from torch import Tensor

from fairseq_mlkd.distillation.contract import Distillable, Sample
from fairseq_mlkd.modules.states import Outputs


class TeacherView(NamedTuple):
    """A batch as a teacher reads it that has subwords of its own."""

    inputs: dict[str, Any]  # of the teacher
    # where words begin, (bsz, words), for the student and for the teacher; None: what
    # is inside the encoders is not compared
    word_starts: tuple[Tensor, Tensor] | None
    # by head, which of the student's labels the teacher reads, too, and vice versa: a
    # word may have no subword on one side
    shared: dict[str, Tensor]
    teacher_shared: dict[str, Tensor]
    # by head, at the shared labels, true where the student cannot choose, (m, classes)
    excluded: dict[str, Tensor]

    def read_logits(self, logits: dict[str, Tensor]) -> dict[str, Tensor]:
        """Take the teacher's logits at the shared labels, for the student's choices."""
        found = {head: x[self.teacher_shared[head]] for head, x in logits.items()}
        for head in found.keys() & self.excluded.keys():
            never = self.excluded[head]
            found[head] = found[head].masked_fill(never, float("-inf"))
        return found


def view_batch(task: Distillable, reader: Distillable, sample: Sample) -> TeacherView:
    """See a batch as the teacher does.

    Args:
        task: of the student.
        reader: reads the teacher's data.
        sample: holds the teacher's batch, as `teacher`.
    """
    theirs = sample["teacher"]
    inputs = {**theirs["net_input"], "heads": reader.supervise(theirs).places}
    own, other = task.align(sample), reader.align(theirs)
    shared = {head: other.labels[head][place] for head, place in own.labels.items()}
    word_starts = None
    if own.word_starts is not None and other.word_starts is not None:
        word_starts = (own.word_starts, other.word_starts)
    return TeacherView(
        inputs,
        word_starts,
        shared,
        {head: own.labels[head][place] for head, place in other.labels.items()},
        {head: never[shared[head]] for head, never in own.excluded.items()},
    )


def at_words(
    student: Outputs, teacher: Outputs, starts: Tensor, teacher_starts: Tensor
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cut both models' outputs down to the first subwords of words.

    Whatever has a place in the source gets one per word: states, queries, keys and
    values, and scores on both axes, or on that of the keys where a decoder asks. What
    belongs to the decoder alone stays as it is. A word that either model has no subword
    for is padding.

    Args:
        student: its outputs; `padding_mask` among them.
        teacher: likewise.
        starts: `(bsz, words)`, index of each word's first subword; -1: none.
        teacher_starts: the same words in the teacher's source.
    Returns:
        The outputs of both, with `(bsz, words)` as `padding_mask`.
    """
    absent = starts.lt(0) | teacher_starts.lt(0)
    sides = ((student, starts), (teacher, teacher_starts))
    own, theirs = (_cut(x, i.masked_fill(absent, 0)) for x, i in sides)
    return {**own, "padding_mask": absent}, {**theirs, "padding_mask": absent}


def _cut(outputs: Outputs, index: Tensor) -> dict[str, Any]:
    found = dict(outputs)
    for name, axes in _SOURCE_AXES.items():
        if name in outputs:
            found[name] = {i: _take(x, index, axes) for i, x in outputs[name].items()}
    for name, parts in _SOURCE_VECTORS.items():
        if name in outputs:
            found[name] = {
                i: tuple(
                    _take(x, index, (2,)) if part in parts else x
                    for part, x in enumerate(vectors)
                )
                for i, vectors in outputs[name].items()
            }
    return found


# the axes that are places in the source
_SOURCE_AXES = {
    "hidden_states": (1,),
    "attention_scores": (2, 3),
    "cross_attention_scores": (3,),
}
# which of queries, keys and values are of the source
_SOURCE_VECTORS = {"attention_vectors": (0, 1, 2), "cross_attention_vectors": (1, 2)}


def _take(x: Tensor, index: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the places `index` `(bsz, words)` of each sentence on the axes."""
    for axis in axes:
        shape = [1] * x.dim()
        shape[0], shape[axis] = index.shape
        size = list(x.shape)
        size[axis] = index.size(1)
        x = x.gather(axis, index.view(shape).expand(size))
    return x
