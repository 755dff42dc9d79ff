"""What the batches of all our datasets have in common."""

from typing import Any, Dict, List, Sequence

import torch
from fairseq.data import data_utils


def collate_inputs(
    samples: List[Dict[str, Any]],
    key: str,
    padding_idx: int,
    *,
    more_rows: Sequence[torch.Tensor] = (),
) -> Dict[str, Any]:
    """Batch the input sequences `key` of samples, padded on the right.

    Args:
        more_rows: sequences that stand below those of the samples.
    Returns:
        `id` `(bsz,)`; `lang`, None where the batch mixes languages; `nsentences`;
        `ntokens`, padding left out; `net_input` with `src_tokens` `(rows, src_len)` and
        `src_lengths` `(rows,)`.
    """
    langs = {sample["lang"] for sample in samples}
    rows = [sample[key] for sample in samples] + list(more_rows)
    lengths = torch.tensor([len(row) for row in rows])
    return {
        "id": torch.tensor([sample["id"] for sample in samples]),
        "lang": langs.pop() if len(langs) == 1 else None,
        "nsentences": len(samples),
        "ntokens": int(lengths.sum()),
        "net_input": {
            "src_tokens": data_utils.collate_tokens(rows, padding_idx),
            "src_lengths": lengths,
        },
    }


def collate(samples: List[Dict[str, Any]], key: str, padding_idx: int) -> torch.Tensor:
    """The sequences `key` of samples as `(bsz, longest)`."""
    return data_utils.collate_tokens([sample[key] for sample in samples], padding_idx)
