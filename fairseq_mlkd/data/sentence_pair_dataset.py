"""Pairs of sentences with a label, in the layout of fairseq's sentence_prediction."""

import os
from typing import Any, Dict, List

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.data.collate import collate, collate_inputs


class SentencePairDataset(FairseqDataset):
    """`<s> first </s> second </s>` and its label.

    Args:
        folder: holds `input0/`, `input1/` and `label/`.
        subset: file name in each of them, such as `test.fr`.
        dictionary: symbols of the inputs.
    Raises:
        ValueError: a file is missing, or the three differ in their number of rows.
    """

    def __init__(self, folder: str, subset: str, dictionary: Dictionary) -> None:
        self.input0, self.input1, self.label = (
            load_binary(os.path.join(folder, part, subset))
            for part in ("input0", "input1", "label")
        )
        rows = [len(self.input0), len(self.input1), len(self.label)]
        if len(set(rows)) > 1:
            raise ValueError(
                f"{folder}: {subset} has {rows[0]} first sentences, {rows[1]} second "
                f"ones and {rows[2]} labels: build it again"
            )
        self.dictionary = dictionary
        self.bos = torch.tensor([dictionary.bos()])
        self.sizes = np.asarray(self.input0.sizes) + np.asarray(self.input1.sizes) + 1

    def __getitem__(self, index: int) -> Dict[str, Any]:
        """`tokens` and `segments` `(src_len,)`; `target` `(1,)`, a label's id."""
        first, second = self.input0[index].long(), self.input1[index].long()
        return {
            "tokens": torch.cat([self.bos, first, second]),
            "segments": torch.arange(self.sizes[index]).gt(len(first)).long(),
            "target": self.label[index][:1].long(),
        }

    def __len__(self) -> int:
        return len(self.label)

    def collater(self, samples: List[Dict[str, Any]]) -> Dict[str, Any]:
        """As `collate_inputs`, and two more.

        `segments` `(bsz, src_len)` in `net_input`; `target` `(bsz, 1)`, ids of the
        label dictionary.
        """
        if not samples:
            return {}
        batch = collate_inputs(samples, "tokens", self.dictionary.pad())
        batch["net_input"]["segments"] = collate(samples, "segments", 0)
        return {**batch, "target": torch.stack([s["target"] for s in samples])}
