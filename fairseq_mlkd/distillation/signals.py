"""A teacher's signals as bytes, sequence by sequence, without their padding.

A signal is one tensor that a teacher hands out: the logits of a head, a hidden state,
the scores or vectors of an attention. A batch's signals are cut into its sequences,
whose bytes follow one another without any header: names, widths and lengths are known
before they are read.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

DTYPES = ("float16", "bfloat16", "float32")

SOURCE, TARGET = "source", "target"
_LOGITS = "logits"
_HEADS = _DIM = 0  # placeholders: the widths are the teacher's

Axis = int | str  # a width, or the name of a length that sequences differ in
Layout = Mapping[str, tuple[Axis, ...]]  # signal -> its axes within one sequence

# what models hand out by index: the axes of each tensor at an index
_STATES: dict[str, tuple[tuple[Axis, ...], ...]] = {
    "hidden_states": ((SOURCE, _DIM),),
    "attention_scores": ((_HEADS, SOURCE, SOURCE),),
    "attention_vectors": ((_HEADS, SOURCE, _DIM),) * 3,
    "decoder_hidden_states": ((TARGET, _DIM),),
    "decoder_attention_scores": ((_HEADS, TARGET, TARGET),),
    "decoder_attention_vectors": ((_HEADS, TARGET, _DIM),) * 3,
    "cross_attention_scores": ((_HEADS, TARGET, SOURCE),),
    "cross_attention_vectors": (
        (_HEADS, TARGET, _DIM),
        (_HEADS, SOURCE, _DIM),
        (_HEADS, SOURCE, _DIM),
    ),
}


@dataclass(frozen=True)
class Sequences:
    """The sequences of a batch, and where each one's signals are."""

    lengths: dict[str, list[int]]  # axis -> of each sequence
    padded: dict[str, int]  # axis -> in the batch
    labels: dict[str, list[Tensor]]  # head -> of each sequence, its rows of logits

    def __len__(self) -> int:
        return len(self.lengths[SOURCE])

    def index(self, axes: tuple[Axis, ...], i: int) -> Any:
        """Where sequence `i` is in a batch's signal of these axes."""
        if axes[0] in self.labels:
            return self.labels[str(axes[0])][i]
        return (i, *(slice(n) for n in self.shape(axes, i)))

    def shape(self, axes: tuple[Axis, ...], i: int) -> tuple[int, ...]:
        """The shape of that signal of sequence `i` alone."""
        return tuple(self.lengths[a][i] if isinstance(a, str) else a for a in axes)

    def batch_shape(self, axes: tuple[Axis, ...]) -> tuple[int, ...]:
        """The shape of that signal of the whole batch."""
        shape = tuple(self.padded[a] if isinstance(a, str) else a for a in axes)
        return shape if axes[0] in self.labels else (len(self), *shape)


def find_sequences(inputs: Mapping[str, Any], padding_idx: int) -> Sequences:
    """Read off a model's inputs which sequences there are, and where their labels are.

    Args:
        inputs: `src_tokens` `(bsz, src_len)`; `prev_output_tokens` `(bsz, tgt_len)` for
            a decoder; and what the task's supervision adds for logits.
        padding_idx: the padding of both.
    """
    ids = {SOURCE: inputs["src_tokens"], TARGET: inputs.get("prev_output_tokens")}
    ids = {axis: x for axis, x in ids.items() if x is not None}
    lengths = {axis: x.ne(padding_idx).sum(1).tolist() for axis, x in ids.items()}
    padded = {axis: x.size(1) for axis, x in ids.items()}
    labels = {}
    for axis, rows in _find_labels(inputs).items():
        bsz = len(lengths[SOURCE])
        labels[axis] = [rows.eq(i).nonzero().flatten() for i in range(bsz)]
        lengths[axis] = [len(found) for found in labels[axis]]
        padded[axis] = len(rows)
    return Sequences(lengths, padded, labels)


