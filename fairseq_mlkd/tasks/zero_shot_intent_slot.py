"""Intents and slots at once (MultiATIS++, MASSIVE): trained on one language."""

from fairseq.data import Dictionary
from fairseq.tasks import register_task

from fairseq_mlkd.data.dictionary import join_dictionaries
from fairseq_mlkd.data.folders import INTENT, LABEL
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTaskConfig
from fairseq_mlkd.tasks._labelling_task import (
    Head,
    LabellingTask,
    count_classes,
    tags_of,
)

INTENT_HEAD = "intent_head"
SLOT_HEAD = "slot_head"


@register_task("zero_shot_intent_slot", dataclass=FineTuningTaskConfig)
class ZeroShotIntentSlotTask(LabellingTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,pieces,label,intent}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt`, and `dict.txt` in `DATA/label` and
    `DATA/intent`. In the loss every label counts once, the intent's as the slots'.
    """

    label_parts = (LABEL, INTENT)

    def __init__(
        self,
        cfg: FineTuningTaskConfig,
        dictionary: Dictionary,
        slots: Dictionary,
        intents: Dictionary,
    ) -> None:
        metric = choose_metric(self.label_parts, tags=tags_of(slots))
        super().__init__(cfg, dictionary, metric)
        self.labels = join_dictionaries(slots, intents)
        self.intent_offset = len(slots) - slots.nspecial
        self.heads = {
            INTENT_HEAD: Head(len(slots), count_classes(intents), pooled=True),
            SLOT_HEAD: Head(slots.nspecial, count_classes(slots), pooled=False),
        }

    @property
    def target_dictionary(self) -> Dictionary:
        """The slots' labels, then the intents."""
        return self.labels
