"""Sentences or pairs (XNLI, PAWS-X) to classify: trained on one language alone."""

from fairseq.data import Dictionary, FairseqDataset
from fairseq.tasks import register_task

from fairseq_mlkd.data.folders import INPUT0, LABEL, has_pairs
from fairseq_mlkd.data.sentence_dataset import NeighbourDataset, SentencePairDataset
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTaskConfig
from fairseq_mlkd.tasks._generation import TextReader
from fairseq_mlkd.tasks._labelling_task import Head, LabellingTask, count_classes

SENTENCE_HEAD = "sentence_classification_head"


@register_task("zero_shot_classification", dataclass=FineTuningTaskConfig)
class ZeroShotClassificationTask(LabellingTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,input1,label}`, and the dictionaries.

    Without `input1` it classifies single sentences. The dictionaries are
    `DATA/dict.txt` and `DATA/label/dict.txt`.
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
        """Return the sentence or two of them, with a class that nothing reads."""
        label = [self.label_dictionary.nspecial, self.label_dictionary.eos()]
        is_pair = has_pairs(self.cfg.data)
        inputs = text.pair(line) if is_pair else {INPUT0: text.sentence(line)}
        return {**inputs, LABEL: label}

    def load_unlabelled(self, prefix: str) -> FairseqDataset:
        """Load what the task's own inputs are: sentences, or each and the next one."""
        if not has_pairs(self.cfg.data):
            return super().load_unlabelled(prefix)
        return NeighbourDataset(prefix, self.dictionary, self.longest_input())
