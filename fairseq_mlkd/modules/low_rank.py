"""A matrix as the product of two thin ones."""

from __future__ import annotations

import torch
from torch import Tensor


def factorise(table: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return the factors of the nearest matrix of a rank (Eckart and Young, 1936).

    Args:
        table: `(rows, width)`.
        rank: at most the width.
    Returns:
        `(rows, rank)` and `(width, rank)`, whose columns are orthonormal: `table` is
        near `first @ second.T`. The same on every call; rows of zeros stay so.
    """
    table64 = table.double()
    directions = principal(table64.T @ table64, rank)
    return (table64 @ directions).to(table.dtype), directions.to(table.dtype)


def principal(moments: Tensor, rank: int) -> Tensor:
    """Return the eigenvectors of the largest eigenvalues, the largest first.

    Args:
        moments: `(width, width)`, symmetric.
        rank: how many.
    Returns:
        `(width, rank)`; the largest number of each is positive, so that the sign does
        not depend on the machine.
    """
    vectors = torch.linalg.eigh(moments)[1].flip(1)[:, :rank]
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return vectors * torch.where(largest < 0, -1.0, 1.0)


def whole_table(tokens: Tensor, up: Tensor | None) -> Tensor:
    """Return token embeddings `(vocab, width)` of the factors that they may have."""
    return tokens if up is None else tokens @ up.T
