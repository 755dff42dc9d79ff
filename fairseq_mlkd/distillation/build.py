"""Build the distillers of a run, and open their teachers, as the flags say."""

import logging
import os
from typing import cast

import torch

from fairseq_mlkd.distillation.cached_teacher import CachedTeacher, recall_shape
from fairseq_mlkd.distillation.config import DistillationConfig
from fairseq_mlkd.distillation.contract import Distillable, ModelShape
from fairseq_mlkd.distillation.distiller import AnyTeacher, Distiller
from fairseq_mlkd.distillation.inner_losses import InnerLosses, inner_weights
from fairseq_mlkd.distillation.layer_map import build_layer_map
from fairseq_mlkd.distillation.model_file import ModelFile
from fairseq_mlkd.distillation.narrowing import random_sentences, sample_states
from fairseq_mlkd.distillation.signals import SignalCodec
from fairseq_mlkd.distillation.teacher import Teacher
from fairseq_mlkd.distillation.teacher_cache import TeacherCache
from fairseq_mlkd.files.hashing import file_sha256
from fairseq_mlkd.modules.encoder import Encoder

logger = logging.getLogger(__name__)


def build_distiller(
    cfg: DistillationConfig,
    teacher: AnyTeacher,
    task: Distillable,
    *,
    ce_weight: float,
    logits_weight: float,
) -> Distiller:
    """Match a teacher with the student as the flags say, and say so.

    Decoders are compared where both models have one.

    Args:
        cfg: the flags.
        teacher: gives the targets.
        task: of the student, which is about to be trained.
        ce_weight: as in `Distiller`; that of the flags, or 0 without the heads for it.
        logits_weight: likewise.
    Raises:
        ValueError: a map that does not fit.
    """
    student, shape = task.model_shape, teacher.shape
    assert student is not None
    depths = (student.encoder_layers, shape.encoder_layers)
    layers = build_layer_map(cfg.layer_map, cfg.attention_map, *depths)
    lines, decoder_layers = layers.describe(), None
    if student.decoder_layers is not None and shape.decoder_layers is not None:
        depths = (student.decoder_layers, shape.decoder_layers)
        decoder_layers = build_layer_map(
            cfg.decoder_layer_map, None, *depths, what="decoder "
        )
        lines += decoder_layers.describe("decoder ")
    inner_losses = InnerLosses(
        inner_weights(cfg),
        layers,
        decoder_layers,
        student,
        shape,
        head_map=str(cfg.head_map),
        relation_heads=cfg.relation_heads,
        kind=str(cfg.inter_loss),
    )
    for line in (*lines, inner_losses.describe()):
        logger.info(line)
    distiller = Distiller(
        teacher,
        inner_losses,
        ce_weight=ce_weight,
        logits_weight=logits_weight,
        temperature=cfg.temperature,
    )
    teacher.check_signals(inner_losses.teacher_request(), logits=bool(logits_weight))
    if cfg.fit_projections:
        _fit_projections(distiller, task)
    return distiller


def _fit_projections(distiller: Distiller, task: Distillable) -> None:
    """Start the projections of the encoders where they fit best on random symbols.

    Args:
        task: its student is about to be trained, and reads what the teacher reads.
    """
    terms = distiller.inner_losses.projected("hidden_states")
    if not terms:
        return
    assert task.student is not None
    encoder = cast(Encoder, task.student.encoder)
    sentences = random_sentences(encoder, task.source_dictionary)
    rows, length = sentences.shape
    _, outputs = distiller.teacher.run(
        next(encoder.parameters()),
        torch.tensor([(-1, length, row) for row in range(rows)]),  # no example's keys
        src_tokens=sentences,
        heads={},
        features_only=True,
        request=distiller.inner_losses.teacher_request(decodes=False),
    )
    own, theirs = sample_states(encoder, sentences), outputs["hidden_states"]
    for term in terms:
        for i, j in term.pairs:
            term.projections.fit(own[i], theirs[j].flatten(0, 1).double(), i)
    logger.info("projections: fitted on random symbols")


def build_stage_1(cfg: DistillationConfig, task: Distillable) -> Distiller:
    """Return the loss of stage 1: masked LM, equation 2 at the masks, equation 3.

    The weights are those of the flags. The first two terms need the masked-LM head that
    the task keeps, equation 2 the teacher's as well; what is missing is left out, and
    the log says so.

    Raises:
        ValueError: no teacher, one that does not fit, or nothing to learn.
    """
    flag = "--stage-1-teacher-path"
    file = ModelFile(cfg.stage_1_teacher_path, flag, is_pretrained=True)
    assert task.model_shape is not None
    _check_positions(file.shape, task.model_shape, str(file))
    teacher, reason = _load_teacher(file, task), ""
    ce_weight, logits_weight = cfg.ce_weight, cfg.logits_weight
    if not task.keep_lm_head:
        ce_weight = logits_weight = 0.0
        reason = " (without --keep-lm-head the student has no masked-LM head)"
    elif teacher.model.lm_head is None:
        logits_weight = 0.0
        reason = " (the teacher has no masked-LM head)"
    distiller = build_distiller(
        cfg, teacher, task, ce_weight=ce_weight, logits_weight=logits_weight
    )
    kinds = {
        "masked LM": ce_weight,
        "equation 2": logits_weight,
        "equation 3": any(distiller.inner_losses.student_request(decodes=False)),
    }
    used = [kind for kind, weight in kinds.items() if weight]
    if not used:
        raise ValueError("--stage-1-weight: no term of stage 1 has a weight")
    logger.info("stage 1 loss: %s%s", ", ".join(used), reason)
    return distiller


