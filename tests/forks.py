"""Processes that are forked, so that they need not import fairseq and torch again."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path


def fork(log: Path, work: Callable[[], object]) -> int:
    """Do the work in a process group of its own, which writes `log`; return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        with open(log, "a") as file:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(file.fileno(), stream.fileno())
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(pid: int, seconds: float | None = None) -> int | None:
    """Wait for a process; return its status, or None where it goes on that long.

    Raises:
        RuntimeError: it failed.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        done, status = os.waitpid(pid, 0 if end is None else os.WNOHANG)
        if done:
            if os.WIFEXITED(status) and os.WEXITSTATUS(status):
                raise RuntimeError(f"process {pid} failed, see its log")
            return status
        time.sleep(0.002)
    return None
