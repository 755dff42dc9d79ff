"""Classifiers of Hugging Face models and ours: the same parameters by other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from fairseq_mlkd.convert.naming import Weights
from fairseq_mlkd.convert.trained import CLASSIFICATION, HEADS, TAGGING
from fairseq_mlkd.modules.bert_names import FAMILIES

ROBERTAS = ("xlm-roberta", "roberta", "camembert")
# what a classifier of sentences does between its layers, and what heads are called
_FAMILIES = {
    **{x.model_type: (activation, x) for activation, x in FAMILIES.items()},
    # RoBERTa names its layers as ELECTRA, and keeps BERT's tanh
    **dict.fromkeys(ROBERTAS, ("tanh", FAMILIES["gelu"])),
}
_TASKS = {
    "ForSequenceClassification": CLASSIFICATION,
    "ForTokenClassification": TAGGING,
}


class FoundHead(NamedTuple):
    """A fine-tuned head in a Hugging Face folder.

    Attributes:
        task: ours that has such a head.
        modules: their name -> ours, without the prefix of the family.
        labels: of its classes.
        activation: between the two layers of a classifier of sentences.
    """

    task: str
    modules: Mapping[str, str]
    labels: list[str]
    activation: str

    @property
    def name(self) -> str:
        """What our checkpoints call it."""
        return HEADS[self.task][0][0]

    @property
    def pooled(self) -> bool:
        """Whether it classifies sentences."""
        return HEADS[self.task][0][1]


def find_head(config: Mapping[str, Any]) -> FoundHead | None:
    """Return the head that `config.json` tells of, None where there is none of ours.

    Raises:
        ValueError: it has one, and labels that are no list of names.
    """
    names = config.get("architectures") or [""]
    kind = str(names[0]).partition("For")
    task = _TASKS.get("For" + kind[2])
    if task is None:
        return None
    if config.get("problem_type") not in (None, "single_label_classification"):
        raise ValueError(
            f"problem_type is {config['problem_type']!r}; only "
            "single_label_classification is supported"
        )
    found: Any = config.get("id2label")
    try:
        labels = [str(found[str(i)]) for i in range(len(found))]
    except (KeyError, TypeError):
        raise ValueError(
            "id2label does not name the classes 0, 1, ...: add their names"
        ) from None
    if len(set(labels)) < len(labels) or not all(x and "\n" not in x for x in labels):
        raise ValueError("id2label names two classes alike, or one not at all")
    if len(labels) < 2:
        raise ValueError("id2label names one class: a regression, which ours are not")
    ((name, pooled, _),) = HEADS[task]
    activation, family = _FAMILIES[str(config["model_type"])]
    modules = {
        theirs.removeprefix("bert."): ours
        for theirs, ours in family.head(name, pooled=pooled).items()
    }
    return FoundHead(task, modules, labels, activation if pooled else "tanh")


def order_labels(head: FoundHead, weights: Weights, wanted: list[str]) -> FoundHead:
    """Put the classes in the order of other data's labels, whose spelling they take.

    Args:
        weights: by our names; changed in place.
        wanted: the labels, in the order that a student will have.
    Raises:
        ValueError: they are not the same labels, but for capitals.
    """
    ours = {label.casefold(): i for i, label in enumerate(head.labels)}
    order = [ours.get(label.casefold(), -1) for label in wanted]
    if sorted(order) != list(range(len(head.labels))):
        raise ValueError(
            f"its labels are {', '.join(head.labels)}, those of the data "
            f"{', '.join(wanted)}: rename them in id2label of config.json"
        )
    for part in ("weight", "bias"):
        name = f"classification_heads.{head.name}.out_proj.{part}"
        weights[name] = weights[name][torch.tensor(order)]
    return head._replace(labels=wanted)
