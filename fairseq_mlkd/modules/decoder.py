"""A transformer decoder like the encoder: learned positions, post-norm layers, GELU."""

from collections.abc import Collection, Iterable
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fairseq_mlkd.modules.attention import (
    MASKED,
    Attended,
    Attention,
    KeysValues,
    Vectors,
)


class LayerMemory(NamedTuple):
    """What one layer attends to."""

    past: KeysValues | None  # of the positions decoded so far; None: none yet
    source: KeysValues


class LayerOutput(NamedTuple):
    """What one layer returns."""

    x: Tensor  # (bsz, tgt_len, embed_dim)
    memory: LayerMemory  # for the positions that follow
    self_attention: Attended  # to the symbols so far
    cross_attention: Attended  # to the source


class DecoderOutput(NamedTuple):
    """What the decoder returns; the dictionaries hold just what was asked for."""

    features: Tensor  # (bsz, tgt_len, embed_dim), the last layer's output
    memory: list[LayerMemory]  # for the positions that follow
    hidden_states: dict[int, Tensor]  # 0 = embeddings, i = output of the i-th layer
    attention_scores: dict[int, Tensor]  # i = i-th layer from 0; before softmax
    attention_vectors: dict[int, Vectors]  # likewise: queries, keys and values
    cross_attention_scores: dict[int, Tensor]  # both likewise, to the source
    cross_attention_vectors: dict[int, Vectors]


class DecoderEmbeddings(nn.Module):
    """Symbol + learned position embeddings, layer norm, dropout."""

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        *,
        padding_idx: int,
        max_positions: int,
        dropout: float,
        layer_norm_eps: float,
    ) -> None:
        super().__init__()
        self.symbols = nn.Embedding(vocab_size, embed_dim, padding_idx)
        self.positions = nn.Embedding(max_positions, embed_dim)
        self.layer_norm = nn.LayerNorm(embed_dim, eps=layer_norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, start: int) -> Tensor:
        """Embed `(bsz, tgt_len)` ids, the first of which stands at position `start`."""
        positions = self.positions.weight[start : start + tokens.size(1)]
        return self.dropout(self.layer_norm(self.symbols(tokens) + positions))


class DecoderLayer(nn.Module):
    """Self-attention, attention to the source, feed-forward; post-norm with GELU."""

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
        self.self_attn = Attention(embed_dim, num_heads, dropout=attention_dropout)
        self.self_attn_layer_norm = nn.LayerNorm(embed_dim, eps=layer_norm_eps)
        self.cross_attn = Attention(embed_dim, num_heads, dropout=attention_dropout)
        self.cross_attn_layer_norm = nn.LayerNorm(embed_dim, eps=layer_norm_eps)
        self.fc1 = nn.Linear(embed_dim, ffn_embed_dim)
        self.fc2 = nn.Linear(ffn_embed_dim, embed_dim)
        self.final_layer_norm = nn.LayerNorm(embed_dim, eps=layer_norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: LayerMemory,
        causal_bias: Tensor | None,
        source_bias: Tensor | None,
        *,
        return_scores: bool = False,
        return_cross_scores: bool = False,
    ) -> LayerOutput:
        """Run the layer on the positions `x` that follow those in `memory`.

        Args:
            x: `(bsz, tgt_len, embed_dim)`.
            memory: what the positions before left behind, and the source.
            causal_bias: as `causal_bias` makes it.
            source_bias: `(bsz, 1, 1, src_len)`, hides the source's padding.
            return_scores: also return the scores of self-attention.
            return_cross_scores: also return those of the attention to the source.
        """
        seen = _append(memory.past, self.self_attn.keys_values(x))
        to_seen = self.self_attn.attend(
            x, seen, causal_bias, return_scores=return_scores
        )
        x = self.self_attn_layer_norm(x + self.dropout(to_seen.x))
        to_source = self.cross_attn.attend(
            x, memory.source, source_bias, return_scores=return_cross_scores
        )
        x = self.cross_attn_layer_norm(x + self.dropout(to_source.x))
        ffn = self.fc2(F.gelu(self.fc1(x)))
        x = self.final_layer_norm(x + self.dropout(ffn))
        return LayerOutput(x, memory._replace(past=seen), to_seen, to_source)


