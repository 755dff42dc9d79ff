"""The fused optimizer follows fairseq's own."""

from typing import Any

import pytest
import torch
from fairseq.optim.adam import FairseqAdam, FairseqAdamConfig
from omegaconf import OmegaConf

from fairseq_mlkd.optim.fused_adamw import FusedAdamW, FusedAdamWConfig


def trained(
    optimizer_class: type, config_class: type, betas: Any, decay: float
) -> list:
    torch.manual_seed(1)
    params = [torch.nn.Parameter(torch.randn(5, 3)), torch.nn.Parameter(torch.randn(3))]
    cfg = OmegaConf.structured(config_class())
    given = {"adam_betas": betas, "weight_decay": decay, "lr": [0.01]}
    cfg = OmegaConf.merge(
        cfg, given, {"tpu": False} if hasattr(config_class, "tpu") else {}
    )
    optimizer = optimizer_class(cfg, params)
    for step in range(20):
        optimizer.set_lr(0.01 / (1 + step))
        for p in params:
            p.grad = torch.randn_like(p)
        optimizer.step()
    return [p.detach() for p in params]


# the command line gives betas as a string, hydra as a list
@pytest.mark.parametrize("betas", ["(0.9, 0.98)", [0.9, 0.98]])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_same_updates_as_adam(decay, betas):
    theirs = trained(FairseqAdam, FairseqAdamConfig, betas, decay)
    ours = trained(FusedAdamW, FusedAdamWConfig, betas, decay)
    other = trained(FusedAdamW, FusedAdamWConfig, betas, decay + 0.1)
    for a, b, c in zip(theirs, ours, other):
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-6)
        assert not torch.allclose(a, c, rtol=1e-6, atol=1e-6)
