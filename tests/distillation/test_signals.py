"""Signals as bytes: what comes back, of which sequence, in how many bytes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from fairseq_mlkd.distillation.signals import (
    DTYPES,
    SignalCodec,
    find_sequences,
    flatten,
    name_signals,
    unflatten,
)
from fairseq_mlkd.modules.states import Request

PAD, CLASSES, DIM, HEADS = 1, 11, 4, 2
SOURCE, TARGET = [5, 2, 7, 1], [3, 6, 1, 2]
ENCODER = ("hidden_states", "attention_scores", "attention_vectors")
REQUESTS = Request(
    hidden_states=[0, 3],
    attention_scores=[2],
    attention_vectors=[1],
    decoder_hidden_states=[1],
    decoder_attention_scores=[0],
    decoder_attention_vectors=[0],
    cross_attention_scores=[0, 2],
    cross_attention_vectors=[2],
)


def make_ids(lengths: list[int], padding: int = 0) -> Tensor:
    ids = torch.full((len(lengths), max(lengths) + padding), PAD)
    for row, n in zip(ids, lengths):
        row[:n] = 5
    return ids


def make_inputs(kind: str, padding: int = 0) -> dict[str, Any]:
    """Return inputs of the four sequences, with labels as the tasks name them."""
    source, target = make_ids(SOURCE, padding), make_ids(TARGET, padding)
    inputs = {"src_tokens": source, "request": REQUESTS}
    if kind == "decoder":
        inputs["prev_output_tokens"] = target
        inputs["heads"] = {"decoder": target.ne(PAD).flatten().nonzero().flatten()}
        return inputs
    encoder = {n: i for n, i in REQUESTS._asdict().items() if n in ENCODER}
    inputs["request"] = Request(**encoder)
    if kind == "masked":
        rows = torch.tensor([[True], [False], [True], [True]])
        places = (source.ne(PAD) & rows).flatten().nonzero().flatten()
        inputs["heads"] = {"lm_head": places}
    else:  # in any order, as the windows of a sentence have it
        rows, columns = torch.tensor([2, 0, 3, 2]), torch.tensor([6, 0, 0, 1])
        inputs["heads"] = {
            "tags": rows * source.size(1) + columns,
            "intent": torch.arange(4) * source.size(1),
        }
    return inputs


def blank_padding(x: Tensor, *lengths: list[int]) -> Tensor:
    """Put 0 beyond the lengths that its axes have from the back, None for all."""
    for axis, lens in zip(range(x.dim() - len(lengths), x.dim()), lengths):
        for i, n in enumerate(lens or ()):
            x[i].narrow(axis - 1, n, x.size(axis) - n).zero_()
    return x


def make_signals(inputs: dict[str, Any]) -> Any:
    """Return what a teacher would return, 0 at padding, and the labels' sequences."""
    src, tgt = inputs["src_tokens"].size(1), max(TARGET)
    if "prev_output_tokens" in inputs:
        tgt = inputs["prev_output_tokens"].size(1)
    n, gen = len(SOURCE), torch.Generator().manual_seed(1)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=gen)

    def vectors(queries: list[int], q: int) -> tuple:
        kv = (blank_padding(random(n, HEADS, src, DIM), SOURCE, None) for _ in "kv")
        return (blank_padding(random(n, HEADS, q, DIM), queries, None), *kv)

    def decoder_vectors() -> tuple:
        return tuple(
            blank_padding(random(n, HEADS, tgt, DIM), TARGET, None) for _ in "qkv"
        )

    outputs = {
        "hidden_states": {
            i: blank_padding(random(n, src, DIM), SOURCE, None) for i in (0, 3)
        },
        "attention_scores": {
            2: blank_padding(random(n, HEADS, src, src), SOURCE, SOURCE)
        },
        "attention_vectors": {1: vectors(SOURCE, src)},
        "decoder_hidden_states": {1: blank_padding(random(n, tgt, DIM), TARGET, None)},
        "decoder_attention_scores": {
            0: blank_padding(random(n, HEADS, tgt, tgt), TARGET, TARGET)
        },
        "decoder_attention_vectors": {0: decoder_vectors()},
        "cross_attention_scores": {
            i: blank_padding(random(n, HEADS, tgt, src), TARGET, SOURCE) for i in (0, 2)
        },
        "cross_attention_vectors": {2: vectors(TARGET, tgt)},
    }
    return {
        name: random(len(places), CLASSES) for name, places in inputs["heads"].items()
    }, outputs


def round_to(x: Tensor, dtype: str) -> Tensor:
    return x.to(getattr(torch, dtype)).float()


