"""What two models of different subwords have in common: the words."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

Outputs = Mapping[str, Any]  # what a model hands out beside its logits


def at_words(
    student: Outputs, teacher: Outputs, starts: Tensor, teacher_starts: Tensor
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cut both models' outputs down to the first subwords of words.

    Whatever has a place in the source gets one a word: states, queries, keys and
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
    own, taught = (_cut(x, i.masked_fill(absent, 0)) for x, i in sides)
    return {**own, "padding_mask": absent}, {**taught, "padding_mask": absent}


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
    """Of each sentence, the places `index` `(bsz, words)` on the axes."""
    for axis in axes:
        shape = [1] * x.dim()
        shape[0], shape[axis] = index.shape
        size = list(x.shape)
        size[axis] = index.size(1)
        x = x.gather(axis, index.view(shape).expand(size))
    return x
