"""What is compared with what, when one model learns from another."""

import logging
from collections.abc import Iterable
from typing import Any

from fairseq.dataclass import FairseqDataclass
from torch import Tensor, nn

from fairseq_mlkd.criterions._teacher_view import TeacherView
from fairseq_mlkd.criterions._teachers import AnyTeacher
from fairseq_mlkd.criterions.task_cross_entropy import by_head
from fairseq_mlkd.distillation.inner_losses import InnerLosses, Shape
from fairseq_mlkd.distillation.layer_map import build_layer_map
from fairseq_mlkd.distillation.words import at_words

logger = logging.getLogger(__name__)

Logits = dict[str, Tensor]  # by head


def match_models(
    cfg: FairseqDataclass, student: FairseqDataclass, teacher: FairseqDataclass
) -> InnerLosses:
    """Decide which states are compared, as the criterion's `cfg` says, and say so.

    Decoders are compared where both models have one.

    Raises:
        ValueError: a map that does not fit.
    """
    depths = (student.encoder_layers, teacher.encoder_layers)
    layers = build_layer_map(cfg.layer_map, cfg.attention_map, *depths)
    decoder_layers = None
    if hasattr(student, "decoder_layers") and hasattr(teacher, "decoder_layers"):
        depths = (student.decoder_layers, teacher.decoder_layers)
        decoder_layers = build_layer_map(
            cfg.decoder_layer_map, None, *depths, what="decoder "
        )
    student_shape, teacher_shape = (
        Shape(model.encoder_embed_dim, model.encoder_attention_heads)
        for model in (student, teacher)
    )
    inner_losses = InnerLosses(
        {
            "embedding": cfg.embedding_weight,
            "hidden": cfg.hidden_weight,
            "attention": cfg.attention_weight,
        },
        layers,
        decoder_layers,
        student_shape,
        teacher_shape,
        head_map=str(cfg.head_map),
        relation_heads=cfg.relation_heads,
        kind=str(cfg.inter_loss),
    )
    lines = layers.describe()
    if decoder_layers is not None:
        lines += decoder_layers.describe("decoder ")
    for line in lines:
        logger.info(line)
    logger.info(inner_losses.describe())
    return inner_losses


def run_both(
    model: nn.Module,
    teacher: AnyTeacher,
    inner_losses: InnerLosses,
    inputs: dict[str, Any],
    heads: Iterable[str],
    *,
    scored: bool,
    soft: bool,
    encoder_only: bool = False,
    keys: Tensor | None = None,
    view: TeacherView | None = None,
) -> tuple[Logits, Logits, dict[str, Tensor]]:
    """Run student and teacher on a batch.

    Args:
        model: the student.
        inputs: of both.
        heads: whose logits they are.
        scored: a loss needs the student's logits.
        soft: a loss needs the teacher's.
        encoder_only: there is nothing to decode.
        keys: of the sequences, where a `CachedTeacher` may look them up.
        view: what the teacher reads instead; then the source is compared at words,
            and the teacher's logits are those at the shared labels.
    Returns:
        The student's logits and the teacher's, empty where no loss needs them, and the
        terms of equation 3 as they are.
    """
    own_request, request = (inner_losses.requests(i, encoder_only) for i in (0, 1))
    like = next(model.parameters())
    theirs = inputs if view is None else view.inputs
    soft_logits, taught = teacher.run(
        like, keys, features_only=not soft, **theirs, **request
    )
    logits, own = model(features_only=not scored, **inputs, **own_request)
    taught_logits = by_head(soft_logits, heads) if soft else {}
    if view is not None:
        taught_logits = view.read_logits(taught_logits)
        if view.word_starts is not None:
            own, taught = at_words(own, taught, *view.word_starts)
    return (
        by_head(logits, heads) if scored else {},
        taught_logits,
        inner_losses(own, taught, encoder_only),
    )
