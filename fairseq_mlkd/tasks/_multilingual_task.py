"""What our tasks share: how models, criterions and batches are made."""

import logging
import sys
from dataclasses import dataclass, field
from typing import (
    Any,
    Optional,
)

import numpy as np
import torch
from fairseq import utils
from fairseq.criterions import FairseqCriterion
from fairseq.data import Dictionary, FairseqDataset, iterators
from fairseq.dataclass import FairseqDataclass
from fairseq.models import BaseFairseqModel
from fairseq.optim import FairseqOptimizer
from omegaconf import II, MISSING
from torch import Tensor

from fairseq_mlkd.checkpoint import (
    DICTIONARY_KEY,
    check_dictionary,
    dictionary_sha256,
    read_checkpoint,
)
from fairseq_mlkd.data.binary import binary_sha256
from fairseq_mlkd.distillation.contract import (
    Alignment,
    Distillable,
    ModelShape,
    Sample,
    Supervision,
)
from fairseq_mlkd.fairseq_fixes import forget_last_job
from fairseq_mlkd.tasks._encoder import FLAG, copy_shape, load_encoder, load_layers
from fairseq_mlkd.tasks._measuring_task import MeasuringTask
from fairseq_mlkd.tasks._user_input import split_subset, user_errors

logger = logging.getLogger(__name__)

# --ddp-backend: their workers hold parts of a model, or models that differ, where
# teacher and projections count on whole and equal ones
_UNFIT_BACKENDS = ("fully_sharded", "slowmo")


@dataclass
class MultilingualTaskConfig(FairseqDataclass):
    data: str = field(
        default=MISSING,
        metadata={"help": "folder of binary data; several: shards, a:b"},
    )
    results: Optional[str] = field(
        default=None,
        metadata={
            "help": "file that fairseq-validate appends its results to, one JSON line "
            "a language; default: results.jsonl beside the checkpoint"
        },
    )
    model_name: Optional[str] = field(
        default=None,
        metadata={"help": "name in the results; default: the checkpoint's folder"},
    )
    encoder_path: Optional[str] = field(
        default=None,
        metadata={"help": "checkpoint whose encoder training starts from"},
    )
    encoder_path_layers: Optional[str] = field(
        default=None,
        metadata={
            "help": "start a student from some layers of a deeper --encoder-path: "
            "`uniform`, `last` or their numbers from 1, such as 3,6,9,12; default: "
            "that encoder must have this model's shape"
        },
    )
    sampling_seed: Optional[int] = field(
        default=None,
        metadata={
            "help": "seed of what is drawn and masked; default: --seed. Students that "
            "share a --teacher-cache need the same one"
        },
    )
    seed: int = II("common.seed")
    path: Optional[str] = II("common_eval.path")
    ddp_backend: str = II("distributed_training.ddp_backend")


