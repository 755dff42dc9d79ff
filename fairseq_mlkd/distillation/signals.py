"""A teacher's signals as bytes, sequence by sequence, without their padding.

A signal is one tensor that a teacher hands out: the logits of a head, a hidden state,
the scores or vectors of an attention. A batch's signals are cut into its sequences, and
each sequence becomes one record in the format of safetensors, which holds name, number
format and shape of each tensor. Its header is about 90 bytes per tensor. For a sentence
of 24 tokens, all signals of 12 -> 4 layers take 242.1 kB where the numbers alone are
241.2 kB, and the 64 largest logits at 4 labels 1.8 kB for 1.5 kB.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

DTYPES = ("float16", "bfloat16", "float32")

SOURCE_AXIS, TARGET_AXIS = "source", "target"
_LOGITS, _INDICES, _CLASSES = "logits", ".indices", ".classes"
_HEADER = 90  # bytes of a record for each tensor
_ROWS = 16  # of logits, in double precision at a time

Axis = str | None  # the name of a length that sequences differ in; None: a width

# what models hand out by index: the axes of each tensor at an index
_STATES: dict[str, tuple[tuple[Axis, ...], ...]] = {
    "hidden_states": ((SOURCE_AXIS, None),),
    "attention_scores": ((None, SOURCE_AXIS, SOURCE_AXIS),),
    "attention_vectors": ((None, SOURCE_AXIS, None),) * 3,
    "decoder_hidden_states": ((TARGET_AXIS, None),),
    "decoder_attention_scores": ((None, TARGET_AXIS, TARGET_AXIS),),
    "decoder_attention_vectors": ((None, TARGET_AXIS, None),) * 3,
    "cross_attention_scores": ((None, TARGET_AXIS, SOURCE_AXIS),),
    "cross_attention_vectors": (
        (None, TARGET_AXIS, None),
        (None, SOURCE_AXIS, None),
        (None, SOURCE_AXIS, None),
    ),
}


@dataclass(frozen=True)
class Sequences:
    """The sequences of a batch, and where each one's signals are."""

    lengths: dict[str, list[int]]  # axis -> of each sequence
    padded: dict[str, int]  # axis -> in the batch
    labels: dict[str, list[Tensor]]  # logits -> of each sequence, its rows of them

    def __len__(self) -> int:
        return len(self.lengths[SOURCE_AXIS])

    def index(self, name: str, i: int) -> Any:
        """Return where sequence `i` is in a batch's signal."""
        if name in self.labels:
            return self.labels[name][i]
        lengths = (None if a is None else self.lengths[a][i] for a in axes_of(name))
        return (i, *(slice(n) for n in lengths))

    def shape(self, name: str, i: int, like: Tensor) -> tuple[int, ...]:
        """Return the shape of a signal of sequence `i`, its widths being `like`'s."""
        axes = zip(axes_of(name), like.shape)
        return tuple(n if a is None else self.lengths[a][i] for a, n in axes)

    def batch_shape(self, name: str, like: Tensor) -> tuple[int, ...]:
        """Return the shape of that signal of the whole batch."""
        axes = zip(axes_of(name), like.shape)
        shape = tuple(n if a is None else self.padded[a] for a, n in axes)
        return shape if name in self.labels else (len(self), *shape)


def axes_of(name: str) -> tuple[Axis, ...]:
    """Return the axes of a signal within one sequence."""
    kind, *where = name.split(".")
    return (name, None) if kind == _LOGITS else _STATES[kind][int(where[1])]


