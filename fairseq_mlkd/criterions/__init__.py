from fairseq_mlkd.criterions.task_cross_entropy import TaskCrossEntropyCriterion
from fairseq_mlkd.criterions.tinybert import TinyBertCriterion

__all__ = ["TaskCrossEntropyCriterion", "TinyBertCriterion"]
