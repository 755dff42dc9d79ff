"""Training with the teacher's signals on disk, beside the live teacher."""

import copy
import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load as load_record
from tiny import (
    STUDENT,
    TEACHER,
    Distillation,
    build_criterion,
    build_model,
    load,
    mlm_task,
    save_model,
    shape_flags,
    train,
    weigh,
    write_mlm_data,
    write_tagged,
)
from torch import Tensor, nn
from unlabelled import TASKS, Setting

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion, TinyBertCriterionConfig
from fairseq_mlkd.distillation.losses import GRAM_LOSSES
from fairseq_mlkd.distillation.teacher import Teacher
from fairseq_mlkd.distillation.teacher_cache import FILE
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.tasks._multilingual_task import MultilingualTask

EXACT = {"teacher_cache_dtype": "float32"}


def update(
    task: MultilingualTask, model: nn.Module, criterion: nn.Module, shift: int
) -> list[Tensor]:
    """Train for two epochs; returns all parameters.

    Args:
        shift: a multiple of 4 keeps the batches of the first epoch together.
    """
    parameters = [*model.parameters(), *criterion.parameters()]
    optimizer = torch.optim.SGD(parameters, 0.05)
    dataset = task.datasets["train"]
    for epoch in (1, 2):
        dataset.set_epoch(epoch)
        for first in range(0, 12, 4):
            rows = [(shift * epoch + first + i) % 12 for i in range(4)]
            batch = dataset.collater([dataset[i] for i in rows])
            loss, sample_size, _ = criterion(model, batch)
            optimizer.zero_grad()
            (loss / sample_size).backward()
            optimizer.step()
    return [p.detach().clone() for p in parameters]


class Pretraining:
    """Stage 1, with a new student for every run."""

    def __init__(self, folder: Path, data: str = "data", **options: Any) -> None:
        self.setting = Distillation(folder)
        self.teacher_path = self.setting.teacher_path
        self.data, self.options = folder / data, options

    def run(self, seed: int = 3, shift: int = 5, **options: Any) -> list[Tensor]:
        torch.manual_seed(seed)
        task = mlm_task(self.data, **self.options)
        task.load_dataset("train")
        model = build_model(task)
        options = {"teacher_path": self.teacher_path, **options}
        self.criterion = build_criterion(task, **options)
        return update(task, model, self.criterion, shift)


class FineTuning:
    """Stage 2 with unlabelled sentences, with a new student for every run."""

    def __init__(self, folder: Path, name: str) -> None:
        self.setting = Setting(folder, name)
        self.teacher_path = self.setting.teacher_path
        self.options: dict[str, Any] = {}
        if name in ("tagging", "intent_slot"):
            self.options = {"max_positions": 7}

    def run(self, seed: int = 3, shift: int = 5, **options: Any) -> list[Tensor]:
        torch.manual_seed(seed)
        windows = {"long_inputs": "window"} if self.options else {}
        sentences = str(self.setting.sentences)
        task = self.setting.make_task(unlabelled_data=sentences, **windows)
        shape, more = STUDENT, self.setting.model_options
        model = build_model(task, shape, **more, **self.options)
        options = {"teacher_path": self.teacher_path, **options}
        self.criterion = TinyBertCriterion(TinyBertCriterionConfig(**options), task)
        task.is_mixed = True
        task.load_dataset("train")
        return update(task, model, self.criterion, shift)


def make(folder: Path, name: str) -> Any:
    return Pretraining(folder) if name == "mlm" else FineTuning(folder, name)


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    assert len(a) == len(b) > 20
    return all(torch.equal(x, y) for x, y in zip(a, b))


@pytest.mark.parametrize("head_map", ["auto", "relation"])
@pytest.mark.parametrize("name", ["mlm", *TASKS])
def test_all_in_float32_is_the_live_teacher(tmp_path, name, head_map):
    runs, cache = make(tmp_path, name), str(tmp_path / "cache")
    live = runs.run(head_map=head_map, shift=4)
    options = {"head_map": head_map, "teacher_cache": cache, **EXACT}
    assert same(live, runs.run(shift=4, **options))
    os.remove(runs.teacher_path)
    assert same(live, runs.run(shift=4, **options))


@pytest.mark.parametrize("inter_loss", GRAM_LOSSES)
@pytest.mark.parametrize("name", ["mlm", "parsing"])
def test_gram_losses_read_what_the_live_teacher_says(tmp_path, name, inter_loss):
    runs, cache = make(tmp_path, name), str(tmp_path / "cache")
    options = {"inter_loss": inter_loss, "shift": 4}
    live = runs.run(**options)
    exact = {**options, "teacher_cache": cache, **EXACT}
    assert same(live, runs.run(**exact)) and same(live, runs.run(**exact))
    rounded = runs.run(**options, teacher_cache=f"{cache}-half")
    assert not same(live, rounded) and all(p.isfinite().all() for p in rounded)


