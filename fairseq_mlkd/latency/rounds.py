"""Engines side by side, in rounds: what else the machine does hits all alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from fairseq_mlkd.latency.engines import Setting

COMMAND = (sys.executable, "-m", "fairseq_mlkd.latency.worker")
Row = dict[str, Any]


def measure(
    settings: Sequence[Setting],
    *,
    rounds: int,
    seconds: float,
    command: Sequence[str] = COMMAND,
) -> list[Row]:
    """Measure each setting in a process of its own, one after the other, in rounds.

    Args:
        seconds: of each setting, all rounds together.
        command: starts the process.
    Returns:
        A row for each: `p50`, `p99` and the `least` of all runs in milliseconds, and
        `cpu`, the least of processors' time, which does not pass while others have
        them; `ratio`, the `least` of the first setting to it; `sentences` a second at
        the median; peak memory `peak` in MB.
    Raises:
        ValueError: one fails; with the last line of what it said.
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(one, command)) for one in settings]
        for _ in range(rounds):
            for worker in workers:
                worker.round(seconds / rounds)
    rows = [worker.summarise() for worker in workers]
    for row in rows:
        row["ratio"] = rows[0]["least"] / row["least"]
    return rows


class _Worker:
    def __init__(self, setting: Setting, command: Sequence[str]) -> None:
        self.setting = setting
        self._times: list[list[float]] = []
        self._peak = 0.0
        self._said = TemporaryFile()  # noqa: SIM115 (as long as the process)
        self._process = subprocess.Popen(
            [*command, *map(str, setting)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(setting.threads)},
        )

    def __enter__(self) -> _Worker:
        self._read()
        return self

    def __exit__(self, *unused: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def round(self, seconds: float) -> None:
        assert self._process.stdin
        print(seconds, file=self._process.stdin, flush=True)
        found = self._read()
        self._times += found["times"]
        self._peak = found["peak"]

    def _read(self) -> Row:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines()
            path, engine, *_ = self.setting
            raise ValueError(f"{path}, {engine}: {(lines or ['no message'])[-1]}")
        found: Row = json.loads(line)
        return found

    def summarise(self) -> Row:
        clock, processors = 1e3 * np.array(self._times).T
        median = float(np.median(clock))
        return {
            "p50": median,
            "p99": float(np.quantile(clock, 0.99)),
            "least": float(clock.min()),
            "cpu": float(processors.min()),
            "sentences": 1e3 * self.setting.batch / median,
            "peak": self._peak,
        }
