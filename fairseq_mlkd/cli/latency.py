"""Measure milliseconds, size and memory of models, beside their scores.

Models and engines are measured in rounds, so that what else the machine does hits all
alike. "least" is the fastest run, "x" how many times as fast that is as the first row's
of the same threads and batch, and "CPU" the least of processors' time.

Example:

    mlkd-latency shipped --threads 1,2 --batch 1,8
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

from fairseq_mlkd.cli.command import add_paths, make_parser, one_line_errors
from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.files.progress import show_progress
from fairseq_mlkd.files.writing import write_text
from fairseq_mlkd.latency.engines import ENGINES, Setting, megabytes, offered
from fairseq_mlkd.latency.rounds import Row, measure
from fairseq_mlkd.metrics.results import main_scores, results_of
from fairseq_mlkd.serve.folder import read_facts

_HEAD = ["model", "engine", "threads", "batch", "p50 ms", "p99 ms", "least ms", "x"]
_HEAD += ["CPU ms", "sentences/s", "MB on disk", "MB in memory", "source", "zero-shot"]
_NUMBERS = {
    "p50": 2,
    "p99": 2,
    "least": 2,
    "ratio": 1,
    "cpu": 2,
    "sentences": 1,
    "disk": 1,
}
_NUMBERS |= {"peak": 0, "source": 1, "zero_shot": 1}  # columns, and their decimals


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-latency", __doc__)
    add_paths(
        parser,
        "paths",
        "PATH",
        "what mlkd-export wrote, or a checkpoint, which fairseq runs",
    )
    parser.add_argument(
        "--engines",
        help=f"comma-separated, of {', '.join(ENGINES)}; default: all that are "
        "installed and that a folder has files for",
    )
    parser.add_argument("--threads", default="1", help="comma-separated")
    parser.add_argument("--batch", default="1", help="comma-separated")
    parser.add_argument(
        "--length", type=int, default=32, help="of sentences in subwords"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of measuring")
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        help="of each row, all rounds together",
    )
    parser.add_argument(
        "--data", default="", help="of checkpoints; default: dict.txt beside each"
    )
    parser.add_argument("--source-lang", default="en", help="of checkpoints' scores")
    parser.add_argument("--json", type=Path, help="file for the numbers, a line each")
    parser.add_argument("--picture", type=Path, help="PNG: zero-shot score against ms")
    return parser


def measure_all(args: argparse.Namespace) -> Iterator[Row]:
    """Yield one row for each model, engine, number of threads and batch size.

    Raises:
        ValueError: a path or an option that is none.
    """
    pairs = list(_choose(args))
    scores = {path: accuracy(path, args.source_lang) for path in args.paths}
    for n, batch in product(_numbers("--threads", args), _numbers("--batch", args)):
        settings = [Setting(*pair, n, batch, args.length, args.data) for pair in pairs]
        rows = measure(settings, rounds=args.rounds, seconds=args.seconds)
        for setting, row in zip(settings, rows):
            path, engine = setting.path, setting.engine
            row["disk"] = megabytes(setting)
            folder = path.parent if path.is_file() else path
            model = folder.resolve().name
            source, zero_shot = scores[path]
            names = {"model": model, "engine": engine, "threads": n, "batch": batch}
            yield {**names, **row, "source": source, "zero_shot": zero_shot}


def _choose(args: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """Yield paths with the engines that are to run them."""
    wanted = args.engines.split(",") if args.engines else ENGINES
    unknown = [name for name in wanted if name not in ENGINES]
    if unknown:
        raise ValueError(f"--engines {unknown[0]}: none of {', '.join(ENGINES)}")
    for path in args.paths:
        found = [name for name in offered(path) if name in wanted]
        if not found:
            raise ValueError(
                f"{path}: nothing that is installed can run it; name a checkpoint, or "
                "a folder of mlkd-export with the files of --engines"
            )
        yield from ((path, name) for name in found)


def accuracy(path: Path, source_lang: str) -> tuple[float | None, float | None]:
    """Return the score of the source language, and the mean of all others.

    Of a checkpoint they are in `results.jsonl` beside it.
    """
    if path.is_file():
        scores = main_scores(results_of(path))
    else:
        facts = read_facts(path)
        scores, source_lang = facts.scores, facts.source_lang
    others = [x for lang, x in scores.items() if lang != source_lang]
    return scores.get(source_lang), fmean(others) if others else None


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [_HEAD]
    for row in rows:
        names = [str(row[key]) for key in ("model", "engine", "threads", "batch")]
        lines.append(names + [_number(row[k], n) for k, n in _NUMBERS.items()])
    return align(lines)


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the zero-shot score against milliseconds, a line for each model.

    Raises:
        ValueError: no row has a score.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    from fairseq_mlkd.files.pictures import FAINT, picture

    first = rows[0]["threads"], rows[0]["batch"]
    dots = [
        row
        for row in rows
        if row["zero_shot"] is not None and (row["threads"], row["batch"]) == first
    ]
    if not dots:
        raise ValueError("--picture: no model has scores; export with --results")
    with picture(str(path), 7, 4) as figure:
        axes = figure.subplots()
        for model in dict.fromkeys(row["model"] for row in dots):
            of_model = [row for row in dots if row["model"] == model]
            places = [row["least"] for row in of_model]
            height = of_model[0]["zero_shot"]
            axes.hlines(height, min(places), max(places), color=FAINT, zorder=1)
            axes.annotate(
                model, (min(places), height), (0, 7), textcoords="offset points"
            )
        for engine in dict.fromkeys(row["engine"] for row in dots):
            of_engine = [row for row in dots if row["engine"] == engine]
            x, y = ([row[key] for row in of_engine] for key in ("least", "zero_shot"))
            axes.plot(x, y, "o", label=engine)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(0.12, 0.2)
        axes.set_xlabel(f"milliseconds (threads: {first[0]}, batch: {first[1]})")
        axes.set_ylabel("zero-shot score, mean of languages")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper left", ncols=6, frameon=False)


def _numbers(flag: str, args: argparse.Namespace) -> list[int]:
    text = getattr(args, flag.removeprefix("--"))
    if not all(part.isdecimal() and int(part) for part in text.split(",")):
        raise ValueError(f"{flag} {text}: numbers from 1, comma-separated, are needed")
    return [int(part) for part in text.split(",")]


@one_line_errors("mlkd-latency")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    if args.rounds < 1 or args.length < 3:
        raise ValueError("--rounds from 1 and --length from 3 are needed")
    rows = list(show_progress("measuring", measure_all(args), unit="rows"))
    print(table(rows))
    if args.json:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_text(args.json, text)
    if args.picture:
        draw(rows, args.picture)


if __name__ == "__main__":
    main()
