"""How long one engine takes: measured in a process of its own, which it prints as JSON.

    python -m fairseq_mlkd.serve.measure FOLDER ENGINE THREADS BATCH LENGTH SECONDS

Engines in one process would share memory and threads, so that no number were its own.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
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
    read_facts,
)
from fairseq_mlkd.serve.inputs import pad

TRANSFORMERS = "transformers"
ENGINES = (TRANSFORMERS, "torch", "onnx", "int8")
FILES = {
    TRANSFORMERS: (WEIGHTS_FILE,),
    "torch": (WEIGHTS_FILE,),
    "onnx": (ONNX, ONNX_DECODER),
    "int8": (INT8, INT8_DECODER),
}
_FIRST_ID = 5  # above the special symbols
_WARM_UP, _LEAST_RUNS = 3, 10


class Setting(NamedTuple):
    """What is measured."""

    engine: str
    threads: int
    batch: int
    length: int
    seconds: float  # how long to go on


def measure(folder: Path, setting: Setting) -> dict[str, float]:
    """Run random sentences; a parser reads its source, the search is left out.

    Returns:
        `p50` and `p99` in milliseconds a batch, `sentences` a second, `peak` memory and
        size on `disk` in MB.
    """
    run = _open(folder, setting)
    for _ in range(_WARM_UP):
        run()
    times: list[float] = []
    while sum(times) < setting.seconds or len(times) < _LEAST_RUNS:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    names = [x for x in FILES[setting.engine] if (folder / x).is_file()]
    return {
        "p50": 1e3 * float(np.quantile(times, 0.5)),
        "p99": 1e3 * float(np.quantile(times, 0.99)),
        "sentences": setting.batch / float(np.quantile(times, 0.5)),
        "peak": _peak_memory(),
        "disk": sum((folder / name).stat().st_size for name in names) / 1e6,
    }


def _peak_memory() -> float:
    """In MB. What `getrusage` says would be the parent's, until the child has more."""
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(x.split(":", 1) for x in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _open(folder: Path, setting: Setting) -> Callable[[], Any]:
    facts = read_facts(folder)
    length = min(setting.length, facts.max_positions)
    ids = np.random.default_rng(1).integers(
        _FIRST_ID, facts.vocabulary, (setting.batch, length)
    )
    batch = pad(ids.tolist(), [length] * setting.batch)
    if facts.decoder:
        batch["word_starts"] = np.arange(length)[None].repeat(setting.batch, axis=0)
    if setting.engine == TRANSFORMERS:
        return _open_transformers(folder, batch, setting.threads)
    if setting.engine == "torch":
        import torch

        torch.set_num_threads(setting.threads)
    engine = open_engine(folder, facts, setting.engine, setting.threads)
    return lambda: engine.run(batch)


def _open_transformers(
    folder: Path, batch: dict[str, np.ndarray], threads: int
) -> Callable[[], Any]:
    # transformers imports it with its models, and one built for another torch cannot be
    sys.modules.setdefault("torchaudio", None)  # type: ignore[arg-type]
    import torch
    import transformers

    torch.set_num_threads(threads)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = getattr(transformers, config["architectures"][0])
    model = kind.from_pretrained(folder).eval()
    tensors = {k: torch.from_numpy(x) for k, x in batch.items() if k != "word_starts"}

    def run() -> Any:
        with torch.inference_mode():
            return model(**tensors)

    return run


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = sys.argv[3]
    threads, batch, length = (int(x) for x in sys.argv[3:6])
    given = Setting(sys.argv[2], threads, batch, length, float(sys.argv[6]))
    print(json.dumps(measure(Path(sys.argv[1]), given)))
