"""The parser of "Don't Parse, Generate!": `--arch pointer_generator_mbert8`, ..."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fairseq.data import Dictionary
from fairseq.models import (
    ARCH_CONFIG_REGISTRY,
    ARCH_MODEL_INV_REGISTRY,
    BaseFairseqModel,
    register_model,
    register_model_architecture,
)
from fairseq.tasks import FairseqTask
from torch import Tensor

from fairseq_mlkd.models._pointer_decoder import PointerDecoder, Source
from fairseq_mlkd.models.multilingual_encoder import (
    MultilingualEncoderConfig,
    build_encoder,
    build_layers,
    init_weights,
)
from fairseq_mlkd.modules.decoder import Decoder, DecoderEmbeddings, DecoderLayer
from fairseq_mlkd.modules.encoder import Encoder
from fairseq_mlkd.modules.states import NOTHING, Request
from fairseq_mlkd.options import option

DECODER_HEAD = "decoder"


@dataclass
class PointerGeneratorConfig(MultilingualEncoderConfig):
    decoder_layers: int = option(3, "layers of the decoder, as wide as the encoder's")
    decoder_ffn_embed_dim: int = option(
        512, "width of the decoder's feed-forward layers"
    )
    max_target_positions: int = option(512, "longest parse in symbols, end included")


@register_model("pointer_generator", dataclass=PointerGeneratorConfig)
class PointerGeneratorModel(BaseFairseqModel):
    """An encoder, and a decoder that says parse symbols or points at source words.

    Each step is one softmax over [parse symbols ; source words], without a gate
    (Rongali et al., 2020). The encoder's parameters bear the names that they have in
    `multilingual_encoder`.

    Args:
        cfg: shape and dropout.
        dictionary: symbols of the input.
        outputs: what the decoder says; ends in the pointers at words 0, 1, ...
        num_pointers: how many pointers there are.
    """

    def __init__(
        self,
        cfg: PointerGeneratorConfig,
        dictionary: Dictionary,
        outputs: Dictionary,
        num_pointers: int,
    ) -> None:
        super().__init__()
        self.cfg = cfg
        self.encoder = build_encoder(cfg, dictionary, SourceEncoder)
        self.decoder = PointerDecoder(
            _build_decoder(cfg, outputs), outputs, num_pointers
        )
        self.apply(partial(init_weights, std=cfg.init_std))

    @classmethod
    def build_model(
        cls, cfg: PointerGeneratorConfig, task: FairseqTask
    ) -> "PointerGeneratorModel":
        """Build the model for `zero_shot_parsing`.

        Raises:
            ValueError: another task.
        """
        parses = getattr(task, "parses", None)
        if parses is None:
            raise ValueError("--arch pointer_generator_*: for zero_shot_parsing alone")
        return cls(cfg, task.source_dictionary, parses.outputs, parses.num_pointers)

    def forward(
        self,
        src_tokens: Tensor,
        src_lengths: Tensor | None = None,
        *,
        word_starts: Tensor | None = None,
        prev_output_tokens: Tensor | None = None,
        segments: Tensor | None = None,
        heads: Mapping[str, Tensor] | None = None,
        features_only: bool = False,
        request: Request = NOTHING,
    ) -> tuple[Tensor | dict[str, Tensor], dict[str, Any]]:
        """Encode sentences and score each next symbol of their parses.

        Args:
            src_tokens: `(bsz, src_len)` ids, padded on the right.
            src_lengths: not needed; fairseq's batches carry it.
            word_starts: `(bsz, max_words)`, index of each word's first subword; -1
                where there is none.
            prev_output_tokens: `(bsz, tgt_len)` ids, `</s>` first; None: encode alone.
            segments: `(bsz, src_len)` segment ids; None: all 0.
            heads: `decoder` and where to return logits: `(n,)` indices into the
                batch's `bsz * tgt_len` symbols; None: everywhere.
            features_only: return the decoder's last states; without a decoder, the
                encoder's.
            request: what to hand out; without a decoder, of the encoder alone.
        Returns:
            Logits by head, `(n, outputs)`; without `heads`, `(bsz, tgt_len, outputs)`;
            or features `(bsz, tgt_len, embed_dim)`; and a dictionary with
            `padding_mask` of the source (None: no padding), `decoder_padding_mask` of
            the parse, and what was asked for, by index.
        """
        out = self.encoder(src_tokens, segments, request)
        features, extra = out.features, {"padding_mask": out.padding_mask, **out.states}
        if prev_output_tokens is None:
            return features, extra
        assert word_starts is not None
        logits, decoder_extra = self.decoder(
            prev_output_tokens,
            Source(features, out.padding_mask, word_starts),
            features_only=features_only,
            request=request,
        )
        extra.update(decoder_extra)
        if heads is None or features_only:
            return logits, extra
        return {DECODER_HEAD: logits.flatten(0, 1)[heads[DECODER_HEAD]]}, extra

    def max_positions(self) -> int:
        """Return the longest source; targets have their own limit."""
        return self.cfg.max_positions

    def max_decoder_positions(self) -> int:
        return self.cfg.max_target_positions


class SourceEncoder(Encoder):
    """The encoder with what fairseq's SequenceGenerator asks of one."""

    def forward_torchscript(self, net_input: dict[str, Tensor]) -> Source:
        """Encode a batch."""
        out = self(net_input["src_tokens"], net_input.get("segments"))
        return Source(out.features, out.padding_mask, net_input["word_starts"])

    def reorder_encoder_out(self, source: Source, new_order: Tensor) -> Source:
        """Return the rows `new_order` `(new_bsz,)` of the source."""
        mask = source.padding_mask
        return Source(
            source.features.index_select(0, new_order),
            None if mask is None else mask.index_select(0, new_order),
            source.word_starts.index_select(0, new_order),
        )


def _build_decoder(cfg: PointerGeneratorConfig, outputs: Dictionary) -> Decoder:
    embeddings = DecoderEmbeddings(
        len(outputs),
        cfg.encoder_embed_dim,
        padding_idx=outputs.pad(),
        max_positions=cfg.max_target_positions,
        dropout=cfg.dropout,
        layer_norm_eps=cfg.layer_norm_eps,
    )
    width = cfg.decoder_ffn_embed_dim
    return Decoder(
        embeddings, build_layers(DecoderLayer, cfg, cfg.decoder_layers, width)
    )


for _encoder in ARCH_MODEL_INV_REGISTRY["multilingual_encoder"]:
    if _encoder != "multilingual_encoder":
        _set_defaults = ARCH_CONFIG_REGISTRY[_encoder]
        register_model_architecture(
            "pointer_generator", f"pointer_generator_{_encoder}"
        )(_set_defaults)
