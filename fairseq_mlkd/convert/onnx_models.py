"""Our models as ONNX graphs, for any batch and length, padded or not.

Inside, tokens are rows in time-major order: those at position 0 of all sentences, then
those at position 1, and so on. Of such rows ONNX Runtime multiplies the heads of
attention where they lie; of batch-major ones it copies them first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from fairseq_mlkd.convert.onnx_graph import Graph, Layer
from fairseq_mlkd.convert.trained import NEVER, TOKENS, UP
from fairseq_mlkd.serve.folder import MASKED_LM, Facts

# as in `modules/`: scores of what is not to be seen, and of what cannot be said
_MASKED, _IMPOSSIBLE = -3e4, -1e4
_OPERATORS = {"tanh": "Tanh", "relu": "Relu", "gelu": "Gelu"}
_BATCH, _LENGTH, _WORDS = "batch", "length", "words"


def write_graphs(
    folder: Path, facts: Facts, build: Callable[[], Graph], names: tuple[str, str]
) -> None:
    """Write the model, and where there is one a parser's decoder.

    Args:
        build: gives an empty graph.
        names: paths in `folder`.
    """
    graph = build()
    add_model(graph, facts)
    graph.save(folder / names[0])
    if facts.decoder:
        graph = build()
        add_decoder(graph, facts)
        graph.save(folder / names[1])


def add_model(graph: Graph, facts: Facts) -> None:
    """Add an encoder with its heads, or the part of a parser that reads the source.

    Inputs: `input_ids`, `attention_mask` and, with segments, `token_type_ids`, all
    `(batch, length)`; of a parser `word_starts` `(batch, words)`, -1 where no word is.
    Outputs: `HEAD` `(batch, classes)` or `(batch, length, classes)` for each head;
    `lm_head` `(batch, length, vocabulary)`; `last_hidden_state` where there is neither.
    Of a parser: what `add_decoder` takes of the source.
    """
    ids = graph.input("input_ids", (_BATCH, _LENGTH))
    mask = graph.input("attention_mask", (_BATCH, _LENGTH))
    ids = graph.node("Transpose", ids, perm=[1, 0])
    lead = graph.node("Shape", ids)
    width = facts.encoder["encoder_embed_dim"]
    rows = _encode(graph, ids, mask, lead, facts)
    x = graph.node("Transpose", graph.unroll(rows, lead, width), perm=[1, 0, 2])
    for head in facts.heads:
        name = f"classification_heads.{head.name}"
        classes = len(head.labels)
        if head.pooled:
            first = graph.node("Gather", x, graph.constant(0, np.int64), axis=1)
            pooled = graph.node(
                _OPERATORS[facts.head_activation], _plain(graph, first, f"{name}.dense")
            )
            logits = _plain(graph, pooled, f"{name}.out_proj")
            graph.output(logits, head.name, (_BATCH, classes))
        else:
            logits = _plain(graph, x, f"{name}.out_proj")
            graph.output(logits, head.name, (_BATCH, _LENGTH, classes))
    if facts.has_lm_head:
        _add_lm_head(graph, x, facts)
    elif facts.decoder:
        _add_source(graph, rows, x, lead, facts)
    elif not facts.heads:
        graph.output(x, "last_hidden_state", (_BATCH, _LENGTH, width))


def add_decoder(graph: Graph, facts: Facts) -> None:
    """Add one step of a parser's decoder, with the keys and values of those before.

    Inputs: `previous` `(batch, 1)`; `attention_mask` `(batch, length)`; `word_starts`
    and `pointer_keys` of the words; for each layer `past_keys.N`, `past_values.N`,
    empty at first, `source_keys.N` and `source_values.N`.
    Outputs: `scores` `(batch, symbols + words)`, logits; `keys.N` and `values.N`.
    """
    width = facts.encoder["encoder_embed_dim"]
    previous = graph.input("previous", (_BATCH, 1))
    previous = graph.node("Transpose", previous, perm=[1, 0])
    bias = _mask_bias(graph, graph.input("attention_mask", (_BATCH, _LENGTH)))
    starts = graph.input("word_starts", (_BATCH, _WORDS))
    keys = graph.input("pointer_keys", (_BATCH, _WORDS, width), np.float32)
    past = [_cache(graph, "past", i, facts) for i in range(_depth(facts))]
    source = [_cache(graph, "source", i, facts) for i in range(_depth(facts))]
    eps = facts.encoder["layer_norm_eps"]
    base = "decoder.transformer"
    number = graph.node("Gather", graph.node("Shape", past[0][0]), graph.ints(2))
    positions = graph.constant(graph.weights[f"{base}.embeddings.positions.weight"])
    position = graph.node("Gather", positions, number)
    lead = graph.node("Shape", previous)
    x = graph.embed(previous, f"{base}.embeddings.symbols")
    x = graph.roll(graph.node("Add", x, position), lead, width)
    x = graph.layer_norm(x, f"{base}.embeddings.layer_norm", eps)
    for i in range(_depth(facts)):
        x, seen = _decoder_layer(
            graph, x, f"{base}.layers.{i}", past[i], source[i], bias, lead, facts
        )
        for kind, tensor in zip(("keys", "values"), seen):
            graph.output(tensor, f"{kind}.{i}", _cache_shape("past", facts, 1))
    symbols = graph.linear(x, "decoder.symbols")
    never = np.zeros(len(facts.outputs) - facts.num_pointers, bool)
    never[list(NEVER)] = True
    impossible = graph.number(_IMPOSSIBLE)
    symbols = graph.node("Where", graph.constant(never), impossible, symbols)
    query = graph.linear(x, "decoder.pointers.q_proj", width**-0.5)
    query = graph.node("Unsqueeze", query, graph.ints(1))
    pointers = graph.node(
        "MatMul", query, graph.node("Transpose", keys, perm=[0, 2, 1])
    )
    pointers = graph.node("Squeeze", pointers, graph.ints(1))
    is_missing = graph.node("Less", starts, graph.constant(0, np.int64))
    pointers = graph.node("Where", is_missing, impossible, pointers)
    scores = graph.node("Concat", symbols, pointers, axis=-1)
    graph.output(scores, "scores", (_BATCH, "symbols_and_words"))


def _encode(graph: Graph, ids: str, mask: str, lead: str, facts: Facts) -> str:
    """Return the last layer's output, a row per token: `(length * batch, width)`.

    Args:
        ids: `(length, batch)`.
        lead: their shape.
    """
    shape, base = facts.encoder, "encoder.embeddings"
    width = shape["encoder_embed_dim"]
    bias = _mask_bias(graph, mask)
    length = graph.node("Gather", lead, graph.ints(0))
    table = graph.constant(graph.weights[f"{base}.positions.weight"])
    positions = graph.node("Slice", table, graph.ints(0), length, graph.ints(0))
    x = graph.embed(ids, f"{base}.tokens")
    if UP in graph.weights:
        up = graph.weights[UP]
        x = graph.unroll(
            _map(graph, graph.roll(x, lead, up.shape[1]), up, UP), lead, width
        )
    x = graph.node("Add", x, graph.node("Unsqueeze", positions, graph.ints(1)))
    if shape["num_segments"]:
        segments = graph.input("token_type_ids", (_BATCH, _LENGTH))
        segments = graph.node("Transpose", segments, perm=[1, 0])
        added = Graph.embed(graph, segments, f"{base}.segments")
        x = graph.node("Add", x, added)
    x = graph.layer_norm(x, f"{base}.layer_norm", shape["layer_norm_eps"])
    x = graph.roll(x, lead, width)
    split = _split(graph, lead, facts)
    for i in range(shape["encoder_layers"]):
        name = f"encoder.layers.{i}"
        heads = _heads(graph, x, f"{name}.self_attn", "qkv", split, facts)
        attended = _attend(graph, heads, bias, lead, facts)
        x = _add_and_norm(graph, x, attended, f"{name}.self_attn", facts)
        x = _feed_forward(graph, x, name, facts)
    return x


def _decoder_layer(
    graph: Graph,
    x: str,
    name: str,
    past: list[str],
    source: list[str],
    bias: str,
    lead: str,
    facts: Facts,
) -> tuple[str, list[str]]:
    """Return the layer's output, and the keys and values of all symbols so far."""
    split = _split(graph, lead, facts)
    query, *new = _heads(graph, x, f"{name}.self_attn", "qkv", split, facts)
    seen = [graph.node("Concat", *pair, axis=2) for pair in zip(past, new)]
    attended = _attend(graph, [query, *seen], None, lead, facts)
    x = _add_and_norm(graph, x, attended, f"{name}.self_attn", facts)
    (query,) = _heads(graph, x, f"{name}.cross_attn", "q", split, facts)
    attended = _attend(graph, [query, *source], bias, lead, facts)
    x = _add_and_norm(graph, x, attended, f"{name}.cross_attn", facts)
    return _feed_forward(graph, x, name, facts), seen


