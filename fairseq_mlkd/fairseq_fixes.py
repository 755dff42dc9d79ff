"""Every mend of fairseq and PyTorch, each with the upstream fault that it answers."""

import argparse
import copy
import dataclasses
import errno
import functools
import importlib.util
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
import torch
import torch.distributed as dist
from fairseq import checkpoint_utils, options
from fairseq.dataclass.configs import CheckpointConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from fairseq.distributed import utils as distributed_utils
from fairseq.file_io import PathManager
from fairseq.logging import progress_bar
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY
from fairseq.optim import AMPOptimizer
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_REGISTRY
from fairseq.trainer import Trainer
from torch.multiprocessing.spawn import ProcessRaisedException

from fairseq_mlkd.checkpoint import dictionary_beside, is_torn, read_checkpoint
from fairseq_mlkd.errors import UserError, in_one_line
from fairseq_mlkd.options import HelpWithDefaults
from fairseq_mlkd.remedies import describe, needed_for

logger = logging.getLogger(__name__)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_NUMBERS = ("f2", "f4", "f8", "i4", "i8", "?")
_CORES = ("core", "_core")


def apply_all() -> None:
    """Mend fairseq in this process; the package does so when it is imported."""
    load_weights_only()
    check_checkpoints()
    name_misfits()
    go_on_from_whole_checkpoint()
    copy_whole_files()
    restore_tasks()
    run_bf16_without_tpu()
    choose_options_of_our_tasks()
    show_options_of_components()
    refuse_what_is_not_there()
    log_each_line_once()
    quiet_older_interfaces()
    unscale_once()
    print_user_errors()


