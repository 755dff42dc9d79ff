"""Examples beside themselves, as a teacher of other subwords reads them."""

import filecmp
import os
from collections.abc import Sequence
from typing import Any

import torch
from fairseq.data import BaseWrapperDataset, FairseqDataset

from fairseq_mlkd.data.binary import load_binary


class PairedDataset(BaseWrapperDataset):
    """The student's examples; sizes and order are theirs.

    Args:
        dataset: of the student.
        teacher: the same examples in the teacher's subwords, row by row.
    """

    def __init__(self, dataset: FairseqDataset, teacher: FairseqDataset) -> None:
        super().__init__(dataset)
        self.teacher = teacher

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self.dataset[index], "teacher": self.teacher[index]}

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """As the student's batch, and the teacher's in it as `teacher`."""
        batch = self.dataset.collater(samples)
        if samples:
            theirs = [{**sample, **sample["teacher"]} for sample in samples]
            batch["teacher"] = self.teacher.collater(theirs)
        return batch


def check_same_rows(
    folder: str, other: str, subset: str, parts: Sequence[str], flag: str
) -> None:
    """Refuse a folder whose rows are not those of another.

    Args:
        folder: the one.
        other: the other, which `flag` names.
        subset: file name in both, such as `train.en`.
        parts: what does not depend on the subwords, such as `label`.
    Raises:
        ValueError: the first difference.
    """
    for part in parts:
        prefixes = [os.path.join(where, part, subset) for where in (folder, other)]
        ours, theirs = map(load_binary, prefixes)
        same = (
            filecmp.cmp(f"{prefixes[0]}{end}", f"{prefixes[1]}{end}", shallow=False)
            for end in (".idx", ".bin")
        )
        if all(same):
            continue
        advice = "prepare both from the same files"
        if len(ours) != len(theirs):
            raise ValueError(
                f"{flag} {other}: {part}/{subset} has {len(theirs)} rows where "
                f"{folder} has {len(ours)}: {advice}"
            )
        for row in range(len(ours)):
            if not torch.equal(ours[row], theirs[row]):
                raise ValueError(
                    f"{flag} {other}: row {row + 1} of {part}/{subset} is not that of "
                    f"{folder}: {advice}"
                )
