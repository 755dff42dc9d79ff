"""8-bit graphs: what activations look like, and which smoothing harms least.

A few channels of the activations are many times as large as the rest; rounding to 8
bits by the largest number of a token then loses the others. SmoothQuant (Xiao et al.,
2023) divides each channel by `s = max|x|^alpha / max|w|^(1 - alpha)` and multiplies the
weights by it. A wrong alpha is worse than none, so it is chosen on text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from onnxruntime import InferenceSession

from fairseq_mlkd.convert.onnx_graph import Graph, Int8Graph, Layer, joined
from fairseq_mlkd.convert.onnx_models import add_model, write_graphs
from fairseq_mlkd.convert.trained import Arrays
from fairseq_mlkd.files.progress import show_progress
from fairseq_mlkd.serve.folder import INT8, INT8_DECODER, Facts
from fairseq_mlkd.serve.inputs import Sequences, pad
from fairseq_mlkd.serve.onnx_engine import open_session

_LEAST = 1e-5  # of a maximum that is divided by
_TAP = "largest:"
_ATTENDED = ".out_proj"  # the product of what attention returns

Smoothing = Mapping[str, np.ndarray]


class Setting(NamedTuple):
    """How activations are smoothed.

    Attributes:
        alpha: None: not at all.
        gelu: whether the outputs of GELU are smoothed, too.
    """

    alpha: float | None
    gelu: bool = False

    def __str__(self) -> str:
        if self.alpha is None:
            return "none"
        return f"alpha {self.alpha}{', after GELU too' if self.gelu else ''}"


ALPHAS = (0.5, 0.6, 0.7)
SETTINGS = (
    Setting(None),
    *(Setting(x, gelu) for gelu in (False, True) for x in ALPHAS),
)


class TappedGraph(Graph):
    """A float32 graph that also gives each channel's largest input to each product.

    Attributes:
        weights_of: the weights that an input is multiplied by, by their name.
        after_gelu: the names of those whose input GELU gives.
    """

    def __init__(self, weights: Arrays) -> None:
        super().__init__(weights)
        self.weights_of: Arrays = {}
        self.after_gelu: set[str] = set()

    def linears(self, x: str, *layers: Layer) -> list[str]:
        size, name = self.node("Abs", x), joined(layers)
        largest = self.node("ReduceMax", size, self.ints(0), keepdims=0)
        self.weights_of[name] = np.concatenate([layer.weight for layer in layers])
        self.output(largest, f"{_TAP}{name}", self.weights_of[name].shape[1:])
        if x in self.gelus:
            self.after_gelu.add(name)
        return super().linears(x, *layers)


def write_int8(
    folder: Path, facts: Facts, weights: Arrays, texts: Sequence[Sequences]
) -> Setting:
    """Write `onnx/model_int8.onnx`, and a parser's decoder.

    Args:
        texts: calibration text: the first half shows the activations, the second
            decides about the setting.
    Returns:
        The setting that was taken.
    """
    weights = shift_biases(weights, facts.encoder["encoder_layers"])
    half = max(1, len(texts) // 2)
    batches = [_batch(facts, text) for text in texts]
    errors = {}
    with TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        largest, tapped, wanted = _observe(scratch, facts, weights, batches, half)
        tried = show_progress(
            "int8: smoothing", SETTINGS, total=len(SETTINGS), unit="settings"
        )
        for setting in tried:
            smoothing = _smoothing(setting, largest, tapped)
            graph = Int8Graph(*fold(weights, smoothing))
            add_model(graph, facts)
            graph.save(scratch / "int8.onnx")
            found = _run(scratch / "int8.onnx", batches[half:] or batches)
            errors[setting] = relative_error(found, wanted)
    best = choose(errors)
    folded = fold(weights, _smoothing(best, largest, tapped))
    write_graphs(folder, facts, partial(Int8Graph, *folded), (INT8, INT8_DECODER))
    return best


def _smoothing(setting: Setting, largest: Arrays, tapped: TappedGraph) -> Smoothing:
    if setting.alpha is None:
        return {}
    products = {
        name: weight
        for name, weight in tapped.weights_of.items()
        if setting.gelu or name not in tapped.after_gelu
    }
    return smooth(largest, products, setting.alpha)


def choose(errors: Mapping[Setting, float]) -> Setting:
    """Return the setting of the least error.

    To smooth what GELU gives costs a pass over the widest activations: it is done where
    it takes a tenth off the error.
    """
    best = min(errors, key=errors.__getitem__)
    faster = min((x for x in errors if not x.gelu), key=errors.__getitem__)
    return best if errors[best] <= 0.9 * errors[faster] else faster


def smooth(largest: Arrays, products: Arrays, alpha: float) -> Smoothing:
    """Return the divisors of the inputs of each product.

    Args:
        largest: of each product, the largest magnitude of each input channel.
        products: its weights `(outputs, inputs)`.
    """
    found = {}
    for name, weight in products.items():
        inputs = np.maximum(largest[name], _LEAST)
        channels = np.maximum(np.abs(weight).max(axis=0), _LEAST)
        divisor = inputs**alpha / channels ** (1 - alpha)
        found[name] = np.maximum(divisor, _LEAST).astype(np.float32)
    return found


def shift_biases(weights: Arrays, layers: int) -> Arrays:
    """Have each layer norm add the bias that the next residual sum would add.

    What else reads its output subtracts `w @ b` from its own bias, so results are the
    same, and one node for each sum is saved.
    """
    shifted = dict(weights)
    norm = "encoder.embeddings.layer_norm"
    for i in range(layers):
        layer = f"encoder.layers.{i}"
        attention = f"{layer}.self_attn"
        inputs = [f"{attention}.{kind}_proj" for kind in "qkv"]
        for source, products, added in (
            (norm, inputs, f"{attention}.out_proj"),
            (f"{attention}_layer_norm", [f"{layer}.fc1"], f"{layer}.fc2"),
        ):
            bias = weights[f"{added}.bias"]
            shifted[f"{source}.bias"] = weights[f"{source}.bias"] + bias
            shifted[f"{added}.bias"] = np.zeros_like(bias)
            for name in products:
                less = weights[f"{name}.weight"] @ bias
                shifted[f"{name}.bias"] = weights[f"{name}.bias"] - less
        norm = f"{layer}.final_layer_norm"
    return shifted


def fold(weights: Arrays, smoothing: Smoothing) -> tuple[Arrays, Smoothing]:
    """Move the smoothing of attention's output into its value projection.

    Attention is linear in its values, so nothing else changes.

    Returns:
        The weights, and the smoothing that is left to the graph.
    """
    folded, left = dict(weights), dict(smoothing)
    for name, divisor in smoothing.items():
        if name.endswith(_ATTENDED):
            value = f"{name.removesuffix(_ATTENDED)}.v_proj"
            folded[f"{value}.weight"] = folded[f"{value}.weight"] / divisor[:, None]
            folded[f"{value}.bias"] = folded[f"{value}.bias"] / divisor
            folded[f"{name}.weight"] = folded[f"{name}.weight"] * divisor
            del left[name]
    return folded, left


def relative_error(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """Return the norm of all differences over the norm of what was wanted."""
    off = sum(
        float(np.square(a - b, dtype=np.float64).sum()) for a, b in zip(found, wanted)
    )
    whole = sum(float(np.square(b, dtype=np.float64).sum()) for b in wanted)
    return float((off / max(whole, _LEAST)) ** 0.5)


def _observe(
    scratch: Path, facts: Facts, weights: Arrays, batches: Sequence[Arrays], half: int
) -> tuple[Arrays, TappedGraph, list[np.ndarray]]:
    """Return largest inputs, the graph, and float32's outputs of the second half."""
    graph = TappedGraph(weights)
    add_model(graph, facts)
    graph.save(scratch / "tapped.onnx")
    session = open_session(scratch / "tapped.onnx", threads=1)
    names = [x.name for x in session.get_outputs()]
    largest: Arrays = {}
    wanted = []
    for number, batch in enumerate(batches):
        for name, x in zip(names, session.run(names, _given(session, batch))):
            if name.startswith(_TAP):
                seen = largest.setdefault(name.removeprefix(_TAP), x)
                if number < half:
                    np.maximum(seen, x, out=seen)
            elif number >= half or len(batches) == 1:
                wanted.append(x)
    return largest, graph, wanted


def _run(path: Path, batches: Sequence[Arrays]) -> list[np.ndarray]:
    session = open_session(path, threads=1)
    return [x for b in batches for x in session.run(None, _given(session, b))]


def _given(session: InferenceSession, batch: Arrays) -> Arrays:
    return {x.name: batch[x.name] for x in session.get_inputs()}


def _batch(facts: Facts, text: Sequences) -> Arrays:
    """Turn one text into inputs; a parser's words begin at every piece."""
    batch = pad(text.rows[:1], text.first[:1])
    if facts.decoder:
        batch["word_starts"] = np.arange(batch["input_ids"].shape[1])[None]
    return batch
