"""The trips through the code that CONTRIBUTING.md describes, followed as they run."""

import sys
from collections.abc import Callable
from pathlib import Path

from omegaconf import OmegaConf
from tiny import USER_DIR, build_model, make_task, write_pairs
from tiny_parses import write_parses

# What these do is in their name: nobody has to look there to follow a trip.
LEAVES = {"errors.py", "data/binary.py", "data/inputs.py"}


def files_of(act: Callable[[], object]) -> list[str]:
    """Return our files in which something is called, in the order of first calls.

    The inside of models (`modules/`) counts as one with the model.
    """
    found: dict[str, None] = {}

    def note(frame, event: str, argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(USER_DIR):
            found[path.relative_to(USER_DIR).as_posix()] = None

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return [name for name in found if not name.startswith("modules/")]


def test_load_dataset_goes_through_five_files(tmp_path):
    data = write_parses(tmp_path / "data", {"train.en": 12, "valid.en": 5})
    task = make_task("zero_shot_parsing", data)
    trip = files_of(lambda: task.load_dataset("train"))
    assert [name for name in trip if name not in LEAVES] == [
        "tasks/_fine_tuning_task.py",
        "tasks/_multilingual_task.py",
        "tasks/zero_shot_parsing.py",
        "data/parse_dataset.py",
        "data/multilingual_dataset.py",
    ]


def test_a_validation_step_goes_through_eight_files(tmp_path):
    data = write_pairs(tmp_path / "data", {"train.en": 12, "valid.en": 5})
    task = make_task("zero_shot_classification", data)
    task.load_dataset("valid")
    model = build_model(task).eval()
    criterion = task.build_criterion(OmegaConf.create({"_name": "task_cross_entropy"}))
    criterion.eval()
    dataset = task.datasets["valid"]
    batch = dataset.collater([dataset[i] for i in range(3)])
    trip = files_of(lambda: task.valid_step(batch, model, criterion))
    assert trip == [
        "tasks/_multilingual_task.py",
        "criterions/task_cross_entropy.py",
        "tasks/_labelling_task.py",
        "models/multilingual_encoder.py",
        "distillation/losses.py",
        "tasks/zero_shot_classification.py",
        "tasks/_scoring.py",
        "metrics/accuracy.py",
    ]
