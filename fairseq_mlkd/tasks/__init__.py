from fairseq_mlkd.tasks.multilingual_mlm import MultilingualMLMTask
from fairseq_mlkd.tasks.zero_shot_classification import ZeroShotClassificationTask

__all__ = ["MultilingualMLMTask", "ZeroShotClassificationTask"]
