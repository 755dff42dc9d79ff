"""Which engine opens a folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fairseq_mlkd.serve.engine import Engine
from fairseq_mlkd.serve.folder import (
    FACTS_FILE,
    INT8,
    INT8_DECODER,
    MASKED_LM,
    ONNX,
    ONNX_DECODER,
    Facts,
)
from fairseq_mlkd.serve.inputs import pad
from fairseq_mlkd.serve.onnx_engine import OnnxEngine
from fairseq_mlkd.text.dictionary import BOS, EOS

_GRAPHS = {"int8": (INT8, INT8_DECODER), "onnx": (ONNX, ONNX_DECODER)}
Shapes = dict[str, tuple[int, ...]]
ENGINES = ("auto", *_GRAPHS, "torch")


def open_engine(folder: Path, facts: Facts, name: str, threads: int) -> Engine:
    """Open the engine of that name; "auto" is the fastest that the folder has.

    Raises:
        ValueError: the folder lacks it, or what it holds is not what was exported.
    """
    if name not in ENGINES:
        raise ValueError(f"engine {name!r} is none of {', '.join(ENGINES)}")
    if name == "auto":
        found = [kind for kind, files in _GRAPHS.items() if files[0] in facts.files]
        name = found[0] if found and find_spec("onnxruntime") else "torch"
    try:
        engine = _open(folder, facts, name, threads)
        _try(engine, facts)
    except ValueError:
        raise
    except Exception as error:  # whatever a library meets in a file
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{folder}: {name} cannot run it as {FACTS_FILE} says ({reason}); export "
            "the model again"
        ) from None
    return engine


def _open(folder: Path, facts: Facts, name: str, threads: int) -> Engine:
    if name == "torch":
        from fairseq_mlkd.serve.torch_engine import TorchEngine

        return TorchEngine(folder, facts, threads)
    return OnnxEngine(folder, facts, _GRAPHS[name], threads)


def _try(engine: Engine, facts: Facts) -> None:
    """Compute a short sentence, and compare the shapes of what comes out."""
    batch = pad([[BOS, facts.vocabulary - 1, EOS]], [3])
    if facts.decoder:
        scores = engine.parse(batch, np.ones((1, 1), np.int64), 2).step(np.full(2, EOS))
        found: Shapes = {"scores": scores.shape}
        wanted: Shapes = {"scores": (2, len(facts.outputs) - facts.num_pointers + 1)}
    else:
        found = {name: x.shape for name, x in engine.run(batch).items()}
        wanted = {
            head.name: (1, *[3] * (not head.pooled), len(head.labels))
            for head in facts.heads
        }
        if facts.has_lm_head:
            wanted[MASKED_LM] = (1, 3, facts.vocabulary)
        if not wanted:
            wanted["last_hidden_state"] = (1, 3, facts.encoder["encoder_embed_dim"])
    if found != wanted:
        raise RuntimeError(f"outputs of shapes {found}, not {wanted}")
