"""A transformer decoder like the encoder: learned positions, post-norm layers, GELU."""

from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from fairseq_mlkd.modules.attention import MASKED, Attended, KeysValues
from fairseq_mlkd.modules.dropout import Dropout
from fairseq_mlkd.modules.layer import Stack, TransformerLayer
from fairseq_mlkd.modules.states import NOTHING, Request, States, keep, keep_attention


class LayerMemory(NamedTuple):
    """Keys and values of one layer's attentions."""

    past: KeysValues | None  # of the positions decoded so far; None: none yet
    source: KeysValues


class LayerOutput(NamedTuple):
    """The result of one layer."""

    x: Tensor  # (bsz, tgt_len, embed_dim)
    memory: LayerMemory  # for the positions that follow
    self_attention: Attended  # to the symbols so far
    cross_attention: Attended  # to the source


class DecoderOutput(NamedTuple):
    """The result of the decoder; of its states, those that were asked for."""

    features: Tensor  # (bsz, tgt_len, embed_dim), the last layer's output
    memory: list[LayerMemory]  # for the positions that follow
    states: States  # those of the decoder and of its attention to the source


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
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, start: int) -> Tensor:
        """Embed `(bsz, tgt_len)` ids, the first of which stands at position `start`."""
        positions = self.positions.weight[start : start + tokens.size(1)]
        return self.dropout(self.layer_norm(self.symbols(tokens) + positions))


class DecoderLayer(TransformerLayer):
    """A transformer layer that attends to symbols so far, then to the source."""

    has_source = True

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
        to_seen = self.attend_to_self(x, causal_bias, seen, return_scores=return_scores)
        to_source = self.cross_attn(
            to_seen.x, source_bias, memory.source, return_scores=return_cross_scores
        )
        x = self.cross_attn_layer_norm(to_seen.x + self.dropout(to_source.x))
        memory = memory._replace(past=seen)
        return LayerOutput(self.feed_forward(x), memory, to_seen, to_source)


class Decoder(Stack):
    """A transformer decoder (Vaswani et al., 2017) in the manner of BERT's encoder."""

    embeddings: DecoderEmbeddings

    def remember(self, source: Tensor) -> list[LayerMemory]:
        """Return the memory to begin with: the source `(bsz, src_len, embed_dim)`."""
        layers = cast(Iterable[DecoderLayer], self.layers)
        return [LayerMemory(None, x.cross_attn.keys_values(source)) for x in layers]

    def forward(
        self,
        tokens: Tensor,
        memory: list[LayerMemory],
        source_bias: Tensor | None,
        request: Request = NOTHING,
    ) -> DecoderOutput:
        """Decode the symbols that follow those in `memory`, each blind to later ones.

        Padding on the right needs no mask: nothing before it can see it.

        Args:
            tokens: `(bsz, tgt_len)` ids.
            memory: from `remember`, or of the call for the symbols before.
            source_bias: `(bsz, 1, 1, src_len)`, hides the source's padding; None:
                there is none.
            request: what to hand out.
        """
        past = memory[0].past
        start = 0 if past is None else past.keys.size(2)
        x = self.embeddings(tokens, start)
        bias = causal_bias(tokens.size(1), start, x)
        new_memory: list[LayerMemory] = []
        states: States = {}
        keep(states, request, 0, decoder_hidden_states=x)
        for i, layer in enumerate(self.layers):
            x, remembered, to_seen, to_source = layer(
                x,
                memory[i],
                bias,
                source_bias,
                return_scores=i in request.decoder_attention_scores,
                return_cross_scores=i in request.cross_attention_scores,
            )
            new_memory.append(remembered)
            keep(states, request, i + 1, decoder_hidden_states=x)
            keep_attention(states, request, i, "decoder_attention", to_seen)
            keep_attention(states, request, i, "cross_attention", to_source)
        return DecoderOutput(x, new_memory, states)


def causal_bias(tgt_len: int, past: int, like: Tensor) -> Tensor | None:
    """Return what keeps `tgt_len` positions after `past` others from seeing later ones.

    Returns:
        `(tgt_len, past + tgt_len)`: 0, and `MASKED` where not to look;
        None for a single position, which sees all there is.
    """
    if tgt_len == 1:
        return None
    return like.new_full((tgt_len, past + tgt_len), MASKED).triu(past + 1)


def reorder_memory(memory: list[LayerMemory], new_order: Tensor) -> list[LayerMemory]:
    """Return the rows `new_order` `(new_bsz,)` of the memory."""
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
