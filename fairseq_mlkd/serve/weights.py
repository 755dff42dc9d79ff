"""The weights of an exported folder, by our names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fairseq_mlkd.modules.bert_names import BERT_LM_HEAD, translate
from fairseq_mlkd.serve.folder import (
    DECODER_FILE,
    EMBEDDINGS_FILE,
    HEAD_FILE,
    WEIGHTS_FILE,
    Facts,
    check_file,
)

_OF_SYMBOLS = ("encoder.embeddings.tokens.weight", "lm_head.bias")
_SEGMENTS = "encoder.embeddings.segments.weight"


def read_weights(folder: Path, facts: Facts) -> dict[str, Tensor]:
    """Read what `mlkd-export` wrote: all parameters, in float32.

    Raises:
        ValueError: in one line, a file that is missing, damaged or another one, or a
            tensor that is none of ours.
    """
    names, weights = {**facts.family.prefixed(), **BERT_LM_HEAD}, {}
    for head in facts.heads:
        own = facts.family.head(head.name, pooled=head.pooled)
        if len(facts.heads) > 1:
            weights.update(_read(folder, f"{head.name}/{HEAD_FILE}", facts, own))
        else:
            names.update(own)
    weights.update(_read(folder, WEIGHTS_FILE, facts, names))
    for name in weights.keys() & set(_OF_SYMBOLS):
        # rows that only tokenizer.json needs stand at the end
        if len(weights[name]) > facts.vocabulary:
            weights[name] = weights[name][: facts.vocabulary].clone()
    if not facts.encoder["num_segments"]:
        weights.pop(_SEGMENTS, None)  # zeros, for other people's code
    if facts.embedding_rank:
        weights.update(_read(folder, EMBEDDINGS_FILE, facts))
    if facts.decoder:
        weights.update(_read(folder, DECODER_FILE, facts))
    return weights


def _read(
    folder: Path, name: str, facts: Facts, names: Mapping[str, str] | None = None
) -> dict[str, Tensor]:
    """Read a file; `names` are its modules -> ours, None where they are ours."""
    path = check_file(folder, name, facts)
    try:
        tensors = load_file(str(path))
    except (OSError, SafetensorError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path}: cannot be read as weights ({reason})") from None
    weights = {}
    for theirs, tensor in tensors.items():
        ours = theirs if names is None else translate(theirs, names)
        if ours is None:
            raise ValueError(f"{path}: holds {theirs}, a foreign tensor")
        if not tensor.is_floating_point():
            raise ValueError(f"{path}: {theirs} is {tensor.dtype}, no parameter")
        weights[ours] = tensor.float()
    return weights
