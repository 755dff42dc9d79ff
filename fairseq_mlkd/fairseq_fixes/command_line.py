"""The command line: its options, `--help`, and the line that an error ends in."""

import argparse
import dataclasses
import functools
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from fairseq import options
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_REGISTRY
from torch.multiprocessing.spawn import ProcessRaisedException

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.options import HelpWithDefaults
from fairseq_mlkd.remedies import describe


def run_bf16_without_tpu() -> None:
    """Have the command line's `--bf16` mean a TPU only where torch_xla is installed.

    Fault: fairseq's parser adds `--tpu` to it, although training in bfloat16 needs none
    (and works without one through hydra).
    """

    def change(given: argparse.Namespace, words: Sequence[str]) -> None:
        has_xla = importlib.util.find_spec("torch_xla") is not None
        if getattr(given, "bf16", False) and not has_xla:
            given.tpu = False

    _change_arguments(change)


def choose_options_of_our_tasks() -> None:
    """Choose what only makes sense for our tasks, and ask for what they need.

    Fault: fairseq-generate scores labels by BLEU, and without a batch size
    fairseq-train and fairseq-validate end in the traceback of an assertion; so do
    other options that are missing.
    """

    def change(given: argparse.Namespace, words: Sequence[str]) -> None:
        task = TASK_REGISTRY.get(str(getattr(given, "task", None)))
        if task is None or not task.__module__.startswith("fairseq_mlkd."):
            return
        named = any(word.partition("=")[0] == "--scoring" for word in words)
        if hasattr(given, "scoring") and not named:
            given.scoring = "exact_match"
        problem = _find_missing_option(given)
        if problem:
            raise UserError(f"fairseq_mlkd: {problem}")

    _change_arguments(change)


def _find_missing_option(given: argparse.Namespace) -> str | None:
    """Return what to give that no command can do without, or that is no number."""
    if getattr(given, "path", "-") is None:
        return "no model is named: give --path CHECKPOINT"
    size, tokens = getattr(given, "batch_size", 1), getattr(given, "max_tokens", 1)
    if (size, tokens) == (None, None) and not hasattr(given, "nbest"):
        return "give --batch-size, or --max-tokens"
    for flag, value in (("--batch-size", size), ("--max-tokens", tokens)):
        if value is not None and value < 1:
            return f"{flag} {value} is below 1"
    if getattr(given, "lr_scheduler", None) == "polynomial_decay" and not getattr(
        given, "total_num_update", 1
    ):
        return (
            "--lr-scheduler polynomial_decay needs --total-num-update N, which is "
            "--max-update as a rule"
        )
    return None


def show_options_of_components() -> None:
    """Have `--help` list the options of the task, criterion, ... named beside it.

    Fault: fairseq's parsers answer `--help` while they look for those names, before
    they have their options. Without `--arch`, they end in a traceback.
    """
    parse = options.parse_args_and_arch

    @functools.wraps(parse)
    def parse_args_and_arch(
        parser: Any, input_args: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        words = sys.argv[1:] if input_args is None else input_args
        others = [word for word in words if word not in ("-h", "--help")]
        if len(others) < len(words):
            named, _ = parser.parse_known_args(others)
            _group_by_component(parser, named)
            if getattr(named, "arch", "") is None:
                del named.arch
            parser.parse_known_args = lambda *_: (named, [])
            # the second pass, which has all options
            parser.parse_args = lambda *_: _print_help(parser, named)
        try:
            return parse(parser, others, *args, **kwargs)
        except RuntimeError as error:
            if error.args:
                raise
            raise UserError("fairseq_mlkd: give --arch") from None

    options.parse_args_and_arch = parse_args_and_arch


def _group_by_component(parser: Any, named: argparse.Namespace) -> None:
    """Have the parser put options that it gets later under the name of their owner."""
    registries = {name: found["registry"] for name, found in REGISTRIES.items()}
    groups: dict[str, Any] = {}
    for kind, registry in {"task": TASK_REGISTRY, **registries}.items():
        chosen = getattr(named, kind, None)
        config = getattr(registry.get(chosen), "__dataclass", None)
        if config is not None:
            flag = f"--{kind.replace('_', '-')}"
            group = parser.add_argument_group(f"{flag} {chosen}")
            groups |= {field.name: group for field in dataclasses.fields(config)}
    add = parser.add_argument

    def add_argument(*names: str, **how: Any) -> Any:
        group = groups.get(names[0].lstrip("-").replace("-", "_"))
        return group.add_argument(*names, **how) if group else add(*names, **how)

    parser.add_argument = add_argument


def _print_help(parser: Any, named: argparse.Namespace) -> NoReturn:
    """Print all options with their defaults, those of `--arch` as it sets them."""
    arch = getattr(named, "arch", None)
    if arch in ARCH_CONFIG_REGISTRY:
        config = getattr(ARCH_MODEL_REGISTRY[arch], "__dataclass", argparse.Namespace)
        shape = argparse.Namespace()
        ARCH_CONFIG_REGISTRY[arch](shape)
        parser.set_defaults(**{**vars(config()), **vars(shape)})
    parser.formatter_class = HelpWithDefaults
    parser.epilog = (
        "Options of --task, --criterion, --arch, ...: of those that stand beside --help"
    )
    parser.print_help()
    sys.exit()


def _change_arguments(
    change: Callable[[argparse.Namespace, Sequence[str]], None],
) -> None:
    """Have `change` see what fairseq's commands have parsed, and from which words."""
    parse = options.parse_args_and_arch

    @functools.wraps(parse)
    def parse_args_and_arch(
        parser: Any, input_args: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        parsed = parse(parser, input_args, *args, **kwargs)
        given = parsed[0] if isinstance(parsed, tuple) else parsed
        if not kwargs.get("suppress_defaults"):
            change(given, sys.argv if input_args is None else input_args)
        return parsed

    options.parse_args_and_arch = parse_args_and_arch


def print_user_errors() -> None:
    """Have commands end in one line, not in a traceback, on what a user can put right.

    Fault: fairseq's commands catch nothing. Where it starts the workers itself, the
    error of one comes as the text of its traceback.
    """
    show = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        line = str(error)
        if isinstance(error, ProcessRaisedException):
            _, _, line = line.rstrip().rpartition(f"{UserError.__name__}: ")
        is_of_fairseq = Path(sys.argv[0]).name.startswith("fairseq-")
        if isinstance(error, UserError) or "fairseq_mlkd.errors" in str(error):
            print(line, file=sys.stderr)
        elif is_of_fairseq and isinstance(error, OSError) and error.filename:
            print(f"fairseq_mlkd: {describe(error)}", file=sys.stderr)
        else:
            show(kind, error, trace)

    sys.excepthook = hook
