"""The flags of distillation."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from fairseq.dataclass import ChoiceEnum

from fairseq_mlkd.distillation.inner_losses import InnerLossesConfig
from fairseq_mlkd.distillation.signals import DTYPES
from fairseq_mlkd.options import option

CRITERION = "tinybert"


@dataclass
class DistillationConfig(InnerLossesConfig):
    """The losses and their teachers; a weight of 0 switches a loss off."""

    teacher_path: Optional[str] = option(
        None, "checkpoint of the teacher, of the same task"
    )
    teacher_data: Optional[str] = option(
        None, "the same benchmark, prepared with the teacher's tokenizer"
    )
    ce_weight: float = option(1.0, "weight of the hard cross-entropy; 0 disables")
    logits_weight: float = option(1.0, "weight of equation 2 on the logits; 0 disables")
    temperature: float = option(1.0, "divides both logits in equation 2; 1: unchanged")
    teacher_cache: Optional[str] = option(
        None,
        "folder that keeps what the teacher says of each training example, "
        "for later epochs and other students; default: the teacher always runs",
    )
    teacher_cache_top_k: int = option(
        0,
        "keep only this many of the teacher's logits of each label, the largest, which "
        "share its probability; 0: all",
    )
    teacher_cache_sampled: int = option(
        0,
        "in place of --teacher-cache-top-k, logits that are drawn of each label, so "
        "that on average its probabilities are the teacher's; 0: none",
    )
    teacher_cache_dtype: ChoiceEnum(DTYPES) = option(  # type: ignore[valid-type]
        "float16", "what is kept is rounded to this; float32 is exact"
    )
    fit_projections: bool = option(
        False,
        "start the encoders' projections of equation 3 where they fit best on random "
        "symbols, not at random; not with --teacher-data",
    )
    valid_distillation: bool = option(
        False,
        "validation runs the teacher, too, and reports the terms and their "
        "weighted sum, distillation_loss",
    )
    unlabelled_weight: float = option(
        1.0,
        "weight of equations 2 and 3, as weighted above, on the task's "
        "--unlabelled-data; 0 disables",
    )
    unlabelled_confidence: float = option(
        0.0,
        "leave out those sentences of which the teacher is less sure than this: its "
        "largest probability, averaged over a sentence's places, 0 to 1; 0: keep all",
    )
    stage_1_weight: float = option(
        0.0,
        "weight of the loss of stage 1 on the same sentences, with masks; 0 disables",
    )
    stage_1_teacher_path: Optional[str] = option(
        None, "checkpoint of the pretrained model that teaches there"
    )


class ExtraWeights(NamedTuple):
    """Weights of the losses on unlabelled sentences, as they are and with masks."""

    plain: float
    masked: float


def extra_weights(cfg: Any) -> ExtraWeights:
    """Return the weights in a criterion's config; what it lacks has its default.

    Args:
        cfg: of any criterion; those that are not `CRITERION` have no such losses.
    """
    is_ours = isinstance(cfg, DistillationConfig)
    if not is_ours and getattr(cfg, "_name", None) != CRITERION:
        return ExtraWeights(0.0, 0.0)
    flags = ("unlabelled_weight", "stage_1_weight")
    defaults = DistillationConfig()
    return ExtraWeights(*(getattr(cfg, f, getattr(defaults, f)) for f in flags))
