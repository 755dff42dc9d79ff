"""`--encoder-path`: what a model that is about to be trained takes from another."""

import logging
import os
from typing import Any

from fairseq.data import Dictionary
from fairseq.dataclass import FairseqDataclass
from fairseq.models import BaseFairseqModel
from omegaconf import DictConfig
from torch import Tensor, nn

from fairseq_mlkd import checkpoint
from fairseq_mlkd.distillation.layer_map import map_layers
from fairseq_mlkd.distillation.narrowing import change_rank, narrow_encoder
from fairseq_mlkd.models.multilingual_encoder import (
    ENCODER_SHAPE,
    MultilingualEncoderConfig,
)

logger = logging.getLogger(__name__)

FLAG, LAYERS_FLAG = "--encoder-path", "--encoder-path-layers"
HEADS_FLAG = "--encoder-path-heads"


def read_encoder(cfg: Any, dictionary: Dictionary) -> dict[str, Any] | None:
    """Read `--encoder-path`.

    Where that file is gone and the run resumes, read what it resumes from in its place.

    Args:
        cfg: of a task.
        dictionary: the symbols of its input.
    Raises:
        ValueError: it cannot be read, or has another dictionary.
    """
    path = cfg.encoder_path
    if path is None:
        if cfg.encoder_path_layers is not None:
            raise ValueError(f"{LAYERS_FLAG} needs {FLAG}")
        return None
    last = os.path.join(cfg.save_dir, cfg.restore_file)
    if not os.path.exists(path) and os.path.isfile(last):
        logger.info("%s is not there, and %s goes on without it", path, last)
        return checkpoint.read_checkpoint(last, "--restore-file")
    pretrained = checkpoint.read_checkpoint(path, FLAG)
    checkpoint.check_dictionary(pretrained, dictionary, path, FLAG)
    return pretrained


def start_encoder(
    pretrained: dict[str, Any],
    model: BaseFairseqModel,
    cfg: Any,
    dictionary: Dictionary,
) -> None:
    """Start a model's encoder from `--encoder-path`; do nothing if that is gone."""
    path, layers = cfg.encoder_path, cfg.encoder_path_layers
    if not os.path.exists(path):
        return
    if layers is None:
        load_encoder(pretrained, model, path)
    else:
        load_layers(pretrained, model, path, layers, dictionary)


def copy_shape(pretrained: dict[str, Any] | None, cfg: FairseqDataclass) -> None:
    """Give `cfg` the shape of the encoder to start from, for `--arch pretrained`.

    Raises:
        ValueError: there is none, or `cfg` asks for another shape.
    """
    if pretrained is None:
        raise ValueError(f"--arch pretrained needs {FLAG}: it has its shape")
    theirs, default = checkpoint.model_config(pretrained), MultilingualEncoderConfig()
    for name in ENCODER_SHAPE:
        given = getattr(cfg, name)
        if given and given not in (theirs[name], getattr(default, name)):
            raise ValueError(
                f"--arch pretrained has the shape of {FLAG}, whose "
                f"{name.replace('_', ' ')} is {theirs[name]}: leave --"
                f"{name.replace('_', '-')} {given} out, or choose another --arch"
            )
        setattr(cfg, name, theirs[name])


def load_encoder(
    pretrained: dict[str, Any], model: BaseFairseqModel, path: str
) -> None:
    """Give `model` the encoder of a checkpoint; see `load_weights`."""
    weights = _below(pretrained["model"], "encoder")
    checkpoint.load_weights(model.encoder, weights, path, FLAG)
    logger.info("encoder: %s", path)


def load_layers(
    pretrained: dict[str, Any],
    model: BaseFairseqModel,
    path: str,
    spec: str,
    dictionary: Dictionary,
) -> None:
    """Start a student from some layers of a deeper encoder, and say what it took.

    It takes the embeddings, of each layer the parts (attention, layer norms,
    feed-forward) whose shapes agree, and the masked-LM head where both have one of the
    same shape. The rest stays random. The number of heads may differ: that cuts the
    same attention weights in another way. A narrower student takes all of the encoder,
    in its own coordinates (`distillation.narrowing`), and no masked-LM head.

    Args:
        spec: `--encoder-path-layers`, as `map_layers`, the checkpoint being the
            teacher.
    Raises:
        ValueError: the spec does not fit, or vocabulary or positions differ, or the
            student is wider, or has more heads or neurons than it could take.
    """
    theirs, encoder = _below(pretrained["model"], "encoder"), model.encoder
    depth = len({name.split(".")[1] for name in theirs if name.startswith("layers.")})
    pairs = map_layers(spec, len(encoder.layers), depth, flag=LAYERS_FLAG)
    cfg: Any = checkpoint.model_config(pretrained)
    ours = model.cfg
    if ours.encoder_embed_dim < cfg["encoder_embed_dim"]:
        if len(pairs) < len(encoder.layers):
            raise ValueError(
                f"{LAYERS_FLAG} {spec} leaves layers out, and a narrower student takes "
                f"all of its own: give uniform, last, or {len(encoder.layers)} numbers"
            )
        narrowed = narrow_encoder(
            theirs, cfg, ours, pairs, dictionary, path=path, flag=FLAG
        )
        advice = f"{LAYERS_FLAG} needs the same vocabulary, positions and segments"
        checkpoint.load_weights(encoder, narrowed, path, FLAG, advice=advice)
        _load_lm_head({}, model, path)
        return
    advice = f"{LAYERS_FLAG} needs the same width, vocabulary, positions and segments"
    embeddings = _below(theirs, "embeddings")
    if ours.embedding_rank != cfg["embedding_rank"]:
        embeddings = change_rank(embeddings, ours.embedding_rank)
        logger.info("token embeddings: of rank %d, the nearest", ours.embedding_rank)
    checkpoint.load_weights(encoder.embeddings, embeddings, path, FLAG, advice=advice)
    taken = _count(encoder.embeddings)
    for student, teacher in pairs:
        layer, weights = encoder.layers[student - 1], f"layers.{teacher - 1}"
        random = _load_fitting_parts(layer, _below(theirs, weights), path)
        taken += _count(layer) - sum(_count(getattr(layer, part)) for part in random)
        rest = f"; of another shape, so random: {', '.join(random)}" if random else ""
        line = "encoder layer %d <- layer %d of %d%s"
        logger.info(line, student, teacher, depth, rest)
    total = f"{_count(encoder):,}"
    logger.info("encoder: %s of %s parameters from %s", f"{taken:,}", total, path)
    _say_heads(cfg, ours)
    _load_lm_head(_below(pretrained["model"], "lm_head"), model, path)


