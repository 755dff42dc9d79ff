"""Input sequences of all datasets: batched, and cut or refused where too long."""

from typing import Any

import numpy as np
import torch
from fairseq.data import data_utils
from torch import Tensor


def collate_inputs(
    samples: list[dict[str, Any]],
    key: str,
    padding_idx: int,
    *,
    more_key: str | None = None,
) -> dict[str, Any]:
    """Batch the input sequences `key` of samples, padded on the right.

    Args:
        more_key: further sequences of a sample, which stand below all the others.
    Returns:
        `id` `(bsz,)`; `lang`, None where the batch mixes languages; `nsentences`;
        `keys` `(rows, 5)`, of each sequence its sample's key and its number there;
        `examples` `(rows,)`, the number of that sample in the batch; `ntokens`, padding
        left out; `net_input` with `src_tokens` `(rows, src_len)` and `src_lengths`
        `(rows,)`.
    """
    langs = {sample["lang"] for sample in samples}
    rows = [sample[key] for sample in samples]
    keys = [(*sample["key"], 0) for sample in samples]
    examples = list(range(len(samples)))
    if more_key is not None:
        for number, sample in enumerate(samples):
            rows += sample[more_key]
            examples += [number] * len(sample[more_key])
            keys += [(*sample["key"], i) for i in range(1, 1 + len(sample[more_key]))]
    lengths = torch.tensor([len(row) for row in rows])
    return {
        "id": torch.tensor([sample["id"] for sample in samples]),
        "keys": torch.tensor(keys),
        "examples": torch.tensor(examples),
        "lang": langs.pop() if len(langs) == 1 else None,
        "nsentences": len(samples),
        "ntokens": int(lengths.sum()),
        "net_input": {
            "src_tokens": data_utils.collate_tokens(rows, padding_idx),
            "src_lengths": lengths,
        },
    }


def collate(samples: list[dict[str, Any]], key: str, padding_idx: int) -> torch.Tensor:
    """Batch the sequences `key` of samples as `(bsz, longest)`."""
    return data_utils.collate_tokens([sample[key] for sample in samples], padding_idx)


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
