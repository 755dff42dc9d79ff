"""`fairseq-train` in half precision: on the CPU, and on a GPU where there is one."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import (
    USER_DIR,
    distillation,
    load,
    schedule,
    train,
    write_mlm_data,
    write_tagged,
)

from fairseq_mlkd.distillation.teacher import Teacher
from fairseq_mlkd.errors import UserError

# no loss scaling is needed for bfloat16; fairseq flattens gradients on a GPU only
ON_CPU = {
    "bf16": ["--bf16"],
    "memory_efficient_bf16": ["--memory-efficient-bf16", "--optimizer", "adam"],
}
ON_GPU = {"fp32": [], "fp16": ["--fp16"], "bf16": ["--bf16"], "amp": ["--amp"]}
UPDATES = 20


def distil(name: str, data: Path, folder: Path) -> list[Any]:
    flags = [*distillation(name, data, folder), "--max-update", UPDATES]
    return [*flags, "--dropout", 0, "--attention-dropout", 0]


@pytest.fixture(scope="module")
def mlm(tmp_path_factory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("mlm")
    data = write_mlm_data(folder / "data")
    flags = distil("multilingual_mlm", data, folder)
    path = train(data, folder / "fp32", *flags)
    return {"data": data, "flags": flags, "fp32": path}


def valid_loss(checkpoint: Path) -> float:
    return float(load(checkpoint)["extra_state"]["val_loss"])


def same_weights(first: Path, second: Path) -> bool:
    ours, theirs = load(first), load(second)
    return all(
        torch.equal(value, theirs[part][name])
        for part in ("model", "criterion")
        for name, value in ours[part].items()
    )


@pytest.fixture
def teacher_dtypes(monkeypatch) -> set:
    """Note the precisions in which a teacher's parameters are used."""
    seen, run = set(), Teacher.run

    def watched(self, *args, **kwargs):
        result = run(self, *args, **kwargs)
        seen.add(next(self.model.parameters()).dtype)
        return result

    monkeypatch.setattr(Teacher, "run", watched)
    return seen


@pytest.mark.parametrize("name", ON_CPU)
def test_training_in_half_precision(mlm, name, tmp_path, teacher_dtypes):
    path = train(mlm["data"], tmp_path, *mlm["flags"], *ON_CPU[name])
    assert teacher_dtypes == {torch.bfloat16}
    assert load(path)["optimizer_history"][-1]["num_updates"] == UPDATES
    assert valid_loss(path) == pytest.approx(valid_loss(mlm["fp32"]), rel=0.02)
    assert not same_weights(path, mlm["fp32"])


@pytest.mark.parametrize("name", ON_CPU)
def test_training_in_half_precision_resumes_exactly(mlm, name, tmp_path):
    flags = [*mlm["flags"], *ON_CPU[name]]
    whole = train(mlm["data"], tmp_path / "whole", *flags)
    train(mlm["data"], tmp_path / "part", *flags, "--max-update", 7)
    assert same_weights(train(mlm["data"], tmp_path / "part", *flags), whole)


def test_amp_without_a_gpu_is_full_precision(mlm, tmp_path):
    path = train(mlm["data"], tmp_path, *mlm["flags"], "--amp")
    assert same_weights(path, mlm["fp32"])


def test_amp_with_the_autocast_and_the_loss_scaling_of_a_gpu(tmp_path, monkeypatch):
    """Gradients are unscaled once: with plain SGD, updates follow full precision."""
    data = write_tagged(tmp_path / "data", {"train.en": 30, "valid.en": 13})
    flags = [*distil("zero_shot_tagging", data, tmp_path), "--optimizer", "sgd"]
    full = train(data, tmp_path / "full", *flags, "--lr", 0.1)

    class CpuAutocast(torch.autocast):
        def __init__(self, enabled: bool = True) -> None:
            super().__init__("cpu", torch.bfloat16, enabled)

    class CpuScaler(torch.amp.GradScaler):
        def __init__(self, **options: Any) -> None:
            super().__init__("cpu", **options)

    monkeypatch.setattr(torch.cuda.amp, "autocast", CpuAutocast)
    monkeypatch.setattr(torch.cuda.amp, "GradScaler", CpuScaler)
    amp = train(data, tmp_path / "amp", *flags, "--lr", 0.1, "--amp")
    start = train(data, tmp_path / "start", *flags, "--lr", 0.0)
    moved, apart = (distance(full, other) for other in (start, amp))
    assert 0 < apart < 0.1 * moved


def distance(first: Path, second: Path) -> float:
    ours, theirs = load(first)["model"], load(second)["model"]
    squares = [(ours[name] - theirs[name]).square().sum() for name in ours]
    return float(sum(squares)) ** 0.5


@pytest.mark.gpu
@pytest.mark.parametrize("name", ON_GPU)
def test_training_on_a_gpu(mlm, name, tmp_path):
    flags = ["--user-dir", USER_DIR, "--num-workers", 0]
    flags += schedule(tmp_path, *mlm["flags"], *ON_GPU[name])
    code = "from fairseq_cli.train import cli_main; cli_main()"
    command = [sys.executable, "-c", code, mlm["data"], *flags]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "checkpoint_last.pt"
    assert load(path)["optimizer_history"][-1]["num_updates"] == UPDATES
    assert valid_loss(path) == pytest.approx(valid_loss(mlm["fp32"]), rel=0.02)


@pytest.mark.parametrize("flag", ["--fp16", "--memory-efficient-fp16"])
def test_fp16_needs_a_gpu(mlm, flag, tmp_path):
    with pytest.raises(UserError, match="--fp16 needs a GPU: leave it out, or give"):
        train(mlm["data"], tmp_path, *mlm["flags"], flag, "--optimizer", "adam")
    assert not list(tmp_path.glob("*.pt"))
