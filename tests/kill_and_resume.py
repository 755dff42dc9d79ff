"""kill -9 at random moments, then the same command again: the same result bit for bit.

    python tests/kill_and_resume.py FOLDER [--times 20] [--seed 1] [-- FLAGS]

A tiny distillation runs undisturbed, then `--times` times more, each time killed at
random moments and started again until it ends. FLAGS go to `fairseq-train`; `{}` in
them stands for a run's own folder. The exit code is 0 if all runs ended alike.
"""

import argparse
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from forks import fork, wait
from tiny import distillation, load, train, write_mlm_data
from trained import differences

LAST, BEST = "checkpoint_last.pt", "checkpoint_best.pt"
MAX_KILLS = 4  # of one run, which then may end


class Command(NamedTuple):
    """`fairseq-train`, but for the folder to save in."""

    data: Path
    flags: list[Any]

    def start(self, folder: Path) -> int:
        """Run in a process of its own; return its id."""
        folder.mkdir(parents=True, exist_ok=True)
        flags = [str(flag).replace("{}", str(folder)) for flag in self.flags]
        return fork(folder / "log", lambda: train(self.data, folder, *flags))


class Killed(NamedTuple):
    """What became of one run."""

    updates: list[int]  # that were safe when it was killed, each time
    differing: list[str]  # values that differ from the undisturbed run


def make_command(folder: Path, more: list[str]) -> Command:
    """12 updates an epoch, a checkpoint every other update, dropout on."""
    data = write_mlm_data(folder / "data", {"de": 12, "en": 30, "sw": 6})
    flags = distillation("multilingual_mlm", data, folder)
    flags += ["--batch-size", 4, "--max-epoch", 3]
    flags += ["--save-interval-updates", 2, "--keep-interval-updates", 1]
    return Command(data, [*flags, "--validate-interval-updates", 4, *more])


def run_killed(command: Command, folder: Path, undisturbed: Path, seed: int) -> Killed:
    """Kill a run, start it again, and so on; then compare."""
    chance, total = random.Random(seed), safe_updates(undisturbed)
    updates: list[int] = []
    for _ in range(chance.randint(1, MAX_KILLS)):
        before = updates[-1] if updates else 0
        pid = command.start(folder)
        at, pause = chance.randint(before, total), chance.expovariate(20)
        if wait_until(pid, folder, at, pause):
            break
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        updates.append(safe_updates(folder))
    else:
        wait(command.start(folder))
    found = [differences(undisturbed / name, folder / name) for name in (LAST, BEST)]
    return Killed(updates, sum(found, []))


def wait_until(pid: int, folder: Path, updates: int, seconds: float) -> bool:
    """Let a run save so many updates, then go on so long; returns whether it ended."""
    while saved_updates(folder) < updates:
        if wait(pid, 0.002) is not None:
            return True
    return wait(pid, seconds) is not None


def saved_updates(folder: Path) -> int:
    """As the names of checkpoints say, which may not be copied to the last one yet."""
    names = [path.stem for path in folder.glob("checkpoint_*_*.pt")]
    return max((int(name.rpartition("_")[2]) for name in names), default=0)


def safe_updates(folder: Path) -> int:
    """Return how many updates a run that starts now need not repeat."""
    if not (folder / LAST).exists():
        return 0
    return load(folder / LAST)["optimizer_history"][-1]["num_updates"]


def kill_and_resume(
    folder: Path, times: int, seed: int, more: list[str]
) -> list[Killed]:
    """Do all of it, a line of a table a run."""
    command = make_command(folder, more)
    undisturbed = folder / "undisturbed"
    wait(command.start(undisturbed))
    print(f"undisturbed: {safe_updates(undisturbed)} updates")
    print("| run | killed after updates | differing values |\n| ---: | :--- | ---: |")
    found = []
    for i in range(times):
        place = folder / f"killed{i + 1}"
        run = run_killed(command, place, undisturbed, seed + i)
        moments = ", ".join(map(str, run.updates)) or "never"
        print(f"| {i + 1} | {moments} | {len(run.differing)} |", flush=True)
        found.append(run)
    return found


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before and after `--`."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:cut], arguments[cut + 1 :]


def main() -> None:
    ours, more = split_arguments(sys.argv[1:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="new folder for data and checkpoints")
    parser.add_argument("--times", type=int, default=20, help="runs that are killed")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    args = parser.parse_args(ours)
    runs = kill_and_resume(args.folder, args.times, args.seed, more)
    alike = sum(not run.differing for run in runs)
    kills = sum(len(run.updates) for run in runs)
    print(f"{alike} of {len(runs)} runs, killed {kills} times, ended alike")
    sys.exit(alike < len(runs))


if __name__ == "__main__":
    main()