@pytest.mark.parametrize("name", ["mlm", *TASKS])
def test_in_other_batches_it_is_the_live_teacher_but_for_rounding(tmp_path, name):
    # Matrix products round by the shape of the batch, on some processors.
    runs, cache = make(tmp_path, name), str(tmp_path / "cache")
    live, read = runs.run(), runs.run(teacher_cache=cache, **EXACT)
    for ours, theirs in zip(read, live):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("flag", ["teacher_cache_top_k", "teacher_cache_sampled"])
@pytest.mark.parametrize("name", ["mlm", "parsing", "intent_slot"])
def test_a_run_that_reads_is_the_run_that_filled(tmp_path, name, flag, monkeypatch):
    runs = make(tmp_path, name)
    options = {"teacher_cache": str(tmp_path / "cache"), flag: 2, "temperature": 2.0}
    first = runs.run(**options)
    assert all(p.isfinite().all() for p in first)
    assert not same(first, runs.run(temperature=2.0))
    monkeypatch.setattr(Teacher, "run", None)
    assert same(first, runs.run(**options))
    assert not same(first, runs.run(seed=4, **options))  # another student


@pytest.mark.parametrize("flag", ["teacher_cache_top_k", "teacher_cache_sampled"])
def test_a_cache_half_full_is_filled_up(tmp_path, flag):
    runs, cache = Pretraining(tmp_path), tmp_path / "cache"
    options = {"teacher_cache": str(cache), flag: 3}
    whole = runs.run(**options)
    again = {**options, "teacher_cache": f"{cache}-again"}
    assert same(whole, runs.run(**again))  # what is drawn is drawn anew
    with sqlite3.connect(str(cache / FILE)) as file:
        everything = file.execute("SELECT COUNT(*) FROM signals").fetchone()
        file.execute("DELETE FROM signals WHERE rowid % 3 = 1")
    assert same(whole, runs.run(**options))
    assert file.execute("SELECT COUNT(*) FROM signals").fetchone() == everything
    file.close()


@pytest.mark.parametrize("term", ["logits", "embedding", "hidden", "attention"])
def test_only_what_the_loss_needs_is_kept(tmp_path, term):
    runs, cache = Pretraining(tmp_path), tmp_path / "cache"
    runs.run(teacher_cache=str(cache), **weigh(**{term: 1.0}))
    with sqlite3.connect(str(cache / FILE)) as file:
        names = file.execute("SELECT bytes FROM signals")
        kinds = {name.split(".")[0] for (row,) in names for name in load_record(row)}
    file.close()
    states = {"embedding": "hidden_states", "hidden": "hidden_states"}
    states["attention"] = "attention_scores"
    assert kinds == {states.get(term, term)}


def test_a_batch_padded_further_keeps_its_loss(tmp_path):
    runs, cache = Pretraining(tmp_path), str(tmp_path / "cache")
    runs.run(teacher_cache=cache)
    criterion, student = runs.criterion, runs.setting.student
    dataset = criterion.task.datasets["train"]
    sample = dataset.collater([dataset[i] for i in range(4)])
    padded = copy.deepcopy(sample)
    pad = criterion.task.dictionary.pad()
    for part, key in ((padded, "target"), (padded["net_input"], "src_tokens")):
        part[key] = nn.functional.pad(part[key], (0, 5), value=pad)
    expected, found = (criterion(student, s)[0] for s in (sample, padded))
    assert torch.allclose(expected, found, rtol=1e-6)


def test_validation_asks_the_live_teacher(tmp_path):
    runs = Pretraining(tmp_path)
    options = {"teacher_cache": str(tmp_path / "cache"), "valid_distillation": True}
    runs.run(**options)
    before = len(runs.criterion.distiller.teacher.cache)
    student, sample = runs.setting.student, runs.setting.sample
    live = runs.setting.criterion(valid_distillation=True)
    live.load_state_dict(runs.criterion.state_dict())
    logs = [c.eval()(student, sample)[2] for c in (live, runs.criterion)]
    assert logs[0]["distillation_loss"] == logs[1]["distillation_loss"]
    assert len(runs.criterion.distiller.teacher.cache) == before


