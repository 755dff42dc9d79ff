"""A narrower student that starts from a teacher's weights.

Hidden states `h` of the teacher, of width D, are written in d coordinates,
`h' = s B^T h` with `s = sqrt(d / D)`: the columns of B `(D, d)` are orthonormal, and s
keeps the size of a coordinate, on which layer norms depend by their epsilon. What reads
hidden states becomes `W B / s`, and what writes them `s B^T W`. A layer norm takes out
the mean, so B holds the direction of the mean and maps it to that of the student.

Where all hidden states lie in the span of B, the layer norms' weights are the same for
all channels and no head or neuron with an effect is cut, the student computes
`s B^T h` exactly; elsewhere it is a start that training mends.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from fairseq.data import Dictionary
from torch import Tensor

from fairseq_mlkd.checkpoint import load_weights
from fairseq_mlkd.distillation.layer_map import Pairs
from fairseq_mlkd.models.multilingual_encoder import (
    MultilingualEncoderConfig,
    build_encoder,
)
from fairseq_mlkd.modules.encoder import Encoder
from fairseq_mlkd.modules.low_rank import factorise, principal, whole_table
from fairseq_mlkd.modules.states import Request

logger = logging.getLogger(__name__)

Weights = dict[str, Tensor]
_SENTENCES, _LENGTH = 64, 32  # of random symbols


class Heads(NamedTuple):
    """How many heads a layer has; the student's are at most the teacher's."""

    teacher: int
    student: int


class Frame(NamedTuple):
    """The student's coordinates of the teacher's hidden states.

    Attributes:
        basis: B, `(teacher's width, student's width)`, float64.
        kept: the share of the states' squared length that lies in its span.
    """

    basis: Tensor
    kept: float

    @property
    def scale(self) -> float:
        """Return s, the root of the student's width over the teacher's."""
        teacher, student = self.basis.shape
        return math.sqrt(student / teacher)

    def read(self, weight: Tensor) -> Tensor:
        """Return `(outputs, teacher's width)` for the student's states."""
        return weight.double() @ self.basis / self.scale

    def write(self, weight: Tensor) -> Tensor:
        """Return `(teacher's width, ...)`, weights or a bias, in the student's."""
        return self.scale * self.basis.T @ weight.double()


def narrow_encoder(
    weights: Weights,
    theirs: MultilingualEncoderConfig,
    ours: MultilingualEncoderConfig,
    pairs: Pairs,
    dictionary: Dictionary,
    *,
    path: str,
    flag: str,
) -> Weights:
    """Return the encoder of a student narrower than its teacher, and log how.

    The state of torch's random numbers is left alone.

    Args:
        weights: of the teacher's encoder.
        theirs, ours: the two shapes.
        pairs: layers of student and teacher, from 1.
        dictionary: the symbols of both.
        path, flag: where the teacher comes from, for messages.
    Raises:
        ValueError: the student has more heads or neurons than the teacher, or the
            weights are not those of its shape.
    """
    for field in ("encoder_attention_heads", "encoder_ffn_embed_dim"):
        if getattr(ours, field) > getattr(theirs, field):
            raise ValueError(
                f"--{field.replace('_', '-')} {getattr(ours, field)}: a narrower "
                f"student takes them from {flag} {path}, which has "
                f"{getattr(theirs, field)}"
            )
    with torch.random.fork_rng(devices=[]):
        teacher = build_encoder(theirs, dictionary, Encoder)
    load_weights(teacher, weights, path, flag)
    states = sample_states(teacher, random_sentences(teacher, dictionary))
    frame = find_frame(torch.cat(states), ours.encoder_embed_dim)
    logger.info(
        "encoder: width %d -> %d, which holds %.1f%% of its states",
        *frame.basis.shape,
        100 * frame.kept,
    )
    embeddings = teacher.embeddings.state_dict()
    parts = {"embeddings": narrow_embeddings(embeddings, frame, ours.embedding_rank)}
    heads = Heads(theirs.encoder_attention_heads, ours.encoder_attention_heads)
    for student, number in pairs:
        layer = teacher.layers[number - 1].state_dict()
        parts[f"layers.{student - 1}"] = narrow_layer(
            layer, frame, ours.encoder_ffn_embed_dim, heads
        )
        logger.info("encoder layer %d <- layer %d, narrowed", student, number)
    return {
        f"{part}.{name}": tensor.float()
        for part, tensors in parts.items()
        for name, tensor in tensors.items()
    }


