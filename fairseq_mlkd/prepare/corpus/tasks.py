"""Independent pieces of work, run anywhere, whose results appear whole or not at all.

A task writes its files into a folder of its own. The folder gets its name only when
all is in it, `result.json` among it, so a run that was killed goes on where it was,
and two processes that do the same task by mistake cannot harm each other.

A step is a set of such tasks, a few in each language, in a folder of its own.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fairseq_mlkd.files.json_objects import read_json, write_json
from fairseq_mlkd.files.progress import show_progress
from fairseq_mlkd.files.writing import folder_on_success

RESULT_FILE = "result.json"
Result = dict[str, Any]


class WorkerLost(RuntimeError):
    """A process that performed tasks is gone, which is no fault of the input."""


@dataclass(frozen=True)
class Task:
    """A call whose outcome depends on its arguments and the files they name alone.

    Args:
        folder: where the outcome will be; the folder above it exists.
        function: called with an empty folder to write into and `arguments`; returns
            what goes into `result.json`.
        arguments: can be pickled.
        consumes: files that nobody needs when this task is done; they are removed.
    """

    folder: str
    function: Callable[..., Result]
    arguments: tuple[Any, ...]
    consumes: tuple[str, ...] = ()

    def is_done(self) -> bool:
        return os.path.exists(self._result_path)

    def result(self) -> Result:
        """Return what the function returned, read back."""
        return read_json(self._result_path, "remove its folder")

    def perform(self) -> None:
        """Call the function, unless it is done."""
        if self.is_done():
            return
        try:
            with folder_on_success(self.folder, shared=True) as partial:
                result = self.function(str(partial), *self.arguments)
                write_json(result, partial / RESULT_FILE)
        except OSError:
            if not self.is_done():  # by a process that outlived a killed run
                raise

    def remove_consumed(self) -> None:
        for path in self.consumes:
            if os.path.exists(path):
                os.remove(path)

    @property
    def _result_path(self) -> str:
        return os.path.join(self.folder, RESULT_FILE)


Execute = Callable[[Sequence[Task]], Iterator[Task]]
"""Performs tasks in any order and yields each when it is done."""


def run_tasks(name: str, tasks: Sequence[Task], execute: Execute) -> list[Result]:
    """Perform the tasks that are not done yet.

    Args:
        name: of the step, for the progress bar.
    Returns:
        The results of all tasks, in their order.
    Raises:
        ValueError: a task's, in one line; the others may be done or not.
        WorkerLost: the same tasks can be run again.
    """
    pending = [task for task in tasks if not task.is_done()]
    for task in tasks:
        if task.is_done():
            task.remove_consumed()
    with show_progress(name, total=len(tasks), unit="tasks") as progress:
        progress.update(len(tasks) - len(pending))
        for task in execute(pending) if pending else ():
            task.remove_consumed()
            progress.update()
    return [task.result() for task in tasks]


def remove_unfinished(folder: str) -> None:
    """Remove what killed tasks left in the folder of a step."""
    for entry in list(os.scandir(folder)):
        if not os.path.exists(os.path.join(entry.path, RESULT_FILE)):
            shutil.rmtree(entry.path, ignore_errors=True)


class Call(NamedTuple):
    """A task but for its folder, which its place in the step gives (see `Task`)."""

    function: Callable[..., Result]
    arguments: tuple[Any, ...]
    consumes: Sequence[str] = ()


class Outcome(NamedTuple):
    """The result of a task: its folder and what its function returned."""

    folder: str
    result: Result


Outcomes = dict[str, list[Outcome]]


class Steps:
    """Does steps in a folder, where it goes on if an earlier run was interrupted.

    Args:
        folder: exists; gets a sub-folder per step.
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