def test_the_cost_is_said_before_anything_is_kept(tmp_path, caplog):
    runs, cache = Pretraining(tmp_path), tmp_path / "cache"
    with caplog.at_level(logging.INFO):
        runs.run(teacher_cache=str(cache), teacher_cache_top_k=5)
    lines = [r.getMessage() for r in caplog.records if "teacher cache" in r.message]
    assert lines[0].endswith("holds 0 sequences") and len(lines) == 2
    assert "MB per million tokens (float16, the 5 largest of the logits;" in lines[1]
    assert "1 logits, 3 hidden_states, 2 attention_scores" in lines[1]
    stated = float(lines[1].split("about ")[1].split(" MB")[0].replace(",", ""))
    with sqlite3.connect(str(cache / FILE)) as file:
        row = file.execute("SELECT SUM(LENGTH(bytes)) FROM signals").fetchone()
    file.close()
    sizes = runs.criterion.task.datasets["train"].sizes
    per_token = row[0] / (sizes.mean() * len(runs.criterion.distiller.teacher.cache))
    assert stated == pytest.approx(per_token, rel=0.2)


# --- refusals


@pytest.fixture(scope="module")
def filling(tmp_path_factory) -> tuple[Pretraining, str]:
    """Fill a cache in one run."""
    folder = tmp_path_factory.mktemp("filled")
    runs = Pretraining(folder)
    runs.run(teacher_cache=str(folder / "cache"))
    return runs, str(folder / "cache")


@pytest.fixture
def filled(filling) -> tuple[Pretraining, str]:
    """Return runs that a test may change, and the cache of those before it."""
    runs, cache = filling
    again = copy.copy(runs)
    again.options = dict(runs.options)
    return again, cache


def write_other_data(runs: Pretraining) -> None:
    runs.data = write_mlm_data(runs.data.parent / "other", seed=2)


def change_teacher(runs: Pretraining) -> None:
    (runs.data.parent / "more").mkdir()
    runs.teacher_path = Distillation(runs.data.parent / "more").teacher_path


@pytest.mark.parametrize(
    "change, message",
    [
        ({"teacher_cache_dtype": "bfloat16"}, "another --teacher-cache-dtype"),
        ({"teacher_cache_top_k": 3}, r"another --teacher-cache-top-k \(0 there, 3"),
        ({"teacher_cache_sampled": 3}, r"\(0 there, 3 sampled here\)"),
        ({"layer_map": "1,3"}, "another choice of signals"),
        ({"hidden_weight": 0.0}, "another choice of signals"),
        ({"logits_weight": 0.0}, "another choice of signals"),
        ({"head_map": "relation"}, "another choice of signals"),
        (write_other_data, "another training data: name another folder"),
        (change_teacher, "another teacher: name another folder"),
        ("mask_prob", r"another --mask-prob \(0.15 there, 0.5 here\)"),
        ("sampling_alpha", r"another --sampling-alpha \(0.5 there, 0.25 here\)"),
        ("langs", "another --langs"),
    ],
)
def test_a_cache_of_something_else_is_refused(filled, change, message):
    runs, cache = filled
    options: dict[str, Any] = {}
    if callable(change):
        torch.manual_seed(8)
        change(runs)
    elif isinstance(change, str):
        values = {"mask_prob": 0.5, "sampling_alpha": 0.25, "langs": "de,en"}
        runs.options[change] = values[change]
    else:
        options = change
    with pytest.raises(ValueError, match=message) as error:
        runs.run(teacher_cache=cache, **options)
    assert "\n" not in str(error.value)


def test_projections_are_fitted_before_there_are_examples(tmp_path, caplog):
    """As fairseq-train does: it loads data after it has built the criterion."""
    data = write_mlm_data(tmp_path / "data")
    task = mlm_task(data)
    teacher = save_model(tmp_path / "t.pt", build_model(task, TEACHER), task)
    flags = ["--task", "multilingual_mlm", *shape_flags(STUDENT)]
    flags += ["--criterion", "tinybert", "--teacher-path", teacher]
    flags += ["--fit-projections", "--teacher-cache", tmp_path / "cache"]
    caplog.set_level(logging.INFO)
    train(data, tmp_path / "run", *flags, "--max-update", 1)
    assert "MB for one pass over the " in caplog.text


def test_what_does_not_change_the_signals_is_no_reason_to_refuse(filled, monkeypatch):
    runs, cache = filled
    monkeypatch.setattr(Teacher, "run", None)
    weights = {"ce_weight": 0.0, "logits_weight": 0.3, "hidden_weight": 2.0}
    runs.run(teacher_cache=cache, temperature=3.0, head_map="mean", **weights)


def test_a_missing_signal_needs_the_teacher(tmp_path):
    runs, cache = Pretraining(tmp_path), tmp_path / "cache"
    runs.run(teacher_cache=str(cache))
    with sqlite3.connect(str(cache / FILE)) as file:
        file.execute("DELETE FROM signals WHERE rowid = 5")
    file.close()
    os.remove(runs.teacher_path)
    with pytest.raises(ValueError, match=f"--teacher-path {runs.teacher_path}: no"):
        runs.run(teacher_cache=str(cache))


