"""What fine-tuning tasks share: train on one language, test on every language."""

import logging
from dataclasses import dataclass, field
from os.path import join
from pathlib import Path
from typing import Any, Optional

from fairseq.criterions import FairseqCriterion
from fairseq.data import Dictionary, FairseqDataset
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.models import BaseFairseqModel
from omegaconf import II
from torch import Tensor

from fairseq_mlkd.checkpoint import LABELS_KEY, symbols_sha256
from fairseq_mlkd.data.binary import binary_sha256
from fairseq_mlkd.data.companion_datasets import MixedDataset
from fairseq_mlkd.data.folders import read_audit
from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset, Masking
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sentence_dataset import SentenceDataset
from fairseq_mlkd.distillation.config import ExtraWeights, extra_weights
from fairseq_mlkd.distillation.contract import Alignment, ModelShape
from fairseq_mlkd.metrics.transfer import (
    Scores,
    compare_languages,
    find_forgetting,
    read_scores,
)
from fairseq_mlkd.tasks._encoder import keep_lm_head
from fairseq_mlkd.tasks._labels import check_restored_labels
from fairseq_mlkd.tasks._measuring_task import is_first_worker
from fairseq_mlkd.tasks._multilingual_task import (
    MultilingualTask,
    MultilingualTaskConfig,
)
from fairseq_mlkd.tasks._sentences import open_unlabelled
from fairseq_mlkd.tasks._teacher_data import open_reader, pair_with_teacher
from fairseq_mlkd.tasks._user_input import (
    ALL,
    load_dictionary,
    split_subset,
    user_errors,
)

logger = logging.getLogger(__name__)

_SCORES_KEY = "last_validation"  # in a checkpoint's task state

LONG_INPUTS = ["refuse", "window", "truncate"]


@dataclass
class FineTuningTaskConfig(MultilingualTaskConfig):
    source_lang: str = field(
        default="en", metadata={"help": "language of `train` and `valid`"}
    )
    train_embeddings: bool = field(
        default=False,
        metadata={"help": "fine-tune the embeddings too; the paper keeps them frozen"},
    )
    long_inputs: ChoiceEnum(LONG_INPUTS) = field(  # type: ignore[valid-type]
        default="refuse",
        metadata={
            "help": "inputs longer than the model takes: refuse them, read them "
            "through overlapping windows (tags of words), or truncate them"
        },
    )
    unlabelled_data: Optional[str] = field(
        default=None,
        metadata={
            "help": "folder of multilingual_mlm's data, with the dict.txt of this "
            "data: --criterion tinybert shows its sentences to student and teacher"
        },
    )
    unlabelled_langs: Optional[str] = field(
        default=None,
        metadata={
            "help": "their languages, comma-separated; default: every folder but that "
            "of --source-lang"
        },
    )
    unlabelled_ratio: float = field(
        default=1.0, metadata={"help": "unlabelled sentences per labelled example"}
    )
    unlabelled_alpha: float = field(
        default=0.5,
        metadata={
            "help": "alpha of equation 1 over their languages, 0 to 1: 1 keeps the "
            "shares of the data, 0 makes all languages equal"
        },
    )
    keep_lm_head: bool = field(
        default=False,
        metadata={
            "help": "keep the masked-LM head of --encoder-path's model while training, "
            "for --stage-1-weight"
        },
    )
    valid_subset: str = II("dataset.valid_subset")


