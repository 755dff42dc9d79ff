"""Checkpoints: which are read, how a run goes on from one, how they are written."""

import argparse
import copy
import functools
import logging
import os
import re
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from fairseq import checkpoint_utils
from fairseq.dataclass.configs import CheckpointConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from fairseq.distributed import utils as distributed_utils
from fairseq.file_io import PathManager
from fairseq.optim.fp16_optimizer import FP16Optimizer
from fairseq.optim.lr_scheduler import FairseqLRScheduler
from fairseq.optim.lr_scheduler.reduce_lr_on_plateau import ReduceLROnPlateauLRSchedule
from fairseq.trainer import Trainer

from fairseq_mlkd.checkpoint import dictionary_beside, is_torn, read_checkpoint
from fairseq_mlkd.errors import UserError, in_one_line

logger = logging.getLogger(__name__)

_NUMBERS = ("f2", "f4", "f8", "i4", "i8", "?")
_CORES = ("core", "_core")
# what fairseq calls the checkpoints that it saves
_SAVED = re.compile(r"checkpoint(\d+|_\d+_\d+|_best|_last|\.best_.+)\.pt")


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
    """Return the newest checkpoint of fairseq's that can be read.

    Means of checkpoints, and what a crash leaves, cannot be gone on from.
    """
    paths = [path for path in os.scandir(folder) if _SAVED.fullmatch(path.name)]
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


def name_other_schedules() -> None:
    """Have a run that resumes with another `--lr-scheduler` say what does not fit.

    Fault: schedules look for what others have not saved, so that a checkpoint of the
    default one seems damaged.
    """
    for schedule in (FairseqLRScheduler, ReduceLROnPlateauLRSchedule):
        schedule.load_state_dict = _asking_for_best(schedule.load_state_dict)


def _asking_for_best(load: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(load)
    def load_state_dict(self: FairseqLRScheduler, state: dict[str, Any]) -> None:
        if "best" not in state:
            name = self.cfg._name
            raise ValueError(
                f"was not saved with --lr-scheduler {name}: give the one that it was "
                "trained with, or --reset-lr-scheduler to begin this one anew"
            )
        load(self, state)

    return load_state_dict


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


def save_float32_parameters() -> None:
    """Have a run with `--fp16` or `--bf16` go on from the parameters that it updates.

    Fault: fairseq updates a copy of the parameters in float32, but saves only the
    rounded ones, from which a resumed run makes a copy anew.
    """
    save, load = FP16Optimizer.state_dict, FP16Optimizer.load_state_dict

    @functools.wraps(save)
    def state_dict(self: FP16Optimizer) -> dict[str, Any]:
        copies = [parameter.data for parameter in _float32_parameters(self)]
        return {**save(self), _FLOAT32: copies}

    @functools.wraps(load)
    def load_state_dict(
        self: FP16Optimizer, state: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        state = dict(state)
        saved = state.pop(_FLOAT32, None)  # fairseq's own checkpoints have none
        load(self, state, *args, **kwargs)
        if saved is not None:
            _restore_float32(_float32_parameters(self), saved)

    FP16Optimizer.state_dict = state_dict
    FP16Optimizer.load_state_dict = load_state_dict


_FLOAT32 = "float32_parameters"


def _float32_parameters(optimizer: FP16Optimizer) -> list[torch.nn.Parameter]:
    """Return the copy: a parameter each, or all in one vector per device."""
    copies = optimizer.fp32_params
    return list(copies.values()) if isinstance(copies, dict) else list(copies)


def _restore_float32(ours: Sequence[torch.nn.Parameter], saved: Any) -> None:
    """Take over what a checkpoint holds.

    Raises:
        ValueError: it is not of these parameters.
    """
    if not isinstance(saved, list) or list(map(_form, saved)) != list(map(_form, ours)):
        raise ValueError(
            "its float32 parameters are damaged, or were trained with another "
            "--fp16-no-flatten-grads than this run's: give --reset-optimizer"
        )
    for parameter, tensor in zip(ours, saved):
        parameter.data.copy_(tensor)


def _form(tensor: Any) -> Any:
    is_tensor = isinstance(tensor, torch.Tensor)
    return (tensor.shape, tensor.dtype, tensor.layout) if is_tensor else None


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
