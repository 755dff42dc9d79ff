"""A step: independent tasks, a few in each language, in a folder of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fairseq_mlkd.prepare.corpus.tasks import (
    Execute,
    Result,
    Task,
    remove_unfinished,
    run_tasks,
)


class Call(NamedTuple):
    """A task but for its folder, which its place in the step gives (see `Task`)."""

    function: Callable[..., Result]
    arguments: tuple[Any, ...]
    consumes: Sequence[str] = ()


class Outcome(NamedTuple):
    """What a task left: its folder and what its function returned."""

    folder: str
    result: Result


Outcomes = dict[str, list[Outcome]]


class Steps:
    """Does steps in a folder, where it goes on if an earlier run was interrupted.

    Args:
        folder: exists; gets a sub-folder a step.
        execute: performs tasks.
        seconds: gets the time that each step takes.
    """

    def __init__(
        self, folder: str, execute: Execute, seconds: dict[str, float]
    ) -> None:
        self._folder = folder
        self._execute = execute
        self._seconds = seconds

    def do(self, step: str, calls: Mapping[str, Sequence[Call]]) -> Outcomes:
        """Do the calls of each language; returns what they left in the same order."""
        start = time.monotonic()
        above = os.path.join(self._folder, step)
        os.makedirs(above, exist_ok=True)
        remove_unfinished(above)
        tasks = {
            lang: [
                Task(
                    os.path.join(above, f"{lang}-{i:05}"),
                    call.function,
                    call.arguments,
                    tuple(call.consumes),
                )
                for i, call in enumerate(of_lang)
            ]
            for lang, of_lang in calls.items()
        }
        results = iter(run_tasks(step, sum(tasks.values(), []), self._execute))
        self._seconds[step] = time.monotonic() - start
        return {
            lang: [Outcome(task.folder, next(results)) for task in of_lang]
            for lang, of_lang in tasks.items()
        }

    def do_one(self, step: str, call: Call) -> Outcome:
        """Do a step that is one task."""
        return self.do(step, {step: [call]})[step][0]
