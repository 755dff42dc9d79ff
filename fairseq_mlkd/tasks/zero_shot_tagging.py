"""Named entities (Wikiann): a tag for each word, trained on one language."""

from dataclasses import dataclass
from typing import Any

from fairseq.data import Dictionary
from fairseq.tasks import register_task
from torch import Tensor

from fairseq_mlkd.metrics.spans import ENTITY_F1, count_spans, span_f1, span_types
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTaskConfig
from fairseq_mlkd.tasks._labelling_task import Head, LabellingTask
from fairseq_mlkd.tasks._labels import count_classes
from fairseq_mlkd.tasks._measuring_task import Measure, Sums

HEAD = "tagging_head"


@dataclass
class ZeroShotTaggingConfig(FineTuningTaskConfig):
    pass


@register_task("zero_shot_tagging", dataclass=ZeroShotTaggingConfig)
class ZeroShotTaggingTask(LabellingTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,pieces,label}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt` and `DATA/label/dict.txt`.
    """

    cfg: ZeroShotTaggingConfig
    counters = ("spans", "nsentences")
    main_metric = "f1"

    def __init__(
        self,
        cfg: ZeroShotTaggingConfig,
        dictionary: Dictionary,
        label_dictionary: Dictionary,
    ) -> None:
        super().__init__(cfg, dictionary)
        self.label_dictionary = label_dictionary
        nspecial = label_dictionary.nspecial
        num_tags = count_classes(label_dictionary)
        self.heads = {HEAD: Head(nspecial, num_tags, pooled=False)}
        self.entity_types = span_types(label_dictionary.symbols[nspecial:])

    @property
    def target_dictionary(self) -> Dictionary:
        return self.label_dictionary

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        return {HEAD: sample["label_positions"].ge(0)}

    def count(self, sample: dict[str, Any], logits: dict[str, Tensor]) -> Sums:
        sides = (sample["target"], self.predict(sample, logits))
        gold, predicted = map(self.spell_tags, sides)
        return {"spans": count_spans(gold, predicted, self.entity_types)}

    def measure(self, sums: Sums) -> list[Measure]:
        """F1 over all entities, and of each type."""
        examples, spans = int(sums["nsentences"]), sums["spans"]
        by_type = [
            Measure(f"{ENTITY_F1}: {kind}", span_f1(counts), examples, f"f1_{kind}")
            for kind, counts in zip(self.entity_types, spans)
        ]
        return [Measure(ENTITY_F1, span_f1(spans), examples, "f1"), *by_type]