class FineTuningTask(MultilingualTask):
    """Subsets of one language each, `SPLIT.LANG`, that preprocess/benchmark.py wrote.

    `train` and `valid` mean the source language, so checkpoints are selected on it
    alone; `test` means every language; `test.fr` and `valid.fr` one of them,
    `valid.all` all.
    """

    cfg: FineTuningTaskConfig

    # folders in DATA whose dictionaries the constructor takes, after that of the input
    label_parts: tuple[str, ...] = ("label",)
    # whether inputs are words, so that other subwords can be compared with theirs
    has_words = True
    # key of the measure that says best how good a model is
    main_metric: str

    def __init__(self, cfg: FineTuningTaskConfig, dictionary: Dictionary) -> None:
        super().__init__(cfg, dictionary)
        dictionary.add_symbol("<mask>")
        self.audit = read_audit(cfg.data)
        self.unlabelled_data = cfg.unlabelled_data
        self.keep_lm_head = cfg.keep_lm_head
        self.reader: FineTuningTask | None = None  # of a teacher's own subwords
        # unlabelled sentences stand beside training examples, in masked form, too
        self.is_mixed = self.is_masked = False
        self.scores: Scores = {}  # of the validation under way, so far
        self.last_scores: Scores = {}  # of the one before

    @classmethod
    def setup_task(cls, cfg: FineTuningTaskConfig, **kwargs: Any) -> "FineTuningTask":
        with user_errors():
            parts = [load_dictionary(join(cfg.data, part)) for part in cls.label_parts]
            return cls(cfg, load_dictionary(cfg.data), *parts)

    # --- what a task of this kind adds

    def load_subset(self, subset: str) -> FairseqDataset:
        """Open the data of one language, `SPLIT.LANG`."""
        raise NotImplementedError

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Head -> `(bsz, labels)`, true at the labels in `target` that it predicts."""
        raise NotImplementedError

    def find_excluded(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Head -> `(n, classes)`, true where a class is no choice for a label."""
        return {}

    def word_starts(self, sample: dict[str, Any]) -> Tensor:
        """`(bsz, words)`, the index of each word's first subword; -1: it has none."""
        raise NotImplementedError

    def load_unlabelled(self, prefix: str) -> FairseqDataset:
        """Open sentences of one language in the form that the task's inputs have."""
        return SentenceDataset(prefix, self.dictionary, self.longest_input())

    def place_heads(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Where heads have something to say on a batch without labels.

        Returns:
            Head -> `(n,)` indices into the flat `src_tokens`.
        """
        raise NotImplementedError

    # --- fairseq's interface

    def start_from(
        self, pretrained: dict[str, Any] | None, model: BaseFairseqModel
    ) -> None:
        super().start_from(pretrained, model)
        if self.cfg.keep_lm_head:
            keep_lm_head(pretrained, model, str(self.cfg.encoder_path))

    def build_criterion(self, cfg: FairseqDataclass, **kwargs: Any) -> FairseqCriterion:
        if not self.is_restored:
            with user_errors():
                self.choose_data(extra_weights(cfg))
        return super().build_criterion(cfg, **kwargs)

    def choose_data(self, weights: ExtraWeights) -> None:
        """Read the unlabelled sentences that a loss has a weight for, and no more."""
        self.is_masked = bool(self.unlabelled_data and weights.masked)
        self.is_mixed = bool(self.unlabelled_data and any(weights))
        if self.unlabelled_data and not self.is_mixed:
            logger.warning("--unlabelled-data is not read: no loss has a weight for it")
        if self.cfg.keep_lm_head and not self.is_masked:
            raise ValueError("--keep-lm-head is for --stage-1-weight above 0 alone")

    def load_dataset(self, split: str, combine: bool = False, **kwargs: Any) -> None:
        with user_errors():
            name, _ = split_subset(split)
            langs = self._languages(split)
            parts = {lang: self.load_subset(f"{name}.{lang}") for lang in langs}
            if self.reader is not None:
                parts = pair_with_teacher(self, self.reader, split, parts)
            dataset = MultilingualDataset(parts)
            if name == "train" and self.is_mixed:
                dataset = MixedDataset(dataset, self._open_unlabelled(len(dataset)))
            self.datasets[split] = dataset

    def align(self, sample: dict[str, Any]) -> Alignment:
        return Alignment(
            self.find_labels(sample),
            self.word_starts(sample) if self.has_words else None,
            self.find_excluded(sample),
        )

    def open_teacher_data(
        self, data: str, shape: ModelShape, *, with_states: bool
    ) -> "FineTuningTask":
        if with_states and not self.has_words:
            raise ValueError(
                f"--teacher-data {data}: sentences in other subwords can be compared "
                "by their labels alone: give --embedding-weight 0 --hidden-weight 0 "
                "--attention-weight 0"
            )
        self.reader = open_reader(self, data, shape)
        return self.reader

    def _open_unlabelled(self, labelled: int) -> MultilingualDataset | MaskedLMDataset:
        dataset = open_unlabelled(
            self.cfg,
            self.dictionary,
            labelled,
            self.load_unlabelled,
            self.sampling_seed(),
        )
        if not self.is_masked:
            return dataset
        mask_idx = self.dictionary.index("<mask>")
        return MaskedLMDataset(dataset, self.dictionary, mask_idx, masking=Masking())

    def _languages(self, subset: str) -> list[str]:
        split, lang = split_subset(subset)
        if lang is None:
            lang = self.cfg.source_lang if split in ("train", "valid") else ALL
        if lang != ALL:
            return [lang]
        found = Path(self.cfg.data, "input0").glob(f"{split}.*.idx")
        langs = sorted(path.stem.partition(".")[2] for path in found)
        if not langs:
            raise ValueError(f"{self.cfg.data}: no language has a subset {split}")
        return sorted(langs, key=lambda lang: lang != self.cfg.source_lang)

    def prepare_for_training(self, model: BaseFairseqModel) -> None:
        if self.cfg.encoder_path is None:
            logger.warning("no --encoder-path: the encoder starts from random weights")
        if not self.cfg.train_embeddings:
            model.encoder.embeddings.requires_grad_(False)

    def describe_examples(self) -> dict[str, Any]:
        cfg = self.cfg
        facts = {
            **super().describe_examples(),
            "--source-lang": cfg.source_lang,
            "--long-inputs": str(cfg.long_inputs),
            "--max-positions": self.longest_input(),
        }
        if self.unlabelled_data:
            facts["--unlabelled-data"] = binary_sha256([self.unlabelled_data], "train")
            facts["--unlabelled-langs"] = cfg.unlabelled_langs
            facts["--unlabelled-ratio"] = cfg.unlabelled_ratio
            facts["--unlabelled-alpha"] = cfg.unlabelled_alpha
        return facts

    def post_validate(
        self, model: BaseFairseqModel, stats: dict[str, Any], agg: Any
    ) -> None:
        """Say how the languages do side by side, once all subsets are validated."""
        for lang in self.langs:
            value = stats.get(f"{self.main_metric}_{lang}")
            if value is not None:
                self.scores[lang] = float(value)
        if self.subset != self.cfg.valid_subset.split(",")[-1]:
            return
        before, self.last_scores, self.scores = self.last_scores, self.scores, {}
        if is_first_worker():
            source = self.cfg.source_lang
            report = compare_languages(self.main_metric, self.last_scores, source)
            if report:
                logger.info("%s %s", split_subset(self.subset)[0], report)
            warning = find_forgetting(
                self.main_metric, before, self.last_scores, source
            )
            if warning:
                logger.warning(warning)

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            LABELS_KEY: symbols_sha256(self.label_names()),
            _SCORES_KEY: self.last_scores,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As upstream; the validation after a resumed one is compared with it."""
        self.last_scores = read_scores(state_dict.pop(_SCORES_KEY, None))
        with user_errors():
            check_restored_labels(state_dict, self.label_names(), self.cfg.data)
        super().load_state_dict(state_dict)

    # --- results

    def dropped_rows(self, lang: str) -> int:
        subset = f"{split_subset(self.subset)[0]}.{lang}"
        return self.audit.get("totals", {}).get(subset, {}).get("dropped", 0)

    def dataset_name(self) -> str:
        return self.audit.get("benchmark") or super().dataset_name()
