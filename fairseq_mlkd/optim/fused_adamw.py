"""PyTorch's fused AdamW: one pass over the parameters, also on the CPU."""

import ast
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from fairseq.dataclass import FairseqDataclass
from fairseq.optim import FairseqOptimizer, register_optimizer
from omegaconf import II
from torch import nn

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.options import option

# what of a group a checkpoint decides, and what a parameter's state consists of
_NUMBERS = ("lr", "betas", "eps", "weight_decay")
_MOMENTS = {"step", "exp_avg", "exp_avg_sq"}


@dataclass
class FusedAdamWConfig(FairseqDataclass):
    adam_betas: Any = option((0.9, 0.999), "betas for Adam optimizer")
    adam_eps: float = option(
        1e-8, "epsilon, added after the bias correction as in PyTorch"
    )
    weight_decay: float = option(
        0.0,
        "decoupled weight decay of matrices; biases and layer norms have none, as in "
        "BERT",
    )
    lr: list[float] = II("optimization.lr")


@register_optimizer("fused_adamw", dataclass=FusedAdamWConfig)
class FusedAdamW(FairseqOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), on CPU and GPU.

    A step is that of PyTorch, `lr * m' / (sqrt(v') + eps)` with bias-corrected m' and
    v'. fairseq's `adam` adds epsilon to `sqrt(v)` before the correction, which differs
    where gradients are about as small as epsilon, most in the first steps.

    Weight decay spares parameters of one axis, biases and layer norms, as the recipes
    of BERT and TinyBERT do. Projections of equation 3 and embeddings decay.

    Raises:
        UserError: weight decay where fairseq trains all parameters as one vector.
    """

    def __init__(self, cfg: FusedAdamWConfig, params: Iterable[nn.Parameter]) -> None:
        super().__init__(cfg)
        params = list(params)
        if cfg.weight_decay and len(params) == 1 and params[0].dim() == 1:
            raise UserError(
                "fairseq_mlkd: --optimizer fused_adamw cannot tell biases, which "
                "--weight-decay spares, in one vector: add --fp16-no-flatten-grads"
            )
        # of each parameter in the order of the groups, its number among those given
        self._order = list(range(len(params)))
        if not self.optimizer_config["lr"] >= 0:
            raise UserError(f"fairseq_mlkd: --lr {cfg.lr} is below 0")
        groups: list[dict[str, Any]] = [{"params": params}]
        if cfg.weight_decay:
            self._order.sort(key=lambda i: params[i].dim() < 2)
            matrices = [p for p in params if p.dim() >= 2]
            others = [p for p in params if p.dim() < 2]
            groups = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, fused=True, **self.optimizer_config)

    @property
    def supports_flat_params(self) -> bool:
        """Yes: `--fp16` may train all parameters as one vector, without decay."""
        return True

    @property
    def optimizer_config(self) -> dict[str, Any]:
        lr, betas = self.cfg.lr, self.cfg.adam_betas
        if isinstance(betas, str):  # as it comes from the command line
            betas = ast.literal_eval(betas)
        return {
            "lr": float(lr if isinstance(lr, (int, float)) else lr[0]),
            "betas": tuple(float(beta) for beta in betas),
            "eps": self.cfg.adam_eps,
            "weight_decay": self.cfg.weight_decay,
        }

    def load_state_dict(
        self,
        state_dict: dict[str, Any],
        optimizer_overrides: dict[str, Any] | None = None,
    ) -> None:
        """Load a state; one of version 0.1 has all parameters in one group.

        Raises:
            ValueError: it is damaged, or of other parameters.
        """
        ours = self._optimizer.state_dict()["param_groups"]
        groups = check_groups(state_dict.get("param_groups"), ours[0])
        old, *more = groups
        if len(ours) > 1 and not more and len(old["params"]) == len(self._order):
            given = [old["params"][i] for i in self._order]
            groups = [
                {
                    **old,
                    "params": [given[i] for i in group["params"]],
                    "weight_decay": group["weight_decay"],
                }
                for group in ours
            ]
        numbers = (number for group in groups for number in group["params"])
        moments = state_dict.get("state")
        check_moments(moments, dict(zip(numbers, self.params)))
        state_dict = {"state": moments, "param_groups": groups}
        super().load_state_dict(state_dict, optimizer_overrides)


_DAMAGED = "its optimizer's state is damaged ({}): give --reset-optimizer"


def check_groups(groups: Any, ours: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers of a checkpoint's groups, and everything else as ours has it.

    Args:
        ours: a group of this optimizer.
    Raises:
        ValueError: no groups of parameters and numbers.
    """
    if not isinstance(groups, list) or not groups:
        raise ValueError(_DAMAGED.format("it has no groups"))
    checked = []
    for group in groups:
        numbers = group.get("params") if isinstance(group, dict) else None
        if not isinstance(numbers, list) or any(type(n) is not int for n in numbers):
            raise ValueError(_DAMAGED.format("a group has no parameters"))
        taken = {key: group[key] for key in _NUMBERS if key in group}
        for key, value in taken.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            wanted = len(ours[key]) if isinstance(ours[key], tuple) else 1
            if len(values) != wanted or not all(map(_is_number, values)):
                raise ValueError(_DAMAGED.format(f"{key} is {str(value)[:40]!r}"))
        checked.append({**ours, **taken, "params": numbers})
    return checked


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def check_moments(state: Any, parameters: Mapping[int, nn.Parameter]) -> None:
    """Refuse moments of other shapes, beyond whose ends the fused kernel would write.

    Args:
        state: by the number of a parameter, its moments and steps.
        parameters: of this optimizer, by these numbers.
    Raises:
        ValueError: they do not fit.
    """
    if not isinstance(state, dict):
        raise ValueError(_DAMAGED.format("it has no moments"))
    for number, moments in state.items():
        fits = type(number) is int and number in parameters
        fits = fits and isinstance(moments, dict) and set(moments) == _MOMENTS
        if fits:
            shape = parameters[number].shape
            fits = all(
                torch.is_tensor(value)
                and value.shape == (torch.Size() if name == "step" else shape)
                and value.is_floating_point()
                for name, value in moments.items()
            )
        if not fits:
            raise ValueError(_DAMAGED.format(f"the moments of parameter {number!r}"))
