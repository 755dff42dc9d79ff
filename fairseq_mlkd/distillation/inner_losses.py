"""Equation 3 on every part of a model: which states are compared, and with which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial, reduce
from operator import add
from typing import NamedTuple, Optional, cast

from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from torch import Tensor, nn

from fairseq_mlkd.distillation.contract import ModelShape
from fairseq_mlkd.distillation.layer_map import LayerMap, Pairs
from fairseq_mlkd.distillation.losses import (
    GRAM_LOSSES,
    INTER_LOSSES,
    attention_loss,
    hidden_loss,
    relation_loss,
    valid_cells,
)
from fairseq_mlkd.distillation.projections import (
    HEAD_MAPS,
    HeadMap,
    Projections,
    choose_head_map,
    choose_relation_heads,
)
from fairseq_mlkd.modules.states import Outputs, Request
from fairseq_mlkd.options import option

SOURCE_PADDING, TARGET_PADDING = "padding_mask", "decoder_padding_mask"


@dataclass
class InnerLossesConfig(FairseqDataclass):
    """The terms of equation 3, and how they compare; `X_weight` weighs the terms X."""

    embedding_weight: float = option(
        1.0, "weight of equation 3 on embeddings; 0 disables"
    )
    hidden_weight: float = option(
        1.0, "weight of equation 3 on the layers' outputs; 0 disables"
    )
    attention_weight: float = option(
        1.0, "weight of equation 3 on attention scores; 0 disables"
    )
    layer_map: str = option(
        "uniform",
        "teacher layers to learn from: uniform, last, last-K (only the "
        "student's last K layers learn), or their numbers from 1, one per student "
        "layer, such as 3,6,9,12",
    )
    attention_map: Optional[str] = option(
        None, "the same for attention; default: as --layer-map"
    )
    decoder_layer_map: str = option(
        "uniform", "as --layer-map, of the decoders of zero_shot_parsing"
    )
    head_map: ChoiceEnum(HEAD_MAPS) = option(  # type: ignore[valid-type]
        "auto",
        "attention heads: mean over heads, linear (learned mixture), "
        "relation (MiniLMv2's, of queries, keys and values), none (attention is "
        "not compared), or auto: linear where the numbers differ, else one to one",
    )
    relation_heads: int = option(
        0,
        "heads of --head-map relation, a divisor of both widths; 0: as "
        "many as the teacher's attention has, or the next lower number that fits",
    )
    inter_loss: ChoiceEnum(INTER_LOSSES) = option(  # type: ignore[valid-type]
        "mse",
        "equation 3 as TinyBERT's mse or the paper's l2 norm; or without projections, "
        "by the Gram matrices of a batch's tokens: cka, or gram (of cosines); "
        "attention scores then have mse",
    )


def inner_weights(cfg: InnerLossesConfig) -> dict[str, float]:
    """Return the weights of the terms of equation 3, by kind."""
    names = [f.name for f in fields(InnerLossesConfig) if f.name.endswith("_weight")]
    return {name.removesuffix("_weight"): getattr(cfg, name) for name in names}


class AttentionKind(NamedTuple):
    """One of a model's attentions.

    Args:
        name: what models call its scores (`NAME_scores`) and vectors (`NAME_vectors`).
        queries: the padding mask of its queries among a model's outputs.
        keys: that of its keys and values.
        causal: whether it cannot look ahead.
    """

    name: str
    queries: str
    keys: str
    causal: bool = False


ENCODER_ATTENTION = AttentionKind("attention", SOURCE_PADDING, SOURCE_PADDING)
DECODER_ATTENTION = AttentionKind(
    "decoder_attention", TARGET_PADDING, TARGET_PADDING, causal=True
)
CROSS_ATTENTION = AttentionKind("cross_attention", TARGET_PADDING, SOURCE_PADDING)


class StateLoss(nn.Module):
    """Equation 3 on hidden states or embeddings, summed over points.

    Args:
        states: what models call them.
        padding: the padding mask among a model's outputs.
        pairs: which points are compared.
        student: shape of the student.
        teacher: shape of the teacher.
        kind: as in `hidden_loss`.
    """

    def __init__(
        self,
        states: str,
        padding: str,
        pairs: Pairs,
        student: ModelShape,
        teacher: ModelShape,
        kind: str,
    ) -> None:
        super().__init__()
        self.states, self.padding = states, padding
        self.pairs, self.kind = pairs, kind
        # Gram matrices of tokens need no equal widths
        points = [] if kind in GRAM_LOSSES else [i for i, _ in pairs]
        self.projections = Projections(
            points, student.encoder_embed_dim, teacher.encoder_embed_dim
        )

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Return each sentence's term, `(bsz,)`."""
        own, theirs = student[self.states], teacher[self.states]
        losses = [
            hidden_loss(
                self.projections(own[i], i),
                theirs[j],
                student[self.padding],
                kind=self.kind,
            )
            for i, j in self.pairs
        ]
        return reduce(add, losses)


