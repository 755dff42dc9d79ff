"""What fine-tuning tasks share: train on one language, test on every language."""

import logging
from dataclasses import dataclass, field
from os.path import join
from pathlib import Path
from typing import Any, List, Tuple

from fairseq.data import Dictionary, FairseqDataset
from fairseq.dataclass import ChoiceEnum
from fairseq.models import BaseFairseqModel

from fairseq_mlkd.data.audit import read_audit
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.tasks._multilingual_task import (
    ALL,
    MultilingualTask,
    MultilingualTaskConfig,
    load_dictionary,
    split_subset,
    user_errors,
)

logger = logging.getLogger(__name__)

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


class FineTuningTask(MultilingualTask):
    """Subsets of one language each, `SPLIT.LANG`, that preprocess/benchmark.py wrote.

    `train` and `valid` mean the source language, so checkpoints are selected on it
    alone; `test` means every language; `test.fr` and `valid.fr` one of them,
    `valid.all` all.
    """

    cfg: FineTuningTaskConfig

    # folders in DATA whose dictionaries the constructor takes, after that of the input
    label_parts: Tuple[str, ...] = ("label",)

    def __init__(self, cfg: FineTuningTaskConfig, dictionary: Dictionary) -> None:
        super().__init__(cfg, dictionary)
        dictionary.add_symbol("<mask>")
        audit = Path(cfg.data) / "audit.json"
        self.audit = read_audit(audit) if audit.is_file() else {}

    @classmethod
    def setup_task(cls, cfg: FineTuningTaskConfig, **kwargs: Any) -> "FineTuningTask":
        with user_errors():
            parts = [load_dictionary(join(cfg.data, part)) for part in cls.label_parts]
            return cls(cfg, load_dictionary(cfg.data), *parts)

    # --- what a task of this kind adds

    def load_subset(self, subset: str) -> FairseqDataset:
        """Open the data of one language, `SPLIT.LANG`."""
        raise NotImplementedError

    # --- fairseq's interface

    def load_dataset(self, split: str, combine: bool = False, **kwargs: Any) -> None:
        with user_errors():
            name, _ = split_subset(split)
            self.datasets[split] = MultilingualDataset(
                {
                    lang: self.load_subset(f"{name}.{lang}")
                    for lang in self._languages(split)
                }
            )

    def _languages(self, subset: str) -> List[str]:
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

    # --- results

    def dropped_rows(self, lang: str) -> int:
        subset = f"{split_subset(self.subset)[0]}.{lang}"
        return self.audit.get("totals", {}).get(subset, {}).get("dropped", 0)

    def dataset_name(self) -> str:
        return self.audit.get("benchmark") or super().dataset_name()


def count_classes(labels: Dictionary) -> int:
    """The number of labels that training data hold.

    Their counts in `dict.txt` are above 0. The labels of test data alone follow them:
    no model can predict those.
    """
    return sum(count > 0 for count in labels.count[labels.nspecial :])