def _split(graph: Graph, lead: str, facts: Facts) -> str:
    """Return the shape of projected rows whose heads are an axis."""
    heads = facts.encoder["encoder_attention_heads"]
    width = facts.encoder["encoder_embed_dim"] // heads
    return graph.node("Concat", lead, graph.ints(heads, width), axis=0)


def _heads(
    graph: Graph, x: str, name: str, kinds: str, split: str, facts: Facts
) -> list[str]:
    """Project to queries, keys or values: each `(batch, heads, length, head width)`.

    Queries are divided by the root of the head's width. Keys go without their bias:
    it moves all scores of a query alike, and softmax does not see it.

    Args:
        split: of `_split`.
    """
    width = facts.encoder["encoder_embed_dim"]
    root = math.sqrt(width // facts.encoder["encoder_attention_heads"])
    layers = {kind: graph.layer(f"{name}.{kind}_proj") for kind in kinds}
    if "q" in layers:
        layers["q"] = graph.layer(f"{name}.q_proj", 1 / root)
    if "k" in layers:
        layers["k"] = layers["k"]._replace(bias=np.zeros(width, np.float32))
    return [
        graph.node("Transpose", graph.node("Reshape", y, split), perm=[1, 2, 0, 3])
        for y in graph.linears(x, *layers.values())
    ]


def _attend(
    graph: Graph, heads: list[str], bias: str | None, lead: str, facts: Facts
) -> str:
    query, keys, values = heads
    scores = graph.node(
        "MatMul", query, graph.node("Transpose", keys, perm=[0, 1, 3, 2])
    )
    if bias is not None:
        scores = graph.node("Add", scores, bias)
    attended = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), values)
    attended = graph.node("Transpose", attended, perm=[2, 0, 1, 3])
    return graph.roll(attended, lead, facts.encoder["encoder_embed_dim"])


