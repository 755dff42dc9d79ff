"""The tasks of a step as jobs of a cluster with a shared file system.

By submitit, since it needs nothing but Slurm, which fairseq's users have, and no
server that outlives the run; its `local` cluster is a set of processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairseq_mlkd.prepare.corpus.tasks import Task, WorkerLost

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
    try:
        import submitit
    except ImportError:
        raise ValueError(
            "--cluster needs submitit: pip install fairseq_mlkd[cluster]"
        ) from None
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
