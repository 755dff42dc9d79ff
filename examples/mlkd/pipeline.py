"""Runs commands that depend on one another, a few at a time; a rerun continues."""

import fcntl
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

_PROGRESS_SECONDS = 10
_TRAINING = re.compile(
    r"train_inner \| epoch (\d+):.*?\bloss=([\d.]+).*?\bnum_updates=(\d+)"
)


class Stage(NamedTuple):
    """One command, run when those it needs have succeeded.

    Its output goes to `OUT/log/NAME.log`, the name's spaces as hyphens; `OUT/done/NAME`
    says that it succeeded, and with which command.
    """

    name: str
    command: Sequence[str]
    needs: Sequence[str] = ()
    updates: int | None = None  # of a training, for the progress line

    def log(self, out: Path) -> Path:
        return out / "log" / f"{self.name.replace(' ', '-')}.log"

    def marker(self, out: Path) -> Path:
        return out / "done" / self.name.replace(" ", "-")

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("\0".join(self.command).encode()).hexdigest()

    def is_done(self, out: Path) -> bool:
        """Return whether an earlier run did it.

        Raises:
            SystemExit: it was done by another command.
        """
        marker = self.marker(out)
        if marker.is_file() and marker.read_text() != self.fingerprint:
            sys.exit(
                f"{out} was made with another command for the step `{self.name}` "
                f"(see {self.log(out)}): name another folder"
            )
        return marker.is_file()


def run_pipeline(stages: Sequence[Stage], out: Path, *, jobs: int) -> None:
    """Run what is not done yet, at most `jobs` commands at a time.

    Raises:
        SystemExit: a command failed; its log is named. Those still running are ended.
    """
    for folder in ("log", "done"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with open(out / "lock", "a") as lock:
        _wait_for_earlier_run(lock)
        _Run(stages, out, jobs, lock).run()


def _wait_for_earlier_run(lock: TextIO) -> None:
    """Wait for the lock: every command holds it, those of a killed run too."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for the commands of an earlier run to end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


class _Run:
    """The state of one run."""

    def __init__(
        self, stages: Sequence[Stage], out: Path, jobs: int, lock: TextIO
    ) -> None:
        self.stages, self.out, self.jobs, self.lock = stages, out, jobs, lock
        self.done = {stage.name for stage in stages if stage.is_done(out)}
        self.running: dict[str, tuple[Stage, subprocess.Popen]] = {}
        self.started = time.time()
        self.shown = 0.0

    def run(self) -> None:
        if self.done:
            done = f"{len(self.done)} of {len(self.stages)}"
            print(f"{done} steps were done before", flush=True)
        try:
            while len(self.done) < len(self.stages):
                self._finish()
                for stage in self._ready()[: self.jobs - len(self.running)]:
                    self.running[stage.name] = stage, self._start(stage)
                self._show_progress()
                time.sleep(0.2)
        finally:
            for _, process in self.running.values():
                process.terminate()
            for _, process in self.running.values():
                process.wait()

    def _ready(self) -> list[Stage]:
        return [
            stage
            for stage in self.stages
            if stage.name not in self.done
            and stage.name not in self.running
            and self.done.issuperset(stage.needs)
        ]

    def _start(self, stage: Stage) -> subprocess.Popen:
        with open(stage.log(self.out), "w") as log:
            log.write(" ".join(stage.command) + "\n")
            log.flush()
            return subprocess.Popen(
                stage.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                pass_fds=[self.lock.fileno()],
            )

    def _finish(self) -> None:
        """Take note of the commands that have ended."""
        ended = [s for s, p in self.running.values() if p.poll() is not None]
        failed = None
        for stage in ended:
            _, process = self.running.pop(stage.name)
            if process.returncode:
                failed = stage
                continue
            stage.marker(self.out).write_text(stage.fingerprint)
            self.done.add(stage.name)
            self.shown = 0.0
        if failed:
            log = failed.log(self.out)
            last = log.read_text(errors="replace").strip().splitlines()[-1]
            sys.exit(f"{failed.name} failed (see {log}): {last}")

    def _show_progress(self) -> None:
        now = time.time()
        if now - self.shown < _PROGRESS_SECONDS:
            return
        self.shown = now
        minutes, seconds = divmod(int(now - self.started), 60)
        at_work = ", ".join(
            _describe(stage, self.out) for stage, _ in self.running.values()
        )
        counts = f"{len(self.done)}/{len(self.stages)} done"
        clock = f"[{minutes:02d}:{seconds:02d}]"
        print(f"{clock} {counts}; {at_work or 'finished'}", flush=True)


def _describe(stage: Stage, out: Path) -> str:
    """Return what a running command is at."""
    if not stage.updates:
        return stage.name
    with open(stage.log(out), "rb") as log:
        log.seek(max(0, os.path.getsize(log.name) - 4096))
        found = _TRAINING.findall(log.read().decode(errors="replace"))
    if not found:
        return f"{stage.name} starts"
    _, loss, update = found[-1]
    return f"{stage.name} {update}/{stage.updates} updates, loss {loss}"
