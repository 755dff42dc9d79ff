"""PyTorch's fused AdamW: one pass over the parameters, also on the CPU."""

import ast
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from fairseq.dataclass import FairseqDataclass
from fairseq.optim import FairseqOptimizer, register_optimizer
from omegaconf import II
from torch import nn

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.options import ENCODER_GROUP, option

logger = logging.getLogger(__name__)

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
    encoder_lr_scale: float = option(
        1.0,
        "factor of the learning rate of a model's encoder, so that heads, decoder and "
        "projections learn fast and it forgets slowly (Guo et al., 2023); 1: one rate "
        "for all",
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

    Parameters whose `param_group` is `ENCODER_GROUP` may have a learning rate of their
    own, a fixed share of that of all others, which is what a scheduler sets and logs
    show.

    Raises:
        UserError: weight decay, or a rate of the encoder's own, where fairseq trains
            all parameters as one vector; or no parameter is of an encoder.
    """

    def __init__(self, cfg: FusedAdamWConfig, params: Iterable[nn.Parameter]) -> None:
        super().__init__(cfg)
        params = list(params)
        if cfg.weight_decay and len(params) == 1 and params[0].dim() == 1:
            raise UserError(
                "fairseq_mlkd: --optimizer fused_adamw cannot tell biases, which "
                "--weight-decay spares, in one vector: add --fp16-no-flatten-grads"
            )
        if not self.optimizer_config["lr"] >= 0:
            raise UserError(f"fairseq_mlkd: --lr {cfg.lr} is below 0")
        decays, scaled = cfg.weight_decay != 0, cfg.encoder_lr_scale != 1.0
        # of each parameter: does its rate have the factor, is it spared decay
        kinds = [(scaled and _is_of_encoder(p), decays and p.dim() < 2) for p in params]
        if scaled:
            _check_scale(cfg.encoder_lr_scale, any(slow for slow, _ in kinds))
        groups: list[dict[str, Any]] = []
        for kind in product(sorted({False, scaled}), sorted({False, decays})):
            members = [p for p, k in zip(params, kinds) if k == kind]
            decay = 0.0 if kind[1] else cfg.weight_decay
            groups.append({"params": members, "weight_decay": decay})
        self._first_slow = len(groups) // 2 if scaled else len(groups)
        self._optimizer = torch.optim.AdamW(groups, fused=True, **self.optimizer_config)
        self._optimizer.register_step_pre_hook(self._slow_the_encoder)

    def _slow_the_encoder(self, *_: Any) -> None:
        """Have the encoder's rate follow that which a scheduler has set.

        A hook, since a gradient scaler steps PyTorch's optimizer, not this one.
        """
        for group in self.param_groups[self._first_slow :]:
            group["lr"] = self.get_lr() * self.cfg.encoder_lr_scale

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
        """Do as upstream, after a check of what is untrusted input.

        Raises:
            ValueError: it is damaged, or of other parameters.
        """
        ours = self._optimizer.state_dict()["param_groups"]
        groups = check_groups(state_dict.get("param_groups"), ours[0])
        if len(groups) != len(ours):
            raise ValueError(
                "its optimizer had other groups of parameters: give --reset-optimizer, "
                "or the --weight-decay and --encoder-lr-scale that it was trained with"
            )
        numbers = (number for group in groups for number in group["params"])
        moments = state_dict.get("state")
        check_moments(moments, dict(zip(numbers, self.params)))
        state_dict = {"state": moments, "param_groups": groups}
        super().load_state_dict(state_dict, optimizer_overrides)


def _is_of_encoder(parameter: nn.Parameter) -> bool:
    return getattr(parameter, "param_group", None) == ENCODER_GROUP


def _check_scale(scale: float, is_used: bool) -> None:
    """Say what the factor does; refuse one that is none, or does nothing."""
    flag = f"fairseq_mlkd: --encoder-lr-scale {scale:g}"
    if not scale >= 0:
        raise UserError(f"{flag} is below 0")
    if not is_used:
        raise UserError(
            f"{flag}: no encoder of ours is trained here, or all parameters are one "
            "vector: in half precision, add --fp16-no-flatten-grads"
        )
    logger.info("learning rate of the encoder: %g times that of the rest", scale)


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