class ScoreLoss(nn.Module):
    """Equation 3 on the scores of one kind of attention, summed over layers.

    Args:
        attention: the kind of attention.
        pairs: which layers are compared.
        student: shape of the student.
        teacher: shape of the teacher.
        head_map: as in `HeadMap`.
        kind: as in `attention_loss`.
    """

    def __init__(
        self,
        attention: AttentionKind,
        pairs: Pairs,
        student: ModelShape,
        teacher: ModelShape,
        head_map: str,
        kind: str,
    ) -> None:
        super().__init__()
        self.states = f"{attention.name}_scores"
        self.attention, self.pairs, self.kind = attention, pairs, kind
        layers = [i for i, _ in pairs]
        self.head_map = HeadMap(
            head_map,
            layers,
            student.encoder_attention_heads,
            teacher.encoder_attention_heads,
        )

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Return each sentence's term, `(bsz,)`."""
        _, queries, keys, causal = self.attention
        cells = valid_cells(student[queries], student[keys], causal=causal)
        own, theirs = student[self.states], teacher[self.states]
        losses = [
            attention_loss(
                self.head_map.map_student(own[i], i),
                self.head_map.map_teacher(theirs[j]),
                cells,
                kind=self.kind,
            )
            for i, j in self.pairs
        ]
        return reduce(add, losses)


class RelationLoss(nn.Module):
    """MiniLMv2's relations of one kind of attention, summed over layers.

    Those among queries, among keys and among values count alike, as in the paper.

    Args:
        attention: the kind of attention.
        pairs: which layers are compared.
        heads: number of relation heads.
    """

    def __init__(self, attention: AttentionKind, pairs: Pairs, heads: int) -> None:
        super().__init__()
        self.states = f"{attention.name}_vectors"
        self.attention, self.pairs, self.heads = attention, pairs, heads

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Return each sentence's term, `(bsz,)`."""
        _, queries, keys, _ = self.attention
        masks = [student[side] for side in (queries, keys, keys)]
        losses = [
            relation_loss(own, theirs, mask, heads=self.heads)
            for i, j in self.pairs
            for own, theirs, mask in zip(
                student[self.states][i], teacher[self.states][j], masks
            )
        ]
        return reduce(add, losses)


Term = StateLoss | ScoreLoss | RelationLoss


