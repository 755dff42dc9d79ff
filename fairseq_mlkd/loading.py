"""Checkpoints of ours in Python: `fairseq_mlkd.load`."""

import os
from typing import NamedTuple

from fairseq import tasks
from fairseq.models import BaseFairseqModel

from fairseq_mlkd.checkpoint import dictionary_beside
from fairseq_mlkd.distillation.model_file import ModelFile
from fairseq_mlkd.errors import in_one_line
from fairseq_mlkd.tasks._multilingual_task import MultilingualTask

_CALL = "fairseq_mlkd.load"


class Loaded(NamedTuple):
    """A model to be used, in eval mode and frozen, and the task that knows its data."""

    model: BaseFairseqModel
    task: MultilingualTask


@in_one_line
def load(path: str | os.PathLike[str], data: str | None = None) -> Loaded:
    """Load any checkpoint of ours: a trained model, or what `mlkd-import` wrote.

    Args:
        path: the checkpoint, or a folder that holds it as `model.pt`.
        data: folder of the prepared data, with its `dict.txt`; default: that of the
            checkpoint, as `mlkd-import` leaves it.
    Returns:
        The model with the heads of its task, and the task; `task.source_dictionary`
        has its symbols, and `text.tokenizer.Tokenizer.load` reads how text is cut.
    Raises:
        UserError: in one line, a file that is missing, damaged or of another kind.
    """
    name = os.fspath(path)
    if os.path.isfile(os.path.join(name, "model.pt")):
        name = os.path.join(name, "model.pt")
    file = ModelFile(name, _CALL)
    cfg = file.state["cfg"]
    cfg.task.data = data or dictionary_beside(name)
    if cfg.task.data is None:
        raise ValueError(
            f"{_CALL} {name}: no dict.txt beside it: name the prepared data, "
            "load(path, data=FOLDER)"
        )
    task = tasks.setup_task(cfg.task, from_checkpoint=True)
    return Loaded(file.load(task).eval().requires_grad_(False), task)