def test_signals_of_another_size_are_refused(tmp_path):
    runs, cache = Pretraining(tmp_path), tmp_path / "cache"
    runs.run(teacher_cache=str(cache))
    with sqlite3.connect(str(cache / FILE)) as file:
        file.execute("UPDATE signals SET bytes = 'x', check_sum = 0")
        file.execute("UPDATE signals SET bytes = X'00', check_sum = 3523407757")
    file.close()
    with pytest.raises(ValueError, match="a row is damaged .*: delete"):
        runs.run(teacher_cache=str(cache))


def test_a_teacher_that_is_refused_leaves_no_trace(tmp_path):
    runs, cache = Pretraining(tmp_path), str(tmp_path / "cache")
    headless = build_model(runs.setting.task, TEACHER)
    headless.remove_lm_head()
    headless.cfg.no_lm_head = True
    path = save_model(tmp_path / "headless.pt", headless, runs.setting.task)
    with pytest.raises(ValueError, match=f"--teacher-path {path}"):
        runs.run(teacher_cache=cache, teacher_path=str(path))
    assert same(runs.run(shift=4), runs.run(shift=4, teacher_cache=cache, **EXACT))


def test_a_number_of_logits_that_makes_no_sense_is_refused(tmp_path):
    runs = Pretraining(tmp_path)
    for flag in ("top_k", "sampled"):
        message = f"--teacher-cache-{flag.replace('_', '-')} -1 is below 0"
        with pytest.raises(ValueError, match=message):
            runs.run(**{f"teacher_cache_{flag}": -1})
    with pytest.raises(ValueError, match="-sampled exclude each other: give one"):
        runs.run(teacher_cache_top_k=2, teacher_cache_sampled=2)


def test_what_is_drawn_depends_on_the_temperature(tmp_path):
    runs, cache = Pretraining(tmp_path), str(tmp_path / "cache")
    options = {"teacher_cache": cache, "teacher_cache_sampled": 2}
    runs.run(**options)
    with pytest.raises(ValueError, match=r"another --temperature \(1.0 there, 2.0"):
        runs.run(temperature=2.0, **options)


# --- through fairseq-train


@pytest.mark.slow
def test_seeds_and_resumed_runs_share_one_pass(tmp_path):
    data = write_mlm_data(tmp_path / "data")
    mlm = ["--task", "multilingual_mlm", "--disable-validation", "--sampling-seed", 7]
    plain = ["--criterion", "task_cross_entropy", *shape_flags(TEACHER)]
    teacher = train(data, tmp_path / "teacher", *mlm, *plain, "--max-update", 2)
    flags = [*mlm, "--criterion", "tinybert", *shape_flags(STUDENT)]
    flags += ["--teacher-path", teacher]
    exact = ["--teacher-cache", tmp_path / "cache", "--teacher-cache-dtype", "float32"]

    def run(name: str, updates: int, *more: Any) -> dict[str, Tensor]:
        path = train(data, tmp_path / name, *flags, "--max-update", updates, *more)
        state = load(path)
        return {**state["model"], **state["criterion"]}

    def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
        assert a.keys() == b.keys() and len(a) > 40
        return all(torch.equal(a[name], b[name]) for name in a)

    live = run("live", 12)  # two epochs
    run("cached", 8, *exact)
    assert equal(live, run("cached", 12, *exact))
    os.remove(teacher)
    assert equal(live, run("again", 12, *exact))
    assert not equal(live, run("other", 12, *exact, "--seed", 2))
    with sqlite3.connect(str(tmp_path / "cache" / FILE)) as file:
        file.execute("UPDATE signals SET check_sum = 0 WHERE rowid = 50")
    file.close()
    with pytest.raises(UserError, match="fairseq_mlkd: .* a row is damaged"):
        run("damaged", 12, *exact)


def test_one_language_may_be_the_training_subset(tmp_path):
    folder = tmp_path / "data"
    data = write_tagged(folder, {"train.en": 8, "valid.en": 3})
    flags = ["--task", "zero_shot_tagging", *shape_flags(STUDENT)]
    flags += ["--max-update", 2, "--train-subset", "train.en", "--disable-validation"]
    plain = ["--criterion", "task_cross_entropy"]
    teacher = train(data, tmp_path / "teacher", *flags, *plain)
    flags += ["--criterion", "tinybert", "--teacher-path", teacher]
    cache = ["--teacher-cache", tmp_path / "cache", "--teacher-cache-dtype", "float32"]
    live, filled, read = (
        load(train(data, tmp_path / name, *flags, *more))["model"]
        for name, more in (("live", []), ("filled", cache), ("read", cache))
    )
    for name, value in live.items():
        assert torch.equal(filled[name], value) and torch.equal(read[name], value)
