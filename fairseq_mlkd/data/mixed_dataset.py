"""Labelled examples, each with sentences without labels beside it."""

from typing import Any

import numpy as np
from fairseq.data import BaseWrapperDataset

from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset


class MixedDataset(BaseWrapperDataset):
    """Gives each labelled example its share of an epoch of unlabelled ones.

    Order, sizes and batches are those of the labelled examples: they are the same with
    and without the others. Which unlabelled examples stand beside which labelled one is
    shuffled anew each epoch, and depends on the seed and the epoch alone.

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
        # the shares of example i: from the i-th of these to the next
        shares = np.arange(len(dataset) + 1) * len(unlabelled)
        self.starts = shares // max(len(dataset), 1)
        self.set_epoch(1)

    @property
    def langs(self) -> list[str]:
        return self.dataset.langs

    def set_epoch(self, epoch: int) -> None:
        """Draw what is unlabelled in `epoch` (from 1)."""
        super().set_epoch(epoch)
        self.unlabelled.set_epoch(epoch)
        # its languages have drawn with their own numbers in the last place
        key = (self.plain.seed, epoch, len(self.plain.langs))
        self.order = np.random.default_rng(key).permutation(len(self.unlabelled))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """As the labelled example, and `unlabelled`, a list of items."""
        drawn = self.order[self.starts[index] : self.starts[index + 1]]
        items = [self.unlabelled[i] for i in drawn.tolist()]
        return {**self.dataset[index], "unlabelled": items}

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """As the labelled batch, and batches of their own beside it.

        `unlabelled`, and with masks `masked`, which has a `target`, too. Where no
        sample has unlabelled examples, they are missing.
        """
        batch = super().collater(samples)
        drawn = [item for sample in samples for item in sample["unlabelled"]]
        if drawn:
            batch["unlabelled"] = self.plain.collater(drawn)
        if drawn and self.has_masks:
            batch["masked"] = self.unlabelled.collater(drawn)
        return batch

    @property
    def can_reuse_epoch_itr_across_epochs(self) -> bool:
        """No: each epoch draws anew."""
        return False
