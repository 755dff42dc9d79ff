"""The parts that the layers of encoder and decoder share."""

from collections.abc import Collection
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from fairseq_mlkd.modules.attention import Attended, Attention, KeysValues
from fairseq_mlkd.modules.dropout import Dropout


class TransformerLayer(nn.Module):
    """Attention and feed-forward, post-norm with GELU, as in BERT.

    Args:
        embed_dim: width of input and output.
        ffn_embed_dim: width of the feed-forward part.
        num_heads: number of attention heads.
        dropout: probability of dropping what is added to the residual.
        attention_dropout: probability of dropping an attention weight.
        layer_norm_eps: epsilon of the layer norms.
    """

    has_source = False  # there is attention to a source, too
    cross_attn: Attention
    cross_attn_layer_norm: nn.LayerNorm

    def __init__(
        self,
        embed_dim: int,
        ffn_embed_dim: int,
        num_heads: int,
        *,
        dropout: float,
        attention_dropout: float,
        layer_norm_eps: float,
    ) -> None:
        super().__init__()
        attention = partial(Attention, embed_dim, num_heads, dropout=attention_dropout)
        layer_norm = partial(nn.LayerNorm, embed_dim, eps=layer_norm_eps)
        self.self_attn = attention()
        self.self_attn_layer_norm = layer_norm()
        if self.has_source:
            self.cross_attn = attention()
            self.cross_attn_layer_norm = layer_norm()
        self.fc1 = nn.Linear(embed_dim, ffn_embed_dim)
        self.fc2 = nn.Linear(ffn_embed_dim, embed_dim)
        self.final_layer_norm = layer_norm()
        self.dropout = Dropout(dropout)

    def attend_to_self(
        self,
        x: Tensor,
        attention_bias: Tensor | None,
        seen: KeysValues | None = None,
        *,
        return_scores: bool,
    ) -> Attended:
        """Do as `Attention.forward`, with residual and layer norm."""
        attended = self.self_attn(x, attention_bias, seen, return_scores=return_scores)
        x = self.self_attn_layer_norm(x + self.dropout(attended.x))
        return attended._replace(x=x)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Run the feed-forward part on `(bsz, len, embed_dim)`."""
        x = x + self.dropout(self.fc2(F.gelu(self.fc1(x))))
        return self.final_layer_norm(x)


class Stack(nn.Module):
    """Embeddings, and transformer layers on top.

    Args:
        embeddings: of the input symbols.
        layers: the transformer layers, first to last.
    """

    def __init__(
        self, embeddings: nn.Module, layers: Collection[TransformerLayer]
    ) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.layers = nn.ModuleList(layers)