def _load_teacher(file: ModelFile, task: Distillable) -> Teacher:
    model = file.load(task)
    size = sum(p.numel() for p in model.parameters())
    logger.info("teacher: %s, %s parameters", file.path, f"{size:,}")
    return Teacher(model)


def _check_positions(teacher: ModelShape, student: ModelShape, name: str) -> None:
    """Refuse a teacher, called `name`, that reads less than the student.

    Raises:
        ValueError: it has fewer positions.
    """
    for field in ("max_positions", "max_target_positions"):
        theirs, ours = getattr(teacher, field), getattr(student, field)
        if None not in (theirs, ours) and theirs < ours:
            flag = f"--{field.replace('_', '-')}"
            raise ValueError(
                f"{name} has {theirs} positions, fewer than the student's {ours}: give "
                f"the student {flag} {theirs}"
            )


def open_teacher(
    cfg: DistillationConfig, task: Distillable
) -> tuple[AnyTeacher, Distillable]:
    """Load `--teacher-path`, or open `--teacher-cache` in its place.

    The teacher's file is compared with the cache where it is at hand; once all signals
    are there, it need not be.

    Returns:
        The teacher, and the task that reads its data: that of `--teacher-data`, or the
        student's.
    Raises:
        ValueError: no teacher, or one that does not fit; the cache is damaged, or of
            another teacher, data or kind.
    """
    _check_flags(cfg)
    cache = None if cfg.teacher_cache is None else TeacherCache(cfg.teacher_cache)
    shape = None if cache is None else recall_shape(cache)
    file = ModelFile(cfg.teacher_path, "--teacher-path")
    if shape is None:
        shape = file.shape
    reader = _open_reader(cfg, task, shape)
    assert task.model_shape is not None
    ours = task.model_shape
    if reader is not task:  # its rows are others, as long as it can read
        ours = ours._replace(max_positions=shape.max_positions)
    _check_positions(shape, ours, str(file))

    def load() -> Teacher:
        teacher = _load_teacher(file, reader)
        if cfg.logits_weight:
            reader.check_head(teacher.model, str(file))
        return teacher

    if cache is None:
        return load(), reader
    codec = SignalCodec(
        str(cfg.teacher_cache_dtype),
        cfg.teacher_cache_top_k,
        cfg.teacher_cache_sampled,
        cfg.temperature,
    )
    facts = {**codec.facts(), **reader.describe_examples()}
    if cfg.teacher_path is not None and os.path.isfile(cfg.teacher_path):
        facts["teacher"] = file_sha256(cfg.teacher_path)
    return CachedTeacher(cache, codec, load, reader, facts), reader


def _check_flags(cfg: DistillationConfig) -> None:
    """Refuse flags that do not go together.

    Raises:
        ValueError: some do not, or a number is below 0.
    """
    kept = {
        "--teacher-cache-top-k": cfg.teacher_cache_top_k,
        "--teacher-cache-sampled": cfg.teacher_cache_sampled,
    }
    for flag, number in kept.items():
        if number < 0:
            raise ValueError(f"{flag} {number} is below 0")
    if all(kept.values()):
        raise ValueError(f"{' and '.join(kept)} exclude each other: give one")
    if cfg.fit_projections and cfg.teacher_data is not None:
        raise ValueError(
            "--fit-projections and --teacher-data exclude each other: the first has "
            "both models read the same symbols"
        )


def _open_reader(
    cfg: DistillationConfig, task: Distillable, shape: ModelShape
) -> Distillable:
    """Return the task that reads the teacher's data.

    Raises:
        ValueError: the data do not fit, or a loss asks for what cannot be compared.
    """
    if cfg.teacher_data is None:
        return task
    flag = f"--teacher-data {cfg.teacher_data}"
    if cfg.teacher_cache_top_k or cfg.teacher_cache_sampled:
        raise ValueError(
            f"{flag}: the likeliest symbols may be words that the student lacks: give "
            "neither --teacher-cache-top-k nor --teacher-cache-sampled"
        )
    if task.unlabelled_data and cfg.unlabelled_weight:
        raise ValueError(
            f"{flag}: the teacher cannot read --unlabelled-data: give "
            "--unlabelled-weight 0"
        )
    with_states = any(inner_weights(cfg).values())
    return task.open_teacher_data(cfg.teacher_data, shape, with_states=with_states)
