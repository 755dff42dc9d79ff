"""Masked language modelling (Devlin et al., 2019) on top of a multilingual dataset."""

from typing import Any, NamedTuple

import numpy as np
import torch
from fairseq.data import BaseWrapperDataset, Dictionary

from fairseq_mlkd.data.inputs import collate
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset


class Masking(NamedTuple):
    """Probabilities of masking, all between 0 and 1."""

    mask_prob: float = 0.15  # share of the tokens that are predicted
    leave_unmasked_prob: float = 0.1  # share of those that stay as they are
    random_token_prob: float = 0.1  # share of those that become a random symbol


class MaskedLMDataset(BaseWrapperDataset):
    """Masks each example anew every time it is drawn.

    The mask depends on the dataset's seed, the epoch and the draw, so a sentence that
    is drawn twice is masked in two ways, and resuming masks as before.
    """

    def __init__(
        self,
        dataset: MultilingualDataset,
        dictionary: Dictionary,
        mask_idx: int,
        *,
        masking: Masking,
    ) -> None:
        super().__init__(dataset)
        self.dictionary = dictionary
        self.mask_idx = mask_idx
        self.masking = masking

    @property
    def langs(self) -> list[str]:
        return self.dataset.langs

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.dataset[index]
        key = self.dataset.draw_key(index)
        tokens = item["tokens"].numpy()
        source, target = mask_tokens(
            tokens,
            np.random.default_rng(key),
            self.masking,
            dictionary=self.dictionary,
            mask_idx=self.mask_idx,
        )
        return {
            **item,
            "key": key,
            "source": torch.from_numpy(source),
            "target": torch.from_numpy(target),
        }

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Batch the masked sentences as `src_tokens`, and what they hide as `target`.

        The target is `(bsz, src_len)`: ids to predict, padding elsewhere.
        """
        if not samples:
            return {}
        pad = self.dictionary.pad()
        batch = super().collater(samples)
        batch["net_input"]["src_tokens"] = collate(samples, "source", pad)
        return {**batch, "target": collate(samples, "target", pad)}


def mask_tokens(
    tokens: np.ndarray,
    rng: np.random.Generator,
    masking: Masking,
    *,
    dictionary: Dictionary,
    mask_idx: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Mask one sentence.

    At least one token is predicted; special symbols never are, and never are drawn.

    Args:
        tokens: `(src_len,)` ids.
        rng: decides what is masked, and how.
        masking: the probabilities.
        dictionary: tells the special symbols.
        mask_idx: id of `<mask>`, the last symbol.
    Returns:
        `(src_len,)` ids with masks, and `(src_len,)` ids to predict, padding elsewhere.
    """
    words = np.flatnonzero(tokens >= dictionary.nspecial)
    if not len(words):
        return tokens, np.full_like(tokens, dictionary.pad())
    wanted = max(1, int(masking.mask_prob * len(words) + rng.random()))
    chosen = rng.choice(words, wanted, replace=False)
    fate = rng.random(wanted)
    masked = fate >= masking.leave_unmasked_prob + masking.random_token_prob
    random = ~masked & (fate >= masking.leave_unmasked_prob)
    source, target = tokens.copy(), np.full_like(tokens, dictionary.pad())
    target[chosen] = tokens[chosen]
    source[chosen[masked]] = mask_idx
    source[chosen[random]] = rng.integers(dictionary.nspecial, mask_idx, random.sum())
    return source, target
