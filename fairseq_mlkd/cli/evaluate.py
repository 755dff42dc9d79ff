"""Score fine-tuned checkpoints of a run on every language, chosen by each sound rule.

The rules (docs/protocol.md): `best`, what validation in the source language selects;
`last`; `mean`, of the weights of the last numbered checkpoints; `seeds`, the mean over
the seeds of a model, one SAVE_DIR each; `mix`, of the weights of `best` and of
--mix-with, as much of these as validation in the source language allows; and, for
diagnosis alone, `oracle`: lines from which `mlkd-report` finds what each language would
have selected, and `mixes`: each mix.

Example:

    mlkd-evaluate checkpoints/student --data data/xnli --results results.jsonl
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from fairseq_mlkd.cli.command import add_paths, make_parser, one_line_errors

if TYPE_CHECKING:
    from fairseq_mlkd.metrics.results import Result

DEFAULT_RULES = "best,last,mean,seeds"
RULES = ("best", "last", "mean", "seeds", "mix", "oracle", "mixes")
SINGLE = {"best": "checkpoint_best.pt", "last": "checkpoint_last.pt"}


class Evaluation(NamedTuple):
    """One run of fairseq-validate."""

    checkpoint: Path
    seed: int
    subsets: str


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-evaluate", __doc__)
    add_paths(
        parser,
        "folders",
        "SAVE_DIR",
        "--save-dir of fairseq-train; several: runs that differ by --seed alone",
    )
    parser.add_argument("--data", required=True, help="prepared data of the task")
    parser.add_argument(
        "--results", required=True, type=Path, help="file that lines are appended to"
    )
    parser.add_argument(
        "--model-name", help="in the results; default: the first folder's name"
    )
    parser.add_argument(
        "--rules",
        default=DEFAULT_RULES,
        help="comma-separated, of " + ", ".join(RULES) + " (default: %(default)s)",
    )
    parser.add_argument(
        "--last",
        metavar="K",
        type=int,
        default=5,
        help="`mean` is of the newest K numbered checkpoints, or as many as there are",
    )
    parser.add_argument(
        "--mix-with",
        metavar="CHECKPOINT",
        type=Path,
        help="for `mix` and `mixes`: weights of the same encoder, such as those that"
        " the runs started from",
    )
    parser.add_argument(
        "--mixes",
        default="0.2,0.4,0.6,0.8",
        help="comma-separated shares of --mix-with, 0 to 1; `mix` knows 0, too"
        " (default: %(default)s)",
    )
    parser.add_argument("--subsets", default="test", help="what is scored")
    parser.add_argument("--batch-size", type=int, default=64, help="rows in a batch")
    parser.add_argument(
        "--max-tokens", type=int, help="subwords in a batch, padding included"
    )
    parser.add_argument(
        "--flags",
        default="",
        help="more flags of fairseq-validate, such as --flags='--cpu --valid-beam 4'",
    )
    return parser


def plan(args: argparse.Namespace) -> Iterator[Evaluation]:
    """Yield what to score, and write the means as they are needed.

    `checkpoint_mean.pt` appears in each folder, `checkpoint_seeds_RULE.pt` in the
    first.

    Raises:
        ValueError: a rule that is none, or lacks its checkpoints.
    """
    rules = args.rules.split(",")
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise ValueError(f"--rules {unknown[0]}: none of {', '.join(RULES)}")
    if {"mix", "mixes"} & set(rules) and args.mix_with is None:
        raise ValueError("--rules mix and mixes need --mix-with CHECKPOINT")
    if rules == ["seeds"]:
        raise ValueError("--rules seeds: name best, last or mean beside it, of which")
    shares = shares_of(args.mixes)
    seeds = {folder: _read_seed(folder) for folder in args.folders}
    for rule in [rule for rule in rules if rule in (*SINGLE, "mean", "mix")]:
        found = {folder: _find(folder, rule, args) for folder in seeds}
        paths = {folder: path for folder, path in found.items() if path is not None}
        for folder, path in paths.items():
            yield Evaluation(path, seeds[folder], args.subsets)
        if "seeds" in rules and len(paths) == len(seeds) > 1:
            out = args.folders[0] / f"checkpoint_seeds_{rule}.pt"
            mean = _average([*paths.values()], out)
            yield Evaluation(mean, seeds[args.folders[0]], args.subsets)
    for folder in seeds if "mixes" in rules else ():
        for share in shares:
            with _mixed(folder, args.mix_with, share) as path:
                yield Evaluation(path, seeds[folder], args.subsets)
    for folder in seeds if "oracle" in rules else ():
        for path in _numbered(folder):
            yield Evaluation(path, seeds[folder], f"valid.all,{args.subsets}")


def _find(folder: Path, rule: str, args: argparse.Namespace) -> Path | None:
    """Return the checkpoint that a rule chooses; None: a mean of too few."""
    if rule in SINGLE:
        return folder / SINGLE[rule]
    if rule == "mix":
        return _find_mix(folder, args)
    from fairseq_mlkd.averaging import keep_numbered, numbered_checkpoints

    numbered = numbered_checkpoints(folder)[-args.last :]
    if len(numbered) < 2:
        print(
            f"{folder}: no mean, as there are not two numbered checkpoints: "
            f"{keep_numbered(args.last)}",
            file=sys.stderr,
        )
        return None
    return _average(numbered, folder / "checkpoint_mean.pt")


def shares_of(text: str) -> list[float]:
    """Return the shares that `--mixes` names.

    Raises:
        ValueError: one is no number from 0 to 1.
    """
    try:
        shares = [float(word) for word in text.split(",")]
    except ValueError:
        shares = [math.nan]
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"--mixes {text}: give numbers from 0 to 1, such as 0.2,0.5")
    return shares


@contextmanager
def _mixed(folder: Path, other: Path, share: float) -> Iterator[Path]:
    """Give a mix of a run's best checkpoint with another, for as long as it is used."""
    path = folder / f"checkpoint_mix_{share:g}.pt"
    _mix(folder, other, share, path)
    try:
        yield path
    finally:
        path.unlink()