def keep_largest(logits: Tensor, k: int) -> Tensor:
    """Slowly: minus infinity wherever k others are larger."""
    kept = torch.full_like(logits, -math.inf)
    for row, out in zip(logits, kept):
        for i in sorted(range(len(row)), key=lambda i: -row[i])[:k]:
            out[i] = row[i]
    return kept


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("kind", ["masked", "decoder", "heads"])
@pytest.mark.parametrize("top_k", [0, 1, 4, CLASSES, 99])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_encoded_comes_back_rounded(dtype, top_k, kind, padding):
    inputs = make_inputs(kind, padding)
    logits, outputs = make_signals(inputs)
    sequences = find_sequences(inputs, PAD)
    names = name_signals(inputs, sequences, features_only=False)
    signals = flatten(names, logits, outputs)
    codec = SignalCodec(dtype, top_k)
    blobs = codec.encode(signals, sequences)
    decoded = codec.decode(blobs, names, sequences, torch.zeros(1))
    assert list(decoded) == names
    assert len(names) == {"masked": 6 + 1, "decoder": 16 + 1, "heads": 6 + 2}[kind]
    for name, x in signals.items():
        if name.startswith("logits") and top_k:
            x = keep_largest(x, top_k)
        assert torch.equal(decoded[name], round_to(x, dtype)), name
    found, states = unflatten(decoded)
    assert found.keys() == inputs["heads"].keys()
    asked = {n: i for n, i in inputs["request"]._asdict().items() if i}
    assert {k: list(v) for k, v in states.items()} == asked
    assert len(states["attention_vectors"][1]) == 3


@pytest.mark.parametrize("kind", ["masked", "heads"])
def test_the_bytes_of_a_sequence_do_not_depend_on_its_batch(kind):
    codec, rows = SignalCodec("float32", 3), {}
    for padding in (0, 2):
        inputs = make_inputs(kind, padding)
        sequences = find_sequences(inputs, PAD)
        names = name_signals(inputs, sequences, features_only=True)
        src = inputs["src_tokens"].ne(PAD).float()
        outputs = {"hidden_states": {0: src[..., None], 3: 7 * src[..., None]}}
        wanted = [name for name in names if name.startswith("hidden")]
        signals = flatten(wanted, None, outputs)
        rows[padding] = codec.encode(signals, sequences)
    assert rows[0] == rows[2]
    for row, n in zip(rows[0], SOURCE):
        assert {x.shape for x in load(row).values()} == {(n, 1)}


def test_a_sequence_may_have_no_labels():
    inputs = {**make_inputs("masked"), "request": Request()}
    sequences, codec = find_sequences(inputs, PAD), SignalCodec("bfloat16", 2)
    name, rows = "logits.lm_head", len(inputs["heads"]["lm_head"])
    logits = {name: torch.randn(rows, CLASSES)}
    blobs = codec.encode(logits, sequences)
    assert load(blobs[1])[name].shape == (0, 2)
    found = codec.decode(blobs, [name], sequences, torch.zeros(1))[name]
    assert torch.equal(found, round_to(keep_largest(logits[name], 2), "bfloat16"))


def test_double_precision_stays_double():
    inputs = make_inputs("masked")
    sequences, signals = (
        find_sequences(inputs, PAD),
        {"logits.lm_head": torch.ones(13, 3)},
    )
    codec = SignalCodec("float16", 0)
    blobs = codec.encode(signals, sequences)
    like = torch.zeros(1, dtype=torch.float64)
    decoded = codec.decode(blobs, signals, sequences, like)
    assert decoded["logits.lm_head"].dtype == torch.float64


def test_numbers_too_large_for_the_format_are_refused():
    sequences = find_sequences(make_inputs("masked"), PAD)
    signals = {"hidden_states.0.0": torch.full((4, 7, DIM), 1e5)}
    with pytest.raises(ValueError, match="float16 cannot hold .* choose bfloat16"):
        SignalCodec("float16", 0).encode(signals, sequences)
    SignalCodec("bfloat16", 0).encode(signals, sequences)


@pytest.mark.parametrize("top_k", [0, 3])
def test_the_estimate_is_close_for_the_batch_itself(top_k):
    inputs = make_inputs("decoder")
    sequences, codec = find_sequences(inputs, PAD), SignalCodec("float16", top_k)
    names = name_signals(inputs, sequences, features_only=False)
    signals = flatten(names, *make_signals(inputs))
    # the one estimate in it: how long sources are that go with long targets
    kept = {n: x for n, x in signals.items() if not n.startswith(("cross", "decoder"))}
    size = sum(map(len, codec.encode(kept, sequences)))
    estimate = codec.bytes_per_token(kept, sequences, np.array(SOURCE))
    assert estimate * sum(SOURCE) == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x: {}, "lacks the teacher's hidden_states.0.0"),
        (lambda x: {n: t[:, :1].contiguous() for n, t in x.items()}, "another shape"),
        (lambda x: {n: t[:-1] for n, t in x.items()}, "another shape"),
        (lambda x: {n: t.half() for n, t in x.items()}, "another shape"),
    ],
)
def test_a_record_of_something_else_is_refused(change, message):
    inputs = {**make_inputs("masked"), "request": Request([0])}
    sequences, codec = find_sequences(inputs, PAD), SignalCodec("float32", 0)
    signals = {"hidden_states.0.0": torch.ones(4, 7, DIM)}
    blobs = codec.encode(signals, sequences)
    blobs[2] = save(change(load(blobs[2])))
    with pytest.raises(ValueError, match=message):
        codec.decode(blobs, signals, sequences, torch.zeros(1))
    with pytest.raises(ValueError, match="a row is damaged"):
        codec.decode([b"{"] * 4, signals, sequences, torch.zeros(1))
