"""Sentences, pairs of sentences with a label, and neighbours that stand for pairs."""

import os
from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset
from torch import Tensor

from fairseq_mlkd.data.binary import load_binary, load_part
from fairseq_mlkd.data.folders import INPUT0, INPUT1, LABEL, has_pairs
from fairseq_mlkd.data.inputs import check_lengths, collate, collate_inputs, cut
from fairseq_mlkd.remedies import PREPARE_AGAIN
from fairseq_mlkd.text.windows import pair_lengths


def list_languages(folder: str, split: str, wanted: str | None = None) -> list[str]:
    """Return the languages to read of a folder that `mlkd-corpus` wrote.

    Args:
        folder: holds `LANG/SPLIT.{bin,idx}`.
        wanted: comma-separated; None: all that have `split`.
    Raises:
        ValueError: there are none, or not all of those.
    """
    langs = sorted(
        entry.name
        for entry in os.scandir(folder)
        if os.path.isfile(os.path.join(entry.path, f"{split}.idx"))
    )
    if not langs:
        raise ValueError(
            f"{folder}: no language folder holds {split}.idx; name a folder that "
            "mlkd-corpus wrote"
        )
    missing = [lang for lang in (wanted or "").split(",") if lang not in (*langs, "")]
    if missing:
        raise ValueError(
            f"{folder}: no {split} data in {', '.join(missing)}; there are "
            f"{', '.join(langs)}"
        )
    return wanted.split(",") if wanted else langs


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
        """Return `tokens`: `(src_len,)` ids."""
        tokens = torch.cat([self.bos, self.binary[index].long()])
        return {"tokens": cut(tokens, int(self.sizes[index]))}

    def __len__(self) -> int:
        return len(self.binary)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Batch as `collate_inputs`."""
        return collate_inputs(samples, "tokens", self.padding_idx)


class SentencePairDataset(FairseqDataset):
    """`<s> first </s> second </s>`, or `<s> sentence </s>` alone, and its label.

    Args:
        folder: holds `input0/`, `label/` and, of pairs, `input1/`.
        subset: file name in each of them, such as `test.fr`.
        dictionary: symbols of the inputs.
        max_positions: the longest input that the model takes, in subwords with the
            special symbols.
        long_inputs: what to do with longer ones, "refuse" or "truncate": the longer
            sentence loses its end.
    Raises:
        ValueError: a file is missing, they differ in their number of rows, or inputs
            are too long.
    """

    def __init__(
        self,
        folder: str,
        subset: str,
        dictionary: Dictionary,
        *,
        max_positions: int,
        long_inputs: str = "refuse",
    ) -> None:
        self.input0, self.label = (
            load_part(folder, x, subset) for x in (INPUT0, LABEL)
        )
        self.input1 = load_part(folder, INPUT1, subset) if has_pairs(folder) else None
        parts = (self.input0, self.input1, self.label)
        rows = [len(part) for part in parts if part is not None]
        if len(set(rows)) > 1:
            second = "" if self.input1 is None else f"{rows[1]} second ones and "
            raise ValueError(
                f"{folder}: {subset} has {rows[0]} first sentences, {second}{rows[-1]} "
                f"labels: {PREPARE_AGAIN}"
            )
        self.dictionary = dictionary
        self.bos = torch.tensor([dictionary.bos()])
        self.max_positions = max_positions
        sizes = np.asarray(self.input0.sizes) + 1
        if self.input1 is not None:
            sizes = sizes + np.asarray(self.input1.sizes)
        if long_inputs != "truncate":
            check_lengths(sizes, max_positions, f"{folder}: {subset}", "truncate")
        self.sizes = sizes.clip(max=max_positions)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return `tokens`, `segments` `(src_len,)`; `target` `(1,)`, a label's id."""
        first = self.input0[index].long()
        second = first[:0] if self.input1 is None else self.input1[index].long()
        return {
            **join_pair(self.bos, first, second, self.max_positions),
            "target": self.label[index][:1].long(),
        }

    def __len__(self) -> int:
        return len(self.label)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Batch as `collate_pairs`, and two more, `(bsz, 1)`.

        `target` has ids of the label dictionary; `label_positions` says where each is
        read, at `<s>`, as an index into the flat `src_tokens`.
        """
        if not samples:
            return {}
        batch = collate_pairs(samples, self.dictionary.pad())
        bsz, src_len = batch["net_input"]["src_tokens"].shape
        return {
            **batch,
            "target": torch.stack([s["target"] for s in samples]),
            "label_positions": (torch.arange(bsz) * src_len).view(bsz, 1),
        }


class NeighbourDataset(FairseqDataset):
    """Each sentence of a file and the next: `<s> first </s> second </s>`.

    Args:
        prefix: path of the file without `.bin`/`.idx`; each item ends in `</s>`.
        dictionary: gives `<s>`.
        max_positions: of longer pairs the longer sentence loses its end.
    """

    def __init__(self, prefix: str, dictionary: Dictionary, max_positions: int) -> None:
        self.binary = load_binary(prefix)
        self.bos = torch.tensor([dictionary.bos()])
        self.padding_idx = dictionary.pad()
        self.max_positions = max_positions
        lengths = np.asarray(self.binary.sizes, dtype=np.int64)
        self.sizes = (1 + lengths[:-1] + lengths[1:]).clip(max=max_positions)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return `tokens` and `segments` `(src_len,)`."""
        first, second = self.binary[index].long(), self.binary[index + 1].long()
        return join_pair(self.bos, first, second, self.max_positions)

    def __len__(self) -> int:
        return len(self.sizes)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Batch as `collate_pairs`."""
        return collate_pairs(samples, self.padding_idx)


def join_pair(
    bos: Tensor, first: Tensor, second: Tensor, max_positions: int
) -> dict[str, Tensor]:
    """Return `<s> first </s> second </s>`; the longer one is cut until both fit.

    Args:
        bos: `(1,)`, the id of `<s>`.
        first: `(n,)` ids that end in `</s>`.
        second: likewise, or empty.
        max_positions: of the pair.
    Returns:
        `tokens` and `segments` `(src_len,)`.
    """
    lengths = pair_lengths(len(first), len(second), max_positions - 1)
    first, second = map(cut, (first, second), lengths)
    tokens = torch.cat([bos, first, second])
    segments = torch.arange(len(tokens)).gt(len(first)).long()
    return {"tokens": tokens, "segments": segments}


def collate_pairs(samples: list[dict[str, Any]], padding_idx: int) -> dict[str, Any]:
    """Batch as `collate_inputs`, with `segments` `(bsz, src_len)` in `net_input`."""
    batch = collate_inputs(samples, "tokens", padding_idx)
    batch["net_input"]["segments"] = collate(samples, "segments", 0)
    return batch
