"""The base of tasks that label sentences, or the words in them, or both."""

from typing import Any, NamedTuple

import torch
from fairseq.data import Dictionary, FairseqDataset
from fairseq.models import BaseFairseqModel
from torch import Tensor

from fairseq_mlkd.data.folders import INTENT, LABEL
from fairseq_mlkd.data.word_dataset import WordDataset
from fairseq_mlkd.distillation.contract import Supervision
from fairseq_mlkd.distillation.losses import NO_LABEL
from fairseq_mlkd.metrics.metric import Labels
from fairseq_mlkd.metrics.spans import OUTSIDE
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTask
from fairseq_mlkd.tasks._generation import (
    Hypotheses,
    TextReader,
    ensemble_log_probs,
    hypothesis,
)
from fairseq_mlkd.text.windows import CUT, NO_SUBWORD


class Head(NamedTuple):
    """A classifier on top of the encoder.

    Args:
        first: what its class 0 is called in the target dictionary.
        num_classes: the labels of training data.
        pooled: it classifies sentences.
    """

    first: int
    num_classes: int
    pooled: bool


class LabellingTask(FineTuningTask):
    """Labels of words, read at their first subword, and of the sentence, at its start.

    A word that normalisation empties is predicted as `O`; one that truncation cut off
    as `<unk>`, which is never right. Labels that training data lack cannot be predicted
    and take no part in the loss.
    """

    heads: dict[str, Head]
    intent_offset: int | None = None  # as in `WordDataset`

    def load_subset(self, subset: str, data: str | None = None) -> FairseqDataset:
        return WordDataset(
            data or self.cfg.data,
            subset,
            self.dictionary,
            **self.limits(),
            intent_offset=self.intent_offset,
        )

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Find the sentence's label first in its row, where there is one."""
        is_read = sample["label_positions"].ge(0)
        is_first = torch.zeros_like(is_read)
        is_first[:, 0] = any(head.pooled for head in self.heads.values())
        return {
            name: is_read & (is_first if head.pooled else ~is_first)
            for name, head in self.heads.items()
        }

    def word_starts(self, sample: dict[str, Any]) -> Tensor:
        return sample["word_starts"]

    def label_names(self) -> list[str]:
        symbols = self.target_dictionary.symbols
        return [
            symbol
            for head in self.heads.values()
            for symbol in symbols[head.first : head.first + head.num_classes]
        ]

    def add_heads(self, model: BaseFairseqModel) -> None:
        model.remove_lm_head()
        for name, head in self.heads.items():
            model.add_head(name, head.num_classes, pooled=head.pooled)

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        positions, target = sample["label_positions"], sample["target"]
        places = self.find_labels(sample)
        inputs = {name: positions[place] for name, place in places.items()}
        targets = {
            name: _classes(target[place], self.heads[name])
            for name, place in places.items()
        }
        return Supervision(inputs, targets)

    def place_heads(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Place sentences at their first token, words at all but special ones."""
        tokens = sample["net_input"]["src_tokens"]
        first = torch.arange(0, tokens.numel(), tokens.size(1), device=tokens.device)
        words = tokens.flatten().ge(self.dictionary.nspecial).nonzero().flatten()
        return {
            name: first if head.pooled else words for name, head in self.heads.items()
        }

    def predict(self, sample: dict[str, Any], scores: dict[str, Tensor]) -> Tensor:
        """Return the best labels, in the form of `target`.

        Args:
            scores: head -> `(n, classes)`, of the labels that `supervise` names.
        Returns:
            `(bsz, labels)` ids of the target dictionary, padded as `target` is.
        """
        positions, symbols = sample["label_positions"], self.target_dictionary
        predicted = torch.full_like(positions, symbols.pad())
        for name, place in self.find_labels(sample).items():
            predicted[place] = scores[name].argmax(dim=-1) + self.heads[name].first
        predicted[positions == NO_SUBWORD] = symbols.index(OUTSIDE)
        predicted[positions == CUT] = symbols.unk()
        return predicted

    def spell(self, labels: Tensor) -> list[Labels]:
        """Map ids `(bsz, labels)` to each row's symbols, by folder of the data."""
        symbols = self.target_dictionary
        rows = [
            [symbols[i] for i in row if i != symbols.pad()] for row in labels.tolist()
        ]
        if self.intent_offset is None:
            return [{LABEL: row} for row in rows]
        return [{INTENT: row[:1], LABEL: row[1:]} for row in rows]

    def count(
        self, sample: dict[str, Any], logits: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        predicted = self.predict(sample, logits)
        gold, found = (self.spell(ids) for ids in (sample["target"], predicted))
        if self.is_restored:
            self.record(sample, gold, found, self.probability(sample, logits))
        return self.scores.count(gold, found)

    def probability(self, sample: dict[str, Any], logits: dict[str, Tensor]) -> Tensor:
        """Return `(bsz,)`: the probability of all of a row's best labels together.

        Args:
            logits: head -> `(n, classes)`, of the labels that `supervise` names.
        """
        positions = sample["label_positions"]
        total = positions.new_zeros(len(positions), dtype=torch.float32)
        for name, place in self.find_labels(sample).items():
            lprobs = logits[name].log_softmax(-1, dtype=torch.float32).max(-1).values
            total.index_add_(0, place.nonzero()[:, 0], lprobs)
        return total.exp()

    def read_text(self, text: TextReader, line: str) -> dict[str, list[int]]:
        """Read words, with labels that nothing reads."""
        words, inputs = text.words(line)
        first, eos = self.target_dictionary.nspecial, self.target_dictionary.eos()
        labels = {LABEL: [first] * len(words) + [eos]}
        if self.intent_offset is not None:
            labels[INTENT] = [first, eos]
        return {**inputs, **labels}

    def build_generator(
        self, models: list[BaseFairseqModel], args: Any, **kwargs: Any
    ) -> "LabelGenerator":
        return LabelGenerator(self)


class LabelGenerator:
    """Lets fairseq-generate write the best labels of each sentence.

    Where a row has one label only, it writes all of them, best first.
    """

    symbols_to_strip_from_output = None

    def __init__(self, task: LabellingTask) -> None:
        self.task = task

    def generate(
        self, models: list[BaseFairseqModel], sample: dict[str, Any], **kwargs: Any
    ) -> Hypotheses:
        """Return the hypotheses of each row; an ensemble averages its probabilities.

        The score of a label that is not read is 0.
        """
        task = self.task
        scores = ensemble_log_probs(models, sample, task.supervise(sample))
        if all(head.pooled for head in task.heads.values()):
            ((name, head),) = task.heads.items()
            lprobs, classes = scores[name].sort(descending=True)
            return [
                [hypothesis(label.view(1), lprob.view(1)) for label, lprob in zip(*row)]
                for row in zip(classes + head.first, lprobs)
            ]
        predicted = task.predict(sample, scores)
        lprobs = torch.zeros(predicted.shape, device=predicted.device)
        for name, place in task.find_labels(sample).items():
            lprobs[place] = scores[name].max(dim=-1).values
        is_label = predicted.ne(task.target_dictionary.pad())
        return [
            [hypothesis(labels[keep], lprob[keep])]
            for labels, lprob, keep in zip(predicted, lprobs, is_label)
        ]


def count_classes(labels: Dictionary) -> int:
    """Return the number of labels that training data hold.

    Their counts in `dict.txt` are above 0. The labels of test data alone follow them:
    no model can predict those.
    """
    return sum(count > 0 for count in labels.count[labels.nspecial :])


def tags_of(labels: Dictionary) -> list[list[str]]:
    """Return the tags of a dictionary, as `choose_metric` takes them."""
    return [[tag] for tag in labels.symbols[labels.nspecial :]]


def _classes(labels: Tensor, head: Head) -> Tensor:
    """Map ids of labels to classes; `NO_LABEL` for labels that training data lack."""
    classes = labels - head.first
    unknown = classes.lt(0) | classes.ge(head.num_classes)
    return classes.masked_fill(unknown, NO_LABEL)