def keep_lm_head(
    pretrained: dict[str, Any] | None, model: BaseFairseqModel, path: str
) -> None:
    """Give a model to be fine-tuned the masked-LM head of the checkpoint, too.

    Raises:
        ValueError: there is none, or it does not fit.
    """
    if pretrained is None:
        raise ValueError(f"--keep-lm-head needs {FLAG}: the head is its model's")
    if not hasattr(model, "add_lm_head"):
        raise ValueError("--keep-lm-head: a model with a decoder has no masked-LM head")
    head = _below(pretrained["model"], "lm_head")
    if not head:
        raise ValueError(
            f"{FLAG} {path} has no masked-LM head to keep: train one with --task "
            "multilingual_mlm --freeze-encoder"
        )
    model.add_lm_head()
    checkpoint.load_weights(model.lm_head, head, path, FLAG)


def start_heads(
    pretrained: dict[str, Any] | None,
    model: BaseFairseqModel,
    cfg: Any,
    labels: list[str],
) -> None:
    """Give a model the heads of `--encoder-path`'s, fine-tuned on the same task.

    Nothing where that is gone, and a run goes on without it.

    Args:
        labels: what the heads of the task can say.
    Raises:
        ValueError: the checkpoint has other labels, no such head, or one of another
            shape.
    """
    path = cfg.encoder_path
    if pretrained is None:
        raise ValueError(f"{HEADS_FLAG} needs {FLAG}: the heads are its model's")
    if not os.path.exists(path):
        return
    checkpoint.check_labels(pretrained, labels, path, HEADS_FLAG)
    there = str(checkpoint.model_config(pretrained)["head_activation"])
    here = str(model.cfg.head_activation)
    if there != here:
        raise ValueError(
            f"{HEADS_FLAG}: {path} has --head-activation {there}, not {here}: give it"
        )
    for name in ("classification_heads", "decoder"):
        module = getattr(model, name, None)
        if module is None:
            continue
        weights = _below(pretrained["model"], name)
        if not weights:
            raise ValueError(
                f"{HEADS_FLAG}: {path} has no head of this task: name a model that was "
                "fine-tuned on it"
            )
        advice = f"{HEADS_FLAG} needs the same task, labels, width and decoder"
        checkpoint.load_weights(module, weights, path, HEADS_FLAG, advice=advice)
        logger.info("%s: %s", name.replace("_", " "), path)


def _load_fitting_parts(
    layer: nn.Module, weights: dict[str, Tensor], path: str
) -> list[str]:
    """Load the parts of a layer whose shapes agree; return the names of the others."""
    others = []
    for name, part in layer.named_children():
        theirs = _below(weights, name)
        if _has_shape(part, theirs):
            checkpoint.load_weights(part, theirs, path, FLAG)
        else:
            others.append(name)
    return others


def _load_lm_head(
    weights: dict[str, Tensor], model: BaseFairseqModel, path: str
) -> None:
    head = getattr(model, "lm_head", None)
    if head is None:
        return
    fits = bool(weights) and _has_shape(head, weights)
    if fits:
        checkpoint.load_weights(head, weights, path, FLAG)
    logger.info("masked-LM head: %s", path if fits else "random")


def _say_heads(theirs: DictConfig, ours: FairseqDataclass) -> None:
    there, here = theirs["encoder_attention_heads"], ours.encoder_attention_heads
    if there != here:
        logger.info("attention: weights of %d heads, cut into %d", there, here)


def _below(weights: dict[str, Tensor], module: str) -> dict[str, Tensor]:
    """Return the weights of a submodule, by the names that they have in it."""
    prefix = f"{module}."
    return {
        name[len(prefix) :]: tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }


def _has_shape(module: nn.Module, weights: dict[str, Tensor]) -> bool:
    """Return whether no weight has another shape; `load_weights` finds missing ones."""
    ours = module.state_dict()
    return all(
        ours[name].shape == tensor.shape
        for name, tensor in weights.items()
        if name in ours
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