def _find_labels(inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Map a head's logits to the sequence that each of its rows belongs to, `(n,)`."""
    read = inputs.get("prev_output_tokens", inputs["src_tokens"])
    return {
        f"{_LOGITS}.{name}": (positions // read.size(1)).cpu()
        for name, positions in inputs["heads"].items()
    }


def name_signals(
    inputs: Mapping[str, Any], sequences: Sequences, *, features_only: bool
) -> list[str]:
    """The signals that a model is asked for, in the order of their bytes."""
    logits = [] if features_only else sorted(sequences.labels)
    return logits + [
        f"{states}.{i}.{part}"
        for states, parts in _STATES.items()
        for i in getattr(inputs["request"], states)
        for part in range(len(parts))
    ]


def flatten(
    names: list[str], logits: dict[str, Tensor], outputs: dict[str, Any]
) -> dict[str, Tensor]:
    """Pick the named signals out of what a model returned."""
    found = {}
    for name in names:
        kind, *where = name.split(".")
        if kind == _LOGITS:
            found[name] = logits[where[0]]
        else:
            states = outputs[kind][int(where[0])]
            found[name] = states if len(_STATES[kind]) == 1 else states[int(where[1])]
    return found


def unflatten(
    signals: dict[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Undo `flatten`: return logits by head, and outputs."""
    heads: dict[str, Tensor] = {}
    outputs: dict[str, Any] = {}
    for name, x in signals.items():
        kind, *where = name.split(".")
        if kind == _LOGITS:
            heads[where[0]] = x
        elif len(_STATES[kind]) == 1:
            outputs.setdefault(kind, {})[int(where[0])] = x
        else:
            outputs.setdefault(kind, {}).setdefault(int(where[0]), []).append(x)
    return heads, outputs


def measure(signals: Mapping[str, Tensor]) -> dict[str, tuple[Axis, ...]]:
    """The layout that a batch's signals have."""
    layout: dict[str, tuple[Axis, ...]] = {}
    for name, x in signals.items():
        kind, *where = name.split(".")
        if kind == _LOGITS:
            layout[name] = (name, x.size(1))
        else:
            axes = _STATES[kind][int(where[1])]
            widths = zip(axes, x.shape[1:])
            layout[name] = tuple(a if isinstance(a, str) else n for a, n in widths)
    return layout


class SignalCodec:
    """Turns a batch's signals into bytes and back.

    Args:
        dtype: what numbers are rounded to, one of `DTYPES`.
        top_k: of each row of logits, how many of the largest are kept; the others come
            back as minus infinity, so that softmax shares 1 among the kept. 0: all.
    """

    def __init__(self, dtype: str, top_k: int) -> None:
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.top_k = top_k

    def describe(self) -> str:
        kept = f"the {self.top_k} largest" if self.top_k else "all"
        return f"{str(self.dtype)[6:]}, {kept} of the logits"

    def _is_cut(self, axes: tuple[Axis, ...]) -> bool:
        is_logits = str(axes[0]).startswith(_LOGITS)
        return is_logits and 0 < self.top_k < int(axes[-1])

    def _parts(
        self, layout: Layout
    ) -> Iterator[tuple[str, torch.dtype, tuple[Axis, ...]]]:
        """The signal, number format and axes of each tensor that is stored."""
        for name, axes in layout.items():
            if self._is_cut(axes):
                kept = (*axes[:-1], self.top_k)
                yield name, self.dtype, kept
                yield name, torch.int32, kept
            else:
                yield name, self.dtype, axes

    def sizes(self, layout: Layout, sequences: Sequences) -> list[int]:
        """The number of bytes of each sequence."""
        parts = list(self._parts(layout))
        return [
            sum(math.prod(sequences.shape(a, i)) * _width(d) for _, d, a in parts)
            for i in range(len(sequences))
        ]

    def bytes_per_token(
        self, layout: Layout, sequences: Sequences, source_lengths: Any
    ) -> float:
        """Estimate the bytes of a token of the source in data of these lengths.

        Args:
            layout: of the signals.
            sequences: a batch, for the shares of labels and of target positions.
            source_lengths: `(n,)`, a numpy array.
        """
        tokens = sum(sequences.lengths[SOURCE])
        share = {axis: sum(n) / tokens for axis, n in sequences.lengths.items()}
        total = 0.0
        for _, dtype, axes in self._parts(layout):
            ragged = [axis for axis in axes if isinstance(axis, str)]
            numbers = math.prod(share[a] if isinstance(a, str) else a for a in axes)
            total += _width(dtype) * numbers * (source_lengths ** len(ragged)).mean()
        return total / source_lengths.mean()

    def encode(
        self, signals: Mapping[str, Tensor], sequences: Sequences
    ) -> list[bytes]:
        """The bytes of each sequence.

        Raises:
            ValueError: the number format cannot hold a number.
        """
        stored = []
        for (name, axes), x in zip(measure(signals).items(), signals.values()):
            x, indices = x.topk(self.top_k) if self._is_cut(axes) else (x, None)
            rounded = x.to(self.dtype)
            stored.append((axes, rounded.cpu()))
            if not torch.equal(rounded.isfinite(), x.isfinite()):
                raise ValueError(
                    f"--teacher-cache-dtype {str(self.dtype)[6:]} cannot hold the "
                    f"teacher's {name}: choose bfloat16 or float32"
                )
            if indices is not None:
                stored.append((axes, indices.int().cpu()))
        return [
            b"".join(_to_bytes(x[sequences.index(axes, i)]) for axes, x in stored)
            for i in range(len(sequences))
        ]

    def decode(
        self, blobs: list[bytes], layout: Layout, sequences: Sequences, like: Tensor
    ) -> dict[str, Tensor]:
        """A batch's signals, 0 at padding.

        Args:
            blobs: the bytes of each sequence, of the right sizes.
            layout: the signals in the order of their bytes.
            sequences: the batch.
            like: has the device; float64 gives float64 signals, all others float32.
        """
        dtype = torch.promote_types(like.dtype, torch.float32)
        buffers = [_to_buffer(blob) for blob in blobs]
        starts = [0] * len(blobs)
        found: dict[str, list[Tensor]] = {}
        for name, stored_dtype, axes in self._parts(layout):
            batch = torch.zeros(sequences.batch_shape(axes), dtype=stored_dtype)
            for i, buffer in enumerate(buffers):
                shape = sequences.shape(axes, i)
                end = starts[i] + math.prod(shape) * _width(stored_dtype)
                # a copy, whose numbers lie where their format wants them
                numbers = buffer[starts[i] : end].clone().view(stored_dtype)
                batch[sequences.index(axes, i)] = numbers.view(shape)
                starts[i] = end
            found.setdefault(name, []).append(batch.to(like.device))
        return {
            name: _spread(parts, layout[name], dtype) for name, parts in found.items()
        }


def _spread(parts: list[Tensor], axes: tuple[Axis, ...], dtype: torch.dtype) -> Tensor:
    """Undo top-k: minus infinity wherever nothing was kept."""
    values, *indices = parts
    values = values.to(dtype)
    if not indices:
        return values
    logits = values.new_full((len(values), int(axes[-1])), -math.inf)
    return logits.scatter_(1, indices[0].long(), values)


def _width(dtype: torch.dtype) -> int:
    return torch.empty((), dtype=dtype).element_size()


def _to_buffer(blob: bytes) -> Tensor:
    # frombuffer takes nothing empty, nor what cannot be written to
    return torch.frombuffer(bytearray(blob or b"\0"), dtype=torch.uint8)


def _to_bytes(x: Tensor) -> bytes:
    # numpy does not know bfloat16
    known = x.view(torch.int16) if x.dtype == torch.bfloat16 else x
    return bytes(known.numpy().tobytes())
