"""Multi-head self-attention that can hand out its scores before softmax."""

import math
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_HAS_FUSED_ATTENTION = hasattr(F, "scaled_dot_product_attention")


class SelfAttention(nn.Module):
    """Scaled dot-product self-attention (Vaswani et al., 2017) with biases, as in BERT.

    PyTorch's fused kernel does the work, unless the scores are asked for: then they
    are computed in the open and returned as they are before masking and softmax.

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
        self.dropout = dropout
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(embed_dim, embed_dim)
        self.v_proj = nn.Linear(embed_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def forward(
        self,
        x: Tensor,
        attention_bias: Optional[Tensor],
        *,
        return_scores: bool = False,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Attend from every position to every position that is not padding.

        Args:
            x: `(bsz, src_len, embed_dim)`.
            attention_bias: `(bsz, 1, 1, src_len)`, added to the scores: 0 at real
                keys, the lowest finite number at padding; None where nothing is padded.
            return_scores: also return the scores.
        Returns:
            `(bsz, src_len, embed_dim)`, and the scores q.k / sqrt(head_dim)
            `(bsz, num_heads, src_len, src_len)`, finite everywhere, or None.
        """
        q, k, v = (self._split(p(x)) for p in (self.q_proj, self.k_proj, self.v_proj))
        dropout = self.dropout if self.training else 0.0
        scores = None
        if return_scores or not _HAS_FUSED_ATTENTION:
            scores = torch.matmul(q / math.sqrt(self.head_dim), k.transpose(-2, -1))
            masked = scores if attention_bias is None else scores + attention_bias
            probs = F.dropout(torch.softmax(masked, dim=-1), dropout)
            attended = torch.matmul(probs, v)
        else:
            attended = F.scaled_dot_product_attention(
                q, k, v, attn_mask=attention_bias, dropout_p=dropout
            )
        # B x H x T x D -> B x T x C
        attended = attended.transpose(1, 2).reshape(x.shape)
        return self.out_proj(attended), scores if return_scores else None

    def _split(self, x: Tensor) -> Tensor:
        bsz, src_len, _ = x.shape
        # B x T x C -> B x H x T x D
        return x.view(bsz, src_len, self.num_heads, self.head_dim).transpose(1, 2)