def _mix(
    folder: Path, other: Path, share: float, out: Path, rule: str | None = None
) -> Path:
    from fairseq_mlkd.averaging import mix_checkpoints

    sources = [other, folder / SINGLE["best"]]
    mix_checkpoints(sources, [share, 1 - share], out, rule)
    return out


def _find_mix(folder: Path, args: argparse.Namespace) -> Path:
    """Return the mix that validation in the source language selects."""
    scores = {}
    for share in dict.fromkeys([0.0, *shares_of(args.mixes)]):
        with _mixed(folder, args.mix_with, share) as path:
            scores[share], examples = _score_source(args, path)
    chosen = choose_share(scores, examples)
    said = ", ".join(f"{share:g} {score:.2f}" for share, score in scores.items())
    print(f"{folder}: mix with {chosen:g} of {args.mix_with} ({said})", file=sys.stderr)
    return _mix(folder, args.mix_with, chosen, folder / "checkpoint_mix.pt", "mix")


def choose_share(scores: Mapping[float, float], examples: int) -> float:
    """Return the largest share whose score may be the best one but for chance.

    That is, within one standard error of the best (Breiman et al., 1984), taken as that
    of a share of right answers; for an F1 this is rough.

    Args:
        scores: by share, in percent, on validation data in the source language.
        examples: how many these are.
    """
    best = max(scores.values())
    error = math.sqrt(best * (100 - best) / max(examples, 1))
    return max(share for share, score in scores.items() if score >= best - error)


