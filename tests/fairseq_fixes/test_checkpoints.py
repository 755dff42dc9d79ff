"""A run goes on from whole checkpoints of its own kind, and reads nothing else."""

import argparse
import shutil
from pathlib import Path

import pytest
import torch
from fairseq.file_io import PathManager
from tiny import flags_of, load, run, train, write_mlm_data

from fairseq_mlkd.errors import UserError


def test_a_namespace_is_data_once_the_plugin_is_imported(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"args": argparse.Namespace(arch="roberta")}, str(path))
    assert torch.load(str(path), weights_only=True)["args"].arch == "roberta"


def test_a_copy_that_is_cut_short_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    new, last = tmp_path / "checkpoint_1_100.pt", tmp_path / "checkpoint_last.pt"
    new.write_bytes(b"new" * 1000)
    last.write_bytes(b"old")

    def cut_short(source: str, target: str) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:10])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", cut_short)
        with pytest.raises(KeyboardInterrupt):
            PathManager.copy(str(new), str(last), overwrite=True)
    assert last.read_bytes() == b"old"
    assert PathManager.copy(str(new), str(last), overwrite=True)
    assert last.read_bytes() == new.read_bytes()
    assert sorted(tmp_path.iterdir()) == [new, last]


MLM = flags_of("multilingual_mlm")


@pytest.mark.parametrize("torn", ["empty", "half", "zeros"])
def test_a_run_goes_on_where_its_last_checkpoint_is_torn(tmp_path, caplog, torn):
    data = write_mlm_data(tmp_path / "data")
    flags = [*MLM, "--save-interval-updates", 2]
    unbroken = train(data, tmp_path / "unbroken", *flags, "--max-update", 6)
    last = train(data, tmp_path / "s", *flags, "--max-update", 4)
    whole = last.read_bytes()
    # newer, and nothing that a training goes on from
    shutil.copy(train(data, tmp_path / "mean", *MLM, "--max-update", 1), tmp_path / "s")
    (tmp_path / "s" / "checkpoint_last.pt").rename(tmp_path / "s/checkpoint_mean.pt")
    contents = {"empty": b"", "half": whole[: len(whole) // 2], "zeros": bytes(100)}
    last.write_bytes(contents[torn])
    caplog.clear()
    train(data, tmp_path / "s", *flags, "--max-update", 6)
    (warning,) = (r for r in caplog.records if "going on from" in r.getMessage())
    assert str(last) in warning.getMessage()
    ours, theirs = load(last)["model"], load(unbroken)["model"]
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_torn_checkpoint_without_another_is_named(tmp_path):
    data = write_mlm_data(tmp_path / "data")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "checkpoint_last.pt").write_bytes(b"")
    with pytest.raises(UserError, match="checkpoint_last.pt: not a checkpoint: empty"):
        train(data, tmp_path / "s", *MLM, "--max-update", 1)


@pytest.mark.parametrize("name", ["inverse_sqrt", "reduce_lr_on_plateau"])
def test_another_schedule_is_no_damage(tmp_path, name):
    data = write_mlm_data(tmp_path / "data")
    path = train(data, tmp_path / "s", *MLM, "--max-update", 1)
    flags = [*MLM, "--lr-scheduler", name, "--warmup-updates", 2, "--max-update", 2]
    with pytest.raises(UserError) as error:
        train(data, tmp_path / "s", *flags)
    assert f"{path}: was not saved with --lr-scheduler {name}: give" in str(error.value)
    train(data, tmp_path / "s", *flags, "--reset-lr-scheduler")
    assert load(path)["optimizer_history"][-1]["num_updates"] == 2


@pytest.mark.parametrize("change", ["text", "one less", "another shape", "float64"])
def test_damaged_float32_parameters_are_refused(tmp_path, change):
    data = write_mlm_data(tmp_path / "data")
    flags = [*MLM, "--bf16"]
    path = train(data, tmp_path / "s", *flags, "--max-update", 1)
    state = load(path)
    copies = state["last_optimizer_state"]["float32_parameters"]
    if change == "text":
        copies[0] = "weights"
    elif change == "one less":
        copies.pop()
    elif change == "another shape":
        copies[0] = copies[0][:1]
    else:
        copies[0] = copies[0].double()
    torch.save(state, str(path))
    with pytest.raises(UserError, match=f"{path}: its float32 parameters are damaged"):
        train(data, tmp_path / "s", *flags, "--max-update", 2)
    # which is the model as evaluated, rounded
    train(data, tmp_path / "s", *flags, "--max-update", 2, "--reset-optimizer")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"param_groups": "x"}, "optimizer's state is damaged .it has no groups"),
        ({"state": 3}, "optimizer's state is damaged .it has no moments"),
        ({"state": {0: {"exp_avg": "x"}}}, "damaged .the moments of parameter 0"),
        ({"state": {}, "param_groups": [{"params": [0]}]}, "doesn't match the size"),
    ],
)
def test_a_damaged_state_of_the_optimizer_is_refused(tmp_path, change, message):
    data = write_mlm_data(tmp_path / "data")
    flags = [*MLM, "--max-update", 1]
    path = train(data, tmp_path / "s", *flags)
    state = load(path)
    state["last_optimizer_state"].update(change)
    torch.save(state, str(path))
    with pytest.raises(UserError, match=f"{path}: .*{message}"):
        train(data, tmp_path / "s", *flags, "--max-update", 2)


@pytest.mark.parametrize("change", ["another shape", "one too few", "one too many"])
def test_a_checkpoint_that_does_not_fit_its_task_is_named(tmp_path, change):
    data = write_mlm_data(tmp_path / "data")
    path = train(data, tmp_path / "s", *MLM, "--max-update", 1)
    state = load(path)
    name = "encoder.layers.0.fc2.weight"
    if change == "another shape":
        state["model"][name] = torch.zeros(3, 3)
    elif change == "one too few":
        del state["model"][name]
    else:
        state["model"]["gain"] = torch.zeros(3)
    torch.save(state, str(path))
    task = ["--task", "multilingual_mlm", "--path", path, "--batch-size", 4]
    with pytest.raises(UserError) as error:
        run("validate", data, *task)
    message = str(error.value)
    assert message.startswith(
        f"fairseq_mlkd: {path} does not fit the task and its data"
    )
    assert "\n" not in message
    with pytest.raises(UserError, match="no such file|Model file not found"):
        run("validate", data, *task, "--path", tmp_path / "none.pt")
