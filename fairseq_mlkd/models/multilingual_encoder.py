"""The encoders of Table 1: `--arch mbert8_large`, `mbert8`, `mbert`, `lean_bert`."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from fairseq.data import Dictionary
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.models import BaseFairseqModel, register_model, register_model_architecture
from fairseq.modules import SinusoidalPositionalEmbedding
from fairseq.tasks import FairseqTask
from torch import Tensor, nn

from fairseq_mlkd.modules.encoder import Embeddings, Encoder, EncoderLayer
from fairseq_mlkd.modules.heads import ACTIVATIONS, MaskedLMHead, build_head
from fairseq_mlkd.modules.layer import TransformerLayer
from fairseq_mlkd.modules.states import NOTHING, Request
from fairseq_mlkd.modules.tied_embedding import OutputLayer
from fairseq_mlkd.options import option


@dataclass
class MultilingualEncoderConfig(FairseqDataclass):
    encoder_layers: int = option(
        12, "transformer layers; 0: the shape of --encoder-path's model"
    )
    encoder_embed_dim: int = option(768, "hidden size")
    encoder_ffn_embed_dim: int = option(3072, "width of the feed-forward layers")
    encoder_attention_heads: int = option(12, "heads per layer")
    dropout: float = option(0.1, "dropout of embeddings, layers and heads; 0 disables")
    attention_dropout: float = option(0.1, "dropout of attention weights; 0 disables")
    max_positions: int = option(
        512, "longest input in subwords, special symbols included"
    )
    num_segments: int = option(
        0, "segment embeddings (public mBERT: 2); 0: none, as in RoBERTa"
    )
    init_std: float = option(
        0.02,
        "standard deviation of the initial weights; BERT's 0.02 suits a "
        "width of 768, narrow encoders learn sooner with 0.02 * sqrt(768 / width)",
    )
    sinusoidal_start: bool = option(
        False,
        "positions begin as sinusoids (Vaswani et al., 2017) and are learnt from "
        "there, so that short pretraining finds the neighbours of a symbol sooner",
    )
    layer_norm_eps: float = option(1e-12, "epsilon of layer norms")
    embedding_rank: int = option(
        0,
        "token embeddings of symbols x rank and rank x width numbers, in place of "
        "symbols x width; with --encoder-path-layers they begin as the nearest to the "
        "other model's, which is poor before training; 0: whole",
    )
    head_activation: ChoiceEnum(ACTIVATIONS) = option(  # type: ignore[valid-type]
        "tanh",
        "between the layers of a classifier of sentences: tanh, as BERT and RoBERTa; "
        "gelu, as ELECTRA; relu, as DistilBERT",
    )
    no_lm_head: bool = option(
        False, "an encoder alone, as mlkd-import writes if that is all"
    )


LM_HEAD = "lm_head"

_E = TypeVar("_E", bound=Encoder)
_L = TypeVar("_L", bound=TransformerLayer)

# the fields that decide an encoder's parameters, and how heads on it begin
ENCODER_SHAPE = (
    "encoder_layers",
    "encoder_embed_dim",
    "encoder_ffn_embed_dim",
    "encoder_attention_heads",
    "max_positions",
    "num_segments",
    "init_std",
    "layer_norm_eps",
    "embedding_rank",
    "head_activation",
)


# those that a model, an encoder or a parser, cannot do without
_SIZES = (
    "encoder_layers",
    "encoder_embed_dim",
    "encoder_ffn_embed_dim",
    "encoder_attention_heads",
    "max_positions",
    "decoder_layers",
    "decoder_ffn_embed_dim",
    "max_target_positions",
)
_RATES = ("dropout", "attention_dropout")


@register_model("multilingual_encoder", dataclass=MultilingualEncoderConfig)
class MultilingualEncoderModel(BaseFairseqModel):
    """BERT's encoder with a masked-LM head, or with the heads that a task asks for.

    Args:
        cfg: shape and dropout.
        dictionary: symbols of the input; its size is that of the embeddings.
    """

    def __init__(self, cfg: MultilingualEncoderConfig, dictionary: Dictionary) -> None:
        super().__init__()
        self.cfg = cfg
        self.encoder = build_encoder(cfg, dictionary, Encoder)
        self.lm_head: MaskedLMHead | None = None
        if not cfg.no_lm_head:
            self.lm_head = self._build_lm_head()
        self.classification_heads = nn.ModuleDict()
        self.apply(partial(init_weights, std=cfg.init_std))
        if cfg.sinusoidal_start:
            _start_as_sinusoids(self.encoder.embeddings.positions.weight, cfg.init_std)

    @classmethod
    def build_model(
        cls, cfg: MultilingualEncoderConfig, task: FairseqTask
    ) -> "MultilingualEncoderModel":
        return cls(cfg, task.source_dictionary)

    def forward(
        self,
        src_tokens: Tensor,
        src_lengths: Tensor | None = None,
        segments: Tensor | None = None,
        *,
        masked_tokens: Tensor | None = None,
        features_only: bool = False,
        heads: Mapping[str, Tensor] | None = None,
        request: Request = NOTHING,
    ) -> tuple[Tensor | dict[str, Tensor], dict[str, Any]]:
        """Encode sentences and put a head on them.

        Args:
            src_tokens: `(bsz, src_len)` ids, padded on the right.
            src_lengths: not needed; fairseq's batches carry it.
            segments: `(bsz, src_len)` segment ids; None: all 0.
            masked_tokens: `(bsz, src_len)`, true where the masked-LM head projects, as
                fairseq's `masked_lm` asks for it; None: everywhere.
            features_only: no head: return the last layer's output.
            heads: use these heads, each at some positions: `(n,)` indices into the
                batch's `bsz * src_len` tokens.
            request: what to hand out.
        Returns:
            Logits `(n, classes)` for each of `heads`; without them, of the masked-LM
            head, `(masked, vocab)` or `(bsz, src_len, vocab)`; or features `(bsz,
            src_len, embed_dim)`; and a dictionary with `padding_mask`
            (None: no padding) and what was asked for, by index.
        """
        out = self.encoder(src_tokens, segments, request)
        extra = {"padding_mask": out.padding_mask, **out.states}
        x, output_layer = out.features, out.output_layer
        if features_only:
            return x, extra
        if heads is None:
            x = x if masked_tokens is None else x[masked_tokens]
            return self._predict(LM_HEAD, x, output_layer), extra
        x = x.flatten(0, 1)  # B x T x C -> BT x C
        logits = {
            name: self._predict(name, x[positions], output_layer)
            for name, positions in heads.items()
        }
        return logits, extra

    def _predict(self, head: str, x: Tensor, output_layer: OutputLayer) -> Tensor:
        if head != LM_HEAD:
            return self.classification_heads[head](x)
        assert self.lm_head is not None, "the masked-LM head has been removed"
        return self.lm_head(x, output_layer)

    def get_normalized_probs(
        self,
        net_output: tuple[Tensor, Any],
        log_probs: bool,
        sample: dict[str, Any] | None = None,
    ) -> Tensor:
        """Return the softmax of the logits in float32."""
        logits = net_output[0].float()
        return torch.log_softmax(logits, -1) if log_probs else torch.softmax(logits, -1)

    def max_positions(self) -> int:
        return self.cfg.max_positions

    def add_head(self, name: str, num_classes: int, *, pooled: bool) -> None:
        """Add a new classifier of tokens, or of sentences (`pooled`, first tokens)."""
        head = build_head(
            self.cfg.encoder_embed_dim,
            num_classes,
            pooled=pooled,
            dropout=self.cfg.dropout,
            activation=self.cfg.head_activation,
        )
        init = partial(init_weights, std=self.cfg.init_std)
        self.classification_heads[name] = head.apply(init)

    def add_lm_head(self) -> None:
        """Add a new masked-LM head."""
        init = partial(init_weights, std=self.cfg.init_std)
        self.lm_head = self._build_lm_head().apply(init)

    def _build_lm_head(self) -> MaskedLMHead:
        return MaskedLMHead(
            self.encoder.embeddings.tokens.num_embeddings,
            self.cfg.encoder_embed_dim,
            layer_norm_eps=self.cfg.layer_norm_eps,
        )

    def remove_lm_head(self) -> None:
        """Drop the masked-LM head, which fine-tuning has no use for."""
        self.lm_head = None

    def upgrade_state_dict_named(self, state_dict: dict[str, Any], name: str) -> None:
        """Leave out a masked-LM head that training kept and this model lacks."""
        super().upgrade_state_dict_named(state_dict, name)
        if self.lm_head is None:
            for key in [key for key in state_dict if key.startswith("lm_head.")]:
                del state_dict[key]


def build_encoder(
    cfg: MultilingualEncoderConfig, dictionary: Dictionary, kind: type[_E]
) -> _E:
    """Build an encoder of the given kind and shape, random weights.

    Raises:
        ValueError: one segment, which the second of two sentences would not find; or a
            size, rate or rank that is none.
    """
    _check_numbers(cfg)
    if cfg.num_segments == 1:
        raise ValueError(
            "--num-segments 1 tells no segments apart: give 0, or 2 for sentence pairs"
        )
    if not 0 <= cfg.embedding_rank < cfg.encoder_embed_dim:
        raise ValueError(
            f"--embedding-rank {cfg.embedding_rank}: give 0, or a number below the "
            f"width of {cfg.encoder_embed_dim}"
        )
    embeddings = Embeddings(
        len(dictionary),
        cfg.encoder_embed_dim,
        padding_idx=dictionary.pad(),
        max_positions=cfg.max_positions,
        num_segments=cfg.num_segments,
        dropout=cfg.dropout,
        layer_norm_eps=cfg.layer_norm_eps,
        rank=cfg.embedding_rank,
    )
    width = cfg.encoder_ffn_embed_dim
    layers = build_layers(EncoderLayer, cfg, cfg.encoder_layers, width)
    return kind(embeddings, layers)


def _check_numbers(cfg: MultilingualEncoderConfig) -> None:
    """Refuse sizes and rates that are none."""
    for name in _SIZES:
        size = getattr(cfg, name, 1)
        if size < 1:
            raise ValueError(f"--{name.replace('_', '-')} {size} is below 1")
    for name in _RATES:
        rate = getattr(cfg, name)
        if not 0 <= rate <= 1:
            flag = name.replace("_", "-")
            raise ValueError(f"--{flag} {rate} is not between 0 and 1")


def build_layers(
    kind: type[_L], cfg: MultilingualEncoderConfig, number: int, ffn_embed_dim: int
) -> list[_L]:
    """Build layers of encoder or decoder, as wide as the encoder, random weights."""
    return [
        kind(
            cfg.encoder_embed_dim,
            ffn_embed_dim,
            cfg.encoder_attention_heads,
            dropout=cfg.dropout,
            attention_dropout=cfg.attention_dropout,
            layer_norm_eps=cfg.layer_norm_eps,
        )
        for _ in range(number)
    ]


def init_weights(module: nn.Module, *, std: float) -> None:
    """Start a layer as BERT does: weights from N(0, `std`), biases and padding 0."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        module.weight.data.normal_(0.0, std)
    if isinstance(module, nn.Linear) and module.bias is not None:
        module.bias.data.zero_()
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        module.weight.data[module.padding_idx].zero_()
    if isinstance(module, Embeddings) and module.up is not None:
        # their product begins with the deviation of a whole table
        module.up.weight.data.normal_(0.0, module.up.in_features**-0.5)


