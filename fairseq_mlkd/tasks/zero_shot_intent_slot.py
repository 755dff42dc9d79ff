"""Intents and slots at once (MultiATIS++, MASSIVE): trained on one language."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.tasks import register_task
from torch import Tensor

from fairseq_mlkd.metrics.spans import (
    INTENT_ACCURACY,
    INTENT_SLOT_EXACT_MATCH,
    SLOT_F1,
    count_spans,
    span_f1,
    span_types,
)
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTaskConfig
from fairseq_mlkd.tasks._labelling_task import Head, LabellingTask
from fairseq_mlkd.tasks._labels import count_classes
from fairseq_mlkd.tasks._measuring_task import Measure, Sums

INTENT_HEAD = "intent_head"
SLOT_HEAD = "slot_head"


@dataclass
class ZeroShotIntentSlotConfig(FineTuningTaskConfig):
    pass


@register_task("zero_shot_intent_slot", dataclass=ZeroShotIntentSlotConfig)
class ZeroShotIntentSlotTask(LabellingTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,pieces,label,intent}`, and the dictionaries.

    The dictionaries are `DATA/dict.txt`, and `dict.txt` in `DATA/label` and
    `DATA/intent`. In the loss every label counts once, the intent's as the slots'.
    """

    cfg: ZeroShotIntentSlotConfig
    counters = ("nexact", "nintents", "spans", "nsentences")
    main_metric = "exact_match"
    label_parts = ("label", "intent")

    def __init__(
        self,
        cfg: ZeroShotIntentSlotConfig,
        dictionary: Dictionary,
        slots: Dictionary,
        intents: Dictionary,
    ) -> None:
        super().__init__(cfg, dictionary)
        self.slot_types = span_types(slots.symbols[slots.nspecial :])
        self.labels = _join(slots, intents)
        self.intent_offset = len(slots) - slots.nspecial
        self.heads = {
            INTENT_HEAD: Head(len(slots), count_classes(intents), pooled=True),
            SLOT_HEAD: Head(slots.nspecial, count_classes(slots), pooled=False),
        }

    @property
    def target_dictionary(self) -> Dictionary:
        """The slots' labels, then the intents."""
        return self.labels

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """The intent is the first label of each sentence."""
        is_read = sample["label_positions"].ge(0)
        is_intent = torch.zeros_like(is_read)
        is_intent[:, 0] = True
        return {INTENT_HEAD: is_intent, SLOT_HEAD: is_read & ~is_intent}

    def count(self, sample: dict[str, Any], logits: dict[str, Tensor]) -> Sums:
        target, predicted = sample["target"], self.predict(sample, logits)
        is_right = predicted.eq(target)
        gold_slots, slots = (self.spell_tags(ids[:, 1:]) for ids in (target, predicted))
        return {
            "nexact": is_right.all(dim=1).sum(),
            "nintents": is_right[:, 0].sum(),
            "spans": count_spans(gold_slots, slots, self.slot_types),
        }

    def measure(self, sums: Sums) -> list[Measure]:
        examples = int(sums["nsentences"])
        exact, intents = (
            100.0 * float(sums[key]) / examples for key in ("nexact", "nintents")
        )
        return [
            Measure(INTENT_SLOT_EXACT_MATCH, exact, examples, "exact_match"),
            Measure(INTENT_ACCURACY, intents, examples, "intent_accuracy"),
            Measure(SLOT_F1, span_f1(sums["spans"]), examples, "slot_f1"),
        ]


def _join(slots: Dictionary, intents: Dictionary) -> Dictionary:
    """The symbols of both; a name that is in both keeps two ids."""
    joint = copy.deepcopy(slots)
    joint.symbols += intents.symbols[intents.nspecial :]
    joint.count += intents.count[intents.nspecial :]
    return joint