class Decoder(nn.Module):
    """A transformer decoder (Vaswani et al., 2017) in the manner of BERT's encoder.

    Args:
        embeddings: of its own output symbols.
        layers: the transformer layers, first to last.
    """

    def __init__(
        self, embeddings: DecoderEmbeddings, layers: Collection[DecoderLayer]
    ) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.layers = nn.ModuleList(layers)

    def remember(self, source: Tensor) -> list[LayerMemory]:
        """The memory to begin with: the source `(bsz, src_len, embed_dim)`."""
        layers = cast(Iterable[DecoderLayer], self.layers)
        return [LayerMemory(None, x.cross_attn.keys_values(source)) for x in layers]

    def forward(
        self,
        tokens: Tensor,
        memory: list[LayerMemory],
        source_bias: Tensor | None,
        *,
        hidden_states: Collection[int] = (),
        attention_scores: Collection[int] = (),
        attention_vectors: Collection[int] = (),
        cross_attention_scores: Collection[int] = (),
        cross_attention_vectors: Collection[int] = (),
    ) -> DecoderOutput:
        """Decode the symbols that follow those in `memory`, each blind to later ones.

        Padding on the right needs no mask: nothing before it can see it.

        Args:
            tokens: `(bsz, tgt_len)` ids.
            memory: from `remember`, or of the call for the symbols before.
            source_bias: `(bsz, 1, 1, src_len)`, hides the source's padding; None:
                there is none.
            hidden_states: points to keep, 0 (embeddings) to the number of layers.
            attention_scores: layers, from 0, whose self-attention scores to keep.
            attention_vectors: layers whose queries, keys and values to keep.
            cross_attention_scores: as `attention_scores`, of the source.
            cross_attention_vectors: as `attention_vectors`, of the source.
        """
        past = memory[0].past
        start = 0 if past is None else past.keys.size(2)
        x = self.embeddings(tokens, start)
        bias = causal_bias(tokens.size(1), start, x)
        hidden, to_seen, to_source, new_memory = {0: x}, {}, {}, []
        for i, layer in enumerate(self.layers):
            x, remembered, to_seen[i], to_source[i] = layer(
                x,
                memory[i],
                bias,
                source_bias,
                return_scores=i in attention_scores,
                return_cross_scores=i in cross_attention_scores,
            )
            hidden[i + 1] = x
            new_memory.append(remembered)
        return DecoderOutput(
            x,
            new_memory,
            {i: hidden[i] for i in hidden_states},
            {i: to_seen[i].scores for i in attention_scores},
            {i: to_seen[i].vectors for i in attention_vectors},
            {i: to_source[i].scores for i in cross_attention_scores},
            {i: to_source[i].vectors for i in cross_attention_vectors},
        )


def causal_bias(tgt_len: int, past: int, like: Tensor) -> Tensor | None:
    """What keeps `tgt_len` positions after `past` others from seeing later ones.

    Returns:
        `(tgt_len, past + tgt_len)`: 0, and `MASKED` where not to look;
        None for a single position, which sees all there is.
    """
    if tgt_len == 1:
        return None
    return like.new_full((tgt_len, past + tgt_len), MASKED).triu(past + 1)


def reorder_memory(memory: list[LayerMemory], new_order: Tensor) -> list[LayerMemory]:
    """Rows `new_order` `(new_bsz,)` of the memory."""
    return [
        LayerMemory(
            None if past is None else _select(past, new_order),
            _select(source, new_order),
        )
        for past, source in memory
    ]


def _append(past: KeysValues | None, new: KeysValues) -> KeysValues:
    if past is None:
        return new
    return KeysValues(*(torch.cat(pair, dim=2) for pair in zip(past, new)))


def _select(part: KeysValues, rows: Tensor) -> KeysValues:
    return KeysValues(*(x.index_select(0, rows) for x in part))
