"""Sentence pairs to classify (XNLI, PAWS-X): trained on one language, tested on all."""

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from fairseq.data import Dictionary
from fairseq.dataclass import FairseqDataclass
from fairseq.logging import metrics
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from torch import Tensor

from fairseq_mlkd.checkpoint import check_dictionary, load_weights, read_checkpoint
from fairseq_mlkd.data.audit import read_audit
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sentence_pair_dataset import SentencePairDataset
from fairseq_mlkd.tasks._multilingual_task import (
    ALL,
    MultilingualTask,
    MultilingualTaskConfig,
    Supervision,
    load_dictionary,
    split_subset,
    user_errors,
)

logger = logging.getLogger(__name__)

HEAD = "sentence_classification_head"


@dataclass
class ZeroShotClassificationConfig(MultilingualTaskConfig):
    source_lang: str = field(
        default="en", metadata={"help": "language of `train` and `valid`"}
    )
    encoder_path: Optional[str] = field(
        default=None,
        metadata={"help": "pretraining checkpoint whose encoder is fine-tuned"},
    )
    train_embeddings: bool = field(
        default=False,
        metadata={"help": "fine-tune the embeddings too; the paper keeps them frozen"},
    )


@register_task("zero_shot_classification", dataclass=ZeroShotClassificationConfig)
class ZeroShotClassificationTask(MultilingualTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,input1,label}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt` and `DATA/label/dict.txt`. `train` and `valid`
    mean the source language, so checkpoints are selected on it alone; `test` means
    every language; `test.fr` and `valid.fr` one of them, `valid.all` all.
    """

    cfg: ZeroShotClassificationConfig
    counters = ("ncorrect", "nsentences")

    def __init__(
        self,
        cfg: ZeroShotClassificationConfig,
        dictionary: Dictionary,
        label_dictionary: Dictionary,
    ) -> None:
        super().__init__(cfg, dictionary)
        dictionary.add_symbol("<mask>")
        self.label_dictionary = label_dictionary
        self.num_classes = len(label_dictionary) - label_dictionary.nspecial
        audit = Path(cfg.data) / "audit.json"
        self.audit = read_audit(audit) if audit.is_file() else {}

    @classmethod
    def setup_task(
        cls, cfg: ZeroShotClassificationConfig, **kwargs: Any
    ) -> "ZeroShotClassificationTask":
        with user_errors():
            labels = load_dictionary(os.path.join(cfg.data, "label"))
            return cls(cfg, load_dictionary(cfg.data), labels)

    @property
    def target_dictionary(self) -> Dictionary:
        return self.label_dictionary

    # --- data

    def load_dataset(self, split: str, combine: bool = False, **kwargs: Any) -> None:
        with user_errors():
            name, _ = split_subset(split)
            self.datasets[split] = MultilingualDataset(
                {
                    lang: SentencePairDataset(
                        self.cfg.data, f"{name}.{lang}", self.dictionary
                    )
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

    # --- model

    def build_model(
        self, cfg: FairseqDataclass, from_checkpoint: bool = False
    ) -> BaseFairseqModel:
        model = super().build_model(cfg, from_checkpoint)
        if not from_checkpoint:
            with user_errors():
                self._prepare_for_training(model)
        return model

    def add_heads(self, model: BaseFairseqModel) -> None:
        model.remove_lm_head()
        model.register_classification_head(HEAD, self.num_classes)

    def _prepare_for_training(self, model: BaseFairseqModel) -> None:
        path, flag = self.cfg.encoder_path, "--encoder-path"
        if path is None:
            logger.warning("no --encoder-path: the encoder starts from random weights")
        else:
            state = read_checkpoint(path, flag)
            check_dictionary(state, self.dictionary, path, flag)
            prefix = "encoder."
            weights = {
                name[len(prefix) :]: tensor
                for name, tensor in state["model"].items()
                if name.startswith(prefix)
            }
            load_weights(model.encoder, weights, path, flag)
            logger.info("encoder: %s", path)
        if not self.cfg.train_embeddings:
            model.encoder.embeddings.requires_grad_(False)

    # --- loss and metrics

    def supervise(self, sample: Dict[str, Any]) -> Supervision:
        target = sample["target"].view(-1) - self.label_dictionary.nspecial
        return Supervision({"classification_head_name": HEAD}, target)

    def count(self, logits: Tensor, target: Tensor) -> Dict[str, Tensor]:
        return {"ncorrect": logits.argmax(dim=-1).eq(target).sum()}

    def reduce_metrics(
        self, logging_outputs: List[Dict[str, Any]], criterion: Any
    ) -> None:
        super().reduce_metrics(logging_outputs, criterion)
        ncorrect = sum(float(log.get("ncorrect", 0)) for log in logging_outputs)
        nsentences = sum(log.get("nsentences", 0) for log in logging_outputs)
        if nsentences:
            accuracy = 100.0 * ncorrect / nsentences
            metrics.log_scalar("accuracy", accuracy, nsentences, round=2)

    def log_lang(self, lang: str, sums: Dict[str, float]) -> None:
        accuracy = self.measure(sums)["value"]
        metrics.log_scalar(f"accuracy_{lang}", accuracy, sums["nsentences"], round=2)

    def measure(self, sums: Dict[str, float]) -> Dict[str, Any]:
        return {
            "metric": "accuracy",
            "value": 100.0 * sums["ncorrect"] / sums["nsentences"],
            "examples": int(sums["nsentences"]),
            "chance": 100.0 / self.num_classes,
        }

    def dropped_rows(self, lang: str) -> int:
        subset = f"{split_subset(self.subset)[0]}.{lang}"
        return self.audit.get("totals", {}).get(subset, {}).get("dropped", 0)

    def dataset_name(self) -> str:
        return self.audit.get("benchmark") or super().dataset_name()

    # --- fairseq-generate

    def build_generator(
        self, models: List[BaseFairseqModel], args: Any, **kwargs: Any
    ) -> "LabelGenerator":
        return LabelGenerator(self)


class LabelGenerator:
    """Lets fairseq-generate write each row's classes, best first, with their scores."""

    symbols_to_strip_from_output = None

    def __init__(self, task: ZeroShotClassificationTask) -> None:
        self.task = task

    def generate(
        self, models: List[BaseFairseqModel], sample: Dict[str, Any], **kwargs: Any
    ) -> List[List[Dict[str, Any]]]:
        """One list of hypotheses a row; an ensemble averages its probabilities.

        `score` is the natural logarithm of the class's probability.
        """
        inputs = self.task.supervise(sample).model_inputs
        probs = [
            model.get_normalized_probs(model(**sample["net_input"], **inputs), False)
            for model in models
        ]
        lprobs, classes = torch.stack(probs).mean(dim=0).log().sort(descending=True)
        labels = classes + self.task.label_dictionary.nspecial
        return [
            [_hypothesis(label, lprob) for label, lprob in zip(*row)]
            for row in zip(labels, lprobs)
        ]


def _hypothesis(label: Tensor, lprob: Tensor) -> Dict[str, Any]:
    return {
        "tokens": label.view(1),
        "score": lprob.item(),
        "attention": None,
        "alignment": torch.empty(0),
        "positional_scores": lprob.view(1).clone(),
    }
