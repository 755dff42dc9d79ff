"""Pairs of sentences with a label, in the layout of fairseq's sentence_prediction."""

import os
from typing import Any, Dict, List

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset, data_utils

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.data.multilingual_dataset import common_lang


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
        """Pad on the right.

        Returns:
            `id` `(bsz,)`; `lang`, None where the batch mixes languages; `net_input`
            with `src_tokens` and `segments` `(bsz, src_len)` and `src_lengths`
            `(bsz,)`; `target` `(bsz, 1)`, ids of the label dictionary.
        """
        if not samples:
            return {}
        pad = self.dictionary.pad()
        lengths = torch.tensor([len(s["tokens"]) for s in samples])
        return {
            "id": torch.tensor([s["id"] for s in samples]),
            "lang": common_lang(samples),
            "nsentences": len(samples),
            "ntokens": int(lengths.sum()),
            "net_input": {
                "src_tokens": data_utils.collate_tokens(
                    [s["tokens"] for s in samples], pad
                ),
                "src_lengths": lengths,
                "segments": data_utils.collate_tokens(
                    [s["segments"] for s in samples], 0
                ),
            },
            "target": torch.stack([s["target"] for s in samples]),
        }
