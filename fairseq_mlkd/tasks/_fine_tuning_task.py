"""The base of fine-tuning tasks: train on one language, test on every language."""

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os.path import join
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Optional

from fairseq import utils
from fairseq.criterions import FairseqCriterion
from fairseq.data import Dictionary, FairseqDataset
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.models import BaseFairseqModel
from fairseq.tasks import TASK_REGISTRY
from torch import Tensor

from fairseq_mlkd.checkpoint import LABELS_KEY, symbols_sha256
from fairseq_mlkd.data.binary import binary_sha256
from fairseq_mlkd.data.companion_datasets import (
    MixedDataset,
    PairedDataset,
    check_same_rows,
)
from fairseq_mlkd.data.dictionary import load_data_dictionary, load_input_dictionary
from fairseq_mlkd.data.folders import (
    INPUT0,
    LABEL,
    check_task,
    read_alpha,
    read_audit,
)
from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset, Masking
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sentence_dataset import SentenceDataset, list_languages
from fairseq_mlkd.distillation.config import ExtraWeights, extra_weights
from fairseq_mlkd.distillation.contract import Alignment, ModelShape
from fairseq_mlkd.errors import in_one_line
from fairseq_mlkd.metrics.metric import Metric
from fairseq_mlkd.metrics.transfer import Transfer
from fairseq_mlkd.options import option
from fairseq_mlkd.tasks._encoder import keep_lm_head, start_heads
from fairseq_mlkd.tasks._generation import TextReader, write_rows
from fairseq_mlkd.tasks._multilingual_task import (
    MultilingualTask,
    MultilingualTaskConfig,
    split_subset,
)
from fairseq_mlkd.tasks._scoring import ALL, is_first_worker
from fairseq_mlkd.text.dictionary import MASK
from fairseq_mlkd.text.windows import LONG_INPUTS

logger = logging.getLogger(__name__)

_SCORES_KEY = "last_validation"  # in a checkpoint's task state


@dataclass
class FineTuningTaskConfig(MultilingualTaskConfig):
    source_lang: str = option("en", "language of `train` and `valid`")
    encoder_path_heads: bool = option(
        False,
        "start from the heads of --encoder-path's model, too, or its decoder; it was "
        "fine-tuned on the same task and labels",
    )
    train_embeddings: bool = option(
        False, "fine-tune the embeddings too; the paper keeps them frozen"
    )
    long_inputs: ChoiceEnum(LONG_INPUTS) = option(  # type: ignore[valid-type]
        "refuse",
        "inputs longer than the model takes: refuse them, read them "
        "through overlapping windows (tags of words), or truncate them",
    )
    unlabelled_data: Optional[str] = option(
        None,
        "folder of multilingual_mlm's data, with the dict.txt of this "
        "data: --criterion tinybert shows its sentences to student and teacher",
    )
    unlabelled_langs: Optional[str] = option(
        None,
        "their languages, comma-separated; default: every folder but that "
        "of --source-lang",
    )
    unlabelled_ratio: float = option(1.0, "unlabelled sentences per labelled example")
    unlabelled_alpha: float = option(
        0.5,
        "alpha of equation 1 over their languages, 0 to 1: 1 keeps the "
        "shares of the data, 0 makes all languages equal",
    )
    keep_lm_head: bool = option(
        False,
        "keep the masked-LM head of --encoder-path's model while training, "
        "for --stage-1-weight",
    )


