"""The base of our tasks: how models, criterions, batches and scores are made."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional

import numpy as np
import torch
from fairseq import utils
from fairseq.criterions import FairseqCriterion
from fairseq.data import Dictionary, FairseqDataset, iterators
from fairseq.dataclass import FairseqDataclass
from fairseq.models import BaseFairseqModel
from fairseq.optim import FairseqOptimizer
from fairseq.tasks import FairseqTask
from numpy.typing import NDArray
from omegaconf import II, MISSING
from torch import Tensor

from fairseq_mlkd.checkpoint import (
    DICTIONARY_KEY,
    SELECTION_KEY,
    dictionary_sha256,
    selection_rule,
)
from fairseq_mlkd.data.binary import binary_sha256
from fairseq_mlkd.distillation.contract import (
    Alignment,
    Distillable,
    ModelShape,
    Sample,
    Supervision,
)
from fairseq_mlkd.errors import UserError, in_one_line
from fairseq_mlkd.fairseq_fixes.checkpoints import patience_so_far, set_patience
from fairseq_mlkd.fairseq_fixes.runs import forget_last_job
from fairseq_mlkd.metrics.metric import Counts, Labels, Metric, find_right
from fairseq_mlkd.options import ENCODER_GROUP, option
from fairseq_mlkd.tasks._checks import (
    check_arch,
    check_best_metric,
    check_criterion,
    check_direction,
    check_example_lengths,
    check_longest,
    check_results_path,
)
from fairseq_mlkd.tasks._encoder import copy_shape, read_encoder, start_encoder
from fairseq_mlkd.tasks._generation import Hypotheses, TextReader, TypedDataset
from fairseq_mlkd.tasks._outcomes import OutcomeRecorder, Outcomes
from fairseq_mlkd.tasks._scoring import LanguageScores, is_first_worker

logger = logging.getLogger(__name__)

# --ddp-backend: their workers hold parts of a model, or models that differ, where
# teacher and projections count on whole and equal ones
_UNFIT_BACKENDS = ("fully_sharded", "slowmo")
_PATIENCE_KEY = "patience"  # in a checkpoint's task state


@dataclass
class MultilingualTaskConfig(FairseqDataclass):
    data: str = option(MISSING, "folder of binary data; several: shards, a:b")
    results: Optional[str] = option(
        None,
        "file that fairseq-validate appends its results to, one JSON line "
        "per language; default: results.jsonl beside the checkpoint",
    )
    model_name: Optional[str] = option(
        None, "name in the results; default: the checkpoint's folder"
    )
    encoder_path: Optional[str] = option(
        None, "checkpoint whose encoder training starts from"
    )
    encoder_path_layers: Optional[str] = option(
        None,
        "start a student from some layers of a deeper --encoder-path: `uniform`, "
        "`last`, `last-K` (the student's last K alone) or their numbers from 1, such "
        "as 3,6,9,12, a narrower student in its own coordinates; default: that encoder "
        "must have this model's shape",
    )
    init_seed: Optional[int] = option(
        None,
        "seed of the weights that a new model starts from at random, as heads and "
        "decoders do; default: --seed. Seeds whose mean is to be a model need the "
        "same one",
    )
    sampling_seed: Optional[int] = option(
        None,
        "seed of what is drawn and masked; default: --seed. Students that "
        "share a --teacher-cache need the same one",
    )
    text_tokenizer: Optional[str] = option(
        None,
        "folder of mlkd-corpus or mlkd-import, whose tokenizer cuts what "
        "fairseq-interactive reads; default: the data folder",
    )
    text_lang: str = option("en", "language of what fairseq-interactive reads")
    seed: int = II("common.seed")
    path: Optional[str] = II("common_eval.path")
    ddp_backend: str = II("distributed_training.ddp_backend")
    valid_subset: str = II("dataset.valid_subset")
    disable_validation: bool = II("dataset.disable_validation")
    best_checkpoint_metric: str = II("checkpoint.best_checkpoint_metric")
    maximize_best_checkpoint_metric: bool = II(
        "checkpoint.maximize_best_checkpoint_metric"
    )
    save_dir: str = II("checkpoint.save_dir")
    restore_file: str = II("checkpoint.restore_file")


class MultilingualTask(FairseqTask):
    """A task on several languages, whose subsets are called `SPLIT` or `SPLIT.LANG`.

    Args:
        cfg: the options.
        dictionary: the symbols of the input.
        metric: what models are scored by, in each language.
    """

    cfg: MultilingualTaskConfig

    # as in `Distillable`
    unlabelled_data: str | None = None
    keep_lm_head = False
    # criterions of fairseq under which the scores are right, too
    other_criterions: tuple[str, ...] = ()

    def __init__(
        self, cfg: MultilingualTaskConfig, dictionary: Dictionary, metric: Metric
    ) -> None:
        super().__init__(cfg)
        if cfg.ddp_backend in _UNFIT_BACKENDS:
            raise ValueError(
                f"--ddp-backend {cfg.ddp_backend} is not supported: "
                "choose pytorch_ddp or legacy_ddp"
            )
        self.dictionary = dictionary
        self.scores = LanguageScores(metric)
        self.outcomes = OutcomeRecorder()  # of an evaluation
        self.selection: str | None = None  # what the evaluated checkpoint says of it
        self.typed: TypedDataset | None = None  # lines of fairseq-interactive
        self.is_restored = False  # whether a checkpoint is evaluated, not trained
        self.student: BaseFairseqModel | None = None  # a model to train
        # of the model last built, whose inputs are read
        self.model_shape: ModelShape | None = None
        forget_last_job()

    @property
    def source_dictionary(self) -> Dictionary:
        return self.dictionary

    @property
    def target_dictionary(self) -> Dictionary:
        return self.dictionary

    # --- what a task of ours adds to fairseq's interface

    def open_lines(self, lines: Sequence[str], text: TextReader) -> FairseqDataset:
        """Open lines of text, without labels.

        Raises:
            ValueError: a line is not in the form of the task's input.
        """
        raise NotImplementedError

    def languages(self, subset: str) -> list[str]:
        """Return the languages of a subset."""
        raise NotImplementedError

    def add_heads(self, model: BaseFairseqModel) -> None:
        """Give a model, student or teacher, the heads that this task needs."""

    def check_head(self, model: BaseFairseqModel, name: str) -> None:
        """Refuse a model, called `name`, that cannot give this task's logits."""

    def label_names(self) -> list[str]:
        """Return what the heads that fine-tuning adds can say, in their order."""
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

    def eval_lm_dataloader(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse fairseq-eval-lm, which asks for this."""
        raise UserError(
            "fairseq_mlkd: fairseq-eval-lm is for models that read from left to right: "
            f"score {self.cfg._name} with fairseq-validate"
        )

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        """Say where `sample` has labels, and which."""
        raise NotImplementedError

    def count(
        self, sample: dict[str, Any], logits: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return counts of the task's metric that follow from logits.

        Args:
            logits: head -> `(n, classes)`, at the labels that `supervise` named.
        """
        return {}

    def count_generated(
        self, sample: dict[str, Any], model: BaseFairseqModel
    ) -> dict[str, Tensor]:
        """Return counts that need more than the logits at the labels."""
        return {}

    def record(
        self,
        sample: dict[str, Any],
        gold: Sequence[Labels],
        predicted: Sequence[Labels],
        probs: Tensor,
    ) -> None:
        """Keep what became of each row of an evaluation.

        Args:
            gold: the true labels of each row.
            predicted: those of a model, for the same rows.
            probs: `(bsz,)`, the model's probabilities of `predicted`.
        """
        rows = self.scores.metric.outcomes(gold, predicted)
        right = find_right(gold, predicted)
        shares = probs.double().cpu().numpy()
        self.outcomes.add(sample, Outcomes(rows, right, shares))

    # --- models and criterions

    @in_one_line
    def build_model(
        self, cfg: FairseqDataclass, from_checkpoint: bool = False
    ) -> BaseFairseqModel:
        self.is_restored |= from_checkpoint
        check_arch(cfg)
        pretrained = (
            None if from_checkpoint else read_encoder(self.cfg, self.dictionary)
        )
        if not from_checkpoint and not cfg.encoder_layers:
            copy_shape(pretrained, cfg)
        with seeded(self.cfg.init_seed):
            model = super().build_model(cfg, from_checkpoint)
            self.add_heads(model)
        built = "a model with --no-lm-head"
        loaded = self.cfg.path or "the checkpoint's model"
        self.check_head(model, loaded if from_checkpoint else built)
        if not from_checkpoint:
            self.start_from(pretrained, model)
            for parameter in model.encoder.parameters():
                parameter.param_group = ENCODER_GROUP
            self.prepare_for_training(model)
            self.student = model
        self.model_shape = ModelShape.of(model.cfg)
        return model

    def start_from(
        self, pretrained: dict[str, Any] | None, model: BaseFairseqModel
    ) -> None:
        """Give a model that has just been built what it takes of `--encoder-path`."""
        if pretrained is not None:
            start_encoder(pretrained, model, self.cfg, self.dictionary)

    def prepare_for_training(self, model: BaseFairseqModel) -> None:
        """Freeze what is not trained of a model that has just been built."""

    @in_one_line
    def build_criterion(self, cfg: FairseqDataclass, **kwargs: Any) -> FairseqCriterion:
        check_criterion(cfg._name, self.cfg._name, self.other_criterions)
        if self.is_restored:
            check_results_path(self._results_path())
        criterion = super().build_criterion(cfg, **kwargs)
        if not self.is_restored and not self.cfg.disable_validation:
            subset = self.cfg.valid_subset.split(",")[0]
            keys = self.scores.keys(self.languages(subset))
            terms: list[str] = getattr(criterion, "validation_losses", list)()
            metric = self.cfg.best_checkpoint_metric
            check_best_metric(metric, keys, terms, cfg, subset)
            check_direction(metric, self.cfg.maximize_best_checkpoint_metric)
        return criterion

    # --- batches

    @in_one_line
    def get_batch_iterator(
        self, dataset: FairseqDataset, *args: Any, **kwargs: Any
    ) -> iterators.EpochBatchIterator:
        """Do as upstream, but every example is seen, and the process can end cleanly.

        fairseq's main branch drops examples to round a batch, and its buffering thread,
        alive when training stops within an epoch, aborts the process.

        Raises:
            ValueError: an example to be scored is longer than `--max-tokens`.
        """
        kwargs.update(required_batch_size_multiple=1, data_buffer_size=0)
        name, limit = self._name(dataset), kwargs.get("max_tokens")
        if limit is not None and self._is_scored(name):
            check_longest(name, dataset, limit)
        return super().get_batch_iterator(dataset, *args, **kwargs)

    def filter_indices_by_size(
        self,
        indices: NDArray[np.int64],
        dataset: FairseqDataset,
        max_positions: Any = None,
        ignore_invalid_inputs: bool = False,
    ) -> NDArray[np.int64]:
        """Do as upstream in training; elsewhere nothing may leave the score.

        Raises:
            ValueError: an example is longer than the model takes, or all are.
        """
        if self._is_scored(name := self._name(dataset)):
            check_example_lengths(name, dataset, indices, max_positions)
        kept = super().filter_indices_by_size(
            indices, dataset, max_positions, ignore_invalid_inputs
        )
        if len(indices) and not len(kept):
            raise ValueError(
                f"{name}: all {len(indices)} examples are longer than {max_positions} "
                "tokens: give a larger --max-tokens"
            )
        return kept

    def _name(self, dataset: FairseqDataset) -> str:
        return next((n for n, d in self.datasets.items() if d is dataset), "the data")

    def _is_scored(self, subset: str) -> bool:
        """Say whether a subset is not, or not only, trained on."""
        is_train = split_subset(subset)[0] == "train"
        is_valid = subset in self.cfg.valid_subset.split(",")
        return self.is_restored or is_valid or not is_train

    def max_positions(self) -> int | None:
        return None

    def longest_input(self) -> int:
        """Return the longest input that the model takes, in subwords.

        `sys.maxsize` before there is a model.
        """
        shape = self.model_shape
        return sys.maxsize if shape is None else shape.max_positions

    def sampling_seed(self) -> int:
        """Return what drawing and masking examples is seeded with.

        Raises:
            ValueError: it is below 0.
        """
        seed = self.cfg.sampling_seed
        if seed is None:
            return self.cfg.seed
        if seed < 0:
            raise ValueError(f"--sampling-seed {seed} is below 0")
        return seed

    def describe_examples(self) -> dict[str, Any]:
        """Return what decides the examples of `train`, by option."""
        folders = utils.split_paths(self.cfg.data)
        return {
            "--task": type(self).__name__,
            "dictionary": dictionary_sha256(self.dictionary),
            "training data": binary_sha256(folders, "train"),
        }

    def training_lengths(self) -> NDArray[np.int64]:
        """Return the lengths `(n,)` of the training examples in tokens.

        None are there before `train` is loaded.
        """
        loaded = (n for n in self.datasets if split_subset(n)[0] == "train")
        name = next(loaded, None)
        return np.asarray([] if name is None else self.datasets[name].sizes)

    # --- typed text

    def get_interactive_tokens_and_lengths(
        self, lines: list[str], encode_fn: Any
    ) -> tuple[list[str], list[int]]:
        """Leave lines as they are, for `build_dataset_for_inference`."""
        return lines, [len(line) for line in lines]

    @in_one_line
    def build_dataset_for_inference(
        self, src_tokens: list[str], src_lengths: list[int], **kwargs: Any
    ) -> FairseqDataset:
        lines = self.open_lines(src_tokens, self.text_reader)
        self.typed = TypedDataset(lines, self.cfg.text_lang)
        return self.typed

    @cached_property
    def text_reader(self) -> TextReader:
        """The reader of lines of fairseq-interactive, which come in many buffers."""
        cfg = self.cfg
        data = utils.split_paths(cfg.data)[0]
        return TextReader(cfg.text_tokenizer, data, self.dictionary, cfg.text_lang)

    def inference_step(
        self,
        generator: Any,
        models: list[BaseFairseqModel],
        sample: dict[str, Any],
        prefix_tokens: Tensor | None = None,
        constraints: Tensor | None = None,
    ) -> Hypotheses:
        """Do as upstream, also on the subwords alone that fairseq-interactive gives."""
        if "id" not in sample and self.typed is not None:
            sample = self.typed.complete(sample)
        return super().inference_step(
            generator, models, sample, prefix_tokens, constraints
        )

    # --- steps

    @in_one_line  # what training reads, as --teacher-cache, can be damaged
    def train_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: FairseqCriterion,
        optimizer: FairseqOptimizer,
        update_num: int,
        ignore_grad: bool = False,
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Do as upstream; what the loss does not reach has a gradient of 0.

        With several workers or in half precision fairseq sees to that itself. Without,
        weight decay and the clipping of gradients would differ there.
        """
        result = super().train_step(
            sample, model, criterion, optimizer, update_num, ignore_grad
        )
        for parameter in optimizer.params:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return result

    def valid_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: FairseqCriterion,
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Do as upstream, and count for the task's metric, in the batch's language.

        The criterion has what `count` made of its logits in its log. A worker that has
        no more batches where others do counts nothing.
        """
        if not sample:
            return torch.zeros(()), 0, {}
        loss, sample_size, log = super().valid_step(sample, model, criterion)
        counts = {**log, **self.count_generated(sample, model)}
        return loss, sample_size, {**log, **self.scores.by_language(sample, counts)}

    def reduce_metrics(
        self, logging_outputs: list[dict[str, Any]], criterion: FairseqCriterion
    ) -> None:
        super().reduce_metrics(logging_outputs, criterion)
        found = self.scores.add_up(logging_outputs)
        self.scores.log(found)
        if not self.is_restored:
            return
        outcomes = self.outcomes.collect()
        if is_first_worker():
            for subset, counts in found.items():
                self.write_results(subset, counts, outcomes.get(subset, {}))

    # --- results

    def dropped_rows(self, subset: str) -> int:
        """Return how many rows preprocessing left out of `SPLIT.LANG`."""
        return 0

    def dataset_name(self) -> str:
        return os.path.basename(os.path.normpath(self.cfg.data))

    def _folder(self) -> str:
        return os.path.dirname(os.path.abspath(self.cfg.path or ""))

    def _results_path(self) -> str:
        return self.cfg.results or os.path.join(self._folder(), "results.jsonl")

    def write_results(
        self,
        subset: str,
        counts: dict[str, Counts],
        outcomes: dict[str, Outcomes],
    ) -> None:
        """Append the scores of a subset to the results, a line per language and score.

        Args:
            counts: of each language.
            outcomes: of each language, what became of each example.
        """
        split, _ = split_subset(subset)
        about = {
            "dataset": self.dataset_name(),
            "model": self.cfg.model_name or os.path.basename(self._folder()),
            "split": split,
            "seed": self.cfg.seed,
            "checkpoint": self.cfg.path or "",
            "selection": selection_rule(self.cfg.path or "", self.selection),
        }
        dropped = {lang: self.dropped_rows(f"{split}.{lang}") for lang in counts}
        self.scores.write(self._results_path(), counts, dropped, outcomes, **about)

    # --- state

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            DICTIONARY_KEY: dictionary_sha256(self.dictionary),
            _PATIENCE_KEY: patience_so_far(),
        }

    @in_one_line
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if not self.is_restored:
            set_patience(state_dict.pop(_PATIENCE_KEY, None))
        self.selection = state_dict.pop(SELECTION_KEY, None)
        if state_dict.pop(DICTIONARY_KEY, None) not in (
            None,
            dictionary_sha256(self.dictionary),
        ):
            raise ValueError(
                f"{self.cfg.data}: its dict.txt is not the one that the checkpoint "
                "was trained with: build the data with that one"
            )
        super().load_state_dict(state_dict)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Draw random weights from a seed of their own, and go on as if nothing had been.

    Args:
        seed: None: as usual.
    """
    if seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def split_subset(subset: str) -> tuple[str, str | None]:
    """Map `test.fr` to (`test`, `fr`); `test` -> (`test`, None)."""
    split, _, lang = subset.partition(".")
    return split, lang or None
