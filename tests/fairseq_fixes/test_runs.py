"""Mends of what runs log and how they follow one another."""

import gc
import shutil
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
from fairseq.trainer import Trainer
from tiny import flags_of, load, train, write_mlm_data

from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.fairseq_fixes import runs


def test_a_finished_training_is_left_as_it_is(tmp_path, caplog):
    caplog.set_level("INFO")
    data = write_mlm_data(tmp_path / "data")
    flags = flags_of("multilingual_mlm")
    last = train(data, tmp_path / "run", *flags, "--max-update", 3)
    before = last.read_bytes()
    assert "nothing to do" not in caplog.text
    assert train(data, tmp_path / "run", *flags, "--max-update", 3) == last
    assert last.read_bytes() == before
    assert "nothing to do: 3 of --max-update 3 made" in caplog.text
    train(data, tmp_path / "run", *flags, "--max-update", 5)
    assert load(last)["optimizer_history"][-1]["num_updates"] == 5


@pytest.mark.parametrize("can", [False, True])
def test_half_precision_that_takes_longer_is_said(tmp_path, caplog, monkeypatch, can):
    monkeypatch.setattr(runs, "_multiplies_bfloat16", lambda: can)
    data = write_mlm_data(tmp_path / "data")
    for flags in ([], ["--bf16"]):
        assert "--bf16: this processor has no instructions" not in caplog.text
        more = [*flags_of("multilingual_mlm"), *flags, "--max-update", 1]
        train(data, tmp_path / f"run{len(flags)}", *more)
    assert ("--bf16: this processor has no instructions" in caplog.text) != can


@pytest.mark.parametrize(
    "more", [[], ["--data-buffer-size", 0], ["--max-valid-steps", 1]]
)
def test_workers_of_past_validations_end(tmp_path, monkeypatch, more):
    data = write_mlm_data(tmp_path / "data")
    step, terminate = Trainer.valid_step, BaseProcess.terminate
    alive, killed = [], []

    def count_workers(*args: Any, **kwargs: Any) -> Any:
        alive.append(len(active_children()))
        return step(*args, **kwargs)

    def note_and_terminate(worker: BaseProcess) -> None:
        killed.append(worker.name)
        terminate(worker)

    gc.collect()
    monkeypatch.setattr(Trainer, "valid_step", count_workers)
    monkeypatch.setattr(BaseProcess, "terminate", note_and_terminate)
    more = [*more, "--num-workers", 1, "--validate-interval-updates", 1]
    train(
        data, tmp_path / "run", *flags_of("multilingual_mlm"), *more, "--max-update", 6
    )
    assert len(alive) >= 4 and len(set(alive)) == 1
    assert not killed


def test_iterators_that_come_again_start_their_own_workers(tmp_path, monkeypatch):
    data = write_mlm_data(tmp_path / "data")
    for file in data.glob("*/valid.*"):
        shutil.copy(file, file.with_stem("test"))
    step, steps = Trainer.valid_step, []

    def count(*args: Any, **kwargs: Any) -> Any:
        steps.append(1)
        return step(*args, **kwargs)

    monkeypatch.setattr(Trainer, "valid_step", count)
    reuse = "can_reuse_epoch_itr_across_epochs"
    monkeypatch.setattr(MultilingualDataset, reuse, True)
    more = ["--num-workers", 1, "--validate-interval-updates", 1, "--max-update", 3]
    more += ["--valid-subset", "valid,test"]
    train(data, tmp_path / "run", *flags_of("multilingual_mlm"), *more)
    assert len(steps) > 6
