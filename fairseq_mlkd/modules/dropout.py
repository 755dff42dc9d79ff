"""Dropout that does not wait for random numbers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_STEPS = 1 << 16


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) for training; in `eval()` the input itself.

    On a CPU, PyTorch draws a random number for each value, one after the other, which
    is a tenth of a training step in bfloat16. Here a random word of 64 bits decides on
    four values, 16 bits each, so the rate is rounded to a multiple of 1/65,536. Words
    come from PyTorch's generator: the same seed drops the same values.

    Args:
        rate: probability of dropping a value, 0 to 1; the others are scaled so that
            the mean stays.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` of any shape with some of its values 0."""
        dropped = round(self.rate * _STEPS)
        if not self.training or not dropped:
            return x
        if x.device.type != "cpu" or dropped == _STEPS:
            return F.dropout(x, self.rate)
        words = torch.empty(x.numel() // 4 + 1, dtype=torch.int64)
        words.random_(torch.iinfo(torch.int64).min, None)
        values = words.view(torch.int16)[: x.numel()].view(x.shape)
        is_kept = values >= dropped - _STEPS // 2
        return x * is_kept.to(x.dtype).mul_(_STEPS / (_STEPS - dropped))

    def extra_repr(self) -> str:
        return f"rate={self.rate:g}"
