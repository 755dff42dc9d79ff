"""fairseq's commands as users start them: --user-dir, exit codes, hydra."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import (
    TEACHER,
    USER_DIR,
    build_model,
    flags_of,
    load,
    mlm_task,
    rename_words,
    save_model,
    schedule,
    train,
    write_mlm_data,
)

HYDRA_CONFIG = """\
# @package _global_
common: {user_dir: %(user_dir)s, cpu: true, log_format: none, seed: 1}
checkpoint: {save_dir: checkpoints, no_epoch_checkpoints: true}
dataset: {batch_size: 8, num_workers: 0, data_buffer_size: 0}
optimization: {max_epoch: 2, lr: [0.01], clip_norm: 1.0}
task: {_name: multilingual_mlm, data: %(data)s, sampling_alpha: 0.3}
criterion: {_name: task_cross_entropy}
model:
  _name: multilingual_encoder
  encoder_layers: 2
  encoder_embed_dim: 8
  encoder_ffn_embed_dim: 16
  encoder_attention_heads: 2
  init_std: 0.07
optimizer: {_name: fused_adamw, weight_decay: 0.01}
lr_scheduler: {_name: fixed}
"""


def start(
    command: str, *arguments: Any, cwd: Path, full: str = "1"
) -> "subprocess.CompletedProcess":
    """Return `fairseq-COMMAND ARGUMENTS` in a process of its own."""
    code = f"from fairseq_cli.{command} import cli_main; cli_main()"
    argv = [sys.executable, "-c", code, *map(str, arguments)]
    env = {**os.environ, "HYDRA_FULL_ERROR": full}
    return subprocess.run(argv, cwd=str(cwd), env=env, capture_output=True, text=True)


@pytest.mark.slow
def test_hydra_trains_as_the_command_line_does(tmp_path):
    data = write_mlm_data(tmp_path / "data")
    config = HYDRA_CONFIG % {"user_dir": USER_DIR, "data": data}
    (tmp_path / "mlm.yaml").write_text(config)
    done = start(
        "hydra_train",
        "--config-dir",
        tmp_path,
        "--config-name",
        "mlm",
        "--multirun",
        f"hydra.sweep.dir={tmp_path / 'sweep'}",
        "optimization.lr=[0.01],[1.0]",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    runs = [tmp_path / "sweep" / str(i) / "checkpoints" for i in range(2)]
    states = [load(folder / "checkpoint_last.pt") for folder in runs]
    best = [
        load(folder / "checkpoint_best.pt")["extra_state"]["best"] for folder in runs
    ]
    assert float(best[0]) < float(
        best[1]
    )  # the second run is worse, and has a best one

    flags = [*flags_of("multilingual_mlm"), "--sampling-alpha", 0.3]
    flags += ["--weight-decay", 0.01]
    path = train(data, tmp_path / "cli", *flags, "--max-epoch", 2)
    ours = load(path)["model"]
    hydras = states[0]["model"]
    assert ours.keys() == hydras.keys()
    assert all(torch.equal(ours[name], hydras[name]) for name in ours)
    assert not torch.equal(ours["lm_head.bias"], states[1]["model"]["lm_head.bias"])


def test_a_refusal_is_one_line_and_the_exit_code_is_not_0(tmp_path):
    data = write_mlm_data(tmp_path / "data")
    other = rename_words(write_mlm_data(tmp_path / "other", {"en": 3}))
    task = mlm_task(other)
    teacher = save_model(tmp_path / "teacher.pt", build_model(task, TEACHER), task)
    flags = ["--user-dir", USER_DIR, "--cpu", "--max-update", 1]
    flags += schedule(
        tmp_path / "checkpoints", *flags_of("multilingual_mlm", teacher=teacher)
    )
    done = start("train", data, *flags, cwd=tmp_path)
    assert done.returncode not in (0, None)
    lines = [line for line in done.stderr.splitlines() if "fairseq_mlkd: " in line]
    expected = (
        f"fairseq_mlkd: --teacher-path {teacher} was trained with another dictionary"
    )
    assert lines[-1].startswith(expected)
    assert done.stderr.rstrip().endswith(lines[-1]) and "Traceback" not in done.stderr
    assert not any((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize("full", ["0", "1"])
@pytest.mark.slow
def test_of_a_sweep_the_refused_job_fails_alone(tmp_path, full):
    data = write_mlm_data(tmp_path / "data")
    config = HYDRA_CONFIG % {"user_dir": USER_DIR, "data": data}
    (tmp_path / "mlm.yaml").write_text(config)
    done = start(
        *("hydra_train", "--config-dir", tmp_path, "--config-name", "mlm"),
        *("--multirun", f"hydra.sweep.dir={tmp_path / 'sweep'}"),
        "task.sampling_alpha=2,0.3",
        cwd=tmp_path,
        full=full,
    )
    assert done.returncode not in (0, None)
    assert "sampling alpha 2.0 is not between 0 and 1" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "sweep").rglob("checkpoint_last.pt"))) == 1