def random_sentences(encoder: Encoder, dictionary: Dictionary) -> Tensor:
    """Draw symbols that an encoder reads, `(64, up to 32)`, the same on every call.

    Text would be better still, and is not known where models are built.
    """
    length = min(_LENGTH, encoder.embeddings.positions.num_embeddings)
    return torch.randint(
        dictionary.nspecial,
        len(dictionary),
        (_SENTENCES, length),
        generator=torch.Generator().manual_seed(0),
    )


@torch.no_grad()
def sample_states(encoder: Encoder, sentences: Tensor) -> list[Tensor]:
    """Return each point's hidden states on sentences, `(n, width)`, float64."""
    points, trains = range(len(encoder.layers) + 1), encoder.training
    states = encoder.eval()(sentences, request=Request(points)).states["hidden_states"]
    encoder.train(trains)
    return [states[i].flatten(0, 1).double() for i in points]


def find_frame(states: Tensor, width: int) -> Frame:
    """Choose coordinates that keep most of hidden states.

    Args:
        states: `(n, teacher's width)`, float64.
        width: the student's, below the teacher's.
    """
    moments = states.T @ states
    old = len(moments)
    ones = torch.ones(old, 1, dtype=torch.float64) / math.sqrt(old)
    centre = torch.eye(old, dtype=torch.float64) - ones @ ones.T
    rest = principal(centre @ moments @ centre, width - 1)
    # a reflection that takes the first coordinate, the mean, to the student's mean
    mirror = torch.full((width, 1), -1 / math.sqrt(width), dtype=torch.float64)
    mirror[0] += 1
    mirror /= mirror.norm()
    reflection = torch.eye(width, dtype=torch.float64) - 2 * mirror @ mirror.T
    basis = torch.cat([ones, rest], dim=1) @ reflection
    kept = (basis.T @ moments @ basis).trace() / moments.trace()
    return Frame(basis, float(kept))


def narrow_embeddings(
    weights: Mapping[str, Tensor], frame: Frame, rank: int
) -> Weights:
    """Return the embeddings of the student.

    Args:
        weights: of the teacher's embeddings.
        rank: of the student's token embeddings; 0: whole.
    """
    table = whole_table(weights["tokens.weight"], weights.get("up.weight"))
    rows = {**weights, "tokens.weight": table}
    narrowed = narrow_layer_norm(weights, "layer_norm", frame)
    for name in ("tokens.weight", "positions.weight", "segments.weight"):
        if name in rows:
            narrowed[name] = frame.write(rows[name].T).T
    return change_rank(narrowed, rank)


def change_rank(weights: Mapping[str, Tensor], rank: int) -> Weights:
    """Return embeddings whose tokens are the nearest of a rank; 0: whole."""
    changed = dict(weights)
    table = whole_table(changed["tokens.weight"], changed.pop("up.weight", None))
    if not rank:
        return {**changed, "tokens.weight": table}
    tokens, up = factorise(table, rank)
    return {**changed, "tokens.weight": tokens, "up.weight": up}


def narrow_layer(
    weights: Mapping[str, Tensor], frame: Frame, ffn: int, heads: Heads
) -> Weights:
    """Return a layer of the student: the strongest heads and neurons.

    Args:
        weights: of the teacher's layer.
        ffn: width of the student's feed-forward part, at most the teacher's.
        heads: how many there are.
    """
    first, second = (
        frame.read(weights["fc1.weight"]),
        frame.write(weights["fc2.weight"]),
    )
    kept = _largest(first.norm(dim=1) * second.norm(dim=0), ffn)
    return {
        **narrow_layer_norm(weights, "self_attn_layer_norm", frame),
        **narrow_layer_norm(weights, "final_layer_norm", frame),
        **_narrow_attention(weights, frame, heads),
        "fc1.weight": first[kept],
        "fc1.bias": weights["fc1.bias"][kept],
        "fc2.weight": second[:, kept],
        "fc2.bias": frame.write(weights["fc2.bias"]),
    }


