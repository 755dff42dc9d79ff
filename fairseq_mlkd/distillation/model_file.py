"""Checkpoints of ours as models: read once, checked, and fitted to a task."""

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from fairseq import models
from fairseq.models import BaseFairseqModel

from fairseq_mlkd.checkpoint import (
    check_dictionary,
    check_labels,
    load_weights,
    model_config,
    read_checkpoint,
)
from fairseq_mlkd.distillation.contract import Distillable, ModelShape


class ModelFile:
    """A checkpoint to load a model from, which is read when it is needed first.

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
        """The sizes of its model.

        Raises:
            ValueError: it is no checkpoint of a model of ours.
        """
        state = self.state
        try:
            return ModelShape.of(model_config(state))
        except ValueError as error:
            raise ValueError(f"{self} holds {error}") from None

    def load(self, task: Distillable) -> BaseFairseqModel:
        """Load the model, with the heads that `task` needs.

        The state of torch's random numbers is left alone, so that it does not matter to
        a student when, and whether, a teacher is loaded.

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
        return model

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
