"""Runs: what they need of the machine, what they log, how they follow one another."""

import errno
import functools
import importlib
import logging
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from fairseq import checkpoint_utils
from fairseq.data.iterators import EpochBatchIterator
from fairseq.distributed import utils as distributed_utils
from fairseq.logging import progress_bar
from fairseq.optim import AMPOptimizer
from fairseq.trainer import Trainer

from fairseq_mlkd.errors import UserError, in_one_line
from fairseq_mlkd.remedies import describe, needed_for

logger = logging.getLogger(__name__)

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def refuse_what_is_not_there() -> None:
    """Refuse --fp16, workers that fairseq starts, and wandb, where there is none.

    A processor that is slower with --bf16 is warned of.

    Fault: both end in tracebacks from deep inside, the second also in no training at
    all and status 0; a file that cannot be opened ends in one, too, and so do numbers
    that are none. Where Weights & Biases is asked for and missing, fairseq trains on
    without.
    """
    build, call = Trainer.__init__, distributed_utils.call_main

    @functools.wraps(build)
    @in_one_line
    def build_trainer(self: Trainer, cfg: Any, *args: Any, **kwargs: Any) -> None:
        on_cpu = cfg.common.cpu or not torch.cuda.is_available()
        if cfg.common.fp16 and on_cpu:
            raise ValueError("--fp16 needs a GPU: leave it out, or give --bf16")
        if cfg.common.bf16 and on_cpu and not _multiplies_bfloat16():
            logger.warning(
                "--bf16: this processor has no instructions for it and takes tens of "
                "times as long as without: leave it out"
            )
        if cfg.common.wandb_project:
            with needed_for("--wandb-project"):
                importlib.import_module("wandb")
        build(self, cfg, *args, **kwargs)

    @functools.wraps(call)
    def call_main(cfg: Any, main: Any, **kwargs: Any) -> Any:
        _check_numbers(cfg)
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


def _multiplies_bfloat16() -> bool:
    is_built = torch.backends.mkldnn.is_available()
    return is_built and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _remove_unfinished(folder: str) -> None:
    """Remove what fairseq began to write of a checkpoint."""
    for path in Path(folder).glob("checkpoint*.pt.tmp"):
        path.unlink()


@in_one_line
def _check_numbers(cfg: Any) -> None:
    given = [
        ("--batch-size", cfg.dataset.batch_size, 1),
        ("--max-tokens", cfg.dataset.max_tokens, 1),
        ("--num-workers", cfg.dataset.num_workers, 0),
        ("--seed", cfg.common.seed, 0),
        *(("--update-freq", number, 1) for number in cfg.optimization.update_freq),
    ]
    for flag, number, least in given:
        if number is not None and number < least:
            raise ValueError(f"{flag} {number} is below {least}")


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


def end_at_max_update() -> None:
    """Leave a training that has made `--max-update` updates as it is.

    Fault: fairseq compares after each update, so that a finished training that is
    started again makes one more, and writes its checkpoints anew.
    """
    load = checkpoint_utils.load_checkpoint

    @functools.wraps(load)
    def load_checkpoint(cfg: Any, trainer: Trainer, **kwargs: Any) -> Any:
        loaded = load(cfg, trainer, **kwargs)
        wanted, made = trainer.cfg.optimization.max_update, trainer.get_num_updates()
        if 0 < wanted <= made:
            logger.info("nothing to do: %d of --max-update %d made", made, wanted)
            trainer.cfg.optimization.stop_min_lr = math.inf
        return loaded

    checkpoint_utils.load_checkpoint = load_checkpoint


def say_that_training_diverged() -> None:
    """Have a training whose gradients are no numbers end in one line.

    Fault: it ends in a traceback that says nothing of what to do.
    """
    step = Trainer.train_step

    @functools.wraps(step)
    def train_step(self: Trainer, *args: Any, **kwargs: Any) -> Any:
        try:
            return step(self, *args, **kwargs)
        except FloatingPointError as error:
            number, folder = self.get_num_updates() + 1, self.cfg.checkpoint.save_dir
            raise UserError(
                f"fairseq_mlkd: update {number}: {describe(error)}: training diverged: "
                "lower --lr, or give --clip-norm 1 and --warmup-updates; "
                f"{folder}/crash.pt is where it stood"
            ) from None

    Trainer.train_step = train_step


def end_workers_of_past_iterators() -> None:
    """End the workers of a validation, or of an epoch, when the next one begins.

    Fault: what holds them is garbage in a circle, so that they live on until Python
    looks for it: each validation starts more. Their queues may go before they do; then
    they cannot be told to end, and are killed after five seconds of waiting.
    """
    for name in ("get_train_iterator", "get_valid_iterator"):
        setattr(Trainer, name, _ending_the_past(getattr(Trainer, name)))


def _ending_the_past(
    get: Callable[..., EpochBatchIterator],
) -> Callable[..., EpochBatchIterator]:
    past: WeakKeyDictionary[Trainer, EpochBatchIterator] = WeakKeyDictionary()

    @functools.wraps(get)
    def get_iterator(self: Trainer, *args: Any, **kwargs: Any) -> EpochBatchIterator:
        iterator = get(self, *args, **kwargs)
        last = past.get(self, iterator)
        # other tasks' iterators may have none
        workers = getattr(getattr(last, "dataloader", None), "_iterator", None)
        if workers is not None and last is not iterator:
            workers._shutdown_workers()
            last.dataloader = None  # a subset that comes again starts its own
        past[self] = iterator
        return iterator

    return get_iterator


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
