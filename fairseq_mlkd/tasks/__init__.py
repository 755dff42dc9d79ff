from fairseq_mlkd.tasks.multilingual_mlm import MultilingualMLMTask
from fairseq_mlkd.tasks.zero_shot_classification import ZeroShotClassificationTask
from fairseq_mlkd.tasks.zero_shot_intent_slot import ZeroShotIntentSlotTask
from fairseq_mlkd.tasks.zero_shot_parsing import ZeroShotParsingTask
from fairseq_mlkd.tasks.zero_shot_tagging import ZeroShotTaggingTask

__all__ = [
    "MultilingualMLMTask",
    "ZeroShotClassificationTask",
    "ZeroShotIntentSlotTask",
    "ZeroShotParsingTask",
    "ZeroShotTaggingTask",
]
