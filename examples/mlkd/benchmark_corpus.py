"""Our subword engine beside subword-nmt and fairseq-preprocess, on the same text.

    python examples/mlkd/benchmark_corpus.py TEXT_FOLDER

TEXT_FOLDER/LANG/*: text, plain or packed, a sentence or paragraph a line. It is brought
into spoken form first, which is not timed. Then both sides do the same, each command or
function in processes of its own:

- text to binary data: `subword-nmt apply-bpe` and `fairseq-preprocess` by their command
  lines with one worker, and `SentenceEncoder` with one and with two processes; the
  files must be equal;
- learning codes: `subword_nmt.learn_bpe` and `learn_codes`; the files must be equal.

Times are CPU seconds and, beside them, wall seconds; what a command takes to start (its
`--help`) is taken off, as ours are measured after their imports. The exit status is 1
if anything differs. The less text, the smaller the ratio, since new words are slow.
"""

import argparse
import filecmp
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from fairseq.data import Dictionary
from subword_nmt.learn_bpe import learn_bpe

from fairseq_mlkd.data.binary import BinaryWriter, merge_binaries
from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.prepare.corpus.sentence_encoder import SentenceEncoder, SubwordCounter
from fairseq_mlkd.text.sentences import split_sentences
from fairseq_mlkd.text.spoken import to_spoken
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

BLOCK = 1 << 17  # bytes of text
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PACKAGES = ("subword-nmt", "tokenizers", "numpy", "torch")


class Cost(NamedTuple):
    """Seconds that processes took."""

    cpu: float
    wall: float


def main() -> int:
    args = parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, {processor()}")
    print(
        f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in PACKAGES)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sentences = write_spoken(args, folder / "text")
        print(f"{sentences:,} sentences, {os.path.getsize(folder / 'text'):,} bytes")
        learning = run_functions([(learn_ours, folder, args.codes)])
        is_equal = compare_binarising(folder, sentences)
        is_equal &= compare_learning(folder, args.codes, learning)
    return 0 if is_equal else 1


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of LANG/FILE")
    parser.add_argument("--codes", type=int, default=32_000, help="merges to learn")
    parser.add_argument(
        "--every", type=int, default=1, help="take one line of so many (default: 1)"
    )
    return parser.parse_args()


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "")


def write_spoken(args: argparse.Namespace, path: Path) -> int:
    """Write the text in spoken form, one sentence per line; return their number."""
    sentences = 0
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for file in sorted(args.folder.glob("*/*")):
            lang = file.parent.name
            for number, line in enumerate(read_lines(str(file))):
                if number % args.every:
                    continue
                for sentence in split_sentences(line, lang):
                    spoken = to_spoken(sentence, lang)
                    if spoken:
                        sentences += 1
                        out.write(spoken + "\n")
    return sentences


def compare_learning(folder: Path, n: int, ours: Cost) -> bool:
    theirs = run_functions([(learn_theirs, folder, n)])
    is_equal = filecmp.cmp(folder / "theirs.codes", folder / "codes", shallow=False)
    print(f"\nlearning {n:,} codes              CPU s   wall s")
    print(f"  {'subword-nmt learn_bpe':30}{theirs.cpu:8.1f} {theirs.wall:8.1f}")
    print(f"  {'learn_codes':30}{ours.cpu:8.1f} {ours.wall:8.1f}")
    print(f"  {theirs.cpu / ours.cpu:.1f} times as fast; {describe(is_equal)}")
    return is_equal


def learn_theirs(folder: Path, n: int) -> None:
    with (
        open(folder / "text", encoding="utf-8", newline="\n") as text,
        open(folder / "theirs.codes", "w", encoding="utf-8", newline="\n") as codes,
    ):
        learn_bpe(text, codes, n)


def learn_ours(folder: Path, n: int) -> None:
    counts: Counter = Counter()
    for block in read_blocks(folder / "text"):
        counts.update(" ".join(block).split(" "))
    learn_codes(counts, n, str(folder / "codes"))


