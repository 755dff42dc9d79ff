"""The teacher: loaded once, frozen, never part of what is trained or saved."""

import copy
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from fairseq import models
from fairseq.models import BaseFairseqModel
from torch import Tensor, nn

from fairseq_mlkd.checkpoint import (
    check_dictionary,
    check_labels,
    load_weights,
    model_config,
    read_checkpoint,
)
from fairseq_mlkd.distillation.contract import Distillable, ModelShape
from fairseq_mlkd.modules.states import Request

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
    def shape(self) -> ModelShape:
        return ModelShape.of(self.model.cfg)

    def check_signals(self, request: Request, *, logits: bool) -> None:
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


class TeacherFile:
    """A checkpoint to load a teacher from, which is read when it is needed first.

    Args:
        path: the checkpoint; None: none is named.
        flag: the option for it.
        is_pretrained: it comes from pretraining, and so has no head of the task's.
    """

    def __init__(
        self, path: str | None, flag: str, *, is_pretrained: bool = False
    ) -> None:
        self._path, self.flag, self.is_pretrained = path, flag, is_pretrained

    def __str__(self) -> str:
        return f"{self.flag} {self._path}"

    @property
    def path(self) -> str:
        if self._path is None:
            raise ValueError(f"the tinybert criterion needs {self.flag}")
        return self._path

    @cached_property
    def state(self) -> dict[str, Any]:
        """What `read_checkpoint` returns, until the model is loaded."""
        return read_checkpoint(self.path, self.flag)

    @cached_property
    def shape(self) -> ModelShape:
        """Raise ValueError if it is no checkpoint of a model of ours."""
        state = self.state
        try:
            return ModelShape.of(model_config(state))
        except ValueError as error:
            raise ValueError(f"{self} holds {error}") from None

    def load(self, task: Distillable) -> Teacher:
        """Load the teacher of a student of `task`.

        The state of torch's random numbers is left alone, so that it does not matter to
        the student when, and whether, a teacher is loaded.

        Raises:
            ValueError: no checkpoint, another dictionary, or a model unfit for the
                task.
        """
        state, where = self.state, (self.path, self.flag)
        check_dictionary(state, task.source_dictionary, *where)
        try:
            with torch.random.fork_rng(devices=[]):
                model = self._build(state, task)
        except ValueError as error:
            raise ValueError(f"{self} does not fit: {error}") from None
        model.upgrade_state_dict(state["model"])
        if not self.is_pretrained:
            check_labels(state, task.label_names(), *where)
            self._check_heads(model, state["model"])
        load_weights(model, state["model"], *where)
        del self.state
        size = sum(p.numel() for p in model.parameters())
        logger.info("teacher: %s, %s parameters", self.path, f"{size:,}")
        return Teacher(model)

    def _check_heads(self, model: BaseFairseqModel, weights: Mapping[str, Any]) -> None:
        missing = [name for name in model.state_dict() if name not in weights]
        if missing and not missing[0].startswith("encoder."):
            raise ValueError(
                f"{self} lacks the parameter {missing[0]}: fine-tune it on this data "
                "first, with --criterion task_cross_entropy"
            )

    def _build(self, state: dict[str, Any], task: Distillable) -> BaseFairseqModel:
        cfg = copy.deepcopy(model_config(state))
        model = models.build_model(cfg, task, from_checkpoint=True)
        if not self.is_pretrained:
            task.add_heads(model)
        return model
