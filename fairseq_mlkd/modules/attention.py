"""Multi-head attention that can hand out its scores before softmax."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fairseq_mlkd.modules.dropout import Dropout

# Added to the scores of what is not to be seen: no weight is left of them, and yet a
# row of these alone is finite, also where autocast turns it into half precision.
MASKED = -3e4


class KeysValues(NamedTuple):
    """Keys and values, each `(bsz, num_heads, src_len, head_dim)`."""

    keys: Tensor
    values: Tensor


class Vectors(NamedTuple):
    """The vectors that attention compares and passes on."""

    queries: Tensor  # (bsz, num_heads, tgt_len, head_dim)
    keys: Tensor  # (bsz, num_heads, src_len, head_dim)
    values: Tensor  # (bsz, num_heads, src_len, head_dim)


class Attended(NamedTuple):
    """The result of attention."""

    x: Tensor  # (bsz, tgt_len, embed_dim)
    vectors: Vectors
    scores: Tensor | None  # (bsz, num_heads, tgt_len, src_len), if asked for


class Attention(nn.Module):
    """Scaled dot-product attention (Vaswani et al., 2017) with biases, as in BERT.

    Keys and values are computed apart, so that a decoder can keep them. PyTorch's fused
    kernel does the work, unless the scores are asked for: then they are computed step
    by step and returned as they are before masking and softmax. Training on a CPU takes
    the same path with dropout, which the fused kernel lacks there, and in half
    precision, where the kernel's gradient is six times as slow.

    Args:
        embed_dim: width of input and output.
        num_heads: number of heads; divides `embed_dim`.
        dropout: probability of dropping an attention weight during training.
    Raises:
        ValueError: `num_heads` does not divide `embed_dim`.
    """

    def __init__(self, embed_dim: int, num_heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(
                f"{num_heads} attention heads do not divide a width of {embed_dim}"
            )
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.dropout = Dropout(dropout)
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(embed_dim, embed_dim)
        self.v_proj = nn.Linear(embed_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def keys_values(self, source: Tensor) -> KeysValues:
        """Return what `forward` needs of `(bsz, src_len, embed_dim)`."""
        return KeysValues(
            self._split(self.k_proj(source)), self._split(self.v_proj(source))
        )

    def forward(
        self,
        x: Tensor,
        attention_bias: Tensor | None,
        source: KeysValues | None = None,
        *,
        return_scores: bool = False,
    ) -> Attended:
        """Attend from every position of `x` to the positions of `source`.

        Args:
            x: `(bsz, tgt_len, embed_dim)`.
            attention_bias: added to the scores, so it broadcasts to their shape: 0
                where attention may go, `MASKED` elsewhere; None: it may go everywhere.
            source: from `keys_values`; None: that of `x` itself.
            return_scores: also return the scores q.k / sqrt(head_dim), finite
                everywhere.
        """
        k, v = self.keys_values(x) if source is None else source
        q = self._split(self.q_proj(x))
        scores = None
        if return_scores or not self._is_fused(q):
            scores = _scores(q, k)
            masked = scores if attention_bias is None else scores + attention_bias
            probs = self.dropout(torch.softmax(masked, dim=-1).to(v.dtype))
            attended = torch.matmul(probs, v)
        else:
            dropout = self.dropout.rate if self.training else 0.0
            attended = F.scaled_dot_product_attention(
                q, k, v, attn_mask=attention_bias, dropout_p=dropout
            )
        # B x H x T x D -> B x T x C
        attended = attended.transpose(1, 2).reshape(x.shape)
        returned = scores.to(q.dtype) if return_scores and scores is not None else None
        return Attended(self.out_proj(attended), Vectors(q, k, v), returned)

    def _is_fused(self, queries: Tensor) -> bool:
        """Return whether PyTorch's kernel is the faster way to what follows softmax."""
        if queries.device.type != "cpu" or not queries.requires_grad:
            return True
        is_half = queries.dtype in (torch.bfloat16, torch.float16)
        return not is_half and not (self.training and self.dropout.rate)

    def _split(self, x: Tensor) -> Tensor:
        bsz, src_len, _ = x.shape
        # B x T x C -> B x H x T x D
        return x.view(bsz, src_len, self.num_heads, self.head_dim).transpose(1, 2)


def _scores(queries: Tensor, keys: Tensor) -> Tensor:
    if queries.device.type == "cpu":  # half precision is as exact as in the kernel
        exact = torch.promote_types(queries.dtype, torch.float32)
        queries, keys = queries.to(exact), keys.to(exact)
    # B x H x T x D, B x H x D x S -> B x H x T x S
    return torch.matmul(queries / math.sqrt(queries.size(-1)), keys.transpose(-2, -1))
