"""Ids of subwords as the sequences that a model reads, in training and here.

The rules are those of `data/`: `<s> a </s> b </s>`, words read at their first piece,
and what happens to inputs that are longer than the model takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fairseq_mlkd.text.dictionary import BOS, EOS, PAD
from fairseq_mlkd.text.windows import pair_lengths, place_words, window_starts

_SPECIAL = 2  # <s> and </s>

Ids = Sequence[int]


class Sequences(NamedTuple):
    """One input of the model.

    Attributes:
        rows: ids of the only sequence, or of each window.
        first: of each row how many ids are of segment 0.
        windows: of each word the row that it is read in.
        columns: of each word where in that row; or `NO_SUBWORD` or `CUT`.
    """

    rows: list[list[int]]
    first: list[int]
    windows: np.ndarray
    columns: np.ndarray


_NONE = np.zeros(0, np.int64)


def join_pair(first: Ids, second: Ids | None, longest: int, rule: str) -> Sequences:
    """Build `<s> first </s>` or `<s> first </s> second </s>`.

    Args:
        longest: the most ids that the model takes.
        rule: `--long-inputs`: "truncate" cuts the longer sentence, any other refuses.
    Raises:
        ValueError: the input is too long.
    """
    if second is None:
        ids = [BOS, *first, EOS]
        _check(len(ids), longest, rule == "truncate")
        return Sequences([_cut(ids, longest)], [min(len(ids), longest)], _NONE, _NONE)
    one, two = [*first, EOS], [*second, EOS]
    _check(1 + len(one) + len(two), longest, rule == "truncate")
    one, two = map(_cut, (one, two), pair_lengths(len(one), len(two), longest - 1))
    return Sequences([[BOS, *one, *two]], [1 + len(one)], _NONE, _NONE)


def join_words(ids: Ids, pieces: Sequence[int], longest: int, rule: str) -> Sequences:
    """Build `<s> words </s>`, in windows where the rule is so.

    Args:
        ids: of the subwords of all words.
        pieces: how many of them each word has.
        longest: the most ids that the model takes.
        rule: "window", "truncate" or "refuse".
    Raises:
        ValueError: the input is too long.
    """
    room = longest - _SPECIAL
    _check(len(ids) + _SPECIAL, longest, rule != "refuse")
    starts = window_starts(len(ids) if rule == "window" else 0, room)
    windows, columns = place_words(np.asarray(pieces, dtype=np.int64), starts, room)
    rows = [[BOS, *ids[start : start + room], EOS] for start in starts]
    return Sequences(rows, [len(row) for row in rows], windows, columns)


def pad(rows: Sequence[Ids], first: Sequence[int]) -> dict[str, np.ndarray]:
    """Return `input_ids`, `attention_mask` and `token_type_ids`, `(rows, longest)`."""
    lengths = np.array([len(row) for row in rows])
    column = np.arange(lengths.max())
    ids = np.full((len(rows), len(column)), PAD, np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    is_real = column < lengths[:, None]
    is_second = (column >= np.array(first)[:, None]) & is_real
    return {
        "input_ids": ids,
        "attention_mask": is_real.astype(np.int64),
        "token_type_ids": is_second.astype(np.int64),
    }


def _cut(ids: list[int], length: int) -> list[int]:
    return ids if len(ids) <= length else [*ids[: length - 1], ids[-1]]


def _check(length: int, longest: int, may_be_longer: bool) -> None:
    if length > longest and not may_be_longer:
        raise ValueError(
            f"the input has {length} subwords, and the model takes {longest}: shorten "
            "it, or choose another rule for long inputs"
        )
