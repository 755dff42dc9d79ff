"""Inner states that a model hands out beside its output: names, and how to ask."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from fairseq_mlkd.modules.attention import Attended

# name in `Request` -> index -> `(bsz, len, embed_dim)` states,
# `(bsz, num_heads, tgt_len, src_len)` scores, or `Vectors`
States = dict[str, dict[int, Any]]
Outputs = Mapping[str, Any]  # what a model hands out beside its logits


class Request(NamedTuple):
    """Inner states that a model is asked to hand out, by index.

    States are points, 0 (embeddings) to the number of layers. Scores, before masking
    and softmax, and vectors (queries, keys and values) are of layers, from 0. Cross
    attention is that of the decoder to the source.
    """

    hidden_states: Collection[int] = ()
    attention_scores: Collection[int] = ()
    attention_vectors: Collection[int] = ()
    decoder_hidden_states: Collection[int] = ()
    decoder_attention_scores: Collection[int] = ()
    decoder_attention_vectors: Collection[int] = ()
    cross_attention_scores: Collection[int] = ()
    cross_attention_vectors: Collection[int] = ()


NOTHING = Request()


def keep(states: States, request: Request, index: int, **found: Any) -> None:
    """Add what is asked for of the states of one index; the rest can be freed.

    Args:
        states: as many as have been kept.
        index: of a point for hidden states, else of a layer.
        found: states by their name in `request`.
    """
    for name, state in found.items():
        kept = states.setdefault(name, {})
        if index in getattr(request, name):
            kept[index] = state


def keep_attention(
    states: States, request: Request, index: int, name: str, attended: Attended
) -> None:
    """Add what is asked for of one layer's attention; see `keep`.

    Args:
        name: what `request` calls it: `attention`, `decoder_attention`, ...
    """
    found = {f"{name}_scores": attended.scores, f"{name}_vectors": attended.vectors}
    keep(states, request, index, **found)
