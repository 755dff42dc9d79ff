"""What can be measured: a checkpoint in fairseq, an exported folder in other engines.

Each runs random sentences through the model and its heads; of a parser the part that
reads the source, without the search.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fairseq_mlkd.serve.engines import open_engine
from fairseq_mlkd.serve.folder import (
    INT8,
    INT8_DECODER,
    ONNX,
    ONNX_DECODER,
    WEIGHTS_FILE,
    Facts,
    check_file,
    read_facts,
    read_small_json,
)
from fairseq_mlkd.serve.inputs import pad
from fairseq_mlkd.serve.onnx_engine import checked_graph

Run = Callable[[], Any]

FAIRSEQ, TRANSFORMERS, OPENVINO = "fairseq", "transformers", "openvino"
# of each engine, the libraries that it needs and the files that it reads in a folder
_NEEDS = {
    FAIRSEQ: ("fairseq", ()),
    TRANSFORMERS: ("transformers", (WEIGHTS_FILE,)),
    "torch": ("torch", (WEIGHTS_FILE,)),
    "onnx": ("onnxruntime", (ONNX, ONNX_DECODER)),
    OPENVINO: ("openvino", (ONNX, ONNX_DECODER)),
    "int8": ("onnxruntime", (INT8, INT8_DECODER)),
}
ENGINES = tuple(_NEEDS)
_KINDS = (
    *("Model", "ForMaskedLM"),
    *("ForSequenceClassification", "ForTokenClassification"),
)
_FIRST_ID = 5  # above the special symbols


class Setting(NamedTuple):
    """What is measured.

    Attributes:
        path: an exported folder; of `fairseq` a checkpoint.
        engine: one of `ENGINES`.
        threads: that it may use.
        batch: sentences.
        length: of each in subwords.
        data: of `fairseq` the prepared data; "": what lies beside the checkpoint.
    """

    path: Path
    engine: str
    threads: int = 1
    batch: int = 1
    length: int = 32
    data: str = ""


def offered(path: Path) -> list[str]:
    """Return the engines that are installed and can run what is at `path`."""
    if path.is_file():
        return [FAIRSEQ]
    return [
        name
        for name, (library, files) in _NEEDS.items()
        if files and (path / files[0]).is_file() and find_spec(library)
    ]


def megabytes(setting: Setting) -> float:
    """Return the size of the files that the engine reads, the tokenizer's left out."""
    path, (_, names) = setting.path, _NEEDS[setting.engine]
    files = [path] if path.is_file() else [path / name for name in names]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def open_run(setting: Setting) -> Run:
    """Open the model; return what answers one batch.

    Raises:
        ValueError: in one line, why it cannot be used.
    """
    if setting.engine == FAIRSEQ:
        return _open_fairseq(setting)
    facts = read_facts(setting.path)
    batch = random_batch(setting, facts.vocabulary, facts.max_positions)
    if setting.engine == TRANSFORMERS:
        return _open_transformers(setting, facts, batch)
    if facts.decoder:
        words = np.arange(batch["input_ids"].shape[1])[None]
        batch["word_starts"] = words.repeat(setting.batch, axis=0)
    if setting.engine == OPENVINO:
        return _open_openvino(setting, facts, batch)
    engine = open_engine(setting.path, facts, setting.engine, setting.threads)
    return lambda: engine.run(batch)


def random_batch(
    setting: Setting, vocabulary: int, longest: int
) -> dict[str, np.ndarray]:
    """Return sentences of one length, as `serve.inputs.pad` does."""
    length = min(setting.length, longest)
    ids = np.random.default_rng(1).integers(
        _FIRST_ID, vocabulary, (setting.batch, length)
    )
    return pad(ids.tolist(), [length] * setting.batch)


def _open_fairseq(setting: Setting) -> Run:
    import torch

    from fairseq_mlkd.loading import load

    torch.set_num_threads(setting.threads)
    model, task = load(setting.path, setting.data or None)
    symbols = len(task.source_dictionary)
    longest = min(setting.length, task.longest_input())
    batch = random_batch(setting, symbols, longest)
    ids = torch.from_numpy(batch["input_ids"])
    heads = {
        name: torch.arange(0, ids.numel(), ids.shape[1] if head.pooled else 1)
        for name, head in getattr(task, "heads", {}).items()
    }

    @torch.inference_mode()
    def run() -> Any:
        if hasattr(model, "decoder"):
            return model.encoder(ids)
        if heads:
            return model(ids, heads=heads)
        return model(ids, features_only=model.lm_head is None)

    return run


def _open_transformers(
    setting: Setting, facts: Facts, batch: dict[str, np.ndarray]
) -> Run:
    import sys

    # transformers imports it with its models, and one built for another torch cannot be
    sys.modules.setdefault("torchaudio", None)  # type: ignore[arg-type]
    import torch
    import transformers

    torch.set_num_threads(setting.threads)
    config = check_file(setting.path, "config.json", facts)
    check_file(setting.path, WEIGHTS_FILE, facts)
    (name,) = read_small_json(config)["architectures"]
    if name not in [facts.family.name + kind for kind in _KINDS]:
        raise ValueError(
            f"{setting.path}: {name!r} is no model that mlkd-export writes"
        )
    kind = getattr(transformers, name)
    model = kind.from_pretrained(setting.path, use_safetensors=True).eval()
    if not facts.encoder["num_segments"]:
        del batch["token_type_ids"]
    tensors = {key: torch.from_numpy(x) for key, x in batch.items()}

    @torch.inference_mode()
    def run() -> Any:
        return model(**tensors)

    return run


def _open_openvino(setting: Setting, facts: Facts, batch: dict[str, np.ndarray]) -> Run:
    import openvino

    graph = checked_graph(setting.path, ONNX, facts)
    core = openvino.Core()
    options = {
        "INFERENCE_NUM_THREADS": setting.threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # bfloat16 else, where a processor has it
    }
    model = core.compile_model(core.read_model(graph), "CPU", options)
    given = {x.any_name: batch[x.any_name] for x in model.inputs}
    request = model.create_infer_request()
    return lambda: request.infer(given)
