"""ONNX Runtime on the graphs of an exported folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fairseq_mlkd.remedies import describe, needed_for
from fairseq_mlkd.serve.engine import Arrays, Engine, Parsing
from fairseq_mlkd.serve.folder import Facts, check_file
from fairseq_mlkd.serve.onnx_file import check_onnx


class OnnxEngine(Engine):
    """ONNX Runtime on one or two graphs.

    Args:
        graphs: paths in the folder, of the model and of a parser's decoder.
        threads: that one call may use.
    """

    def __init__(
        self, folder: Path, facts: Facts, graphs: tuple[str, str], threads: int
    ) -> None:
        self._path = folder / graphs[0]
        self._model = open_session(checked_graph(folder, graphs[0], facts), threads)
        self._inputs = [x.name for x in self._model.get_inputs()]
        self._outputs = [x.name for x in self._model.get_outputs()]
        self._decoder: Any = None
        self._facts = facts
        if facts.decoder:
            path = checked_graph(folder, graphs[1], facts)
            self._decoder = open_session(path, threads)

    def run(self, batch: Arrays) -> dict[str, np.ndarray]:
        given = {name: batch[name] for name in self._inputs}
        try:
            found = self._model.run(self._outputs, given)
        except Exception as error:  # a folder of elsewhere, whose graph does not fit
            raise ValueError(f"{self._path}: {describe(error)}") from None
        return dict(zip(self._outputs, found))

    def parse(self, batch: Arrays, word_starts: np.ndarray, beams: int) -> Parsing:
        source = self.run({**batch, "word_starts": word_starts})
        source["attention_mask"] = batch["attention_mask"]
        source["word_starts"] = word_starts
        repeated = {key: np.repeat(x, beams, axis=0) for key, x in source.items()}
        return _OnnxParsing(self._decoder, repeated, self._facts)


class _OnnxParsing(Parsing):
    def __init__(
        self, decoder: Any, source: dict[str, np.ndarray], facts: Facts
    ) -> None:
        self._decoder, self._source = decoder, source
        layers = range(facts.decoder["decoder_layers"])
        self._cached = [f"{kind}.{i}" for i in layers for kind in ("keys", "values")]
        heads = facts.encoder["encoder_attention_heads"]
        width = facts.encoder["encoder_embed_dim"] // heads
        beams = len(source["word_starts"])
        empty = np.zeros((beams, heads, 0, width), np.float32)
        self._past = dict.fromkeys(self._cached, empty)

    def step(self, previous: np.ndarray) -> np.ndarray:
        past = {f"past_{name}": x for name, x in self._past.items()}
        given = {**self._source, **past, "previous": previous[:, None]}
        scores, *cached = self._decoder.run(["scores", *self._cached], given)
        self._past = dict(zip(self._cached, cached))
        return np.asarray(scores)

    def reorder(self, rows: np.ndarray) -> None:
        self._past = {name: x[rows] for name, x in self._past.items()}


def checked_graph(folder: Path, name: str, facts: Facts) -> Path:
    """Return the path of a graph that is what was exported, and holds nothing odd.

    Raises:
        ValueError: in one line, what is wrong with it.
    """
    path = check_file(folder, name, facts)
    check_onnx(path)
    return path


def open_session(path: Path, threads: int) -> Any:
    """Open a graph with ONNX Runtime, to run exactly and on that many threads.

    By default its products of 8 bits overflow on processors without VNNI instructions.

    Raises:
        ValueError: in one line, why it cannot be run.
    """
    with needed_for(f"{path}: ONNX graphs"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3  # errors
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # whatever the runtime meets in a file
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path}: ONNX Runtime cannot run it ({reason})") from None
