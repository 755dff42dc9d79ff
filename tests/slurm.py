"""A stand-in for Slurm's commands, by the name that it is called by.

Jobs run at once, in the background; `$STAND_IN` holds a file with the state of
each.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

NAMES = ("sbatch", "sacct", "squeue", "scancel", "sinfo", "scontrol", "srun")


def install(folder: Path) -> dict[str, str]:
    """Write the commands; return the environment that finds them first."""
    folder.mkdir()
    for name in NAMES:
        text = f'#!/bin/sh\nexec {sys.executable} {__file__} {name} "$@"\n'
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    return {"PATH": path, "STAND_IN": str(folder)}


def sbatch(folder: Path, words: list[str]) -> None:
    """Start a job and print its number."""
    job = len(list(folder.glob("*.state"))) + 1
    state = folder / f"{job}.state"
    state.write_text("RUNNING")
    (folder / "submitted").open("a").write(" ".join(words[:-1]) + "\n")
    wrapped = words[-1].removeprefix("--wrap=")
    log = words[words.index("--output") + 1].replace("%j", str(job))
    script = f"if ({wrapped}); then s=COMPLETED; else s=FAILED; fi; echo $s > {state}"
    with open(log, "w") as output:
        subprocess.Popen(
            ["sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SLURM_JOB_ID": str(job), "SLURM_CPUS_PER_TASK": "1"},
            start_new_session=True,
        )
    print(job)


def main() -> None:
    name, *words = sys.argv[1:]
    folder = Path(os.environ["STAND_IN"])
    if name == "sbatch":
        sbatch(folder, words)
    elif name == "srun":
        command = list(itertools.dropwhile(lambda word: word.startswith("-"), words))
        os.execvp(command[0], command)
    elif name in ("sacct", "squeue") and "--name" in words:
        for path in folder.glob("*.state"):
            print(f"{path.stem}|{path.read_text().strip()}")
    elif name == "sinfo":
        print("debug*")
    else:
        print("none")


if __name__ == "__main__":
    main()
