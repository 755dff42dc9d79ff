"""Sentences of one language, as fairseq-preprocess wrote them."""

from typing import Any, Dict

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset

from fairseq_mlkd.data.binary import load_binary


class SentenceDataset(FairseqDataset):
    """`<s> sentence </s>` from one binary file.

    Args:
        prefix: path of the file without `.bin`/`.idx`; each item ends in `</s>`.
        dictionary: gives `<s>`.
    """

    def __init__(self, prefix: str, dictionary: Dictionary) -> None:
        self.binary = load_binary(prefix)
        self.bos = torch.tensor([dictionary.bos()])
        self.sizes = np.asarray(self.binary.sizes) + 1

    def __getitem__(self, index: int) -> Dict[str, Any]:
        """`tokens`: `(src_len,)` ids."""
        return {"tokens": torch.cat([self.bos, self.binary[index].long()])}

    def __len__(self) -> int:
        return len(self.binary)
