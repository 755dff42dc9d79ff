"""Sentence pairs to classify (XNLI, PAWS-X): trained on one language, tested on all."""

from dataclasses import dataclass
from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from torch import Tensor

from fairseq_mlkd.data.sentence_dataset import (
    NeighbourDataset,
    SentencePairDataset,
)
from fairseq_mlkd.distillation.contract import Supervision
from fairseq_mlkd.tasks._fine_tuning_task import (
    FineTuningTask,
    FineTuningTaskConfig,
)
from fairseq_mlkd.tasks._generation import Hypotheses, ensemble_log_probs, hypothesis
from fairseq_mlkd.tasks._labels import count_classes, first_tokens
from fairseq_mlkd.tasks._measuring_task import Measure, Sums

HEAD = "sentence_classification_head"


@dataclass
class ZeroShotClassificationConfig(FineTuningTaskConfig):
    pass


@register_task("zero_shot_classification", dataclass=ZeroShotClassificationConfig)
class ZeroShotClassificationTask(FineTuningTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,input1,label}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt` and `DATA/label/dict.txt`.
    """

    cfg: ZeroShotClassificationConfig
    has_words = False
    counters = ("ncorrect", "nsentences")
    main_metric = "accuracy"

    def __init__(
        self,
        cfg: ZeroShotClassificationConfig,
        dictionary: Dictionary,
        label_dictionary: Dictionary,
    ) -> None:
        super().__init__(cfg, dictionary)
        self.label_dictionary = label_dictionary
        self.num_classes = count_classes(label_dictionary)

    @property
    def target_dictionary(self) -> Dictionary:
        return self.label_dictionary

    def load_subset(self, subset: str) -> SentencePairDataset:
        return SentencePairDataset(
            self.cfg.data,
            subset,
            self.dictionary,
            max_positions=self.longest_input(),
            long_inputs=self.cfg.long_inputs,
        )

    def load_unlabelled(self, prefix: str) -> NeighbourDataset:
        """Pairs, as the task's own inputs: each sentence and the one after it."""
        return NeighbourDataset(prefix, self.dictionary, self.longest_input())

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        return {HEAD: torch.ones_like(sample["target"].view(-1, 1), dtype=torch.bool)}

    def label_names(self) -> list[str]:
        first = self.label_dictionary.nspecial
        return self.label_dictionary.symbols[first : first + self.num_classes]

    def add_heads(self, model: BaseFairseqModel) -> None:
        model.remove_lm_head()
        model.add_head(HEAD, self.num_classes, pooled=True)

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        target = sample["target"].view(-1) - self.label_dictionary.nspecial
        return Supervision(self.place_heads(sample), {HEAD: target})

    def place_heads(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        return {HEAD: first_tokens(sample)}

    def count(self, sample: dict[str, Any], logits: dict[str, Tensor]) -> Sums:
        target = self.supervise(sample).targets[HEAD]
        return {"ncorrect": logits[HEAD].argmax(dim=-1).eq(target).sum()}

    def measure(self, sums: Sums) -> list[Measure]:
        examples = int(sums["nsentences"])
        accuracy = 100.0 * float(sums["ncorrect"]) / examples
        chance = 100.0 / self.num_classes
        return [Measure("accuracy", accuracy, examples, "accuracy", chance)]

    def build_generator(
        self, models: list[BaseFairseqModel], args: Any, **kwargs: Any
    ) -> "LabelGenerator":
        return LabelGenerator(self)


class LabelGenerator:
    """Lets fairseq-generate write each row's classes, best first, with their scores."""

    symbols_to_strip_from_output = None

    def __init__(self, task: ZeroShotClassificationTask) -> None:
        self.task = task

    def generate(
        self, models: list[BaseFairseqModel], sample: dict[str, Any], **kwargs: Any
    ) -> Hypotheses:
        """One list of hypotheses a row; an ensemble averages its probabilities."""
        supervision = self.task.supervise(sample)
        log_probs = ensemble_log_probs(models, sample, supervision)[HEAD]
        lprobs, classes = log_probs.sort(descending=True)
        labels = classes + self.task.label_dictionary.nspecial
        return [
            [hypothesis(label.view(1), lprob.view(1)) for label, lprob in zip(*row)]
            for row in zip(labels, lprobs)
        ]
