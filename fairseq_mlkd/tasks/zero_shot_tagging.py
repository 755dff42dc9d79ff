"""Named entities (Wikiann): a tag for each word, trained on one language."""

from fairseq.data import Dictionary
from fairseq.tasks import register_task

from fairseq_mlkd.data.folders import LABEL, WORDS
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTaskConfig
from fairseq_mlkd.tasks._labelling_task import (
    Head,
    LabellingTask,
    count_classes,
    tags_of,
)

TAGGING_HEAD = "tagging_head"


@register_task("zero_shot_tagging", dataclass=FineTuningTaskConfig)
class ZeroShotTaggingTask(LabellingTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,pieces,label}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt` and `DATA/label/dict.txt`.
    """

    def __init__(
        self, cfg: FineTuningTaskConfig, dictionary: Dictionary, labels: Dictionary
    ) -> None:
        metric = choose_metric((LABEL, WORDS), tags=tags_of(labels))
        super().__init__(cfg, dictionary, metric)
        self.label_dictionary = labels
        num_tags = count_classes(labels)
        self.heads = {TAGGING_HEAD: Head(labels.nspecial, num_tags, pooled=False)}

    @property
    def target_dictionary(self) -> Dictionary:
        return self.label_dictionary
