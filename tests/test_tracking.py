"""What docs/tracking.md says of curves, logs, trackers and seeds."""

import json
import sys
from pathlib import Path

import pytest
import torch
from tiny import (
    distillation,
    flags_of,
    load,
    run,
    schedule,
    train,
    write_mlm_data,
    write_tagged,
)

from fairseq_mlkd.errors import UserError

TAGS = "zero_shot_tagging"


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tagged") / "data"
    return write_tagged(folder, {"train.en": 16, "valid.en": 6, "valid.de": 6})


def read_curves(folder: Path) -> dict[str, dict[str, list[int]]]:
    """Return by subset and name the updates that TensorBoard shows a point at."""
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    found = {}
    for path in folder.iterdir():
        curves = events.EventAccumulator(str(path))
        curves.Reload()
        found[path.name] = {
            name: [point.step for point in curves.Scalars(name)]
            for name in curves.Tags()["scalars"]
        }
    return found


def test_tensorboard_has_a_folder_per_subset_and_goes_on_after_a_stop(tagged, tmp_path):
    flags = [*flags_of(TAGS), "--valid-subset", "valid,valid.all"]
    flags += ["--tensorboard-logdir", tmp_path / "curves"]
    train(tagged, tmp_path / "s", *flags, "--max-epoch", 1)
    train(tagged, tmp_path / "s", *flags, "--max-epoch", 2)
    curves = read_curves(tmp_path / "curves")
    assert set(curves) == {"train", "valid", "valid.all"}
    assert curves["valid.all"]["f1_de"] == curves["train"]["loss"] == [2, 4]
    assert "f1_de" not in curves["valid"]
    # the next job of a sweep has curves of its own
    train(tagged, tmp_path / "t", *flags[:-1], tmp_path / "other", "--max-epoch", 1)
    assert read_curves(tmp_path / "other")["train"]["loss"] == [2]
    assert read_curves(tmp_path / "curves")["train"]["loss"] == [2, 4]


def test_a_log_file_has_each_line_once_and_json_by_subset(tmp_path, caplog):
    caplog.set_level("INFO")
    data = write_mlm_data(tmp_path / "data", {"en": 16, "de": 9})
    flags = [*distillation("multilingual_mlm", data, tmp_path), "--valid-distillation"]
    arguments = schedule(tmp_path / "s", *flags, "--max-epoch", 3)
    log = tmp_path / "train.log"
    run("train", data, *arguments, "--log-file", log, "--log-format", "json")
    rows = [x for x in log.read_text().splitlines() if x.startswith('{"')]
    valid, trained = ([json.loads(row) for row in rows[i::2]] for i in (0, 1))
    assert [row["epoch"] for row in valid] == [1, 2, 3]
    terms = {"attention", "embedding", "hidden", "logits", "nll"}
    losses = {f"{term}_loss" for term in terms} | {"loss"}
    assert {f"train_{x}" for x in (*losses, "lr", "gnorm", "ups")} <= trained[0].keys()
    names = {*losses, "distillation_loss", "ppl", "ppl_de", "ppl_en", "num_updates"}
    assert {f"valid_{name}" for name in names} <= valid[0].keys()
    assert all(isinstance(value, str) for value in valid[0].values() if value != 1)


def test_a_run_in_a_pipe_says_what_it_does(tagged, tmp_path, caplog, capfd):
    caplog.set_level("INFO")
    arguments = schedule(tmp_path / "s", *flags_of(TAGS), "--max-epoch", 1)
    arguments += ["--valid-subset", "valid,valid.all", "--log-interval", 1]
    run("train", tagged, *arguments, "--log-format", "tqdm")
    said = [record.getMessage() for record in caplog.records]
    assert {"train: en 16", "valid: en 6", "valid.all: en 6, de 6"} <= set(said)
    assert 'begin validation on "valid.all" subset' in said
    assert [x[:17] for x in said if " / 2 loss=" in x] == [
        f"epoch 001:      {update}" for update in (1, 2)
    ]
    assert "\r" not in "".join([*said, *capfd.readouterr()])


def test_a_tracker_that_is_missing_is_refused(tagged, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    flags = [*flags_of(TAGS), "--wandb-project", "x", "--max-epoch", 1]
    pip = r"wandb is missing: pip install 'fairseq_mlkd\[tracking\]'"
    with pytest.raises(UserError, match=f"--wandb-project: {pip}"):
        train(tagged, tmp_path / "s", *flags)


@pytest.mark.slow
def test_wandb_works_offline_with_a_run_for_each_job(tagged, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    for name, value in {"MODE": "offline", "DIR": tmp_path, "SILENT": "true"}.items():
        monkeypatch.setenv(f"WANDB_{name}", str(value))
    names: set[str] = set()
    log = wandb.Run.log

    def remember(self, row, **step):
        names.update(row)
        log(self, row, **step)

    monkeypatch.setattr(wandb.Run, "log", remember)
    flags = [*flags_of(TAGS), "--valid-subset", "valid,valid.all", "--max-epoch", 1]
    for job in "ab":
        train(tagged, tmp_path / job, *flags, "--wandb-project", "mlkd")
    wandb.finish()
    assert {"train/loss", "valid/f1_en", "valid.all/f1_de"} <= names
    assert len(list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))) == 2


def test_a_seed_decides_every_bit(tagged, tmp_path):
    weights = [
        load(train(tagged, tmp_path / f"{i}", *flags_of(TAGS), "--seed", seed, *more))
        for more in [["--max-epoch", 2, "--dropout", 0.1]]
        for i, seed in enumerate((1, 1, 2))
    ]
    first, same, other = (
        torch.cat([x.flatten() for x in state["model"].values()]) for state in weights
    )
    assert torch.equal(first, same) and not torch.equal(first, other)
