"""Runs commands that depend on one another, a few at a time; a rerun continues."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

_PROGRESS_SECONDS = 10
_TRAINING = re.compile(
    r"train_inner \| epoch (\d+):.*?\bloss=([\d.]+).*?\bnum_updates=(\d+)"
)


class Stage(NamedTuple):
    """One command, run when those it needs have succeeded.

    Its output goes to `OUT/log/NAME.log`, the name's spaces as hyphens; `OUT/done/NAME`
    says that it succeeded, and with which command: a changed command runs again.
    """

    name: str
    command: Sequence[str]
    needs: Sequence[str] = ()
    updates: Optional[int] = None  # of a training, for the progress line

    def log(self, out: Path) -> Path:
        return out / "log" / f"{self.name.replace(' ', '-')}.log"

    def marker(self, out: Path) -> Path:
        return out / "done" / self.name.replace(" ", "-")


def run_pipeline(stages: Sequence[Stage], out: Path, *, jobs: int) -> None:
    """Run what is not done yet, at most `jobs` commands at a time.

    Raises:
        SystemExit: a command failed; its log is named. Those still running are ended.
    """
    for folder in ("log", "done"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    done = {s.name for s in stages if _is_done(s, out)}
    if done:
        print(f"{len(done)} of {len(stages)} steps were done before", flush=True)
    running: Dict[str, Tuple[Stage, subprocess.Popen]] = {}
    start, shown = time.time(), 0.0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        while len(done) < len(stages):
            for stage, process in list(running.values()):
                if process.poll() is not None:
                    del running[stage.name]
                    _finish(stage, process, out)
                    done.add(stage.name)
                    shown = 0.0
            for stage in _ready(stages, done, running)[: jobs - len(running)]:
                running[stage.name] = stage, _start(stage, out)
            if time.time() - shown > _PROGRESS_SECONDS:
                shown = time.time()
                print(_describe(stages, done, running, out, shown - start), flush=True)
            time.sleep(0.2)
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.wait()


def _ready(
    stages: Sequence[Stage],
    done: set,
    running: Dict[str, Tuple[Stage, subprocess.Popen]],
) -> List[Stage]:
    return [
        stage
        for stage in stages
        if stage.name not in done
        and stage.name not in running
        and done.issuperset(stage.needs)
    ]


def _start(stage: Stage, out: Path) -> subprocess.Popen:
    with open(stage.log(out), "w") as log:
        log.write(" ".join(stage.command) + "\n")
        log.flush()
        return subprocess.Popen(
            stage.command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )


def _finish(stage: Stage, process: subprocess.Popen, out: Path) -> None:
    log = stage.log(out)
    if process.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1]
        sys.exit(f"{stage.name} failed (see {log}): {last}")
    stage.marker(out).write_text(_fingerprint(stage))


def _is_done(stage: Stage, out: Path) -> bool:
    marker = stage.marker(out)
    return marker.is_file() and marker.read_text() == _fingerprint(stage)


def _fingerprint(stage: Stage) -> str:
    return hashlib.sha256("\0".join(stage.command).encode()).hexdigest()


def _describe(
    stages: Sequence[Stage],
    done: set,
    running: Dict[str, Tuple[Stage, subprocess.Popen]],
    out: Path,
    seconds: float,
) -> str:
    now = ", ".join(_describe_stage(stage, out) for stage, _ in running.values())
    minutes, seconds = divmod(int(seconds), 60)
    clock = f"{minutes:02d}:{seconds:02d}"
    return f"[{clock}] {len(done)}/{len(stages)} done; {now or 'finished'}"


def _describe_stage(stage: Stage, out: Path) -> str:
    if not stage.updates:
        return stage.name
    with open(stage.log(out), "rb") as log:
        log.seek(max(0, os.path.getsize(log.name) - 4096))
        found = _TRAINING.findall(log.read().decode(errors="replace"))
    if not found:
        return f"{stage.name} starts"
    _, loss, update = found[-1]
    return f"{stage.name} {update}/{stage.updates} updates, loss {loss}"
