"""The teacher: loaded once, frozen, never part of what is trained or saved."""

import copy
import logging
from typing import Any

import torch
from fairseq import models
from fairseq.models import BaseFairseqModel
from fairseq.tasks import FairseqTask
from torch import Tensor, nn

from fairseq_mlkd.checkpoint import (
    check_dictionary,
    check_labels,
    load_weights,
    model_config,
    read_checkpoint,
)

logger = logging.getLogger(__name__)


class Teacher:
    """A frozen model in eval mode.

    Not an `nn.Module`, so that a criterion can hold it without it showing up among the
    criterion's parameters, in its state, in its train() mode or in DDP's buckets.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval().requires_grad_(False)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Teacher":
        return self

    @property
    def cfg(self) -> Any:
        return self.model.cfg

    def check_signals(self, requests: dict[str, list[int]], *, logits: bool) -> None:
        """Refuse to give what is asked for; one that runs gives anything."""

    @torch.no_grad()
    def run(
        self, like: Tensor, keys: Tensor | None = None, **inputs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Run the model on the device and in the precision of `like`.

        Args:
            like: a parameter of the student.
            keys: names of the sequences, which a `CachedTeacher` needs.
            inputs: of the model.
        """
        ours = next(self.model.parameters())
        if (ours.device, ours.dtype) != (like.device, like.dtype):
            self.model.to(device=like.device, dtype=like.dtype)
        return self.model(**inputs)


def load_teacher(
    path: str,
    task: FairseqTask,
    *,
    flag: str = "--teacher-path",
    is_pretrained: bool = False,
) -> Teacher:
    """Load a checkpoint as the teacher of a student of `task`.

    The state of torch's random numbers is left alone, so that it does not matter to the
    student when, and whether, a teacher is loaded.

    Args:
        flag: the option that named it.
        is_pretrained: it comes from pretraining, and so has no head of the task's.
    Raises:
        ValueError: no checkpoint, another dictionary, or a model unfit for the task.
    """
    state = read_checkpoint(path, flag)
    check_dictionary(state, task.source_dictionary, path, flag)
    try:
        model = _build_model(state, task, has_heads=not is_pretrained)
    except ValueError as error:
        raise ValueError(f"{flag} {path} does not fit: {error}") from None
    if not is_pretrained:
        check_labels(state, task.label_names(), path, flag)
    model.upgrade_state_dict(state["model"])
    load_weights(model, state["model"], path, flag)
    logger.info(
        "teacher: %s, %s parameters",
        path,
        f"{sum(p.numel() for p in model.parameters()):,}",
    )
    return Teacher(model)


def _build_model(
    state: dict[str, Any], task: FairseqTask, has_heads: bool
) -> BaseFairseqModel:
    with torch.random.fork_rng(devices=[]):
        model = models.build_model(
            copy.deepcopy(model_config(state)), task, from_checkpoint=True
        )
        if has_heads:
            task.add_heads(model)
    return model
