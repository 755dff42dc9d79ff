"""The teacher: frozen, never part of what is trained or saved."""

from typing import Any

import torch
from torch import Tensor, nn

from fairseq_mlkd.distillation.contract import ModelShape
from fairseq_mlkd.modules.states import Request


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
        Returns:
            Logits by head, or features with `features_only`; and the states that were
            asked for, as models hand them out.
        """
        ours = next(self.model.parameters())
        if (ours.device, ours.dtype) != (like.device, like.dtype):
            self.model.to(device=like.device, dtype=like.dtype)
        return self.model(**inputs)