def _score_source(args: argparse.Namespace, path: Path) -> tuple[float, int]:
    """Return the main score on validation in the source language, and on how many."""
    from fairseq_mlkd.metrics.results import read_results

    with TemporaryDirectory() as folder:
        results = Path(folder, "valid.jsonl")
        given = argparse.Namespace(**{**vars(args), "results": results})
        validate(given, Evaluation(path, _read_seed(path.parent), "valid"))
        line = read_results([str(results)])[0]
    return line.value, line.examples


def _numbered(folder: Path) -> list[Path]:
    from fairseq_mlkd.averaging import numbered_checkpoints

    found = numbered_checkpoints(folder)
    if not found:
        raise ValueError(f"{folder}: --rules oracle needs numbered checkpoints")
    return found


def _average(sources: Sequence[Path], out: Path) -> Path:
    from fairseq_mlkd.averaging import average_checkpoints

    average_checkpoints(sources, out)
    return out


def _read_seed(folder: Path) -> int:
    return int(_read_cfg(folder)["common"]["seed"])


@cache
def _read_cfg(folder: Path) -> Any:
    from fairseq_mlkd.checkpoint import load_state

    for name in SINGLE.values():
        path = folder / name
        if path.is_file():
            cfg = load_state(str(path)).get("cfg")
            if isinstance(cfg, dict) and "common" in cfg:
                return cfg
            raise ValueError(f"{path}: not a checkpoint of fairseq-train")
    raise ValueError(
        f"{folder}: no {' or '.join(SINGLE.values())}: name a --save-dir of "
        "fairseq-train"
    )


def validate(args: argparse.Namespace, what: Evaluation) -> None:
    """Run fairseq-validate in this process."""
    import fairseq_cli.validate
    from fairseq.logging import metrics

    metrics.reset()
    command = ["fairseq-validate", args.data, "--user-dir", str(_PACKAGE)]
    command += ["--task", _read_cfg(what.checkpoint.parent)["task"]["_name"]]
    command += ["--path", str(what.checkpoint), "--valid-subset", what.subsets]
    command += ["--results", str(args.results), "--seed", str(what.seed)]
    command += ["--model-name", args.model_name or args.folders[0].resolve().name]
    # to start a process that reads would take longer than to read
    command += ["--batch-size", str(args.batch_size), "--num-workers", "0"]
    command += ["--max-tokens", str(args.max_tokens)] if args.max_tokens else []
    with mock.patch.object(sys, "argv", command + shlex.split(args.flags)):
        fairseq_cli.validate.cli_main()


def _new_lines(args: argparse.Namespace, what: Evaluation) -> list[Result]:
    """Score a checkpoint, and return the lines that this appended."""
    from fairseq_mlkd.metrics.results import read_results

    paths = [str(args.results)]
    before = len(read_results(paths)) if args.results.is_file() else 0
    validate(args, what)
    lines = read_results(paths)[before:]
    return [line for line in lines if line.checkpoint == str(what.checkpoint)]


def _read_weights(path: Path) -> tuple[str, str]:
    """Return a fingerprint of a checkpoint's weights, and the rule that chose it."""
    from fairseq_mlkd.checkpoint import (
        SELECTION_KEY,
        read_checkpoint,
        selection_rule,
        weights_sha256,
    )

    state = read_checkpoint(str(path), "checkpoint")
    stated = state["task_state"].get(SELECTION_KEY)
    return weights_sha256(state["model"]), selection_rule(str(path), stated)


_PACKAGE = Path(__file__).resolve().parents[1]


@one_line_errors("mlkd-evaluate")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    scored: dict[tuple[str, int, str], list[Result]] = {}
    for evaluation in plan(args):
        weights, rule = _read_weights(evaluation.checkpoint)
        key = (weights, evaluation.seed, evaluation.subsets)
        if key in scored:
            from fairseq_mlkd.metrics.outcomes import repeat_results

            path = str(evaluation.checkpoint)
            repeat_results(str(args.results), scored[key], path, rule)
        else:
            scored[key] = _new_lines(args, evaluation)


if __name__ == "__main__":
    main()
