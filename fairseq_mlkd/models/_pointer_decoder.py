"""The decoder of the pointer generator: symbols and pointers in one softmax."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from fairseq.data import Dictionary
from fairseq.models import FairseqIncrementalDecoder
from torch import Tensor, nn

from fairseq_mlkd.modules.decoder import Decoder, DecoderOutput, reorder_memory
from fairseq_mlkd.modules.encoder import attention_bias
from fairseq_mlkd.modules.pointer import IMPOSSIBLE, PointerHead
from fairseq_mlkd.modules.states import NOTHING, Request


class Source(NamedTuple):
    """An encoded batch."""

    features: Tensor  # (bsz, src_len, embed_dim)
    padding_mask: Tensor | None  # (bsz, src_len), true at padding; None: no padding
    word_starts: Tensor  # (bsz, max_words), index of the first subword; -1: no word


class PointerDecoder(FairseqIncrementalDecoder):
    """The decoder with its two output layers.

    Args:
        transformer: gives the states; its embeddings are those of `outputs`.
        outputs: the symbols, pointers last.
        num_pointers: how many of them are pointers.
    """

    def __init__(
        self, transformer: Decoder, outputs: Dictionary, num_pointers: int
    ) -> None:
        super().__init__(outputs)
        self.transformer = transformer
        self.num_pointers = num_pointers
        max_positions, embed_dim = transformer.embeddings.positions.weight.shape
        self.symbols = nn.Linear(embed_dim, len(outputs) - num_pointers)
        self.pointers = PointerHead(embed_dim)
        self._max_positions = max_positions
        never = torch.zeros(self.symbols.out_features, dtype=torch.bool)
        never[[outputs.bos(), outputs.pad(), outputs.unk()]] = True
        self.register_buffer("never", never, persistent=False)

    def forward(
        self,
        prev_output_tokens: Tensor,
        encoder_out: Source,
        incremental_state: dict[str, Any] | None = None,
        *,
        features_only: bool = False,
        request: Request = NOTHING,
    ) -> tuple[Tensor, dict[str, Any]]:
        """Score the symbol that follows each of `prev_output_tokens`.

        Args:
            prev_output_tokens: `(bsz, tgt_len)` ids.
            encoder_out: the source.
            incremental_state: where states are kept from call to call; then all
                symbols but the last are known from the calls before.
            features_only: return the last layer's states instead.
            request: what to hand out.
        Returns:
            Logits `(bsz, tgt_len, outputs)` or features `(bsz, tgt_len, embed_dim)`,
            `tgt_len` being 1 when incremental; and a dictionary of what was asked for,
            with `decoder_padding_mask` `(bsz, tgt_len)`, true at padding.
        """
        state = {} if incremental_state is None else incremental_state
        if state:
            prev_output_tokens = prev_output_tokens[:, -1:]
        else:
            self._remember(encoder_out, state)
        features = encoder_out.features
        out: DecoderOutput = self.transformer(
            prev_output_tokens,
            state["memory"],
            attention_bias(encoder_out.padding_mask, features.dtype),
            request,
        )
        state["memory"] = out.memory
        extra = {
            "attn": None,  # what SequenceGenerator looks for
            **out.states,
            "decoder_padding_mask": prev_output_tokens.eq(self.dictionary.pad()),
        }
        if features_only:
            return out.features, extra
        return (
            self._project(out.features, state["pointer_keys"], encoder_out.word_starts),
            extra,
        )

    def _remember(self, source: Source, state: dict[str, Any]) -> None:
        state["memory"] = self.transformer.remember(source.features)
        state["pointer_keys"] = self.pointers.keys(source.features, source.word_starts)

    def _project(self, x: Tensor, keys: Tensor, word_starts: Tensor) -> Tensor:
        """Map `(bsz, tgt_len, embed_dim)` to `(bsz, tgt_len, outputs)`."""
        symbols = self.symbols(x).masked_fill(self.never, IMPOSSIBLE)
        reach = slice(self.num_pointers)
        pointers = self.pointers(x, keys[:, reach], word_starts[:, reach])
        missing = self.num_pointers - pointers.size(-1)
        pointers = F.pad(pointers, (0, missing), value=IMPOSSIBLE)
        return torch.cat([symbols, pointers], dim=-1)

    def reorder_incremental_state(
        self, incremental_state: dict[str, Any], new_order: Tensor
    ) -> None:
        """Keep rows `new_order` `(new_bsz,)`."""
        keys = incremental_state["pointer_keys"]
        memory = reorder_memory(incremental_state["memory"], new_order)
        incremental_state["memory"] = memory
        incremental_state["pointer_keys"] = keys.index_select(0, new_order)

    def max_positions(self) -> int:
        return self._max_positions
