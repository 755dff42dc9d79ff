"""kill -9 a corpus in the making, then the same command again: the same bytes.

    python tests/kill_corpus.py FOLDER [--every 1] [--times 20] [--seed 1]

A tiny corpus is built undisturbed by one process. Then it is built once for every
change that this makes to the file system (or for one in `--every`), killed just before
it; then `--times` times more by two processes, killed together at random moments.
The exit code is 0 if all of them ended alike.
"""

import argparse
import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from forks import fork, wait

from fairseq_mlkd.files.hashing import file_sha256
from fairseq_mlkd.prepare.corpus import chunks, duplicates
from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.corpus.readers import lines
from fairseq_mlkd.prepare.corpus.workers import Workers

CHANGES = ("mkdir", "remove", "replace", "rmdir", "unlink")  # functions of os
MAX_KILLS = 4  # of one run, which then may end


class Builder(NamedTuple):
    """Builds one corpus in any folder, each time in processes of their own."""

    options: CorpusOptions
    log: Path

    def start(self, out: Path, workers: int = 1, die_at: int | None = None) -> int:
        """Begin in a new process group; return its id.

        Args:
            die_at: number, from 1, of the change before which it kills itself.
        """

        def build() -> None:
            with dying_at(die_at):
                build_corpus(str(out), self.options, Workers(workers))

        return fork(self.log, build)


@contextmanager
def dying_at(number: int | None) -> Iterator[None]:
    """Kill this process before its `number`-th change of the file system."""
    numbers = itertools.count(1)

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(numbers) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **kwargs)

        return call

    with ExitStack() as stack:
        for name in CHANGES:
            patch = mock.patch.object(os, name, counted(getattr(os, name)))
            stack.enter_context(patch)
        yield


def make_builder(folder: Path, seed: int) -> Builder:
    """Return two languages in three files that give several chunks and ranges each."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdeñß", k=k)) for k in [2, 3, 4, 5, 6] * 12]
    files: dict[str, list[str]] = {"de": [], "en": []}
    for lang, size in [("de", 60), ("en", 150), ("en", 90)]:
        path = folder / f"{lang}{len(files[lang])}.txt"
        lines = [" ".join(chance.choices(words, k=6)) for _ in range(size)]
        path.write_text("\n".join(lines + lines[:9]), encoding="utf-8")
        files[lang].append(str(path))
    options = CorpusOptions(files, codes=40, valid=7, sentences=400, shards=2)
    return Builder(options, folder / "log")


@contextmanager
def small_chunks() -> Iterator[None]:
    """Have a chunk hold about 30 sentences, and a range 30 hashes."""
    with (
        mock.patch.object(chunks, "CHUNK_CHARACTERS", 1000),
        mock.patch.object(duplicates, "RANGE_SIZE", 30),
        mock.patch.object(lines, "_RUN", 100),
    ):
        yield


def kill_at_changes(builder: Builder, folder: Path, every: int) -> Iterator[Path]:
    """Build a corpus for each of the changes; yields their folders, complete."""
    for number in itertools.count(1, every):
        out = folder / f"change{number}"
        ended = wait(builder.start(out, die_at=number)) == 0
        wait(builder.start(out))
        yield out
        if ended:  # it makes fewer changes
            return


def kill_at_random(builder: Builder, folder: Path, seconds: float, seed: int) -> Path:
    """Build a corpus in spite of kills within so many seconds of each start."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, MAX_KILLS)):
        pid = builder.start(folder, workers=2)
        if wait(pid, chance.uniform(0, seconds)) is not None:
            break
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    else:
        wait(builder.start(folder, workers=2))
    return folder


def checksums(folder: Path) -> dict[str, str]:
    """Of all files, by their path."""
    return {
        str(path.relative_to(folder)): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def kill_corpus(
    folder: Path, every: int, times: int, seed: int
) -> dict[str, list[str]]:
    """Do all of it; returns the names of the files that differ, for each corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    builder, undisturbed = make_builder(folder, seed), folder / "undisturbed"
    found: dict[str, list[str]] = {}
    with small_chunks():
        start = time.monotonic()
        wait(builder.start(undisturbed))
        seconds = time.monotonic() - start
        expected = checksums(undisturbed)

        def compare(out: Path) -> None:
            ours = checksums(out)
            names = sorted({*ours, *expected})
            found[out.name] = [n for n in names if ours.get(n) != expected.get(n)]
            print(f"{out.name}: {len(found[out.name])} files differ", flush=True)

        for out in kill_at_changes(builder, folder, every):
            compare(out)
        for i in range(times):
            out = folder / f"random{i + 1}"
            compare(kill_at_random(builder, out, seconds, seed + i))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="new folder for all of them")
    parser.add_argument("--every", type=int, default=1, help="one change in so many")
    parser.add_argument("--times", type=int, default=20, help="kills at random")
    parser.add_argument("--seed", type=int, default=1, help="of text and moments")
    args = parser.parse_args()
    found = kill_corpus(args.folder, args.every, args.times, args.seed)
    alike = sum(not names for names in found.values())
    print(f"{alike} of {len(found)} corpora, each killed, ended alike")
    sys.exit(alike < len(found))


if __name__ == "__main__":
    main()
