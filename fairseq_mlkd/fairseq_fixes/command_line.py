"""The command line: its options, `--help`, and the line that an error ends in."""

import argparse
import dataclasses
import functools
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TypeGuard

from fairseq import options, utils
from fairseq.criterions import CRITERION_REGISTRY
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
    other options that are missing, and a task, which is translation by default.
    """

    def change(given: argparse.Namespace, words: Sequence[str]) -> None:
        if not _is_ours(TASK_REGISTRY.get(str(getattr(given, "task", None)))):
            _refuse_other_task(given, words)
            return
        if hasattr(given, "scoring") and not _is_named("--scoring", words):
            given.scoring = "exact_match"
        problem = _find_missing_option(given)
        if problem:
            raise UserError(f"fairseq_mlkd: {problem}")

    _change_arguments(change)


def _is_ours(component: Any) -> bool:
    return getattr(component, "__module__", "").startswith("fairseq_mlkd.")


def _is_named(flag: str, words: Sequence[str]) -> bool:
    return any(word.partition("=")[0] == flag for word in words)


def _refuse_other_task(given: argparse.Namespace, words: Sequence[str]) -> None:
    """Refuse a task of fairseq's with our data or our criterion."""
    criterion = getattr(given, "criterion", None)
    ours = ", ".join(name for name, task in TASK_REGISTRY.items() if _is_ours(task))
    if _is_ours(CRITERION_REGISTRY.get(criterion)):
        problem = f"--criterion {criterion} is for our tasks"
    elif not _is_named("--task", words) and _holds_our_data(given):
        problem = f"{given.data} is for our tasks"
    else:
        return
    raise UserError(f"fairseq_mlkd: {problem}: give --task, one of {ours}")


def _holds_our_data(given: argparse.Namespace) -> bool:
    """Say whether data have one dictionary, which translation's never have."""
    folders = utils.split_paths(getattr(given, "data", None) or "")
    return any(Path(folder, "dict.txt").is_file() for folder in folders)


def _find_missing_option(given: argparse.Namespace) -> str | None:
    """Return what to give that no command can do without."""
    if getattr(given, "path", "-") is None:
        return "no model is named: give --path CHECKPOINT"
    size, tokens = getattr(given, "batch_size", 1), getattr(given, "max_tokens", 1)
    if (size, tokens) == (None, None) and not hasattr(given, "nbest"):
        return "give --batch-size, or --max-tokens"
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
    they have their options. Without `--arch` or `--task`, they end in a traceback.
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
        except KeyError as error:
            if error.args != (None,):
                raise
            raise UserError("fairseq_mlkd: give --task") from None

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

    Fault: fairseq's commands catch nothing, and assert what flags have to be. Where it
    starts the workers itself, the error of one comes as the text of its traceback.
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
        elif is_of_fairseq and _is_of_user(error):
            print(f"fairseq_mlkd: {describe(error)}", file=sys.stderr)
        else:
            show(kind, error, trace)

    sys.excepthook = hook


def _is_of_user(error: BaseException) -> TypeGuard[Exception]:
    """Say whether an error is of a file, or says of a flag what it has to be."""
    if isinstance(error, OSError):
        return bool(error.filename)
    return isinstance(error, AssertionError) and str(error).startswith("--")
