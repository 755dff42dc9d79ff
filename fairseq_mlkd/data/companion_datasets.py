"""Data sets that distillation reads beside labelled examples.

Sentences without labels, and the same examples in the subwords of a teacher.
"""

import filecmp
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from fairseq.data import BaseWrapperDataset, FairseqDataset

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset

# a batch of 32 then spans a thirty-second of all lengths
_RUN = 1024


class MixedDataset(BaseWrapperDataset):
    """Gives each labelled example its share of an epoch of unlabelled ones.

    Order, sizes and batches are those of the labelled examples: they are the same with
    and without the others. Which unlabelled examples stand beside which labelled one is
    shuffled anew each epoch, and depends on the seed and the epoch alone. Those of a
    batch are about as long as one another, so that few of its symbols are padding.

    Args:
        dataset: the labelled examples.
        unlabelled: the others, resampled; in a `MaskedLMDataset` where their masked
            form is wanted, too.
    """

    def __init__(
        self,
        dataset: MultilingualDataset,
        unlabelled: MultilingualDataset | MaskedLMDataset,
    ) -> None:
        super().__init__(dataset)
        self.unlabelled = unlabelled
        self.has_masks = isinstance(unlabelled, MaskedLMDataset)
        self.plain = unlabelled.dataset if self.has_masks else unlabelled
        # example i gets the unlabelled ones `starts[i]` to `starts[i + 1] - 1`
        shares = np.arange(len(dataset) + 1) * len(unlabelled)
        self.starts = shares // max(len(dataset), 1)
        self.epoch = 0
        self.set_epoch(1)

    @property
    def langs(self) -> list[str]:
        return self.dataset.langs

    def set_epoch(self, epoch: int) -> None:
        """Draw the unlabelled examples of `epoch` (from 1).

        A second call for the same epoch leaves their order as it is.
        """
        super().set_epoch(epoch)
        self.unlabelled.set_epoch(epoch)
        if epoch == self.epoch:  # fairseq says so again after it has made the batches
            return
        self.epoch = epoch
        # the last number is none of a language: those have seeded their own draws
        key = (self.plain.seed, epoch, len(self.plain.langs))
        self.drawn = np.random.default_rng(key).permutation(len(self.unlabelled))
        self.order = self.drawn

    def ordered_indices(self) -> np.ndarray:
        """Return the order of the labelled examples, and line up the others along it.

        Neighbours in this order share a batch: of the shuffled examples, runs of
        `_RUN` are sorted by length.
        """
        indices = self.dataset.ordered_indices()
        counts = np.diff(self.starts)[indices]
        numbers = np.arange(len(self.drawn))
        begun = np.cumsum(counts) - counts
        places = np.repeat(self.starts[indices] - begun, counts) + numbers
        by_length = np.lexsort([self.plain.sizes[self.drawn], numbers // _RUN])
        self.order = np.empty_like(self.drawn)
        self.order[places] = self.drawn[by_length]
        return indices

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the labelled example, and in it `unlabelled`, a list of items."""
        drawn = self.order[self.starts[index] : self.starts[index + 1]]
        items = [self.unlabelled[i] for i in drawn.tolist()]
        return {**self.dataset[index], "unlabelled": items}

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the labelled batch, and batches of their own beside it.

        `unlabelled`, and with masks `masked`, which has a `target`, too; `owners`
        `(n,)`, the sample beside which each stands, and `examples_per_unlabelled`, how
        many labelled examples an epoch has for each. Where no sample has unlabelled
        examples, they are missing.
        """
        batch = super().collater(samples)
        drawn = [item for sample in samples for item in sample["unlabelled"]]
        owners = [i for i, s in enumerate(samples) for _ in s["unlabelled"]]
        if drawn:
            batch["owners"] = torch.tensor(owners)
            batch["examples_per_unlabelled"] = len(self) / len(self.unlabelled)
            batch["unlabelled"] = self.plain.collater(drawn)
        if drawn and self.has_masks:
            batch["masked"] = self.unlabelled.collater(drawn)
        return batch

    @property
    def can_reuse_epoch_itr_across_epochs(self) -> bool:
        """Return False: each epoch draws anew."""
        return False


class PairedDataset(BaseWrapperDataset):
    """The student's examples; sizes and order are theirs.

    Args:
        dataset: of the student.
        teacher: the same examples in the teacher's subwords, row by row.
    """

    def __init__(self, dataset: FairseqDataset, teacher: FairseqDataset) -> None:
        super().__init__(dataset)
        self.teacher = teacher

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self.dataset[index], "teacher": self.teacher[index]}

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the student's batch, and the teacher's in it as `teacher`."""
        batch = self.dataset.collater(samples)
        if samples:
            theirs = [{**sample, **sample["teacher"]} for sample in samples]
            batch["teacher"] = self.teacher.collater(theirs)
        return batch


def check_same_rows(
    folder: str, other: str, subset: str, parts: Sequence[str], flag: str
) -> None:
    """Refuse a folder whose rows are not those of another.

    Args:
        folder: the one.
        other: the other, which `flag` names.
        subset: file name in both, such as `train.en`.
        parts: what does not depend on the subwords, such as `label`.
    Raises:
        ValueError: the first difference.
    """
    for part in parts:
        prefixes = [os.path.join(where, part, subset) for where in (folder, other)]
        ours, theirs = map(load_binary, prefixes)
        same = (
            filecmp.cmp(f"{prefixes[0]}{end}", f"{prefixes[1]}{end}", shallow=False)
            for end in (".idx", ".bin")
        )
        if all(same):
            continue
        advice = "prepare both from the same files"
        if len(ours) != len(theirs):
            raise ValueError(
                f"{flag} {other}: {part}/{subset} has {len(theirs)} rows where "
                f"{folder} has {len(ours)}: {advice}"
            )
        for row in range(len(ours)):
            if not torch.equal(ours[row], theirs[row]):
                raise ValueError(
                    f"{flag} {other}: row {row + 1} of {part}/{subset} is not that of "
                    f"{folder}: {advice}"
                )
