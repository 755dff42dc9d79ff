"""Which engine opens a folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fairseq_mlkd.serve.engine import Engine
from fairseq_mlkd.serve.folder import (
    INT8,
    INT8_DECODER,
    ONNX,
    ONNX_DECODER,
    Facts,
)
from fairseq_mlkd.serve.onnx_engine import OnnxEngine

_GRAPHS = {"int8": (INT8, INT8_DECODER), "onnx": (ONNX, ONNX_DECODER)}
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
    if name == "torch":
        from fairseq_mlkd.serve.torch_engine import TorchEngine

        return TorchEngine(folder, facts)
    return OnnxEngine(folder, facts, _GRAPHS[name], threads)
