"""What our tasks share: languages, honest row counts, a line of results a language."""

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch.distributed as dist
from fairseq import checkpoint_utils, utils
from fairseq.criterions import FairseqCriterion
from fairseq.data import Dictionary, FairseqDataset, iterators
from fairseq.dataclass import FairseqDataclass
from fairseq.models import BaseFairseqModel
from fairseq.tasks import FairseqTask
from omegaconf import II, MISSING
from torch import Tensor

from fairseq_mlkd.checkpoint import DICTIONARY_KEY, dictionary_sha256
from fairseq_mlkd.metrics.results import Result, append_results

logger = logging.getLogger(__name__)

ALL = "all"


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
    seed: int = II("common.seed")
    path: Optional[str] = II("common_eval.path")


class Supervision(NamedTuple):
    """Where a batch has labels: the hard loss and the distilled logits stand there."""

    model_inputs: Dict[str, Any]  # makes the model return logits (n, classes)
    target: Tensor  # (n,), class ids


class MultilingualTask(FairseqTask):
    """A task on several languages, whose subsets are called `SPLIT` or `SPLIT.LANG`."""

    cfg: MultilingualTaskConfig

    # what valid_step sums up per language, out of the criterion's logging output
    counters: Tuple[str, ...] = ()

    def __init__(self, cfg: MultilingualTaskConfig, dictionary: Dictionary) -> None:
        super().__init__(cfg)
        self.dictionary = dictionary
        self.is_restored = False  # a checkpoint is evaluated, none is trained
        # of the subset that was iterated over last
        self.subset = ""
        self.langs: List[str] = []
        _forget_last_job()

    @property
    def source_dictionary(self) -> Dictionary:
        return self.dictionary

    @property
    def target_dictionary(self) -> Dictionary:
        return self.dictionary

    # --- what a task of ours adds to fairseq's interface

    def add_heads(self, model: BaseFairseqModel) -> None:
        """Give a model, student or teacher, the heads that this task needs."""

    def supervise(self, sample: Dict[str, Any]) -> Supervision:
        """Say where `sample` has labels, and which."""
        raise NotImplementedError

    def count(self, logits: Tensor, target: Tensor) -> Dict[str, Tensor]:
        """Numbers to sum over batches, from which the task's metrics follow."""
        return {}

    def log_lang(self, lang: str, sums: Dict[str, float]) -> None:
        """Log a language's metric from its sums of `counters` over some batches."""
        raise NotImplementedError

    def measure(self, sums: Dict[str, float]) -> Dict[str, Any]:
        """A result from the sums of `counters` over a whole subset.

        Returns:
            `metric` by its full name, `value`, `examples` and, where there is one,
            `chance`.
        """
        raise NotImplementedError

    # --- fairseq's interface

    def build_model(
        self, cfg: FairseqDataclass, from_checkpoint: bool = False
    ) -> BaseFairseqModel:
        self.is_restored |= from_checkpoint
        with user_errors():
            model = super().build_model(cfg, from_checkpoint)
            self.add_heads(model)
        self.model_cfg = model.cfg
        return model

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

    def valid_step(
        self,
        sample: Dict[str, Any],
        model: BaseFairseqModel,
        criterion: FairseqCriterion,
    ) -> Tuple[Tensor, int, Dict[str, Any]]:
        loss, sample_size, log = super().valid_step(sample, model, criterion)
        for lang in self.langs:
            for key in self.counters:
                log[f"{key}/{lang}"] = log[key] if lang == sample["lang"] else 0
        return loss, sample_size, log

    def reduce_metrics(
        self, logging_outputs: List[Dict[str, Any]], criterion: FairseqCriterion
    ) -> None:
        super().reduce_metrics(logging_outputs, criterion)
        found = {}
        for lang in self.langs:
            sums = {
                key: sum(float(log.get(f"{key}/{lang}", 0)) for log in logging_outputs)
                for key in self.counters
            }
            if any(sums.values()):
                found[lang] = sums
                self.log_lang(lang, sums)
        first_worker = not dist.is_initialized() or dist.get_rank() == 0
        if self.is_restored and first_worker:
            self.write_results(found)

    def state_dict(self) -> Dict[str, Any]:
        return {
            **super().state_dict(),
            DICTIONARY_KEY: dictionary_sha256(self.dictionary),
        }

    def load_state_dict(self, state_dict: Dict[str, Any]) -> None:
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

    def max_positions(self) -> Optional[int]:
        return None

    # --- results

    def dropped_rows(self, lang: str) -> int:
        """Rows that preprocessing left out of the current subset in `lang`."""
        return 0

    def dataset_name(self) -> str:
        return os.path.basename(os.path.normpath(self.cfg.data))

    def write_results(self, found: Dict[str, Dict[str, float]]) -> None:
        checkpoint = self.cfg.path or ""
        folder = os.path.dirname(os.path.abspath(checkpoint))
        results = [
            Result(
                dataset=self.dataset_name(),
                model=self.cfg.model_name or os.path.basename(folder),
                lang=lang,
                split=self.subset.split(".")[0],
                dropped=self.dropped_rows(lang),
                seed=self.cfg.seed,
                checkpoint=checkpoint,
                **self.measure(sums),
            )
            for lang, sums in found.items()
        ]
        path = self.cfg.results or os.path.join(folder, "results.jsonl")
        append_results(path, results)
        logger.info("%d results appended to %s", len(results), path)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn a ValueError, the user's mistake, into one line and exit code 1."""
    try:
        yield
    except ValueError as error:
        logger.debug("where it was raised", exc_info=True)
        raise SystemExit(f"fairseq_mlkd: {error}") from None


def load_dictionary(data: str) -> Dictionary:
    """Read `dict.txt` of the (first) data folder.

    Raises:
        ValueError: there is none, or one of the folders is missing.
    """
    folders = utils.split_paths(data)
    for folder in folders:
        if not os.path.isdir(folder):
            raise ValueError(f"{folder}: no such folder")
    path = os.path.join(folders[0], "dict.txt")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is missing: is this a folder that preprocess/ wrote?")
    return Dictionary.load(path)


def split_subset(subset: str) -> Tuple[str, Optional[str]]:
    """`test.fr` -> (`test`, `fr`); `test` -> (`test`, None)."""
    split, _, lang = subset.partition(".")
    return split, lang or None


def _forget_last_job() -> None:
    """Clear what fairseq keeps on its functions: a sweep's jobs are independent."""
    from fairseq_cli import train

    for function in (checkpoint_utils.save_checkpoint, train.should_stop_early):
        for name in ("best", "num_runs"):
            function.__dict__.pop(name, None)
