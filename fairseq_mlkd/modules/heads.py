"""Heads on top of the encoder."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fairseq_mlkd.modules.dropout import Dropout
from fairseq_mlkd.modules.tied_embedding import OutputLayer

# between the layers of a classifier of sentences: BERT's, DistilBERT's and ELECTRA's
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": F.relu,
    "gelu": F.gelu,
}


class MaskedLMHead(nn.Module):
    """BERT's masked-LM head; the output layer is the token embeddings (tied)."""

    def __init__(
        self, vocab_size: int, embed_dim: int, *, layer_norm_eps: float
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(embed_dim, embed_dim)
        self.layer_norm = nn.LayerNorm(embed_dim, eps=layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, features: Tensor, output_layer: OutputLayer) -> Tensor:
        """Map `(..., embed_dim)` to logits `(..., vocab)` by the given output layer."""
        return output_layer(self.layer_norm(F.gelu(self.dense(features))), self.bias)


class PooledHead(nn.Module):
    """Classifies sentences: BERT's pooler, then dropout and a layer to the classes.

    Args:
        embed_dim: width of the features.
        num_classes: how many classes there are.
        dropout: after the pooler.
        activation: of the pooler, one of `ACTIVATIONS`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_classes: int,
        *,
        dropout: float,
        activation: str = "tanh",
    ) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.dense = nn.Linear(embed_dim, embed_dim)
        self.dropout = Dropout(dropout)
        self.out_proj = nn.Linear(embed_dim, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Map first tokens' features `(n, embed_dim)` to logits `(n, num_classes)`."""
        pooled = self.activation(self.dense(features))
        return self.out_proj(self.dropout(pooled))


class TokenHead(nn.Module):
    """Classifies tokens: dropout and a linear layer to the classes, as in BERT."""

    def __init__(self, embed_dim: int, num_classes: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.out_proj = nn.Linear(embed_dim, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Map tokens' features `(n, embed_dim)` to logits `(n, num_classes)`."""
        return self.out_proj(self.dropout(features))


def build_head(
    embed_dim: int, num_classes: int, *, pooled: bool, dropout: float, activation: str
) -> nn.Module:
    """Build a classifier of sentences (`pooled`, first tokens), or of tokens.

    One alone is built: each draws from the random numbers of what comes after.

    Args:
        embed_dim: width of the features.
        num_classes: how many classes there are.
        pooled: which of the two.
        dropout: before the last layer.
        activation: of the pooler, one of `ACTIVATIONS`.
    """
    shape = (embed_dim, num_classes)
    if pooled:
        return PooledHead(*shape, dropout=dropout, activation=activation)
    return TokenHead(*shape, dropout=dropout)
