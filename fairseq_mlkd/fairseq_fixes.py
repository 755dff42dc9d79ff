"""Every mend of fairseq and PyTorch, each with the upstream fault that it answers."""

import argparse
import functools
import importlib.util
import logging
import os
import re
import shutil
import sys
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from fairseq import checkpoint_utils, options
from fairseq.dataclass.utils import overwrite_args_by_name
from fairseq.distributed import utils as distributed_utils
from fairseq.file_io import PathManager
from fairseq.optim import AMPOptimizer
from torch.multiprocessing.spawn import ProcessRaisedException

from fairseq_mlkd.checkpoint import read_checkpoint

_NUMBERS = ("f2", "f4", "f8", "i4", "i8", "?")
_CORES = ("core", "_core")


class UserError(ValueError):
    """A user's mistake, in one line that says what to do."""


def apply_all() -> None:
    """Mend fairseq in this process; the package does so when it is imported."""
    end_in_one_line()
    load_weights_only()
    check_checkpoints()
    copy_whole_files()
    run_bf16_without_tpu()
    unscale_once()
    quiet_other_libraries()


def end_in_one_line() -> None:
    """Have a command end with the text of a `UserError`; in Python it is an exception.

    Fault: fairseq's commands print the traceback of whatever goes wrong, several times
    where there are several workers.
    """
    print_traceback = sys.excepthook

    def print_error(kind: type[BaseException], error: BaseException, trace: Any) -> Any:
        text = str(error) if isinstance(error, UserError) else None
        if isinstance(error, ProcessRaisedException):
            # how torch passes on what a worker raised, as text
            found = re.search(rf"{UserError.__qualname__}: (.*)\s*$", str(error))
            text = found[1] if found else None
        if text is None:
            return print_traceback(kind, error, trace)
        print(f"fairseq_mlkd: {text}", file=sys.stderr)

    sys.excepthook = print_error


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

    def load_checkpoint_to_cpu(
        path: str,
        arg_overrides: dict[str, Any] | None = None,
        load_on_all_ranks: bool = False,
    ) -> dict[str, Any]:
        try:
            state = read_checkpoint(path, "checkpoint")
        except ValueError as error:
            raise UserError(str(error)) from None
        if arg_overrides is not None:  # of the command line
            overwrite_args_by_name(state["cfg"], arg_overrides)
        return state

    checkpoint_utils.load_checkpoint_to_cpu = load_checkpoint_to_cpu


def copy_whole_files() -> None:
    """Have a killed run leave whole checkpoints alone, so that it can be resumed.

    Fault: fairseq renames the first file that it saves into place, but then copies it
    onto `checkpoint_last.pt` and `checkpoint_best.pt`, which resuming would find torn.
    """
    copy = PathManager.copy

    def copy_whole(src_path: str, dst_path: str, overwrite: bool = False) -> bool:
        if not PathManager.supports_rename(dst_path):
            return bool(copy(src_path, dst_path, overwrite))
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


def forget_last_job() -> None:
    """Make the jobs of a sweep in one process independent; tasks call it when built.

    Fault: fairseq keeps the best score and the patience so far on its functions.
    """
    from fairseq_cli import train

    for function in (checkpoint_utils.save_checkpoint, train.should_stop_early):
        for name in ("best", "num_runs"):
            function.__dict__.pop(name, None)
