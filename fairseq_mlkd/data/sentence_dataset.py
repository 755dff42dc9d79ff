"""Sentences of one language, as fairseq-preprocess wrote them."""

from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.data.collate import collate_inputs
from fairseq_mlkd.data.lengths import cut


class SentenceDataset(FairseqDataset):
    """`<s> sentence </s>` from one binary file.

    Args:
        prefix: path of the file without `.bin`/`.idx`; each item ends in `</s>`.
        dictionary: gives `<s>`.
        max_positions: longer sentences lose their end, `</s>` apart; None: none do.
    """

    def __init__(
        self, prefix: str, dictionary: Dictionary, max_positions: int | None = None
    ) -> None:
        self.binary = load_binary(prefix)
        self.bos = torch.tensor([dictionary.bos()])
        self.padding_idx = dictionary.pad()
        self.sizes = np.asarray(self.binary.sizes, dtype=np.int64) + 1
        if max_positions is not None:
            self.sizes = self.sizes.clip(max=max_positions)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """`tokens`: `(src_len,)` ids."""
        tokens = torch.cat([self.bos, self.binary[index].long()])
        return {"tokens": cut(tokens, int(self.sizes[index]))}

    def __len__(self) -> int:
        return len(self.binary)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """As `collate_inputs`."""
        return collate_inputs(samples, "tokens", self.padding_idx)
