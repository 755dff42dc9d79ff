"""PyTorch on an exported folder's safetensors, by the modules that were trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fairseq_mlkd.modules.decoder import (
    Decoder,
    DecoderEmbeddings,
    DecoderLayer,
    reorder_memory,
)
from fairseq_mlkd.modules.encoder import (
    Embeddings,
    Encoder,
    EncoderLayer,
    attention_bias,
)
from fairseq_mlkd.modules.heads import MaskedLMHead, build_head
from fairseq_mlkd.modules.pointer import IMPOSSIBLE, PointerHead
from fairseq_mlkd.serve.engine import Arrays, Engine, Parsing
from fairseq_mlkd.serve.folder import MASKED_LM, WEIGHTS_FILE, Facts
from fairseq_mlkd.serve.weights import read_weights
from fairseq_mlkd.text.dictionary import BOS, PAD, UNK


class TorchEngine(Engine):
    """Our modules with the weights of a folder, on the threads of the whole process."""

    def __init__(self, folder: Path, facts: Facts, threads: int) -> None:
        torch.set_num_threads(threads)
        self._facts = facts
        with torch.device("meta"):
            model = _build(facts)
        weights = read_weights(folder, facts)
        wanted = model.state_dict()
        for name, tensor in wanted.items():
            found = tuple(weights[name].shape) if name in weights else None
            if found != tuple(tensor.shape):
                raise ValueError(
                    f"{folder / WEIGHTS_FILE}: {name} is {found or 'missing'}, not "
                    f"{tuple(tensor.shape)}; export the model again"
                )
        model.load_state_dict({name: weights[name] for name in wanted}, assign=True)
        self._model = model.eval().requires_grad_(False)

    @torch.inference_mode()
    def run(self, batch: Arrays) -> dict[str, np.ndarray]:
        features, output_layer = self._encode(batch)
        heads: Any = self._model["classification_heads"]
        outputs = {
            head.name: heads[head.name](features[:, 0] if head.pooled else features)
            for head in self._facts.heads
        }
        if self._facts.has_lm_head:
            outputs[MASKED_LM] = self._model["lm_head"](features, output_layer)
        outputs = outputs or {"last_hidden_state": features}
        return {name: x.numpy() for name, x in outputs.items()}

    @torch.inference_mode()
    def parse(self, batch: Arrays, word_starts: np.ndarray, beams: int) -> Parsing:
        features, _ = self._encode(batch)
        features = features.repeat_interleave(beams, dim=0)
        starts = torch.from_numpy(word_starts).repeat_interleave(beams, dim=0)
        return _TorchParsing(self._model["decoder"], features, starts)

    def _encode(self, batch: Arrays) -> tuple[Tensor, Any]:
        segments = None
        if self._facts.encoder["num_segments"]:
            segments = torch.from_numpy(batch["token_type_ids"])
        out = self._model["encoder"](torch.from_numpy(batch["input_ids"]), segments)
        return out.features, out.output_layer


class _TorchParsing(Parsing):
    """Parses of one sentence, which has no padding."""

    def __init__(self, decoder: Any, features: Tensor, starts: Tensor) -> None:
        self._decoder, self._starts = decoder, starts
        self._memory = decoder["transformer"].remember(features)
        self._keys = decoder["pointers"].keys(features, starts)
        self._bias = attention_bias(None, features.dtype)

    @torch.inference_mode()
    def step(self, previous: np.ndarray) -> np.ndarray:
        tokens = torch.from_numpy(previous)[:, None]
        out = self._decoder["transformer"](tokens, self._memory, self._bias)
        self._memory = out.memory
        symbols = self._decoder["symbols"](out.features)
        symbols[..., [BOS, PAD, UNK]] = IMPOSSIBLE
        pointers = self._decoder["pointers"](out.features, self._keys, self._starts)
        return np.asarray(torch.cat([symbols, pointers], dim=-1)[:, 0])

    @torch.inference_mode()
    def reorder(self, rows: np.ndarray) -> None:
        self._memory = reorder_memory(self._memory, torch.from_numpy(rows))


def _build(facts: Facts) -> nn.ModuleDict:
    shape = facts.encoder
    width, heads = shape["encoder_embed_dim"], shape["encoder_attention_heads"]
    eps = shape["layer_norm_eps"]
    layer = {"dropout": 0.0, "attention_dropout": 0.0, "layer_norm_eps": eps}
    embeddings = Embeddings(
        facts.vocabulary,
        width,
        padding_idx=PAD,
        max_positions=facts.max_positions,
        num_segments=shape["num_segments"],
        dropout=0.0,
        layer_norm_eps=eps,
        rank=facts.embedding_rank,
    )
    layers = [
        EncoderLayer(width, shape["encoder_ffn_embed_dim"], heads, **layer)
        for _ in range(shape["encoder_layers"])
    ]
    parts: dict[str, nn.Module] = {"encoder": Encoder(embeddings, layers)}
    parts["classification_heads"] = nn.ModuleDict(
        {
            head.name: build_head(
                width,
                len(head.labels),
                pooled=head.pooled,
                dropout=0.0,
                activation=facts.head_activation,
            )
            for head in facts.heads
        }
    )
    if facts.has_lm_head:
        parts["lm_head"] = MaskedLMHead(facts.vocabulary, width, layer_norm_eps=eps)
    if facts.decoder:
        parts["decoder"] = _build_decoder(facts, layer)
    return nn.ModuleDict(parts)


def _build_decoder(facts: Facts, layer: Mapping[str, float]) -> nn.ModuleDict:
    width = facts.encoder["encoder_embed_dim"]
    heads = facts.encoder["encoder_attention_heads"]
    embeddings = DecoderEmbeddings(
        len(facts.outputs),
        width,
        padding_idx=PAD,
        max_positions=facts.decoder["max_target_positions"],
        dropout=0.0,
        layer_norm_eps=layer["layer_norm_eps"],
    )
    layers = [
        DecoderLayer(width, facts.decoder["decoder_ffn_embed_dim"], heads, **layer)
        for _ in range(facts.decoder["decoder_layers"])
    ]
    symbols = len(facts.outputs) - facts.num_pointers
    return nn.ModuleDict(
        {
            "transformer": Decoder(embeddings, layers),
            "symbols": nn.Linear(width, symbols),
            "pointers": PointerHead(width),
        }
    )