def compare_binarising(folder: Path, sentences: int) -> bool:
    write_dictionary(folder)
    costs = {"apply-bpe, fairseq-preprocess": binarise_theirs(folder)}
    is_equal = True
    for processes in (1, 2):
        jobs = [(binarise_ours, folder, part, processes) for part in range(processes)]
        costs[f"SentenceEncoder, processes: {processes}"] = run_functions(jobs)
        parts = [str(folder / f"part{part}of{processes}") for part in range(processes)]
        merge_binaries(str(folder / "ours"), parts, len(load_dictionary(folder)))
        for extension in ("bin", "idx"):
            stock = folder / "stock" / f"train.{extension}"
            is_equal &= filecmp.cmp(folder / f"ours.{extension}", stock, shallow=False)
    print("\ntext to binary data              CPU s   wall s  sentences per CPU s")
    for name, cost in costs.items():
        rate = sentences / cost.cpu
        print(f"  {name:30}{cost.cpu:8.1f} {cost.wall:8.1f} {rate:12,.0f}")
    theirs, one, two = costs.values()
    print(
        f"  {theirs.cpu / one.cpu:.1f} times as fast; two processes take "
        f"{one.wall / two.wall:.2f} times less than one; {describe(is_equal)}"
    )
    return is_equal


def write_dictionary(folder: Path) -> None:
    """Write `dict.txt` with all subwords but the rarest, so that some are unknown."""
    counter = SubwordCounter(Tokenizer(BpeCodes(str(folder / "codes"))))
    for block in read_blocks(folder / "text"):
        counter.add(block)
    counter.finish()
    dictionary = Dictionary()
    for symbol, count in counter.symbols.items():
        dictionary.add_symbol(symbol, count)
    dictionary.finalize(threshold=2)
    dictionary.save(str(folder / "dict.txt"))


def load_dictionary(folder: Path) -> Dictionary:
    return Dictionary.load(str(folder / "dict.txt"))


def binarise_theirs(folder: Path) -> Cost:
    apply = ["subword-nmt", "apply-bpe"]
    files = {"-c": "codes", "-i": "text", "-o": "segmented"}
    options = [word for flag, name in files.items() for word in (flag, folder / name)]
    preprocess = ["fairseq-preprocess"]
    more = ["--only-source", "--dataset-impl", "mmap", "--workers", "1"]
    more += ["--srcdict", folder / "dict.txt", "--trainpref", folder / "segmented"]
    first = run_command(apply, options)
    second = run_command(preprocess, [*more, "--destdir", folder / "stock"])
    return Cost(first.cpu + second.cpu, first.wall + second.wall)


def binarise_ours(folder: Path, part: int, parts: int) -> None:
    dictionary = load_dictionary(folder)
    tokenizer = Tokenizer(BpeCodes(str(folder / "codes")))
    encoder = SentenceEncoder(tokenizer, dictionary)
    prefix = str(folder / f"part{part}of{parts}")
    with BinaryWriter(prefix, len(dictionary)) as writer:
        for block in read_blocks(folder / "text", part, parts):
            writer.add_block(*encoder.encode(block))


def read_blocks(path: Path, part: int = 0, parts: int = 1) -> Iterator[list[str]]:
    """Yield the lines that begin in one part of a file, in blocks."""
    size = path.stat().st_size
    start, end = size * part // parts, size * (part + 1) // parts
    with open(path, "rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()
        while file.tell() < end:
            lines = file.readlines(min(BLOCK, end - file.tell()))
            yield b"".join(lines).decode("utf-8").split("\n")[:-1]


def run_functions(jobs: Sequence[tuple[Any, ...]]) -> Cost:
    """Run functions at the same time, each in a process of its own."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(jobs), mp_context=context) as executor:
        start = time.perf_counter()
        cpu = sum(executor.map(cpu_seconds, jobs))
        return Cost(cpu, time.perf_counter() - start)


def cpu_seconds(job: tuple[Any, ...]) -> float:
    start = time.process_time()
    job[0](*job[1:])
    return time.process_time() - start


def run_command(command: Sequence[str], options: Sequence[Any]) -> Cost:
    """Run a command; the cost is less what it takes to start."""
    costs = []
    for arguments in (["--help"], map(str, options)):
        start, before = time.perf_counter(), children_seconds()
        subprocess.run([*command, *arguments], check=True, **QUIET)
        wall = time.perf_counter() - start
        costs.append(Cost(children_seconds() - before, wall))
    return Cost(costs[1].cpu - costs[0].cpu, costs[1].wall - costs[0].wall)


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def describe(is_equal: bool) -> str:
    return "files equal" if is_equal else "FILES DIFFER"


if __name__ == "__main__":
    sys.exit(main())