def _start_as_sinusoids(positions: Tensor, std: float) -> None:
    """Fill `(max_positions, embed_dim)` with sinusoids of a root mean square."""
    waves = SinusoidalPositionalEmbedding.get_embedding(*positions.shape)
    positions.data.copy_(waves * (std / waves.square().mean().sqrt()))


def _architecture(name: str, **shape: float) -> None:
    def set_defaults(args: Namespace) -> None:
        for key, value in shape.items():
            setattr(args, key, getattr(args, key, value))

    register_model_architecture("multilingual_encoder", name)(set_defaults)


def _shape(layers: int, dim: int, ffn: int, heads: int) -> dict[str, int]:
    return {
        "encoder_layers": layers,
        "encoder_embed_dim": dim,
        "encoder_ffn_embed_dim": ffn,
        "encoder_attention_heads": heads,
    }


_architecture("mbert8_large", **_shape(24, 1024, 4096, 16))
_architecture("mbert8", **_shape(12, 768, 3072, 12))
_architecture("mbert", **_shape(12, 768, 3072, 12), num_segments=2)
_architecture("lean_bert", **_shape(4, 768, 1200, 12))
_architecture("pretrained", encoder_layers=0)
_architecture("mbert_tiny", **_shape(4, 96, 192, 4), init_std=0.057)
_architecture("lean_bert_tiny", **_shape(2, 64, 128, 4), init_std=0.07)
