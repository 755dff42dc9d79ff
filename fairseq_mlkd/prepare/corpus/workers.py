"""Who performs the tasks: this process, several, or the jobs of a cluster."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fairseq_mlkd.prepare.corpus.cluster import open_cluster, run_on_cluster
from fairseq_mlkd.prepare.corpus.tasks import Execute, Task, WorkerLost


@dataclass(frozen=True)
class Workers:
    """How many work where; results do not depend on it.

    Args:
        number: of processes here, or of jobs of a cluster at a time.
        cluster: one of `cluster.CLUSTERS`, None stays on this machine.
        options: of the cluster's jobs, see `open_cluster`.
    """

    number: int = 1
    cluster: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def executor(self, logs: str) -> Execute:
        """Return what performs tasks.

        Args:
            logs: folder for what the jobs of a cluster write.
        Raises:
            ValueError: there is no such cluster, or it refuses an option.
        """
        if self.number < 1:
            raise ValueError(f"--workers {self.number}: must be at least 1")
        if self.cluster is not None:
            executor = open_cluster(self.cluster, logs, self.options)
            return partial(run_on_cluster, executor=executor, jobs=self.number)
        if self.options:
            raise ValueError("--cluster-options needs --cluster")
        if self.number == 1:
            return run_here
        return partial(run_in_processes, workers=self.number)


def run_here(tasks: Sequence[Task]) -> Iterator[Task]:
    """Perform the tasks in this process."""
    for task in tasks:
        task.perform()
        yield task


def run_in_processes(tasks: Sequence[Task], workers: int) -> Iterator[Task]:
    """Perform the tasks in up to `workers` processes that end with this one."""
    with _process_pool(min(workers, len(tasks))) as pool:
        running = {pool.submit(task.perform): task for task in tasks}
        for future in as_completed(running):
            future.result()
            yield running[future]


@contextmanager
def _process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool; when the block fails, its processes do not finish their tasks."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, initializer=_follow_parent)
    try:
        yield pool
    except BaseException as error:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise WorkerLost(
                "a worker process was killed, perhaps for want of memory; the same "
                "command goes on from here, with fewer --workers if need be"
            ) from None
        raise
    finally:
        pool.shutdown()


def _follow_parent() -> None:
    """Have this process end at Ctrl-C without a word, and when its parent is gone.

    A pool's processes would wait for ever for work from a parent that was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.freeze()  # what was imported stays shared with the parent
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
