"""The memory that a corpus takes in the making, by the size of its text.

    python tests/corpus_memory.py FOLDER [--megabytes 50 200] [--workers 2] [FLAGS]

Text of that size, all sentences different, is put together of halves of the sentences
in `$MLKD_DATA/text`, in as many languages as are there. FLAGS go to corpus.py. Printed
is the peak of all processes together, a step a row: what they share counts once (PSS,
so this needs Linux).
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from scripts import PREPROCESS

from fairseq_mlkd.files.lines import read_lines

SCRIPT = PREPROCESS / "corpus.py"
START = "start"  # what is measured before the first step
_MEGABYTE = 1 << 20
_PAUSE = 0.1


def write_text(source: Path, target: Path, size: int, seed: int = 1) -> None:
    """Write `size` bytes of sentences whose halves are taken from those in `source`."""
    chance = random.Random(f"{seed} {source.name}")
    paths = sorted(source.glob("*.txt.xz"))
    lines = [line for path in paths for line in usual_lines(path)]
    written = 0
    with open(target, "w", encoding="utf-8") as file:
        while written < size:
            first, second = (chance.choice(lines) for _ in range(2))
            line = first[: len(first) // 2] + second[len(second) // 2 :] + "\n"
            file.write(line)
            written += len(line.encode("utf-8"))


def usual_lines(path: Path) -> Iterator[str]:
    """Return the lines of a file that have a usual length."""
    return (line for line in read_lines(str(path)) if 20 < len(line) < 250)


def measure(out: Path, arguments: list[str]) -> dict[str, float]:
    """Run corpus.py; returns the peak of its processes in MB by step.

    Raises:
        RuntimeError: it failed.
    """
    peaks: dict[str, float] = {}
    with open(f"{out}.log", "w") as log:
        command = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(out), *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        while command.poll() is None:
            step = current_step(out)
            peaks[step] = max(peaks.get(step, 0), memory(command.pid))
            time.sleep(_PAUSE)
    if command.returncode:
        raise RuntimeError(f"corpus.py failed, see {out}.log")
    return peaks


def memory(pid: int) -> float:
    """Of a process and those below it, in MB; those that end meanwhile count as 0."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0
    return total / _MEGABYTE


def current_step(out: Path) -> str:
    """Return the last step's folder in which something was made."""
    try:
        steps = [entry for entry in os.scandir(out / ".partial") if entry.is_dir()]
        return max(steps, key=lambda entry: entry.stat().st_mtime_ns).name
    except (OSError, ValueError):
        return START


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="new folder for text and corpora")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--workers", type=int, default=2)
    args, flags = parser.parse_known_args()
    args.folder.mkdir(parents=True)
    sources = sorted(Path(os.environ["MLKD_DATA"], "text").iterdir())
    sources = [source for source in sources if source.is_dir()]
    for megabytes in args.megabytes:
        files = []
        for source in sources:
            path = args.folder / f"{source.name}{megabytes}.txt"
            write_text(source, path, megabytes * _MEGABYTE // len(sources))
            files.append(f"{source.name}={path}")
        out = args.folder / f"out{megabytes}"
        workers = ["--workers", str(args.workers)]
        start = time.monotonic()
        peaks = measure(out, [*files, *workers, *flags])
        seconds = time.monotonic() - start
        print(f"{megabytes} MB of text: {max(peaks.values()):.0f} MB, {seconds:.0f} s")
        print(", ".join(f"{step} {peak:.0f}" for step, peak in peaks.items()))


if __name__ == "__main__":
    main()