def load_weights_only() -> None:
    """Have every `torch.load` of this process refuse anything but weights.

    Fault: fairseq unpickles checkpoints, which runs what a checkpoint holds.
    """
    os.environ.setdefault("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    # fairseq's legacy models (RoBERTa) keep their options in a namespace, and its best
    # scores may be numpy's numbers, whose module has two names
    scalar: Any = np.float64(0).__reduce__()[0]
    torch.serialization.add_safe_globals(
        [argparse.Namespace, np.dtype, *(type(np.dtype(kind)) for kind in _NUMBERS)]
    )
    torch.serialization.add_safe_globals(
        [(scalar, f"numpy.{core}.multiarray.scalar") for core in _CORES]
    )
    # fairseq sends what the first worker read through `torch.load`, which now refuses
    # the configuration; it was read safely, and workers of a job trust one another
    distributed_utils._broadcast_object_slow = _broadcast


def _broadcast(obj: Any, src_rank: int, group: Any, dist_device: torch.device) -> Any:
    """Send a plain object (fairseq sends its tensors apart) from one worker to all."""
    shared = [obj]
    dist.broadcast_object_list(shared, src=src_rank, group=group, device=dist_device)
    return shared[0]


def check_checkpoints() -> None:
    """Have all of fairseq's commands read checkpoints through `read_checkpoint`.

    Fault: fairseq builds what a checkpoint names, evaluates strings in it, and reads
    and writes where it says.
    """

    @in_one_line
    def load_checkpoint_to_cpu(
        path: str,
        arg_overrides: dict[str, Any] | None = None,
        load_on_all_ranks: bool = False,
    ) -> dict[str, Any]:
        state = read_checkpoint(path, "checkpoint")
        state["cfg"].task.data = dictionary_beside(path) or ""
        # of all that it reads, the trainer returns this part alone, to each worker
        state["extra_state"]["task_state"] = state["task_state"]
        if arg_overrides is not None:  # of the command line
            overwrite_args_by_name(state["cfg"], arg_overrides)
        return state

    checkpoint_utils.load_checkpoint_to_cpu = load_checkpoint_to_cpu


def name_misfits() -> None:
    """Have commands that evaluate say which checkpoint does not fit its task, and why.

    Fault: fairseq ends in the traceback of PyTorch, which names no file.
    """
    load = checkpoint_utils.load_model_ensemble_and_task

    @functools.wraps(load)
    @in_one_line
    def load_model_ensemble_and_task(
        filenames: Sequence[str], *args: Any, **kwargs: Any
    ) -> Any:
        try:
            return load(filenames, *args, **kwargs)
        except RuntimeError as error:
            if not str(error).startswith("Error(s) in loading state_dict"):
                raise
            raise ValueError(
                f"{', '.join(filenames)} does not fit the task and its data "
                f"({_first_reason(error)})"
            ) from None

    checkpoint_utils.load_model_ensemble_and_task = load_model_ensemble_and_task


def _first_reason(error: BaseException | None) -> str:
    """Return the first of PyTorch's reasons, which stand below a heading."""
    lines = [line.strip() for line in str(error).splitlines()]
    return (lines[1:] or lines)[0][:150]


def go_on_from_whole_checkpoint() -> None:
    """Have a run whose `checkpoint_last.pt` is torn go on from the newest whole one.

    Fault: fairseq ends in the reader's error, which does not even name the file.
    """
    load = checkpoint_utils.load_checkpoint

    @functools.wraps(load)
    def load_checkpoint(cfg: CheckpointConfig, trainer: Any, **options: Any) -> Any:
        try:
            return load(cfg, trainer, **options)
        except RuntimeError as error:
            if "dataloader mismatch" not in str(error):
                raise
            raise UserError(
                f"fairseq_mlkd: {cfg.save_dir}: the run stopped at a batch that this "
                "data has not: give --reset-dataloader to begin the epoch anew"
            ) from None
        except UserError:
            last = os.path.join(cfg.save_dir, "checkpoint_last.pt")
            if cfg.restore_file != "checkpoint_last.pt" or not is_torn(last):
                raise
            whole = _find_whole(cfg.save_dir)
            if whole is None:
                raise
            logger.warning("%s is empty or cut short: going on from %s", last, whole)
            cfg = copy.deepcopy(cfg)
            cfg.restore_file, cfg.finetune_from_model = whole, None
            return load(cfg, trainer, **options)

    checkpoint_utils.load_checkpoint = load_checkpoint


def _find_whole(folder: str) -> str | None:
    """Return the newest checkpoint that can be read."""
    paths = [path for path in os.scandir(folder) if path.name.endswith(".pt")]
    paths.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return next((path.path for path in paths if not is_torn(path.path)), None)


def restore_tasks() -> None:
    """Have a resumed run restore its task's state, and say why it cannot go on.

    Fault: fairseq saves the state of a task, but restores it where a model is evaluated
    alone; what `--patience` has counted is not saved at all. Of a checkpoint of another
    run it says that "the architectures" differ, in a traceback.
    """
    load = Trainer.load_checkpoint

    @functools.wraps(load)
    @in_one_line
    def load_checkpoint(
        self: Trainer,
        filename: str,
        reset_optimizer: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        try:
            extra_state = load(self, filename, reset_optimizer, *args, **kwargs)
        except UserError:  # it names the file
            raise
        except (AssertionError, ValueError) as error:
            raise ValueError(f"{filename}: {error}") from None
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError(f"{filename} is damaged ({error!r})") from None
        except Exception as error:
            if not str(error).startswith("Cannot load model parameters"):
                raise
            raise ValueError(_describe_misfit(filename, error)) from None
        if extra_state is not None and not reset_optimizer:
            self.task.load_state_dict(extra_state["task_state"])
            _stay_stopped(self)
        return extra_state

    Trainer.load_checkpoint = load_checkpoint
    checkpoint_utils.verify_checkpoint_directory = in_one_line(
        checkpoint_utils.verify_checkpoint_directory
    )


def _describe_misfit(filename: str, error: Exception) -> str:
    return (
        f"{filename} is of another model than this run's "
        f"({_first_reason(error.__context__)}): name another --save-dir; to start from "
        "its encoder, give --encoder-path instead of --restore-file or "
        "--finetune-from-model"
    )


def _stay_stopped(trainer: Trainer) -> None:
    """End a run that `--patience` has stopped before."""
    patience = trainer.cfg.checkpoint.patience
    if 0 < patience <= patience_so_far().get("num_runs", 0):
        logger.info("no better for the last %d validations: already stopped", patience)
        trainer.cfg.optimization.max_epoch = -1


def patience_so_far() -> dict[str, float]:
    """Return what `--patience` has counted: `best` and `num_runs`, once there are."""
    from fairseq_cli import train

    return dict(train.should_stop_early.__dict__)


def set_patience(counted: Any) -> None:
    """Go on counting from what a checkpoint says, if those are numbers."""
    from fairseq_cli import train

    found = counted if isinstance(counted, dict) else {}
    if all(isinstance(found.get(name), (int, float)) for name in ("best", "num_runs")):
        train.should_stop_early.best = float(found["best"])
        train.should_stop_early.num_runs = int(found["num_runs"])


def copy_whole_files() -> None:
    """Have a killed run leave whole checkpoints alone, so that it can be resumed.

    Fault: fairseq renames the first file that it saves into place, but then copies it
    onto `checkpoint_last.pt` and `checkpoint_best.pt`, which resuming would find torn.
    """
    copy_file = PathManager.copy

    def copy_whole(src_path: str, dst_path: str, overwrite: bool = False) -> bool:
        if not PathManager.supports_rename(dst_path):
            return bool(copy_file(src_path, dst_path, overwrite))
        temporary = f"{dst_path}.tmp"
        shutil.copyfile(src_path, temporary)
        os.replace(temporary, dst_path)
        return True

    PathManager.copy = staticmethod(copy_whole)


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


def refuse_what_is_not_there() -> None:
    """Refuse --fp16, workers that fairseq starts, and wandb, where there is none.

    Fault: both end in tracebacks from deep inside, the second also in no training at
    all and status 0; a file that cannot be opened ends in one, too. Where Weights &
    Biases is asked for and missing, fairseq trains on without.
    """
    build, call = Trainer.__init__, distributed_utils.call_main

    @functools.wraps(build)
    @in_one_line
    def build_trainer(self: Trainer, cfg: Any, *args: Any, **kwargs: Any) -> None:
        if cfg.common.fp16 and (cfg.common.cpu or not torch.cuda.is_available()):
            raise ValueError("--fp16 needs a GPU: leave it out, or give --bf16")
        if cfg.common.wandb_project:
            with needed_for("--wandb-project"):
                importlib.import_module("wandb")
        build(self, cfg, *args, **kwargs)

    @functools.wraps(call)
    def call_main(cfg: Any, main: Any, **kwargs: Any) -> Any:
        _check_workers(cfg)
        try:
            return call(cfg, main, **kwargs)
        except OSError as error:
            if error.filename is None and error.errno not in _NO_SPACE:
                raise
            if error.filename is None:
                _remove_unfinished(cfg.checkpoint.save_dir)
                error.filename = f"--save-dir {cfg.checkpoint.save_dir}"
            raise UserError(f"fairseq_mlkd: {describe(error)}") from None

    Trainer.__init__, distributed_utils.call_main = build_trainer, call_main


def _remove_unfinished(folder: str) -> None:
    """Remove what fairseq began to write of a checkpoint."""
    for path in Path(folder).glob("checkpoint*.pt.tmp"):
        path.unlink()


@in_one_line
def _check_workers(cfg: Any) -> None:
    workers = cfg.distributed_training
    is_alone = workers.distributed_world_size == 1
    if is_alone or torch.cuda.is_available() or cfg.common.tpu:
        return
    if not workers.distributed_no_spawn and "RANK" not in os.environ:
        raise ValueError(
            f"--distributed-world-size {workers.distributed_world_size}: fairseq "
            "starts one worker per GPU, and there is none: leave it out, or start "
            "workers with torchrun"
        )
    if workers.distributed_backend == "nccl":
        raise ValueError("--distributed-backend nccl needs GPUs: give gloo")


def log_each_line_once() -> None:
    """Have `--log-file` hold each line once.

    Fault: fairseq opens the file again for each epoch, and writes each line once more.
    """
    build = progress_bar.progress_bar

    @functools.wraps(build)
    def build_bar(*args: Any, log_file: str | None = None, **kwargs: Any) -> Any:
        opened = (getattr(x, "baseFilename", "") for x in progress_bar.logger.handlers)
        if log_file is not None and os.path.abspath(log_file) in opened:
            log_file = None
        return build(*args, log_file=log_file, **kwargs)

    progress_bar.progress_bar = build_bar


def quiet_older_interfaces() -> None:
    """Silence what hydra and PyTorch say of how fairseq calls them.

    Fault: fairseq uses older interfaces of theirs, and each start gives 25 lines.
    """
    warnings.filterwarnings("ignore", module=r"hydra\.", category=UserWarning)
    for message in (
        r"\s*'\w+' is validated against ConfigStore schema",
        "'pin_memory' argument is set as true but no accelerator",
        r"`torch\.cuda\.amp\.\w+\(args\.\.\.\)` is deprecated",
    ):
        warnings.filterwarnings("ignore", message)


def unscale_once() -> None:
    """Have `--amp` divide gradients by the loss scale once.

    Fault: `AMPOptimizer` has the scaler unscale PyTorch's optimizer, but step its own,
    whose gradients then count as scaled still.
    """

    def step(self: AMPOptimizer) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()

    AMPOptimizer.step = step


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


def forget_last_job() -> None:
    """Make the jobs of a sweep in one process independent; tasks call it when built.

    Fault: fairseq keeps the best score and the patience so far on its functions, and
    goes on in the TensorBoard folder and the Weights & Biases run of the first job.
    """
    from fairseq_cli import train

    for function in (checkpoint_utils.save_checkpoint, train.should_stop_early):
        for name in ("best", "num_runs"):
            function.__dict__.pop(name, None)
    progress_bar._close_writers()
    progress_bar._tensorboard_writers.clear()
    if progress_bar.wandb is not None:
        progress_bar.wandb.finish()
