"""What tasks share that label the words of a sentence, and maybe the sentence."""

from typing import Any, NamedTuple

import torch
from fairseq.data import FairseqDataset
from fairseq.models import BaseFairseqModel
from torch import Tensor

from fairseq_mlkd.data.word_dataset import CUT, NO_SUBWORD, WordDataset
from fairseq_mlkd.distillation.contract import Supervision
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTask
from fairseq_mlkd.tasks._generation import Hypotheses, ensemble_log_probs, hypothesis
from fairseq_mlkd.tasks._labels import first_tokens

OUTSIDE = "O"
_NO_TARGET = -100  # cross-entropy passes over it


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

    def load_subset(self, subset: str) -> WordDataset:
        return WordDataset(
            self.cfg.data,
            subset,
            self.dictionary,
            max_positions=self.longest_input(),
            long_inputs=self.cfg.long_inputs,
            intent_offset=self.intent_offset,
        )

    def word_starts(self, sample: dict[str, Any]) -> Tensor:
        positions = sample["label_positions"]
        if self.intent_offset is not None:
            positions = positions[:, 1:]
        columns = positions % sample["net_input"]["src_tokens"].size(1)
        return columns.masked_fill(positions.lt(0), NO_SUBWORD)

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
        """Sentences at their first token, words at every token that is not special."""
        tokens = sample["net_input"]["src_tokens"].flatten()
        words = tokens.ge(self.dictionary.nspecial).nonzero().flatten()
        first = first_tokens(sample)
        return {
            name: first if head.pooled else words for name, head in self.heads.items()
        }

    def predict(self, sample: dict[str, Any], scores: dict[str, Tensor]) -> Tensor:
        """The best labels, in the form of `target`.

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

    def spell_tags(self, tags: Tensor) -> list[list[str]]:
        """Ids `(bsz, words)` of tags -> each sentence's tags, `<unk>` as `O`."""
        symbols, nspecial = self.target_dictionary, self.target_dictionary.nspecial
        pad = symbols.pad()
        return [
            [symbols[i] if i >= nspecial else OUTSIDE for i in row if i != pad]
            for row in tags.tolist()
        ]

    def get_batch_iterator(
        self, dataset: FairseqDataset, *args: Any, **kwargs: Any
    ) -> Any:
        """As upstream; the windows of a sentence may be too long together."""
        kwargs["max_positions"] = kwargs.get("max_tokens")
        return super().get_batch_iterator(dataset, *args, **kwargs)

    def build_generator(
        self, models: list[BaseFairseqModel], args: Any, **kwargs: Any
    ) -> "LabelsGenerator":
        return LabelsGenerator(self)


class LabelsGenerator:
    """Lets fairseq-generate write the best labels of each sentence."""

    symbols_to_strip_from_output = None

    def __init__(self, task: LabellingTask) -> None:
        self.task = task

    def generate(
        self, models: list[BaseFairseqModel], sample: dict[str, Any], **kwargs: Any
    ) -> Hypotheses:
        """One hypothesis a sentence; an ensemble averages its probabilities.

        The score of a label that is not read is 0.
        """
        scores = ensemble_log_probs(models, sample, self.task.supervise(sample))
        predicted = self.task.predict(sample, scores)
        lprobs = torch.zeros(predicted.shape, device=predicted.device)
        for name, place in self.task.find_labels(sample).items():
            lprobs[place] = scores[name].max(dim=-1).values
        is_label = predicted.ne(self.task.target_dictionary.pad())
        return [
            [hypothesis(labels[keep], lprob[keep])]
            for labels, lprob, keep in zip(predicted, lprobs, is_label)
        ]


def _classes(labels: Tensor, head: Head) -> Tensor:
    """Ids of labels -> classes; `_NO_TARGET` for labels that training data lack."""
    classes = labels - head.first
    unknown = classes.lt(0) | classes.ge(head.num_classes)
    return classes.masked_fill(unknown, _NO_TARGET)
