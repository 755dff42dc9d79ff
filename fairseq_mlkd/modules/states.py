"""Inner states that a model hands out beside its output: names, and how to ask."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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

    hidden_states: Iterable[int] = ()
    attention_scores: Iterable[int] = ()
    attention_vectors: Iterable[int] = ()
    decoder_hidden_states: Iterable[int] = ()
    decoder_attention_scores: Iterable[int] = ()
    decoder_attention_vectors: Iterable[int] = ()
    cross_attention_scores: Iterable[int] = ()
    cross_attention_vectors: Iterable[int] = ()


NOTHING = Request()
