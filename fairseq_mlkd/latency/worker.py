"""A process that holds one engine, and measures it each time that it is told to.

    python -m fairseq_mlkd.latency.worker PATH ENGINE THREADS BATCH LENGTH DATA

Engines in one process would share memory and threads, so that no number were its own.
It reads a number of seconds from each line, and writes JSON: `{}` once it is ready, and
of each round the times of all runs in seconds and the peak memory so far in MB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairseq_mlkd.latency.engines import Run, Setting, open_run
from fairseq_mlkd.remedies import describe

_WARM_UP, _LEAST_RUNS = 2, 3  # others have used the caches since the last round


def work(arguments: list[str], open_: Callable[[Setting], Run] = open_run) -> None:
    """Do as the module says.

    Args:
        open_: gives what runs one batch.
    """
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    path, engine, threads, batch, length, data = arguments
    numbers = int(threads), int(batch), int(length)
    setting = Setting(Path(path), engine, *numbers, data)

    def answer(found: dict[str, Any]) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        run = open_(setting)
        run()
        answer({})
        for line in sys.stdin:
            answer({"times": time_runs(run, float(line)), "peak": peak_memory()})
    except (OSError, ValueError, ImportError) as error:
        sys.exit(describe(error))


def time_runs(run: Run, seconds: float) -> list[tuple[float, float]]:
    """Return how long each of some runs took, after some that do not count.

    Returns:
        Of each, seconds on the clock and seconds of processors.
    """
    for _ in range(_WARM_UP):
        run()
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < _LEAST_RUNS:
        start, used = time.perf_counter(), time.process_time()
        run()
        times.append((time.perf_counter() - start, time.process_time() - used))
    return times


def peak_memory() -> float:
    """In MB. What `getrusage` says would be the parent's, until the child has more."""
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(x.split(":", 1) for x in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    work(sys.argv[1:])