def _add_and_norm(graph: Graph, x: str, attended: str, name: str, facts: Facts) -> str:
    added = graph.node("Add", x, graph.linear(attended, f"{name}.out_proj"))
    eps = facts.encoder["layer_norm_eps"]
    return graph.layer_norm(added, f"{name}_layer_norm", eps)


def _feed_forward(graph: Graph, x: str, name: str, facts: Facts) -> str:
    inner = graph.gelu(graph.linear(x, f"{name}.fc1"))
    added = graph.node("Add", x, graph.linear(inner, f"{name}.fc2"))
    eps = facts.encoder["layer_norm_eps"]
    return graph.layer_norm(added, f"{name}.final_layer_norm", eps)


def _map(graph: Graph, x: str, weight: np.ndarray, name: str) -> str:
    """Add a linear layer without a bias."""
    return graph.linears(x, Layer(name, weight, np.zeros(len(weight), np.float32)))[0]


def _plain(graph: Graph, x: str, name: str) -> str:
    """Add a linear layer of a head, which stays in float32 whatever the graph does."""
    return Graph.linears(graph, x, graph.layer(name))[0]


def _add_lm_head(graph: Graph, x: str, facts: Facts) -> None:
    lead = graph.node("Shape", x, end=2)
    x = graph.roll(x, lead, facts.encoder["encoder_embed_dim"])
    x = graph.gelu(graph.linear(x, "lm_head.dense"))
    x = graph.layer_norm(x, "lm_head.layer_norm", facts.encoder["layer_norm_eps"])
    if UP in graph.weights:
        x = _map(graph, x, graph.weights[UP].T, f"{UP}.T")
    scores = graph.project(x, TOKENS, "lm_head.bias")
    scores = graph.unroll(scores, lead, facts.vocabulary)
    graph.output(scores, MASKED_LM, (_BATCH, _LENGTH, facts.vocabulary))


def _add_source(graph: Graph, rows: str, x: str, lead: str, facts: Facts) -> None:
    """Add the keys and values of the source, and the keys of its words.

    Args:
        rows: time-major.
        x: the same, `(batch, length, width)`.
    """
    width = facts.encoder["encoder_embed_dim"]
    split = _split(graph, lead, facts)
    for i in range(_depth(facts)):
        name = f"decoder.transformer.layers.{i}.cross_attn"
        found = _heads(graph, rows, name, "kv", split, facts)
        for kind, tensor in zip(("keys", "values"), found):
            graph.output(tensor, f"source_{kind}.{i}", _cache_shape("source", facts))
    starts = graph.input("word_starts", (_BATCH, _WORDS))
    index = graph.node("Max", starts, graph.constant(0, np.int64))
    index = graph.node("Unsqueeze", index, graph.ints(2))
    ones = graph.constant(np.ones((1, 1, width)), np.int64)
    index = graph.node("Mul", index, ones)
    words = graph.node("GatherElements", x, index, axis=1)
    lead = graph.node("Shape", starts)
    keys = graph.linear(graph.roll(words, lead, width), "decoder.pointers.k_proj")
    keys = graph.unroll(keys, lead, width)
    graph.output(keys, "pointer_keys", (_BATCH, _WORDS, width))


def _mask_bias(graph: Graph, mask: str) -> str:
    """Turn a mask of 0 and 1 into what is added to scores, `(batch, 1, 1, length)`."""
    hidden = graph.node("Cast", mask, to=TensorProto.FLOAT)
    hidden = graph.node("Sub", graph.number(1.0), hidden)
    bias = graph.node("Mul", hidden, graph.number(_MASKED))
    return graph.node("Unsqueeze", bias, graph.ints(1, 2))


def _cache(graph: Graph, kind: str, layer: int, facts: Facts) -> list[str]:
    shape = _cache_shape(kind, facts)
    return [
        graph.input(f"{kind}_{part}.{layer}", shape, np.float32)
        for part in ("keys", "values")
    ]


def _cache_shape(kind: str, facts: Facts, more: int = 0) -> tuple[Any, ...]:
    heads = facts.encoder["encoder_attention_heads"]
    length = _LENGTH if kind == "source" else f"steps{more or ''}"
    return (_BATCH, heads, length, facts.encoder["encoder_embed_dim"] // heads)


def _depth(facts: Facts) -> int:
    return int(facts.decoder["decoder_layers"])
