"""Sentence pairs to classify (XNLI, PAWS-X): trained on one language, tested on all."""

from fairseq.data import Dictionary
from fairseq.tasks import register_task

from fairseq_mlkd.data.folders import LABEL
from fairseq_mlkd.data.sentence_dataset import NeighbourDataset, SentencePairDataset
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTaskConfig
from fairseq_mlkd.tasks._generation import TextReader
from fairseq_mlkd.tasks._labelling_task import Head, LabellingTask, count_classes

SENTENCE_HEAD = "sentence_classification_head"


@register_task("zero_shot_classification", dataclass=FineTuningTaskConfig)
class ZeroShotClassificationTask(LabellingTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,input1,label}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt` and `DATA/label/dict.txt`.
    """

    has_words = False

    def __init__(
        self, cfg: FineTuningTaskConfig, dictionary: Dictionary, labels: Dictionary
    ) -> None:
        num_classes = count_classes(labels)
        metric = choose_metric(self.label_parts, num_classes=num_classes)
        super().__init__(cfg, dictionary, metric)
        self.label_dictionary = labels
        self.heads = {SENTENCE_HEAD: Head(labels.nspecial, num_classes, pooled=True)}

    @property
    def target_dictionary(self) -> Dictionary:
        return self.label_dictionary

    def load_subset(self, subset: str, data: str | None = None) -> SentencePairDataset:
        return SentencePairDataset(
            data or self.cfg.data,
            subset,
            self.dictionary,
            **self.limits(),
        )

    def read_text(self, text: TextReader, line: str) -> dict[str, list[int]]:
        """Return two sentences, with a class that nothing reads."""
        label = [self.label_dictionary.nspecial, self.label_dictionary.eos()]
        return {**text.pair(line), LABEL: label}

    def load_unlabelled(self, prefix: str) -> NeighbourDataset:
        """Load pairs, as the task's own inputs: each sentence and the one after it."""
        return NeighbourDataset(prefix, self.dictionary, self.longest_input())
