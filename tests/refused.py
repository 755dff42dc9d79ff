"""What commands are refused on: data of three tasks, models of one update, a line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tiny import flags_of, train, write_mlm_data, write_pairs, write_tagged

from fairseq_mlkd.errors import UserError

MLM, TAGS, PAIRS = "multilingual_mlm", "zero_shot_tagging", "zero_shot_classification"
ONCE = ["--max-update", 1]


def write_data(folder: Path) -> dict[str, Path]:
    subsets = {"train.en": 12, "valid.en": 5, "valid.fr": 4}
    return {
        MLM: write_mlm_data(folder / "sentences"),
        TAGS: write_tagged(folder / "tags", subsets),
        PAIRS: write_pairs(folder / "pairs", subsets),
    }


def train_once(data: Mapping[str, Path], folder: Path, *names: str) -> dict[str, Path]:
    """Return a checkpoint of each task."""
    return {
        name: train(data[name], folder / name, *flags_of(name), *ONCE) for name in names
    }


def refusal(command: Any, *arguments: Any) -> str:
    """Return what a command ends with, after checking that it is one line of ours."""
    with pytest.raises(UserError) as error:
        command(*arguments)
    message = str(error.value)
    assert message.startswith("fairseq_mlkd: ") and "\n" not in message
    return message