def find_sequences(inputs: Mapping[str, Any], padding_idx: int) -> Sequences:
    """Read off a model's inputs which sequences there are, and where their labels are.

    Args:
        inputs: `src_tokens` `(bsz, src_len)`; `prev_output_tokens` `(bsz, tgt_len)` for
            a decoder; and `heads`, as in `Supervision.places`.
        padding_idx: the padding of both.
    """
    ids = {
        SOURCE_AXIS: inputs["src_tokens"],
        TARGET_AXIS: inputs.get("prev_output_tokens"),
    }
    ids = {axis: x for axis, x in ids.items() if x is not None}
    lengths = {axis: x.ne(padding_idx).sum(1).tolist() for axis, x in ids.items()}
    padded = {axis: x.size(1) for axis, x in ids.items()}
    labels, bsz = {}, len(lengths[SOURCE_AXIS])
    for head, places in inputs["heads"].items():
        rows = (places // padded.get(TARGET_AXIS, padded[SOURCE_AXIS])).cpu()
        axis = f"{_LOGITS}.{head}"
        labels[axis] = [rows.eq(i).nonzero().flatten() for i in range(bsz)]
        lengths[axis] = [len(found) for found in labels[axis]]
        padded[axis] = len(rows)
    return Sequences(lengths, padded, labels)


def name_signals(
    inputs: Mapping[str, Any], sequences: Sequences, *, features_only: bool
) -> list[str]:
    """Return the signals that a model is asked for."""
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


class SignalCodec:
    """The bytes of a batch's signals, and the way back.

    Args:
        dtype: what numbers are rounded to, one of `DTYPES`.
        top_k: of each row of logits, how many of the largest are kept; the others come
            back as minus infinity, so that softmax shares 1 among the kept. 0: all.
        sampled: in place of `top_k`, how many `draw_classes` keeps. 0: none are drawn.
        temperature: of the distribution that is drawn from.
    """

    def __init__(
        self, dtype: str, top_k: int, sampled: int = 0, temperature: float = 1.0
    ) -> None:
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.kept, self.is_drawn = sampled or top_k, bool(sampled)
        self.temperature = temperature

    def describe(self) -> str:
        """Return what is kept in words: `float16, the 8 largest of the logits`."""
        if self.is_drawn:
            return f"{str(self.dtype)[6:]}, {self.kept} drawn of the logits"
        kept = f"the {self.kept} largest" if self.kept else "all"
        return f"{str(self.dtype)[6:]}, {kept} of the logits"

    def facts(self) -> dict[str, Any]:
        """Return what the bytes depend on, by option."""
        dtype = {"--teacher-cache-dtype": str(self.dtype)[6:]}
        if not self.is_drawn:
            return {**dtype, "--teacher-cache-top-k": self.kept}
        # in the place of a fact that every cache has
        kept = {"--teacher-cache-top-k": f"{self.kept} sampled"}
        return {**dtype, **kept, "--temperature": self.temperature}

    def _is_cut(self, name: str, x: Tensor) -> bool:
        return name.startswith(_LOGITS) and 0 < self.kept < x.size(-1)

    def _cut(
        self, name: str, x: Tensor, sequences: Sequences, keys: Sequence[bytes]
    ) -> tuple[Tensor, Tensor]:
        """Return what is kept of logits and which classes these are, `(n, kept)`."""
        if not self.is_drawn:
            values, indices = x.topk(self.kept)
            return values, indices
        uniform = torch.empty(len(x), 1, dtype=torch.float64)
        for key, rows in zip(keys, sequences.labels[name], strict=True):
            seed = blake2b(key + name.encode(), digest_size=7).digest()
            gen = torch.Generator().manual_seed(int.from_bytes(seed, "big"))
            uniform[rows] = torch.rand(len(rows), 1, generator=gen, dtype=torch.float64)
        parts = [
            draw_classes(*part, self.kept, self.temperature)
            for part in zip(x.split(_ROWS), uniform.to(x.device).split(_ROWS))
        ]
        values, indices = map(torch.cat, zip(*parts))
        return values, indices

    def bytes_per_token(
        self,
        signals: Mapping[str, Tensor],
        sequences: Sequences,
        source_lengths: NDArray[np.int64],
    ) -> float:
        """Estimate the bytes per source token on data of these lengths.

        Args:
            signals: of a batch, which tells the widths.
            sequences: of that batch, for the shares of labels and of target positions.
            source_lengths: `(n,)`.
        """
        tokens, total = sum(sequences.lengths[SOURCE_AXIS]), 0.0
        for name, x in signals.items():
            axes = axes_of(name)
            ragged = [axis for axis in axes if axis is not None]
            numbers = math.prod(sum(sequences.lengths[a]) / tokens for a in ragged)
            size, header = self.dtype.itemsize, _HEADER
            widths = zip(reversed(axes), reversed(x.shape))
            numbers *= math.prod(n for axis, n in widths if axis is None)
            if self._is_cut(name, x):
                numbers *= self.kept / x.size(-1)
                size, header = size + torch.int32.itemsize, 3 * _HEADER
            total += size * numbers * (source_lengths ** len(ragged)).mean() + header
        return float(total / source_lengths.mean())

    def encode(
        self,
        signals: Mapping[str, Tensor],
        sequences: Sequences,
        keys: Sequence[bytes] = (),
    ) -> list[bytes]:
        """Return the record of each sequence.

        Args:
            signals: of a batch.
            sequences: the batch.
            keys: of each sequence, all that decides what is drawn of its logits; needed
                where they are.
        Raises:
            ValueError: the number format cannot hold a number.
        """
        records: list[dict[str, Tensor]] = [{} for _ in range(len(sequences))]
        for name, x in signals.items():
            values, indices, classes = x, None, torch.tensor(x.size(-1))
            if self._is_cut(name, x):
                values, kept = self._cut(name, x, sequences, keys)
                indices = kept.int().cpu()
            rounded = values.to(self.dtype)
            if not torch.equal(rounded.isfinite(), values.isfinite()):
                raise ValueError(
                    f"--teacher-cache-dtype {str(self.dtype)[6:]} cannot hold the "
                    f"teacher's {name}: choose bfloat16 or float32"
                )
            rounded = rounded.cpu()
            for i, record in enumerate(records):
                where = sequences.index(name, i)
                record[name] = rounded[where].contiguous()
                if indices is not None:
                    record[name + _INDICES] = indices[where].contiguous()
                    record[name + _CLASSES] = classes
        return [save(record) for record in records]

    def decode(
        self,
        blobs: Iterable[bytes],
        names: Iterable[str],
        sequences: Sequences,
        like: Tensor,
    ) -> dict[str, Tensor]:
        """Return a batch's signals, 0 at padding.

        Args:
            blobs: the record of each sequence.
            names: the signals to take.
            sequences: the batch.
            like: has the device; float64 gives float64 signals, all others float32.
        Raises:
            ValueError: a record is damaged, lacks a signal, or has it in another shape.
        """
        dtype = torch.promote_types(like.dtype, torch.float32)
        try:
            records = [load(blob) for blob in blobs]
        except SafetensorError as error:
            raise ValueError(f"a row is damaged ({error})") from None
        found = {}
        for name in names:
            values = _gather(records, name, name, sequences).to(like.device, dtype)
            if records and name + _INDICES in records[0]:
                indices = _gather(records, name + _INDICES, name, sequences)
                classes = int(records[0][name + _CLASSES])
                # softmax gives nothing to what was not kept
                logits = values.new_full((len(values), classes), -math.inf)
                values = logits.scatter_(1, indices.to(like.device).long(), values)
            found[name] = values
        return found


def draw_classes(
    logits: Tensor, uniform: Tensor, kept: int, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Draw a few classes whose softmax is, in expectation, that of all.

    Equation 2's gradient is linear in the teacher's distribution, so that its
    expectation is exact, too, which that of the largest classes is not (Anshumann et
    al., 2025, arXiv 2503.16870). They draw with replacement and count. Here no class is
    drawn twice: the least share c is found of which `kept` make up the distribution;
    classes likelier than c keep their probability, and among the others, each with the
    probability p / c, equidistant points draw those that get c (Fearnhead and Clifford,
    2003). No other unbiased choice of as many has a smaller squared error.

    Args:
        logits: `(n, classes)`.
        uniform: `(n, 1)`, random in [0, 1), one for each row.
        kept: classes to keep, fewer than there are.
        temperature: divides the logits.
    Returns:
        Logits `(n, kept)` of the classes that are kept, to be divided by `temperature`
        likewise, in double precision; and these classes.
    """
    probs = (logits.double() / temperature).softmax(dim=-1)  # n x classes
    largest, order = probs.topk(kept)  # n x kept
    slots = torch.arange(kept, device=logits.device)
    # what is left for a slot and those after it, shared out alike, is less than its own
    left = 1 - largest.cumsum(dim=-1) + largest
    is_sure = (largest * (kept - slots) > left).long().cumprod(dim=-1).bool()
    others = probs.scatter(-1, order, largest.masked_fill(is_sure, 0.0)).cumsum(dim=-1)
    sure = is_sure.sum(dim=-1, keepdim=True)
    share = others[:, -1:] / (kept - sure).clamp(min=1)
    points = (uniform + slots - sure) * share
    drawn = torch.searchsorted(others, points, right=True)
    # nothing is left beside a distribution of few classes
    is_sure |= share == 0
    weights = largest.where(is_sure, share)
    drawn = drawn.clamp(max=probs.size(-1) - 1)  # as rounding may ask
    return temperature * weights.log(), order.where(is_sure, drawn)


def _gather(
    records: list[dict[str, Tensor]], key: str, name: str, sequences: Sequences
) -> Tensor:
    """Put what the sequences have under a key where the signal `name` has it."""
    parts = [record.get(key) for record in records]
    first = parts[0]
    if first is None or any(part is None for part in parts):
        raise ValueError(f"it lacks the teacher's {name}")
    batch = first.new_zeros(sequences.batch_shape(name, first))
    for i, part in enumerate(parts):
        expected = sequences.shape(name, i, first)
        if part is None or part.shape != expected or part.dtype != first.dtype:
            raise ValueError(f"a row has the teacher's {name} in another shape")
        batch[sequences.index(name, i)] = part
    return batch