class InnerLosses(nn.Module):
    """All terms of equation 3 whose weight is not 0.

    Args:
        weights: of the terms called `embedding`, `hidden` and `attention`; those of a
            decoder have the same.
        layers: layers of the encoders that are compared.
        decoder_layers: likewise of the decoders; None: there are none.
        student: shape of the student.
        teacher: shape of the teacher.
        head_map: one of `HEAD_MAPS`.
        relation_heads: as in `choose_relation_heads`.
        kind: one of `INTER_LOSSES`; of `GRAM_LOSSES`, attention scores have `mse`.
    Raises:
        ValueError: a map that does not fit.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        layers: LayerMap,
        decoder_layers: LayerMap | None,
        student: ModelShape,
        teacher: ModelShape,
        *,
        head_map: str = "auto",
        relation_heads: int = 0,
        kind: str = "mse",
    ) -> None:
        super().__init__()
        shapes = (student, teacher)
        heads = (student.encoder_attention_heads, teacher.encoder_attention_heads)
        widths = (student.encoder_embed_dim, teacher.encoder_embed_dim)
        self.head_map = choose_head_map(head_map, *heads)
        self.relation_heads = choose_relation_heads(relation_heads, *widths, heads[1])
        self.shapes, self.kind = shapes, kind
        if self.head_map == "none":
            weights = {**weights, "attention": 0.0}
        terms = self._terms("", layers, ENCODER_ATTENTION)
        if decoder_layers is not None:
            terms.update(self._terms("decoder_", decoder_layers, DECODER_ATTENTION))
            cross = self._attention(CROSS_ATTENTION, decoder_layers.attention)
            terms["cross_attention_loss"] = cross
        self.weights = {name: weights[weight_of(name)] for name in terms}
        self.terms = nn.ModuleDict(
            {name: make() for name, make in terms.items() if self.weights[name]}
        )

    def _terms(
        self, prefix: str, layers: LayerMap, attention: AttentionKind
    ) -> dict[str, Callable[[], nn.Module]]:
        states = partial(StateLoss, f"{prefix}hidden_states", f"{prefix}padding_mask")
        how = (*self.shapes, self.kind)
        return {
            f"{prefix}embedding_loss": partial(states, layers.hidden[:1], *how),
            f"{prefix}hidden_loss": partial(states, layers.hidden[1:], *how),
            f"{prefix}attention_loss": self._attention(attention, layers.attention),
        }

    def _attention(
        self, attention: AttentionKind, pairs: Pairs
    ) -> Callable[[], nn.Module]:
        if self.head_map == "relation":
            return partial(RelationLoss, attention, pairs, self.relation_heads)
        kind = "mse" if self.kind in GRAM_LOSSES else self.kind
        how = (*self.shapes, self.head_map, kind)
        return partial(ScoreLoss, attention, pairs, *how)

    def student_request(self, decodes: bool = True) -> Request:
        """Return what the student has to hand out.

        Args:
            decodes: there is something to decode.
        """
        return self._request(0, decodes)

    def teacher_request(self, decodes: bool = True) -> Request:
        """Return what the teacher has to hand out; see `student_request`."""
        return self._request(1, decodes)

    def _request(self, side: int, decodes: bool) -> Request:
        found: dict[str, list[int]] = {}
        for term in self._chosen(decodes).values():
            indices = [pair[side] for pair in term.pairs]
            found.setdefault(term.states, []).extend(indices)
        return Request(**found)

    def projected(self, states: str) -> list[StateLoss]:
        """Return the terms on some states that have projections."""
        terms = (t for t in self.terms.values() if isinstance(t, StateLoss))
        return [t for t in terms if t.states == states and t.projections.linear]

    def _chosen(self, decodes: bool) -> dict[str, Term]:
        decoders = () if decodes else ("decoder_", "cross_")
        return {
            name: cast(Term, term)
            for name, term in self.terms.items()
            if not name.startswith(decoders)
        }

    def forward(
        self, student: Outputs, teacher: Outputs, counts: Tensor, decodes: bool = True
    ) -> dict[str, Tensor]:
        """Return the terms by name, without their weights, each summed over sentences.

        Args:
            student: what the student handed out beside its logits.
            teacher: likewise the teacher, at the same positions.
            counts: `(bsz,)`, how often each sentence counts.
            decodes: as in `student_request`.
        """
        terms = self._chosen(decodes).items()
        found = {name: term(student, teacher) for name, term in terms}
        return {name: (x * counts.to(x)).sum() for name, x in found.items()}

    def describe(self) -> str:
        """Return how heads are compared, in words."""
        own, theirs = (f"{x.encoder_attention_heads} heads" for x in self.shapes)
        sides = f"(student {own}, teacher {theirs})"
        if self.head_map == "relation":
            return f"head map: relation, {self.relation_heads} relation heads {sides}"
        return f"head map: {self.head_map} {sides}"


def weight_of(term: str) -> str:
    """Map a term to what its weight is called: `cross_attention_loss`, `attention`."""
    return term.split("_")[-2]
