"""The flags of distillation."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

from fairseq.dataclass import ChoiceEnum, FairseqDataclass

from fairseq_mlkd.distillation.losses import INTER_LOSSES
from fairseq_mlkd.distillation.projections import HEAD_MAPS
from fairseq_mlkd.distillation.signals import DTYPES

CRITERION = "tinybert"


@dataclass
class DistillationConfig(FairseqDataclass):
    """What is learnt from which teacher; a weight of 0 switches a loss off."""

    teacher_path: Optional[str] = field(
        default=None, metadata={"help": "checkpoint of the teacher, of the same task"}
    )
    teacher_data: Optional[str] = field(
        default=None,
        metadata={"help": "the same benchmark, prepared with the teacher's tokenizer"},
    )
    ce_weight: float = field(
        default=1.0, metadata={"help": "weight of the hard cross-entropy; 0 disables"}
    )
    logits_weight: float = field(
        default=1.0, metadata={"help": "weight of equation 2 on the logits; 0 disables"}
    )
    embedding_weight: float = field(
        default=1.0, metadata={"help": "weight of equation 3 on embeddings; 0 disables"}
    )
    hidden_weight: float = field(
        default=1.0,
        metadata={"help": "weight of equation 3 on the layers' outputs; 0 disables"},
    )
    attention_weight: float = field(
        default=1.0,
        metadata={"help": "weight of equation 3 on attention scores; 0 disables"},
    )
    temperature: float = field(
        default=1.0,
        metadata={"help": "divides both logits in equation 2; 1: unchanged"},
    )
    layer_map: str = field(
        default="uniform",
        metadata={
            "help": "teacher layers to learn from: uniform, last, last-K (only the "
            "student's last K layers learn), or their numbers from 1, one per student "
            "layer, such as 3,6,9,12"
        },
    )
    attention_map: Optional[str] = field(
        default=None,
        metadata={"help": "the same for attention; default: as --layer-map"},
    )
    decoder_layer_map: str = field(
        default="uniform",
        metadata={"help": "as --layer-map, of the decoders of zero_shot_parsing"},
    )
    head_map: ChoiceEnum(HEAD_MAPS) = field(  # type: ignore[valid-type]
        default="auto",
        metadata={
            "help": "attention heads: mean over heads, linear (learned mixture), "
            "relation (MiniLMv2's, of queries, keys and values), none (attention is "
            "not compared), or auto: linear where the numbers differ, else one to one"
        },
    )
    relation_heads: int = field(
        default=0,
        metadata={
            "help": "heads of --head-map relation, a divisor of both widths; 0: as "
            "many as the teacher's attention has, or the next lower number that fits"
        },
    )
    inter_loss: ChoiceEnum(INTER_LOSSES) = field(  # type: ignore[valid-type]
        default="mse",
        metadata={
            "help": "equation 3 as TinyBERT's mse or as the l2 norm of the paper"
        },
    )
    teacher_cache: Optional[str] = field(
        default=None,
        metadata={
            "help": "folder that keeps what the teacher says of each training example, "
            "for later epochs and other students; default: the teacher always runs"
        },
    )
    teacher_cache_top_k: int = field(
        default=0,
        metadata={
            "help": "logits that are kept of each label, the largest, to share its "
            "probability; 0: all"
        },
    )
    teacher_cache_dtype: ChoiceEnum(DTYPES) = field(  # type: ignore[valid-type]
        default="float16",
        metadata={"help": "what is kept is rounded to this; float32 is exact"},
    )
    valid_distillation: bool = field(
        default=False,
        metadata={
            "help": "validation runs the teacher, too, and reports the terms and their "
            "weighted sum, distillation_loss"
        },
    )
    unlabelled_weight: float = field(
        default=1.0,
        metadata={
            "help": "weight of equations 2 and 3, as weighted above, on the task's "
            "--unlabelled-data; 0 disables"
        },
    )
    stage_1_weight: float = field(
        default=0.0,
        metadata={
            "help": "weight of the loss of stage 1 on the same sentences, with masks; "
            "0 disables"
        },
    )
    stage_1_teacher_path: Optional[str] = field(
        default=None,
        metadata={"help": "checkpoint of the pretrained model that teaches there"},
    )


def inner_weights(cfg: DistillationConfig) -> dict[str, float]:
    """Return the weights of the terms of equation 3, by kind."""
    return {
        "embedding": cfg.embedding_weight,
        "hidden": cfg.hidden_weight,
        "attention": cfg.attention_weight,
    }


class ExtraWeights(NamedTuple):
    """Weights of the losses on unlabelled sentences, as they are and with masks."""

    plain: float
    masked: float


def extra_weights(cfg: Any) -> ExtraWeights:
    """Return what a criterion's config says, which need not be complete.

    Args:
        cfg: of any criterion; those that are not `CRITERION` have no such losses.
    """
    is_ours = isinstance(cfg, DistillationConfig)
    if not is_ours and getattr(cfg, "_name", None) != CRITERION:
        return ExtraWeights(0.0, 0.0)
    flags = ("unlabelled_weight", "stage_1_weight")
    defaults = DistillationConfig()
    return ExtraWeights(*(getattr(cfg, f, getattr(defaults, f)) for f in flags))
