"""Sentences with a tag for every word, and maybe an intent for the whole."""

import logging
import os
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from fairseq.data import Dictionary, FairseqDataset, data_utils
from fairseq.data.indexed_dataset import MMapIndexedDataset
from torch import Tensor

from fairseq_mlkd.data.binary import load_part
from fairseq_mlkd.data.folders import INPUT0, INTENT, LABEL, PIECES
from fairseq_mlkd.data.inputs import check_lengths, collate, collate_inputs
from fairseq_mlkd.remedies import PREPARE_AGAIN
from fairseq_mlkd.text.windows import (
    CUT,
    NO_SUBWORD,
    count_windows,
    place_words,
    window_starts,
)

logger = logging.getLogger(__name__)

_PADDING = -3  # besides NO_SUBWORD and CUT, in the place of a label's position
_SPECIAL = 2  # <s> and </s> of each window


class WordDataset(FairseqDataset):
    """`<s> subwords </s>`, and labels that are read at the first subword of their word.

    Args:
        folder: holds `input0/`, `pieces/`, `label/` and, for intents, `intent/`.
        subset: file name in each of them, such as `test.fr`.
        dictionary: symbols of the input.
        max_positions: the longest input that the model takes, in subwords with the
            special symbols.
        long_inputs: what to do with longer ones: "refuse", "truncate", or "window":
            read them through overlapping windows.
        intent_offset: the sentence's intent stands before its tags, with an id that is
            larger by this; None: no intents.
    Raises:
        ValueError: a file is missing, the parts do not fit one another, or inputs are
            too long.
    """

    def __init__(
        self,
        folder: str,
        subset: str,
        dictionary: Dictionary,
        *,
        max_positions: int,
        long_inputs: str = "refuse",
        intent_offset: int | None = None,
    ) -> None:
        self.input0, self.pieces = load_words(folder, subset)
        words = np.asarray(self.pieces.sizes)
        self.label = _load_labels(folder, LABEL, subset, words)
        self.intent_offset = intent_offset
        if intent_offset is not None:
            self.intent = _load_labels(folder, INTENT, subset, np.ones_like(words))
        self.padding_idx = dictionary.pad()
        self.bos = torch.tensor([dictionary.bos()])
        self.eos = torch.tensor([dictionary.eos()])
        self.room = max_positions - _SPECIAL
        self.has_windows = long_inputs == "window"
        place = f"{folder}: {subset}"
        lengths = np.asarray(self.input0.sizes, dtype=np.int64) - 1
        if long_inputs == "refuse":
            remedies = "window or truncate"
            check_lengths(lengths + _SPECIAL, max_positions, place, remedies)
        rows = count_windows(lengths, self.room) if self.has_windows else 1
        is_long = lengths > self.room
        self.sizes = np.where(is_long, rows * self.room, lengths) + rows * _SPECIAL
        self._report_long(place, np.flatnonzero(is_long))

    def _report_long(self, place: str, long: np.ndarray) -> None:
        if not len(long):
            return
        fate = "are read through windows"
        if not self.has_windows:
            cut = sum(int((self._locate(i)[1] == CUT).sum()) for i in long)
            fate = f"are truncated: {cut} words get no prediction and count as wrong"
        logger.warning(
            "%s: %d of %d inputs are longer than the %d subwords that the model takes "
            "and %s",
            place,
            len(long),
            len(self),
            self.room + _SPECIAL,
            fate,
        )

    def _starts(self, index: int) -> np.ndarray:
        length = int(self.input0.sizes[index]) - 1
        return window_starts(length if self.has_windows else 0, self.room)

    def _locate(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the window, and the column in it, where each word is read."""
        pieces = self.pieces[index].numpy()
        return place_words(pieces, self._starts(index), self.room)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sentence.

        Returns:
            `tokens` `(src_len,)`, the first window; `more_tokens`, the others; and for
            each label, `(labels,)`: `windows` and `columns`, where it is read, and
            `target`, its id. `word_starts` `(words,)` are the columns of the words, -1
            for those without.
        """
        subwords = self.input0[index][:-1].long()
        first, *others = (
            self._wrap(subwords[start : start + self.room])
            for start in self._starts(index)
        )
        windows, columns = map(torch.from_numpy, self._locate(index))
        target = self.label[index][:-1].long()
        word_starts = columns.clamp(min=NO_SUBWORD)
        if self.intent_offset is not None:
            # an intent is read at the <s> of the first window
            windows, columns = F.pad(windows, (1, 0)), F.pad(columns, (1, 0))
            intent = self.intent[index][:1].long() + self.intent_offset
            target = torch.cat([intent, target])
        return {
            "tokens": first,
            "more_tokens": others,
            "windows": windows,
            "columns": columns,
            "target": target,
            "word_starts": word_starts,
        }

    def _wrap(self, subwords: Tensor) -> Tensor:
        return torch.cat([self.bos, subwords, self.eos])

    def __len__(self) -> int:
        return len(self.input0)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Batch as `collate_inputs`, and three more, the first two `(bsz, labels)`.

        Row i of `src_tokens` is sentence i, or its first window; the other windows of
        all sentences stand below. `target` has the labels' ids, padded.
        `label_positions` says where each is read, as an index into the flat
        `src_tokens`, or why it is not: `NO_SUBWORD`, `CUT`, or padding. `word_starts`
        `(bsz, words)` says at which column of its window each word begins, -1 for none.
        """
        if not samples:
            return {}
        pad = self.padding_idx
        batch = collate_inputs(samples, "tokens", pad, more_key="more_tokens")
        src_len = batch["net_input"]["src_tokens"].size(1)
        return {
            **batch,
            "target": collate(samples, "target", pad),
            "word_starts": collate(samples, "word_starts", NO_SUBWORD),
            "label_positions": data_utils.collate_tokens(
                _flat_positions(samples, src_len), _PADDING
            ),
        }


def _flat_positions(samples: list[dict[str, Any]], src_len: int) -> list[Tensor]:
    """Return of each sample where its labels are read in the batch, `(labels,)`."""
    positions, below = [], len(samples)
    for i, sample in enumerate(samples):
        windows, columns = sample["windows"], sample["columns"]
        rows = torch.where(windows == 0, i, below - 1 + windows)
        positions.append(torch.where(columns < 0, columns, rows * src_len + columns))
        below += len(sample["more_tokens"])
    return positions


def load_words(
    folder: str, subset: str
) -> tuple[MMapIndexedDataset, MMapIndexedDataset]:
    """Open `input0/` and `pieces/`: sentences, and how many subwords each word has.

    Raises:
        ValueError: a file is missing, or the two do not fit one another.
    """
    input0, pieces = (load_part(folder, part, subset) for part in (INPUT0, PIECES))
    lengths = np.asarray(input0.sizes) - 1
    sums = np.array([int(pieces[i].sum()) for i in range(len(pieces))], dtype=int)
    _check_fit(folder, subset, PIECES, sums, lengths, "subwords")
    return input0, pieces


def _load_labels(
    folder: str, part: str, subset: str, lengths: np.ndarray
) -> MMapIndexedDataset:
    """Open a part whose rows have as many labels, and `</s>`."""
    dataset = load_part(folder, part, subset)
    found = np.asarray(dataset.sizes) - 1
    _check_fit(folder, subset, part, found, lengths, "labels")
    return dataset


def _check_fit(
    folder: str,
    subset: str,
    part: str,
    found: np.ndarray,
    wanted: np.ndarray,
    what: str,
) -> None:
    place = os.path.join(folder, part, subset)
    if len(found) != len(wanted):
        raise ValueError(
            f"{place}: {len(found)} rows for {len(wanted)} sentences: {PREPARE_AGAIN}"
        )
    wrong = np.flatnonzero(found != wanted)
    if len(wrong):
        i = wrong[0]
        raise ValueError(
            f"{place}: row {i + 1} has {found[i]} {what} where {wanted[i]} belong: "
            f"{PREPARE_AGAIN}"
        )
