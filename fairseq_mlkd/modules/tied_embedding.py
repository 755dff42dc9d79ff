"""Token embeddings that serve as the output layer, too, with one gradient for both.

Autograd alone makes three matrices of vocabulary times width per step: the gradient as
input, the one as output, and their sum. On the CPU, where each is new memory, that
takes as long as the student's arithmetic at a vocabulary of 120k. Here the input's
gradient is added in place to the output's, whose memory is used again in the next step.

The two meet in one pass through the model, so the embeddings hand out the output layer
of that pass (`OutputLayer`), and the encoder passes it on to the head. Whether memory
is free is known from the only private name of torch's in use, in `_storage_uses`;
without it, each step takes new memory.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# (n, embed_dim) features and a (vocab,) bias -> (n, vocab) logits
OutputLayer = Callable[[Tensor, Tensor], Tensor]


class TiedEmbedding(nn.Embedding):
    """An embedding whose matrix can be used as the output layer of the same pass."""

    def __init__(self, vocab_size: int, embed_dim: int, padding_idx: int) -> None:
        super().__init__(vocab_size, embed_dim, padding_idx)
        self.memory = _GradientMemory()

    def look_up(self, ids: Tensor) -> tuple[Tensor, OutputLayer]:
        """Return `(...,)` ids -> `(..., embed_dim)`, and the output layer."""
        if self.weight.device.type != "cpu" or not self.weight.requires_grad:
            weight, rows = self.weight, self(ids)
            return rows, lambda x, bias: F.linear(x, weight, bias)
        rows, weight = _LookUp.apply(self.weight, ids, self.padding_idx)
        return rows, lambda x, bias: _Project.apply(x, weight, bias, self._take_memory)

    def _take_memory(self) -> Tensor:
        return self.memory.take(self.weight)


class _GradientMemory:
    """Keeps the memory of a gradient beyond the step that it was made for."""

    def __init__(self) -> None:
        self.buffer: Tensor | None = None
        self.idle_uses = 0  # of the buffer's storage while it serves no gradient

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Start copies and pickles without the memory."""
        return _GradientMemory, ()

    def take(self, parameter: Tensor) -> Tensor:
        """Take memory for a gradient of `parameter` that nobody else holds."""
        if not self._is_free_for(parameter):
            self.buffer = torch.empty_like(parameter, requires_grad=False)
            self.idle_uses = _storage_uses(self.buffer)
        assert self.buffer is not None
        return self.buffer.detach()

    def _is_free_for(self, parameter: Tensor) -> bool:
        return (
            self.buffer is not None
            and self.buffer.shape == parameter.shape
            and self.buffer.dtype == parameter.dtype
            and 0 < self.idle_uses == _storage_uses(self.buffer)
        )


def _storage_uses(x: Tensor) -> int:
    """Return how many tensors share the storage of `x`; 0: torch does not tell."""
    count = getattr(torch._C, "_storage_Use_Count", None)
    return count(x.untyped_storage()._cdata) if count else 0


class _LookUp(torch.autograd.Function):
    """Rows of a matrix, and the matrix itself for further use."""

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, ids: Tensor, padding_idx: int
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(ids)
        ctx.padding_idx, ctx.shape = padding_idx, weight.shape
        return F.embedding(ids, weight), weight.view_as(weight)

    @staticmethod
    def backward(
        ctx: Any, grad_rows: Tensor | None, grad_weight: Tensor | None
    ) -> tuple[Tensor | None, None, None]:
        if grad_rows is not None:
            (ids,) = ctx.saved_tensors
            if grad_weight is None:
                grad_weight = grad_rows.new_zeros(ctx.shape)
            real = ids.ne(ctx.padding_idx)
            grad_weight.index_add_(0, ids[real], grad_rows[real])
        return grad_weight, None, None


class _Project(torch.autograd.Function):
    """A linear layer that writes the gradient of its weight into given memory."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, memory: Callable[[], Tensor]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.memory = memory
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        grad, x = grad.reshape(-1, grad.size(-1)), x.reshape(-1, x.size(-1))
        grad_weight = torch.mm(grad.t(), x, out=ctx.memory())
        grad_x = grad.mm(weight).view(ctx.saved_tensors[0].shape)
        return grad_x, grad_weight, grad.sum(dim=0), None
