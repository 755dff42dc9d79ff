"""Inputs that are longer than the model takes: refused, never silently cut."""

import numpy as np
import torch
from torch import Tensor


def check_lengths(
    sizes: np.ndarray, max_positions: int, where: str, remedies: str
) -> None:
    """Refuse inputs longer than `max_positions` subwords.

    Args:
        sizes: lengths in subwords, special symbols included.
        where: data folder and subset, for the message.
        remedies: the values of `--long-inputs` that would help.
    Raises:
        ValueError: some are longer; the message counts them and names the longest.
    """
    too_long = int((sizes > max_positions).sum())
    if too_long:
        row = int(sizes.argmax())
        raise ValueError(
            f"{where}: {too_long} of {len(sizes)} inputs are longer than the "
            f"{max_positions} subwords that the model takes (row {row + 1} has "
            f"{sizes[row]}): choose --long-inputs {remedies}"
        )


def cut(sentence: Tensor, length: int) -> Tensor:
    """Shorten `(n,)` ids to `length` and keep the last one, `</s>`."""
    if len(sentence) <= length:
        return sentence
    return torch.cat([sentence[: length - 1], sentence[-1:]])
