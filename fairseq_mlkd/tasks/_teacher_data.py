"""`--teacher-data`: a benchmark once more, in the subwords of the teacher."""

import copy
from collections.abc import Mapping
from typing import Any

from fairseq.data import FairseqDataset

from fairseq_mlkd.data.companion_datasets import PairedDataset, check_same_rows
from fairseq_mlkd.distillation.contract import ModelShape
from fairseq_mlkd.tasks._user_input import split_subset

FLAG = "--teacher-data"


def open_reader(task: Any, data: str, shape: ModelShape) -> Any:
    """Set up a fine-tuning task like `task` that reads other data.

    Args:
        task: of the student.
        data: of the teacher.
        shape: of the teacher, for the longest input.
    Raises:
        ValueError: it has other labels, or sentences are read through windows.
    """
    if task.cfg.long_inputs == "window":
        raise ValueError(
            f"{FLAG}: words in windows cannot be compared with words in others: choose "
            "another --long-inputs"
        )
    cfg = copy.deepcopy(task.cfg)
    cfg.data = data
    reader = task.setup_task(cfg)
    reader.model_shape = shape
    if reader.label_names() != task.label_names():
        raise ValueError(
            f"{FLAG} {data}: its labels are not those of {task.cfg.data}: prepare both "
            "from the same files"
        )
    return reader


def pair_with_teacher(
    task: Any, reader: Any, split: str, parts: Mapping[str, FairseqDataset]
) -> dict[str, FairseqDataset]:
    """Put the teacher's rows beside those of the student.

    Args:
        task: of the student.
        reader: as `open_reader` returns; it gets the subset, too.
        split: of both.
        parts: language -> the student's rows.
    Raises:
        ValueError: the rows of the two are not the same.
    """
    name, _ = split_subset(split)
    for lang in parts:
        folders = (task.cfg.data, reader.cfg.data)
        check_same_rows(*folders, f"{name}.{lang}", task.label_parts, FLAG)
    reader.load_dataset(split)
    dataset = reader.datasets[split]
    theirs = dict(zip(dataset.langs, dataset.datasets))
    return {lang: PairedDataset(part, theirs[lang]) for lang, part in parts.items()}
