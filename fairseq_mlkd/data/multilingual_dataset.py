"""Several languages as one dataset, each example once or drawn anew every epoch."""

import logging
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from fairseq.data import FairseqDataset

from fairseq_mlkd.data.sampling import apportion, draw, sampling_probabilities

logger = logging.getLogger(__name__)


class MultilingualDataset(FairseqDataset):
    """The datasets of several languages, one after the other.

    Without `sampling_alpha` every example is there once, in the order of the languages,
    and a batch holds one language, so that a metric of a batch belongs to its language.

    With it, each epoch draws `epoch_size` examples, shared out over the languages by
    equation 1, and batches mix languages. A language is drawn in whole passes plus a
    remainder without repeats. What an epoch draws depends on the seed and the number of
    the epoch alone, so that resuming is exact.

    Args:
        datasets: language -> dataset with an array `sizes`, items that are
            dictionaries, and a collater that takes `id`, `key` and `lang` beside the
            item's own keys.
        sampling_alpha: alpha of equation 1; None: every example once.
        epoch_size: how many examples an epoch draws; None: as many as there are.
        seed: of the draws.
        subset: its name, such as `valid.all`.
    """

    def __init__(
        self,
        datasets: Mapping[str, FairseqDataset],
        *,
        sampling_alpha: float | None = None,
        epoch_size: int | None = None,
        seed: int = 1,
        subset: str = "",
    ) -> None:
        self.langs = list(datasets)
        self.subset = subset
        self.datasets = list(datasets.values())
        self.seed = seed
        self.counts = [len(d) for d in self.datasets]
        self.is_resampled = sampling_alpha is not None
        self.epoch_counts = self.counts
        if sampling_alpha is not None:
            shares = sampling_probabilities(self.counts, sampling_alpha)
            size = sum(self.counts) if epoch_size is None else epoch_size
            self.epoch_counts = apportion(size, shares)
        # of each example of the epoch: its language, and below its index there
        self.lang_ids = np.repeat(np.arange(len(self.langs)), self.epoch_counts)
        self.starts = np.cumsum([0, *self.epoch_counts])
        self.set_epoch(1)

    def set_epoch(self, epoch: int) -> None:
        """Draw the examples of `epoch` (from 1)."""
        self.epoch = epoch
        drawn = [self._draw(i) for i in range(len(self.langs))]
        self.indices = np.concatenate(drawn)
        self.sizes = np.concatenate(
            [np.asarray(d.sizes)[i] for d, i in zip(self.datasets, drawn)]
        )

    def log_counts(self) -> None:
        """Say what was read."""
        counts = (f"{lang} {n:,}" for lang, n in zip(self.langs, self.counts))
        logger.info("%s: %s", self.subset, ", ".join(counts))

    def log_sampling(self) -> None:
        """Say how often each language is drawn, and what that does to its size."""
        total, epoch = sum(self.counts), sum(self.epoch_counts)
        for lang, count, drawn in zip(self.langs, self.counts, self.epoch_counts):
            logger.info(
                "%s: %s sentences, share %.4f -> sampling probability %.4f, "
                "sampling ratio %.2f",
                lang,
                f"{count:,}",
                count / total,
                drawn / epoch,
                drawn / max(count, 1),
            )

    def _draw(self, lang_id: int) -> np.ndarray:
        if not self.is_resampled:
            return np.arange(self.counts[lang_id])
        if not self.counts[lang_id]:
            return np.arange(0)
        rng = np.random.default_rng((self.seed, self.epoch, lang_id))
        return draw(self.epoch_counts[lang_id], self.counts[lang_id], rng)

    def draw_key(self, index: int) -> tuple[int, ...]:
        """Return a key of this draw of an example, to seed what is random about it.

        Seed, epoch, language and the number of the draw within the language: the same
        whichever other languages there are.
        """
        lang_id = self.lang_ids[index]
        lang = zlib.crc32(self.langs[lang_id].encode())
        return self.seed, self.epoch, lang, int(index - self.starts[lang_id])

    def key(self, index: int) -> tuple[int, ...]:
        """Return what names an example: in all runs on the same data, equal keys mean
        equal examples.

        Where examples are drawn, the `draw_key`. Where each is there once, the same
        without seed and epoch, which are 0.
        """
        seed, epoch, lang, number = self.draw_key(index)
        return (
            (seed, epoch, lang, number) if self.is_resampled else (0, 0, lang, number)
        )

    @property
    def can_reuse_epoch_itr_across_epochs(self) -> bool:
        """Return False: fairseq breaks ties by the epoch, so batches differ."""
        return False

    def __getitem__(self, index: int) -> dict[str, Any]:
        lang_id = self.lang_ids[index]
        item = self.datasets[lang_id][self.indices[index]]
        lang = self.langs[lang_id]
        return {**item, "id": index, "key": self.key(index), "lang": lang}

    def __len__(self) -> int:
        return len(self.indices)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Batch as the datasets do, and say of which subset, in which languages."""
        batch = self.datasets[0].collater(samples)
        return {**batch, "subset": self.subset, "langs": self.langs} if batch else {}

    def num_tokens(self, index: int) -> int:
        return self.sizes[index]

    def num_tokens_vec(self, indices: np.ndarray) -> np.ndarray:
        return self.sizes[indices]

    def size(self, index: int) -> int:
        return self.sizes[index]

    def ordered_indices(self) -> np.ndarray:
        """Return the shortest first, ties in the order that fairseq has seeded."""
        return np.lexsort([np.random.permutation(len(self)), self.sizes])

    def batch_by_size(self, indices: np.ndarray, **limits: Any) -> list[np.ndarray]:
        if self.is_resampled:
            return list(super().batch_by_size(indices, **limits))
        lang_ids = self.lang_ids[indices]
        parts = (indices[lang_ids == i] for i in np.unique(lang_ids))
        return [
            b
            for part in parts
            for b in super(MultilingualDataset, self).batch_by_size(part, **limits)
        ]