class FineTuningTask(MultilingualTask):
    """Subsets of one language each, `SPLIT.LANG`, that mlkd-benchmark wrote.

    `train` and `valid` mean the source language, so checkpoints are selected on it
    alone; `test` means every language; `test.fr` and `valid.fr` one of them,
    `valid.all` all.
    """

    cfg: FineTuningTaskConfig

    # folders in DATA whose dictionaries the constructor takes, after that of the input
    label_parts: tuple[str, ...] = (LABEL,)
    # whether inputs are words, so that other subwords can be compared with theirs
    has_words = True

    def __init__(
        self, cfg: FineTuningTaskConfig, dictionary: Dictionary, metric: Metric
    ) -> None:
        super().__init__(cfg, dictionary, metric)
        self.audit = read_audit(cfg.data)
        self.transfer = Transfer(
            metric.main,
            cfg.source_lang,
            self.dataset_name(),
            cfg.valid_subset.split(","),
        )
        self.unlabelled_data = cfg.unlabelled_data
        self.keep_lm_head = cfg.keep_lm_head
        self.reader: FineTuningTask | None = None  # of a teacher's own subwords
        # unlabelled sentences stand beside training examples, in masked form, too
        self.is_mixed = self.is_masked = False

    @classmethod
    @in_one_line
    def setup_task(
        cls,
        cfg: FineTuningTaskConfig,
        shape: ModelShape | None = None,
        **kwargs: Any,
    ) -> "FineTuningTask":
        """Do as upstream; `shape` is that of a model that is built elsewhere."""
        name = next(name for name, task in TASK_REGISTRY.items() if task is cls)
        if len(utils.split_paths(cfg.data)) > 1:
            raise ValueError(f"{cfg.data}: --task {name} reads one folder: name one")
        check_task(cfg.data, name)
        parts = [load_data_dictionary(join(cfg.data, part)) for part in cls.label_parts]
        task = cls(cfg, load_input_dictionary(cfg.data), *parts)
        task.model_shape = shape
        return task

    # --- what a task of this kind adds

    def load_subset(self, subset: str, data: str | None = None) -> FairseqDataset:
        """Open the data of one language, `SPLIT.LANG`, in `--data` or elsewhere."""
        raise NotImplementedError

    def read_text(self, text: TextReader, line: str) -> dict[str, list[int]]:
        """Return the row of a typed line: the numbers of each folder of the data."""
        raise NotImplementedError

    def limits(self) -> dict[str, Any]:
        """Return how long inputs may be, and what becomes of longer ones."""
        long_inputs = self.cfg.long_inputs
        return {"max_positions": self.longest_input(), "long_inputs": long_inputs}

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Map a head to `(bsz, labels)`, true at those of `target` that it predicts."""
        raise NotImplementedError

    def find_excluded(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Map a head to `(n, classes)`, true where a class is no choice for a label."""
        return {}

    def word_starts(self, sample: dict[str, Any]) -> Tensor:
        """Return `(bsz, words)`: where each word's first subword is, -1 without one."""
        raise NotImplementedError

    def load_unlabelled(self, prefix: str) -> FairseqDataset:
        """Open sentences of one language in the form that the task's inputs have."""
        return SentenceDataset(prefix, self.dictionary, self.longest_input())

    def place_heads(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Return where heads have something to say on a batch without labels.

        Returns:
            Head -> `(n,)` indices into the flat `src_tokens`.
        """
        raise NotImplementedError

    # --- fairseq's interface

    def start_from(
        self, pretrained: dict[str, Any] | None, model: BaseFairseqModel
    ) -> None:
        super().start_from(pretrained, model)
        if self.cfg.encoder_path_heads:
            start_heads(pretrained, model, self.cfg, self.label_names())
        if self.cfg.keep_lm_head:
            keep_lm_head(pretrained, model, str(self.cfg.encoder_path))

    @in_one_line
    def build_criterion(self, cfg: FairseqDataclass, **kwargs: Any) -> FairseqCriterion:
        if not self.is_restored:
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

    def open_lines(self, lines: Sequence[str], text: TextReader) -> FairseqDataset:
        with TemporaryDirectory() as folder:
            write_rows(folder, "typed", [self.read_text(text, line) for line in lines])
            return self.load_subset("typed", folder)

    @in_one_line
    def load_dataset(self, split: str, combine: bool = False, **kwargs: Any) -> None:
        name, _ = split_subset(split)
        parts = {
            lang: self.load_subset(f"{name}.{lang}") for lang in self.languages(split)
        }
        if self.reader is not None:
            parts = self._pair_with_teacher(self.reader, split, parts)
        dataset = MultilingualDataset(parts, subset=split)
        dataset.log_counts()
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
        flag = f"--teacher-data {data}"
        if with_states and not self.has_words:
            raise ValueError(
                f"{flag}: sentences in other subwords can be compared by their labels "
                "alone: give --embedding-weight 0 --hidden-weight 0 --attention-weight "
                "0"
            )
        if self.cfg.long_inputs == "window":
            raise ValueError(
                f"{flag}: words in windows cannot be compared with words in others: "
                "choose another --long-inputs"
            )
        cfg = copy.deepcopy(self.cfg)
        cfg.data = data
        self.reader = self.setup_task(cfg, shape=shape)
        if self.reader.label_names() != self.label_names():
            raise ValueError(
                f"{flag}: its labels are not those of {self.cfg.data}: prepare both "
                "from the same files"
            )
        return self.reader

    def _pair_with_teacher(
        self,
        reader: "FineTuningTask",
        subset: str,
        parts: Mapping[str, FairseqDataset],
    ) -> dict[str, FairseqDataset]:
        """Put the teacher's rows beside those of the student.

        Args:
            parts: language -> the student's rows.
        Raises:
            ValueError: the rows of the two are not the same.
        """
        split, _ = split_subset(subset)
        folders = (self.cfg.data, reader.cfg.data)
        for lang in parts:
            name = f"{split}.{lang}"
            check_same_rows(*folders, name, self.label_parts, "--teacher-data")
        reader.load_dataset(subset)
        theirs = reader.dataset(subset)
        pairs = zip(parts.items(), theirs.datasets)
        return {lang: PairedDataset(part, other) for (lang, part), other in pairs}

    def _open_unlabelled(self, labelled: int) -> MultilingualDataset | MaskedLMDataset:
        """Open the sentences that stand beside labelled examples in an epoch.

        Args:
            labelled: how many labelled examples there are.
        Raises:
            ValueError: the folder has another dictionary, or nothing to draw.
        """
        cfg, folder = self.cfg, str(self.cfg.unlabelled_data)
        theirs = load_input_dictionary(folder)
        if theirs.symbols != self.dictionary.symbols:
            raise ValueError(
                f"--unlabelled-data {folder}: its dict.txt is not that of {cfg.data}: "
                "prepare both with the same --tokenizer"
            )
        epoch_size = int(labelled * cfg.unlabelled_ratio)
        if epoch_size <= 0:
            raise ValueError(
                f"--unlabelled-ratio {cfg.unlabelled_ratio} gives no sentence at all "
                f"for {labelled} labelled examples"
            )
        dataset = MultilingualDataset(
            {
                lang: self.load_unlabelled(join(folder, lang, "train"))
                for lang in self._unlabelled_languages
            },
            sampling_alpha=self._unlabelled_alpha,
            epoch_size=epoch_size,
            seed=self.sampling_seed(),
        )
        dataset.log_sampling()
        if not self.is_masked:
            return dataset
        mask_idx = self.dictionary.index(MASK)
        return MaskedLMDataset(dataset, self.dictionary, mask_idx, masking=Masking())

    @cached_property
    def _unlabelled_languages(self) -> list[str]:
        cfg, folder = self.cfg, str(self.unlabelled_data)
        langs = list_languages(folder, "train", cfg.unlabelled_langs)
        if not cfg.unlabelled_langs:
            langs = [lang for lang in langs if lang != cfg.source_lang]
        if not langs:
            raise ValueError(
                f"--unlabelled-data {folder}: only {cfg.source_lang} is there"
            )
        return langs

    @cached_property
    def _unlabelled_alpha(self) -> float:
        folder, alpha = str(self.unlabelled_data), self.cfg.unlabelled_alpha
        return read_alpha(folder, alpha, "--unlabelled-alpha")

    def languages(self, subset: str) -> list[str]:
        split, lang = split_subset(subset)
        if lang is None:
            lang = self.cfg.source_lang if split in ("train", "valid") else ALL
        found = sorted(p.stem for p in Path(self.cfg.data, INPUT0).glob("*.idx"))
        langs = [x.partition(".")[2] for x in found if x.startswith(f"{split}.")]
        is_missing = not langs if lang == ALL else lang not in langs
        if is_missing:
            name = f"{split}.{lang}" if langs and lang != ALL else split
            raise ValueError(
                f"{self.cfg.data}: no subset {name}; there are {', '.join(found)} "
                f"(`train` and `valid` are those of --source-lang, here "
                f"{self.cfg.source_lang})"
            )
        if lang != ALL:
            return [lang]
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
            facts["--unlabelled-langs"] = ",".join(self._unlabelled_languages)
            facts["--unlabelled-ratio"] = cfg.unlabelled_ratio
            facts["--unlabelled-alpha"] = self._unlabelled_alpha
        return facts

    def get_batch_iterator(
        self, dataset: FairseqDataset, *args: Any, **kwargs: Any
    ) -> Any:
        """Do as upstream; inputs fit the model, but windows together may be longer.

        So of training examples those are skipped that `--max-tokens` is too small for.
        """
        kwargs["max_positions"] = kwargs.get("max_tokens")
        return super().get_batch_iterator(dataset, *args, **kwargs)

    def post_validate(
        self, model: BaseFairseqModel, stats: dict[str, Any], agg: Any
    ) -> None:
        """Say how the languages do side by side, once all subsets are validated."""
        for subset, scores in self.scores.main_scores(agg).items():
            lines, warnings = self.transfer.add(subset, scores)
            for line in lines if is_first_worker() else ():
                logger.info(line)
            for warning in warnings if is_first_worker() else ():
                logger.warning(warning)

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            LABELS_KEY: symbols_sha256(self.label_names()),
            _SCORES_KEY: self.transfer.last,
        }

    @in_one_line
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do as upstream; the validation after a resumed one is compared with it."""
        self.transfer.restore(state_dict.pop(_SCORES_KEY, None))
        ours = symbols_sha256(self.label_names())
        if state_dict.pop(LABELS_KEY, ours) != ours:
            raise ValueError(
                f"{self.cfg.data}: its labels are not those of the checkpoint: prepare "
                "it from the training file that the model is from"
            )
        super().load_state_dict(state_dict)

    # --- results

    def dropped_rows(self, subset: str) -> int:
        return self.audit.get("totals", {}).get(subset, {}).get("dropped", 0)

    def dataset_name(self) -> str:
        return self.audit.get("benchmark") or super().dataset_name()
