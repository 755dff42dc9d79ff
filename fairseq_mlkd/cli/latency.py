"""Measure milliseconds, size and memory of exported models, beside their scores.

Example:

    mlkd-latency shipped --threads 1,2 --batch 1,8
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.serve.folder import Facts, read_facts
from fairseq_mlkd.serve.measure import ENGINES, FILES, Setting

_HEAD = ["model", "engine", "threads", "batch", "p50 ms", "p99 ms", "sentences/s"]
_HEAD += ["MB on disk", "MB in memory", "source", "zero-shot"]


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-latency", __doc__)
    parser.add_argument(
        "folders", metavar="FOLDER", nargs="+", type=Path, help="what mlkd-export wrote"
    )
    parser.add_argument(
        "--engines", help="comma-separated; default: all that a folder has"
    )
    parser.add_argument("--threads", default="1", help="comma-separated; default: 1")
    parser.add_argument("--batch", default="1", help="comma-separated; default: 1")
    parser.add_argument(
        "--length", type=int, default=32, help="of sentences in subwords; default: 32"
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of each number; default: 3"
    )
    parser.add_argument("--json", type=Path, help="file for the numbers, a line each")
    parser.add_argument("--picture", type=Path, help="PNG: zero-shot score against ms")
    return parser


def measure_all(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield one row for each model, engine, number of threads and batch size.

    Raises:
        ValueError: a folder or an option that is none.
    """
    wanted = args.engines.split(",") if args.engines else list(ENGINES)
    unknown = [name for name in wanted if name not in ENGINES]
    if unknown:
        raise ValueError(f"--engines {unknown[0]}: none of {', '.join(ENGINES)}")
    threads, batches = _numbers("--threads", args), _numbers("--batch", args)
    facts = {folder: read_facts(folder) for folder in args.folders}
    for folder, told in facts.items():
        here = [name for name in wanted if (folder / FILES[name][0]).is_file()]
        for engine, n, batch in product(here, threads, batches):
            setting = Setting(engine, n, batch, args.length, args.seconds)
            source, zero_shot = accuracy(told)
            yield {
                "model": folder.name,
                "engine": engine,
                "threads": n,
                "batch": batch,
                **measure_apart(folder, setting),
                "source": source,
                "zero_shot": zero_shot,
            }


def measure_apart(folder: Path, setting: Setting) -> dict[str, float]:
    """Measure in a new process.

    Raises:
        ValueError: it fails; with the last line of what it said.
    """
    command = [sys.executable, "-m", "fairseq_mlkd.serve.measure", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(setting.threads)}
    ran = subprocess.run(
        [*command, *map(str, setting)], capture_output=True, text=True, env=environment
    )
    if ran.returncode:
        lines = ran.stderr.strip().splitlines() or ["no message"]
        raise ValueError(f"{folder}, {setting.engine}: {lines[-1]}")
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def accuracy(facts: Facts) -> tuple[float | None, float | None]:
    """Return the score of the source language, and the mean of all others."""
    source = facts.scores.get(facts.source_lang)
    others = [x for lang, x in facts.scores.items() if lang != facts.source_lang]
    return source, fmean(others) if others else None


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    keys = ("p50", "p99", "sentences", "disk", "peak", "source", "zero_shot")
    lines = [_HEAD]
    for row in rows:
        names = [str(row[key]) for key in ("model", "engine", "threads", "batch")]
        lines.append(names + ["-" if row[k] is None else f"{row[k]:.1f}" for k in keys])
    return align(lines)


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the zero-shot score against milliseconds, a dot for each row.

    Raises:
        ValueError: no row has a score.
    """
    from fairseq_mlkd.files.pictures import picture

    dots = [row for row in rows if row["zero_shot"] is not None]
    if not dots:
        raise ValueError("--picture: no folder has scores; export with --results")
    with picture(str(path), 7, 4) as figure:
        axes = figure.subplots()
        for engine in dict.fromkeys(row["engine"] for row in dots):
            of_engine = [row for row in dots if row["engine"] == engine]
            milliseconds = [row["p50"] for row in of_engine]
            axes.plot(
                milliseconds, [r["zero_shot"] for r in of_engine], "o", label=engine
            )
        for row in dots:
            axes.annotate(row["model"], (row["p50"], row["zero_shot"]), fontsize=7)
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds a batch, median")
        axes.set_ylabel("zero-shot score, mean of languages")
        axes.legend()


def _numbers(flag: str, args: argparse.Namespace) -> list[int]:
    text = getattr(args, flag.removeprefix("--"))
    if not all(part.isdecimal() and int(part) for part in text.split(",")):
        raise ValueError(f"{flag} {text}: numbers from 1, comma-separated, are needed")
    return [int(part) for part in text.split(",")]


@one_line_errors("mlkd-latency")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    rows = list(measure_all(args))
    print(table(rows))
    if args.json:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        args.json.write_text(text, encoding="utf-8")
    if args.picture:
        draw(rows, args.picture)


if __name__ == "__main__":
    main()
