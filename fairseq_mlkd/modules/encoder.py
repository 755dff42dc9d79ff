"""BERT's encoder: summed embeddings, then post-norm transformer layers."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fairseq_mlkd.modules.attention import MASKED, Attended
from fairseq_mlkd.modules.dropout import Dropout
from fairseq_mlkd.modules.layer import Stack, TransformerLayer
from fairseq_mlkd.modules.states import NOTHING, Request, States, keep, keep_attention
from fairseq_mlkd.modules.tied_embedding import OutputLayer, TiedEmbedding


class EncoderOutput(NamedTuple):
    """The result of the encoder; of its states, those that were asked for."""

    features: Tensor  # (bsz, src_len, embed_dim), the last layer's output
    padding_mask: Tensor | None  # (bsz, src_len), true at padding; None: no padding
    states: States  # those of the encoder
    output_layer: OutputLayer  # the token embeddings as output layer


class Embeddings(nn.Module):
    """Token + learned position (+ segment) embeddings, layer norm, dropout.

    Positions count from 0, so a sentence's embeddings do not depend on its padding.
    `num_segments` is 0 for encoders without segment embeddings. With a `rank`, tokens
    are `(vocab, rank)` and a linear map up to `embed_dim` (Lan et al., 2020); 0: whole.
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        *,
        padding_idx: int,
        max_positions: int,
        num_segments: int,
        dropout: float,
        layer_norm_eps: float,
        rank: int = 0,
    ) -> None:
        super().__init__()
        self.padding_idx = padding_idx
        self.tokens = TiedEmbedding(vocab_size, rank or embed_dim, padding_idx)
        self.up = nn.Linear(rank, embed_dim, bias=False) if rank else None
        self.positions = nn.Embedding(max_positions, embed_dim)
        self.segments = nn.Embedding(num_segments, embed_dim) if num_segments else None
        self.layer_norm = nn.LayerNorm(embed_dim, eps=layer_norm_eps)
        self.dropout = Dropout(dropout)

    def forward(
        self, src_tokens: Tensor, segments: Tensor | None = None
    ) -> tuple[Tensor, OutputLayer]:
        """Embed `(bsz, src_len)` ids; segments default to 0.

        Returns:
            `(bsz, src_len, embed_dim)`, and the token embeddings as output layer.
        """
        x, output_layer = self.tokens.look_up(src_tokens)  # B x T -> B x T x C
        if self.up is not None:
            x, output_layer = (
                self.up(x),
                _output_layer_through(output_layer, self.up.weight),
            )
        x = x + self.positions.weight[: src_tokens.size(1)]
        if self.segments is not None:
            if segments is None:
                segments = torch.zeros_like(src_tokens)
            x = x + self.segments(segments)
        return self.dropout(self.layer_norm(x)), output_layer


def _output_layer_through(output_layer: OutputLayer, up: Tensor) -> OutputLayer:
    """Return the output layer of factors: its inputs are mapped down first."""
    return lambda x, bias: output_layer(x @ up, bias)


class EncoderLayer(TransformerLayer):
    """A transformer layer of BERT's encoder."""

    def forward(
        self, x: Tensor, attention_bias: Tensor | None, *, return_scores: bool = False
    ) -> Attended:
        """Do as `Attention.forward`, `x` being the layer's output.

        Args:
            x: `(bsz, src_len, embed_dim)`.
            attention_bias: as `attention_bias` makes it.
            return_scores: also return the scores.
        """
        attended = self.attend_to_self(x, attention_bias, return_scores=return_scores)
        return attended._replace(x=self.feed_forward(attended.x))


class Encoder(Stack):
    """BERT's encoder (Devlin et al., 2019)."""

    embeddings: Embeddings

    def forward(
        self,
        src_tokens: Tensor,
        segments: Tensor | None = None,
        request: Request = NOTHING,
    ) -> EncoderOutput:
        """Encode a batch of sentences padded on the right.

        Args:
            src_tokens: `(bsz, src_len)` ids.
            segments: `(bsz, src_len)` segment ids, or None for all zeros.
            request: what to hand out.
        """
        is_padding = src_tokens.eq(self.embeddings.padding_idx)
        padding_mask = is_padding if is_padding.any() else None
        x, output_layer = self.embeddings(src_tokens, segments)
        bias = attention_bias(padding_mask, x.dtype)
        states: States = {}
        keep(states, request, 0, hidden_states=x)
        for i, layer in enumerate(self.layers):
            attended = layer(x, bias, return_scores=i in request.attention_scores)
            x = attended.x
            keep(states, request, i + 1, hidden_states=x)
            keep_attention(states, request, i, "attention", attended)
        return EncoderOutput(x, padding_mask, states, output_layer)


def attention_bias(padding_mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Map a padding mask `(bsz, src_len)` to what scores `(bsz, 1, 1, src_len)` get."""
    if padding_mask is None:
        return None
    bias = torch.zeros(padding_mask.shape, dtype=dtype, device=padding_mask.device)
    bias = bias.masked_fill(padding_mask, MASKED)
    return bias[:, None, None, :]
