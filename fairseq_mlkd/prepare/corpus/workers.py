"""Who performs the tasks: this process, several, or the jobs of a cluster.

Clusters are used by submitit, since it needs nothing but Slurm, which fairseq's users
have, and no server that outlives the run; its `local` cluster is a set of processes.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fairseq_mlkd.prepare.corpus.tasks import Execute, Task, WorkerLost
from fairseq_mlkd.remedies import needed_for

CLUSTERS = ("slurm", "local")
_DEFAULTS = {"timeout_min": 24 * 60, "name": "mlkd-corpus"}


def open_cluster(cluster: str, logs: str, options: Mapping[str, Any]) -> Any:
    """Return submitit's executor of jobs.

    Args:
        cluster: one of `CLUSTERS`.
        logs: folder for what submitit and the jobs write.
        options: parameters of the executor, such as `slurm_partition`.
    Raises:
        ValueError: submitit is missing, finds no such cluster or refuses an option.
    """
    with needed_for("jobs of a --cluster"):
        import submitit
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster=cluster)
        executor.update_parameters(**{**_DEFAULTS, **options})
    except (RuntimeError, TypeError, NameError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"--cluster {cluster}: submitit says: {reason}") from None
    return executor


def run_on_cluster(
    tasks: Sequence[Task], *, executor: Any, jobs: int
) -> Iterator[Task]:
    """Perform the tasks in at most `jobs` jobs of one core, each an equal share.

    Args:
        executor: of `open_cluster`.
    Raises:
        ValueError: a task's input is bad.
        WorkerLost: a job could not be submitted or failed otherwise.
    """
    from submitit.helpers import as_completed

    shares = [tasks[i::jobs] for i in range(min(jobs, len(tasks)))]
    try:
        with executor.batch():  # one job array
            running = [executor.submit(_perform, share) for share in shares]
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise WorkerLost(
            f"jobs cannot be submitted ({reason}); the same command goes on from here"
        ) from None
    share_of = dict(zip(running, shares))
    try:
        for job in as_completed(running, poll_frequency=1):
            _check(job)
            yield from share_of.pop(job)
    finally:
        for job in share_of:
            job.cancel(check=False)


def _perform(tasks: Sequence[Task]) -> str | None:
    """Perform one job's tasks; returns what is wrong with the input, if anything."""
    try:
        for task in tasks:
            task.perform()
    except ValueError as error:
        return str(error)
    return None


def _check(job: Any) -> None:
    failure = job.exception()
    if failure is not None:
        lines = str(failure).splitlines()
        errors = [line for line in lines if re.match(r"[A-Za-z.]+Error\b", line)]
        reason = errors[-1] if errors else " ".join(lines[:2])
        raise WorkerLost(
            f"job {job.job_id} failed ({reason}); its log is {job.paths.stderr}, and "
            "the same command goes on from here"
        )
    if job.result():
        raise ValueError(job.result())


@dataclass(frozen=True)
class Workers:
    """The processes and where they work; results do not depend on it.

    Args:
        number: of processes here, or of jobs of a cluster at a time.
        cluster: one of `CLUSTERS`, None stays on this machine.
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
                "a worker process was killed; the machine may have run out of memory: "
                "the same command goes on from here, try it with fewer --workers"
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
