"""A student of each task with unlabelled sentences, and its teachers of both stages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from tiny import (
    STUDENT,
    TEACHER,
    build_model,
    make_task,
    mlm_task,
    save_model,
    write_mlm_data,
    write_pairs,
    write_tagged,
)
from tiny_parses import write_parses

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTask

TASKS: dict[str, Callable[..., Path]] = {
    "classification": write_pairs,
    "tagging": write_tagged,
    "intent_slot": write_tagged,
    "parsing": write_parses,
}


class Setting:
    """A student, its teacher, its pretrained teacher, and how to draw a batch."""

    def __init__(self, folder: Path, name: str, **options: Any) -> None:
        self.name = f"zero_shot_{name}"
        self.data = TASKS[name](folder / "data", {"train.en": 12})
        self.sentences = write_mlm_data(folder / "sentences")
        decoder = {"_name": "pointer_generator", "decoder_layers": 2}
        self.model_options = decoder if name == "parsing" else {}
        teacher_task = self.make_task()
        self.teacher = self.build(teacher_task, TEACHER)
        self.teacher_path = str(folder / "teacher.pt")
        save_model(Path(self.teacher_path), self.teacher, teacher_task)
        pretraining = mlm_task(self.sentences)
        self.pretrained = build_model(pretraining, TEACHER)
        self.pretrained_path = str(folder / "pretrained.pt")
        save_model(Path(self.pretrained_path), self.pretrained, pretraining)
        encoder = build_model(pretraining, STUDENT)
        self.encoder_path = str(folder / "encoder.pt")
        save_model(Path(self.encoder_path), encoder, pretraining)
        self.task = self.make_task(unlabelled_data=str(self.sentences), **options)
        self.task.cfg.encoder_path = self.encoder_path
        self.student = self.build(self.task, STUDENT).double()

    def make_task(self, **options: Any) -> FineTuningTask:
        return make_task(self.name, self.data, **options)

    def build(self, task: FineTuningTask, shape: dict[str, int]) -> Any:
        return build_model(task, shape, **self.model_options)

    def criterion(self, **options: Any) -> TinyBertCriterion:
        cfg = {"_name": "tinybert", "teacher_path": self.teacher_path, **options}
        return self.task.build_criterion(OmegaConf.create(cfg)).double()

    def sample(self, rows: int = 5) -> dict[str, Any]:
        self.task.load_dataset("train")
        dataset = self.task.datasets["train"]
        return dataset.collater([dataset[i] for i in range(rows)])