def narrow_layer_norm(
    weights: Mapping[str, Tensor], name: str, frame: Frame
) -> Weights:
    """Return a layer norm of the student: the diagonal of `B^T diag(weight) B`."""
    weight = weights[f"{name}.weight"].double()
    return {
        f"{name}.weight": frame.basis.square().T @ weight,
        f"{name}.bias": frame.write(weights[f"{name}.bias"]),
    }


def _narrow_attention(
    weights: Mapping[str, Tensor], frame: Frame, heads: Heads
) -> Weights:
    """Return attention whose heads do nearly what the strongest ones do.

    A head's scores are `x^T M y` and what it writes is `N y`; M and N become the
    nearest matrices of the rank that the width of the student's heads allows.
    """
    # biases as one input more, which is always 1
    q, k, v = (
        torch.cat(
            [frame.read(weights[f"{name}.weight"]), bias[:, None]], dim=1
        ).unflatten(0, (heads.teacher, -1))
        for name, bias in (
            (f"self_attn.{x}_proj", weights[f"self_attn.{x}_proj.bias"].double())
            for x in "qkv"
        )
    )  # H x C x (d + 1)
    out = frame.write(weights["self_attn.out_proj.weight"])
    out = out.unflatten(1, (heads.teacher, -1)).transpose(0, 1)  # H x d x C
    # attention weights add up to 1, so biases of values pass through
    bias = frame.write(weights["self_attn.out_proj.bias"])
    bias = bias + (out @ v[..., -1:]).sum(dim=0)[:, 0]
    v = v[..., :-1]
    width = len(bias) // heads.student
    size = math.sqrt(width / q.shape[1])  # scores are divided by the root of widths
    effect = (out @ v).flatten(1).norm(dim=1)
    kept = _largest(effect, heads.student).tolist()
    scores = [_split(q[i].T * size, k[i].T, width) for i in kept]
    writes = [_split(out[i], v[i].T, width) for i in kept]
    queries, keys = (torch.cat(x, dim=1) for x in zip(*scores))
    outputs, values = (torch.cat(x, dim=1) for x in zip(*writes))
    return {
        "self_attn.q_proj.weight": queries[:-1].T,
        "self_attn.q_proj.bias": queries[-1],
        "self_attn.k_proj.weight": keys[:-1].T,
        "self_attn.k_proj.bias": keys[-1],
        "self_attn.v_proj.weight": values.T,
        "self_attn.v_proj.bias": torch.zeros_like(bias),
        "self_attn.out_proj.weight": outputs,
        "self_attn.out_proj.bias": bias,
    }


def _split(left: Tensor, right: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Return factors of the nearest matrix to `left @ right.T` of a rank.

    Args:
        left, right: `(rows, inner)`.
        width: the rank. Above that of the product, columns of the left factor come
            again and those of the right are 0: they are free to learn.
    Returns:
        `(rows, width)` each, of like size.
    """
    (q1, r1), (q2, r2) = torch.linalg.qr(left), torch.linalg.qr(right)
    u, s, v = torch.linalg.svd(r1 @ r2.T, full_matrices=False)
    root = s[:width].sqrt()
    first, second = q1 @ u[:, :width] * root, q2 @ v[:width].T * root
    missing = width - len(root)
    again = torch.arange(width) % len(root)
    return first[:, again], F.pad(second, (0, missing))


def _largest(values: Tensor, number: int) -> Tensor:
    """Return the indices of the largest values, in ascending order."""
    return values.argsort(descending=True, stable=True)[:number].sort().values
