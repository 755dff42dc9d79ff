"""A line every ten seconds: what is done, what is at work, how long is left."""

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SECONDS = 10
TAIL = 65536  # bytes of a log; a validation in many languages writes long lines
UPDATES = re.compile(r"\bloss=([\d.e+-]+).*?\bnum_updates=(\d+)")
WANTED = re.compile(r"optimization\.max_update=(\d+)")


class Progress(threading.Thread):
    """Watches the jobs of a run of Snakemake.

    Args:
        workflow: Snakemake's.
    """

    def __init__(self, workflow: Any) -> None:
        super().__init__(daemon=True)
        dag = getattr(workflow, "dag", None) or workflow.persistence.dag
        limits = (workflow.global_resources.get(k) for k in ("_cores", "_nodes"))
        self.dag = dag
        self.at_once = min(
            (n for n in limits if isinstance(n, int) and n > 0), default=1
        )
        self.jobs = list(dag.needrun_jobs())
        self.began = time.time()
        self.started: dict[Any, float] = {}
        self.seconds: dict[Any, float] = {}  # of jobs that have ended

    def run(self) -> None:
        """Print until the process ends."""
        while True:
            time.sleep(SECONDS)
            print(self.line(), flush=True)

    def line(self) -> str:
        """Return what there is to say now."""
        now = time.time()
        running = [job for job in self.jobs if self._is_running(job, now)]
        ended = len(self.seconds)
        minutes, seconds = divmod(int(now - self.began), 60)
        work = ", ".join(describe(job) for job in running) or "waiting"
        left = self.seconds_left(running, now)
        about = f", about {round(left / 60) or 1} min left" if left else ""
        clock = f"[{minutes:02d}:{seconds:02d}]"
        return f"{clock} {ended} of {len(self.jobs)} steps done{about}: {work}"

    def _is_running(self, job: Any, now: float) -> bool:
        if self.dag.finished(job) or is_newer(done_of(job), self.began):
            self.seconds.setdefault(job, now - self.started.get(job, now))
            return False
        log = log_of(job)
        if job not in self.started and log and is_newer(log, self.began):
            self.started[job] = now
        return job in self.started

    def seconds_left(self, running: Iterable[Any], now: float) -> float | None:
        """Return the sum of what jobs will take by their rule's others, by cores.

        A rule of which none has ended counts as the mean of all others.
        """
        if not self.seconds:
            return None
        by_rule = defaultdict(list)
        for job, seconds in self.seconds.items():
            by_rule[job.rule.name].append(seconds)
        overall = sum(self.seconds.values()) / len(self.seconds)
        left = 0.0
        for job in self.jobs:
            if job in self.seconds:
                continue
            known = by_rule.get(job.rule.name)
            expected = sum(known) / len(known) if known else overall
            spent = now - self.started.get(job, now)
            share = share_done(job)
            left += spent * (1 / share - 1) if share else max(0.0, expected - spent)
        return left / self.at_once


def describe(job: Any) -> str:
    """Return what a running job is at."""
    name = Path(str(job.log[0])).relative_to("log").with_suffix("")
    found = last_update(log_of(job))
    if not found:
        return str(name)
    loss, update = found
    return f"{name} {update}{_of(job)} updates, loss {loss}"


def share_done(job: Any) -> float | None:
    """Return the share of a training's updates that its log has seen."""
    found, wanted = last_update(log_of(job)), updates_of(job)
    return int(found[1]) / wanted if found and wanted else None


def _of(job: Any) -> str:
    wanted = updates_of(job)
    return f"/{wanted}" if wanted else ""


def updates_of(job: Any) -> int | None:
    """Return how many updates a job's command names."""
    found = WANTED.findall(str(getattr(job.params, "command", "")))
    return int(found[-1]) if found else None


def last_update(log: Path | None) -> tuple[str, str] | None:
    """Return loss and number of the last update in a log."""
    if log is None or not log.is_file():
        return None
    with open(log, "rb") as stream:
        stream.seek(max(0, os.path.getsize(log) - TAIL))
        found = UPDATES.findall(stream.read().decode(errors="replace"))
    return found[-1] if found else None


def log_of(job: Any) -> Path | None:
    return Path(str(job.log[0])) if job.log else None


def done_of(job: Any) -> Path:
    """Return what step.py writes at the end, where a product grows from the start."""
    made = Path(str(job.output[0]))
    return made if made.parts[0] == "done" else "done" / made


def is_newer(path: Path, than: float) -> bool:
    return path.is_file() and path.stat().st_mtime >= than


def list_failures() -> None:
    """Print a line for each failed step; running again tries those alone."""
    failed = Path("log/failed")
    lines = failed.read_text().splitlines() if failed.is_file() else []
    print("\n".join(["", *lines, "The same command tries again what failed."]))
