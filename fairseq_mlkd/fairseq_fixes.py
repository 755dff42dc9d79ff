"""Every mend of fairseq and PyTorch, each with the upstream fault that it answers."""

import argparse
import copy
import functools
import importlib.util
import logging
import os
import shutil
import sys
from types import TracebackType
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from fairseq import checkpoint_utils, options
from fairseq.dataclass.configs import CheckpointConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from fairseq.distributed import utils as distributed_utils
from fairseq.file_io import PathManager
from fairseq.optim import AMPOptimizer
from torch.multiprocessing.spawn import ProcessRaisedException

from fairseq_mlkd.checkpoint import is_torn, read_checkpoint
from fairseq_mlkd.errors import UserError, in_one_line

logger = logging.getLogger(__name__)

_NUMBERS = ("f2", "f4", "f8", "i4", "i8", "?")
_CORES = ("core", "_core")


def apply_all() -> None:
    """Mend fairseq in this process; the package does so when it is imported."""
    load_weights_only()
    check_checkpoints()
    go_on_from_whole_checkpoint()
    copy_whole_files()
    run_bf16_without_tpu()
    unscale_once()
    quiet_other_libraries()
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
        if arg_overrides is not None:  # of the command line
            overwrite_args_by_name(state["cfg"], arg_overrides)
        return state

    checkpoint_utils.load_checkpoint_to_cpu = load_checkpoint_to_cpu


def go_on_from_whole_checkpoint() -> None:
    """Have a run whose `checkpoint_last.pt` is torn go on from the newest whole one.

    Fault: fairseq ends in the reader's error, which does not even name the file.
    """
    load = checkpoint_utils.load_checkpoint

    @functools.wraps(load)
    def load_checkpoint(cfg: CheckpointConfig, trainer: Any, **options: Any) -> Any:
        try:
            return load(cfg, trainer, **options)
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
    parse = options.parse_args_and_arch

    @functools.wraps(parse)
    def parse_args_and_arch(*args: Any, **kwargs: Any) -> Any:
        parsed = parse(*args, **kwargs)
        given = parsed[0] if isinstance(parsed, tuple) else parsed
        if (
            getattr(given, "bf16", False)
            and importlib.util.find_spec("torch_xla") is None
        ):
            given.tpu = False
        return parsed

    options.parse_args_and_arch = parse_args_and_arch


def unscale_once() -> None:
    """Have `--amp` divide gradients by the loss scale once.

    Fault: `AMPOptimizer` has the scaler unscale PyTorch's optimizer, but step its own,
    whose gradients then count as scaled still.
    """

    def step(self: AMPOptimizer) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()

    AMPOptimizer.step = step


def quiet_other_libraries() -> None:
    """Have other libraries log trouble only.

    Fault: importing fairseq sets the root logger to DEBUG, at which matplotlib lists
    all fonts and urllib3 every try.
    """
    for library, level in (("matplotlib", "WARNING"), ("urllib3", "ERROR")):
        logging.getLogger(library).setLevel(level)


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
        if isinstance(error, UserError) or "fairseq_mlkd.errors" in str(error):
            print(line, file=sys.stderr)
        else:
            show(kind, error, trace)

    sys.excepthook = hook


def forget_last_job() -> None:
    """Make the jobs of a sweep in one process independent; tasks call it when built.

    Fault: fairseq keeps the best score and the patience so far on its functions.
    """
    from fairseq_cli import train

    for function in (checkpoint_utils.save_checkpoint, train.should_stop_early):
        for name in ("best", "num_runs"):
            function.__dict__.pop(name, None)