class MultilingualTask(MeasuringTask):
    """A task on several languages, whose subsets are called `SPLIT` or `SPLIT.LANG`."""

    cfg: MultilingualTaskConfig

    # as in `Distillable`
    unlabelled_data: str | None = None
    keep_lm_head = False

    def __init__(self, cfg: MultilingualTaskConfig, dictionary: Dictionary) -> None:
        super().__init__(cfg)
        if cfg.ddp_backend in _UNFIT_BACKENDS:
            raise ValueError(
                f"--ddp-backend {cfg.ddp_backend} is not supported: "
                "choose pytorch_ddp or legacy_ddp"
            )
        self.dictionary = dictionary
        self.model_shape: ModelShape | None = None  # of the model last built
        forget_last_job()

    @property
    def source_dictionary(self) -> Dictionary:
        return self.dictionary

    @property
    def target_dictionary(self) -> Dictionary:
        return self.dictionary

    # --- what a task of ours adds to fairseq's interface

    def add_heads(self, model: BaseFairseqModel) -> None:
        """Give a model, student or teacher, the heads that this task needs."""

    def check_head(self, model: BaseFairseqModel, name: str) -> None:
        """Refuse a model, called `name`, that cannot give this task's logits."""

    def label_names(self) -> list[str]:
        """What the heads that fine-tuning adds can say, in their order."""
        return []

    def place_heads(self, sample: Sample) -> dict[str, Tensor]:
        """Say where heads have something to say without labels: see `Distillable`."""
        raise NotImplementedError

    def align(self, sample: Sample) -> Alignment:
        """Say where a batch meets another reading of it: see `Distillable`."""
        raise NotImplementedError

    def open_teacher_data(
        self, data: str, shape: ModelShape, *, with_states: bool
    ) -> Distillable:
        """Have batches hold the teacher's rows, too: see `Distillable`."""
        raise ValueError("--teacher-data is for fine-tuning on a benchmark alone")

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        """Say where `sample` has labels, and which."""
        raise NotImplementedError

    # --- fairseq's interface

    def build_model(
        self, cfg: FairseqDataclass, from_checkpoint: bool = False
    ) -> BaseFairseqModel:
        self.is_restored |= from_checkpoint
        with user_errors():
            pretrained = None if from_checkpoint else self._read_encoder()
            if not from_checkpoint and not cfg.encoder_layers:
                copy_shape(pretrained, cfg)
            model = super().build_model(cfg, from_checkpoint)
            self.add_heads(model)
            if not from_checkpoint:
                self.start_from(pretrained, model)
                self.prepare_for_training(model)
        self.model_shape = ModelShape.of(model.cfg)
        return model

    def _read_encoder(self) -> dict[str, Any] | None:
        path = self.cfg.encoder_path
        if path is None:
            if self.cfg.encoder_path_layers is not None:
                raise ValueError("--encoder-path-layers needs --encoder-path")
            return None
        pretrained = read_checkpoint(path, FLAG)
        check_dictionary(pretrained, self.dictionary, path, FLAG)
        return pretrained

    def start_from(
        self, pretrained: dict[str, Any] | None, model: BaseFairseqModel
    ) -> None:
        """Give a model that has just been built what it takes of `--encoder-path`."""
        path, layers = str(self.cfg.encoder_path), self.cfg.encoder_path_layers
        if pretrained is None:
            return
        if layers is None:
            load_encoder(pretrained, model, path)
        else:
            load_layers(pretrained, model, path, layers)

    def prepare_for_training(self, model: BaseFairseqModel) -> None:
        """Freeze what is not trained of a model that has just been built."""

    def build_criterion(self, cfg: FairseqDataclass, **kwargs: Any) -> FairseqCriterion:
        with user_errors():
            return super().build_criterion(cfg, **kwargs)

    def get_batch_iterator(
        self, dataset: FairseqDataset, *args: Any, **kwargs: Any
    ) -> iterators.EpochBatchIterator:
        """As upstream, but every example is seen, and the process can end cleanly.

        fairseq's main branch drops examples to round a batch, and its buffering thread,
        alive when training stops within an epoch, aborts the process.
        """
        self.subset = next((n for n, d in self.datasets.items() if d is dataset), "")
        self.langs = dataset.langs
        kwargs.update(required_batch_size_multiple=1, data_buffer_size=0)
        return super().get_batch_iterator(dataset, *args, **kwargs)

    def train_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: FairseqCriterion,
        optimizer: FairseqOptimizer,
        update_num: int,
        ignore_grad: bool = False,
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """As upstream; what the loss does not reach has a gradient of 0.

        With several workers or in half precision fairseq sees to that itself. Without,
        weight decay and the clipping of gradients would differ there.
        """
        with user_errors():  # what training reads, as --teacher-cache, can be damaged
            result = super().train_step(
                sample, model, criterion, optimizer, update_num, ignore_grad
            )
        for parameter in optimizer.params:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return result

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            DICTIONARY_KEY: dictionary_sha256(self.dictionary),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        with user_errors():
            if state_dict.pop(DICTIONARY_KEY, None) not in (
                None,
                self.state_dict()[DICTIONARY_KEY],
            ):
                raise ValueError(
                    f"{self.cfg.data}: its dict.txt is not the one that the checkpoint "
                    "was trained with: build the data with that one"
                )
        super().load_state_dict(state_dict)

    def max_positions(self) -> int | None:
        return None

    def sampling_seed(self) -> int:
        """What drawing and masking examples is seeded with."""
        seed = self.cfg.sampling_seed
        return self.cfg.seed if seed is None else seed

    def describe_examples(self) -> dict[str, Any]:
        """What decides the examples of `train`, by option: equal values, equal ones."""
        folders = utils.split_paths(self.cfg.data)
        return {
            "--task": type(self).__name__,
            "dictionary": dictionary_sha256(self.dictionary),
            "training data": binary_sha256(folders, "train"),
        }

    def training_lengths(self) -> np.ndarray:
        """Return the lengths `(n,)` of the training examples in tokens."""
        name = next(n for n in self.datasets if split_subset(n)[0] == "train")
        return np.asarray(self.datasets[name].sizes)

    def longest_input(self) -> int:
        """How many subwords the model takes; no limit as long as there is no model."""
        return (
            sys.maxsize if self.model_shape is None else self.model_shape.max_positions
        )
