"""Masked-LM training and distillation, end to end."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fairseq import options
from fairseq_cli import preprocess
from tiny import (
    COUNTS,
    STUDENT,
    TEACHER,
    flags_of,
    load,
    mlm_task,
    rename_words,
    run,
    shape_flags,
    train,
    write_mlm_data,
)
from trained import differing, flatten, trained_values
from traps import Malicious

from fairseq_mlkd.data.sentence_dataset import SentenceDataset
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.results import read_results
from fairseq_mlkd.tasks.multilingual_mlm import MultilingualMLMTask

MLM = "multilingual_mlm"
SPLITS = ("train", "valid")
PLAIN = ["--task", MLM, "--criterion", "task_cross_entropy"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_mlm_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def teacher(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    return train(data, folder, *PLAIN, *shape_flags(TEACHER), "--max-update", 3)


def test_data_of_fairseq_preprocess_train_to_the_same_bits(data, tmp_path):
    symbols = mlm_task(data).source_dictionary
    words = ["--only-source", "--srcdict", str(data / "dict.txt")]
    for lang in COUNTS:
        for split in SPLITS:
            rows = SentenceDataset(str(data / lang / split), symbols).binary
            lines = [f"{symbols.string(rows[i])}\n" for i in range(len(rows))]
            (tmp_path / f"{split}.{lang}").write_text("".join(lines))
        files = [f"--{split}pref={tmp_path / split}.{lang}" for split in SPLITS]
        files += ["--destdir", str(tmp_path / "data" / lang)]
        preprocess.main(options.get_preprocessing_parser().parse_args(words + files))
    shutil.copy(data / "dict.txt", tmp_path / "data")
    flags = [*PLAIN, *shape_flags(STUDENT), "--max-epoch", 1]
    ours, theirs = (
        load(train(folder, tmp_path / name, *flags))["model"]
        for name, folder in (("a", data), ("b", tmp_path / "data"))
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_double_batch_is_two_batches(data, teacher, tmp_path):
    """An update on a whole epoch, in one batch and in three."""
    flags = [*flags_of(MLM, teacher=teacher), "--sampling-alpha", 1]
    flags += ["--dropout", 0, "--attention-dropout", 0, "--clip-norm", 0]
    flags += ["--optimizer", "sgd", "--lr", 1, "--max-update", 1]
    size = sum(COUNTS.values())
    one, three = (
        load(train(data, tmp_path / run, *flags, "--disable-validation", *more))
        for run, more in (
            ("one", ["--batch-size", size]),
            ("three", ["--batch-size", -(-size // 3), "--update-freq", 3]),
        )
    )
    for part in ("model", "criterion"):
        for key, value in one[part].items():
            assert torch.allclose(value, three[part][key], rtol=1e-4, atol=1e-5), key


@pytest.mark.parametrize(
    "batching, stop",
    [
        (["--batch-size", 8], 9),  # within an epoch of 6 updates
        (["--batch-size", 8], 12),  # at the end of an epoch
        # batches depend on what the epoch drew
        (["--max-tokens", 60, "--batch-size", 100], 10),
    ],
)
def test_resuming_is_exact(data, teacher, tmp_path, batching, stop):
    def train_to(update: int, name: str) -> Path:
        flags = [*flags_of(MLM, teacher=teacher), *batching, "--disable-validation"]
        schedule = ["--lr-scheduler", "polynomial_decay", "--total-num-update", 30]
        return train(data, tmp_path / name, *flags, *schedule, "--max-update", update)

    straight = trained_values(train_to(20, "straight"))
    half = trained_values(train_to(stop, "resumed"))
    resumed = trained_values(train_to(20, "resumed"))
    assert len(straight) > 100 and differing(straight, half)
    assert differing(straight, resumed) == []
    assert any("/criterion/distiller.inner_losses" in name for name in straight)


def test_workers_change_nothing(data, tmp_path):
    flags = [*PLAIN, *shape_flags(STUDENT), "--disable-validation", "--max-update", 13]
    states = [
        load(train(data, tmp_path / str(n), *flags, "--num-workers", n))["model"]
        for n in (0, 2)
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_checkpoint_holds_the_student_alone_and_loads_safely(data, teacher, tmp_path):
    flags = [*flags_of(MLM, teacher=teacher), "--max-update", 2]
    path = train(data, tmp_path, *flags)
    allowed = getattr(torch.serialization, "get_safe_globals", list)()
    if allowed:
        torch.serialization.clear_safe_globals()
    try:
        state = torch.load(str(path), weights_only=True)
    finally:
        if allowed:
            torch.serialization.add_safe_globals(allowed)
    layers = {name.split(".")[2] for name in state["model"] if ".layers." in name}
    assert layers == {str(i) for i in range(STUDENT["layers"])}
    assert all(k.startswith("distiller.inner_losses.") for k in state["criterion"])
    n_trained = len(state["model"]) + len(state["criterion"])
    assert len(state["last_optimizer_state"]["state"]) == n_trained
    tensors = [name for name, x in flatten(state).items() if torch.is_tensor(x)]
    assert tensors and not any("teacher" in name for name in tensors)


def test_shards_alternate(data, tmp_path, monkeypatch):
    other = write_mlm_data(tmp_path / "other", {"en": 16}, seed=2)
    shards, read = f"{data}:{other}", []
    load_dataset = MultilingualMLMTask.load_dataset

    def recording(
        self: MultilingualMLMTask, split: str, epoch: int = 1, **kwargs: Any
    ) -> None:
        load_dataset(self, split, epoch, **kwargs)
        dataset = self.datasets[split]
        read.append((split, epoch, dataset.langs, len(dataset)))

    monkeypatch.setattr(MultilingualMLMTask, "load_dataset", recording)
    train(shards, tmp_path, *PLAIN, *shape_flags(STUDENT), "--max-epoch", 3)
    first, second = (list(COUNTS), sum(COUNTS.values())), (["en"], 16)
    epochs = [
        (epoch, langs, n) for subset, epoch, langs, n in read if subset == "train"
    ]
    assert epochs[:3] == [(1, *first), (2, *second), (3, *first)]


def test_languages_and_subsets(data):
    task = mlm_task(data, langs="sw,en")
    for subset, langs in (("train", ["sw", "en"]), ("valid.de", ["de"])):
        task.load_dataset(subset)
        assert task.datasets[subset].langs == langs
    assert len(task.datasets["train"]) == COUNTS["sw"] + COUNTS["en"]
    task = mlm_task(data)
    for subset in ("valid", "valid.all"):
        task.load_dataset(subset)
        assert task.datasets[subset].langs == sorted(COUNTS)


# --- each example once


@pytest.mark.parametrize("batch_size", [1, 7, 8, 64])
@pytest.mark.parametrize("split", ["train", "valid"])
def test_iterators_give_each_example_once(data, batch_size, split):
    task = mlm_task(data, sampling_alpha=1.0)
    task.load_dataset(split)
    iterator = task.get_batch_iterator(
        task.datasets[split], max_sentences=batch_size, required_batch_size_multiple=8
    )
    batches = list(iterator.next_epoch_itr(shuffle=split == "train"))
    seen = sorted(i for batch in batches for i in batch["id"].tolist())
    assert seen == list(range(len(task.datasets[split])))


def test_commands_use_each_example_once(data, tmp_path, monkeypatch):
    seen: dict[str, list[int]] = {"train_step": [], "valid_step": []}
    for name, ids in seen.items():
        original = getattr(MultilingualMLMTask, name)

        def recording(self, sample, *args, original=original, ids=ids, **kwargs):
            ids.extend(sample["id"].tolist())
            return original(self, sample, *args, **kwargs)

        monkeypatch.setattr(MultilingualMLMTask, name, recording)
    flags = [*PLAIN, *shape_flags(STUDENT), "--batch-size", 7, "--sampling-alpha", 1]
    path = train(data, tmp_path, *flags, "--max-epoch", 1)
    assert sorted(seen["train_step"]) == list(range(sum(COUNTS.values())))
    assert sorted(seen["valid_step"]) == list(range(15))

    seen["valid_step"].clear()
    task = ["--task", "multilingual_mlm", "--path", path, "--batch-size", 7]
    run("validate", data, *task, "--valid-subset", "valid,valid.en")
    assert sorted(seen["valid_step"]) == sorted([*range(15), *range(5)])
    results = read_results([str(tmp_path / "results.jsonl")])
    assert [r.lang for r in results] == ["all", "de", "en", "sw", "en"]
    assert [r.examples for r in results] == [15, 5, 5, 5, 5]
    assert results[4].value == results[2].value
    assert {(r.dataset, r.split) for r in results} == {("pretraining", "valid")}
    assert {r.checkpoint for r in results} == {str(path)}
    assert all(1 < r.value < 2 * len(mlm_task(data).dictionary) for r in results)


def test_perplexity_is_that_of_the_hard_loss(data):
    sums = {"loss": 6.0, "sample_size": 4, "nsentences": 2}
    metric = mlm_task(data).scores.metric
    (found,) = metric.scores({key: np.asarray(value) for key, value in sums.items()})
    assert found.value == pytest.approx(math.exp(1.5))
    assert (found.key, found.examples) == ("ppl", 2)


# --- refusals: one line, and the exit code is not 0


def refusal(data: Any, folder: Path, *arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        train(data, folder, *arguments, "--max-update", 1)
    assert not (folder / "checkpoint_last.pt").exists()
    message = str(error.value)
    assert "\n" not in message
    return message


def test_teacher_with_another_dictionary_is_refused(data, tmp_path):
    other = rename_words(write_mlm_data(tmp_path / "data", {"en": 8}))
    path = train(
        other, tmp_path / "t", *PLAIN, *shape_flags(TEACHER), "--max-update", 1
    )
    message = refusal(data, tmp_path / "s", *flags_of(MLM, teacher=path))
    assert f"--teacher-path {path} was trained with another dictionary" in message


def test_teacher_that_is_no_checkpoint_is_refused(data, teacher, tmp_path):
    path, trap = tmp_path / "teacher.pt", tmp_path / "executed"
    whole = teacher.read_bytes()

    def write_pickle() -> None:
        torch.save({"model": {}, "cfg": Malicious(trap)}, str(path))

    def write_old_pickle() -> None:
        state = {"model": {}, "cfg": Malicious(trap)}
        torch.save(state, str(path), _use_new_zipfile_serialization=False)

    def write_text() -> None:
        path.write_text("no checkpoint\n")

    writers = [
        write_text,
        write_pickle,
        write_old_pickle,
        lambda: path.write_bytes(whole[: len(whole) // 2]),
        lambda: path.write_bytes(b""),
        lambda: torch.save({"weights": torch.zeros(2)}, str(path)),
        lambda: torch.save([1, 2], str(path)),
    ]
    for write in writers:
        write()
        message = refusal(data, tmp_path / "s", *flags_of(MLM, teacher=path))
        assert f"--teacher-path {path}: " in message and "\n" not in message
    assert not trap.exists()


@pytest.mark.parametrize(
    "folder, options, message",
    [
        ("", ["--langs", "en,xx"], "no valid data in xx; there are"),
        ("", ["--train-subset", "test"], "no language folder holds test.idx"),
        ("no-such-folder", [], "no-such-folder"),
        ("", ["--sampling-alpha", "2"], "sampling alpha 2.0 is not between 0 and 1"),
    ],
)
def test_bad_data_is_refused(data, tmp_path, folder, options, message):
    flags = [*PLAIN, *shape_flags(STUDENT), *options]
    assert message in refusal(data / folder, tmp_path, *flags)


def test_missing_second_shard_is_refused(data, tmp_path):
    shards = f"{data}:{tmp_path / 'missing'}"
    with pytest.raises(UserError, match="missing"):
        train(shards, tmp_path, *PLAIN, *shape_flags(STUDENT), "--max-epoch", 2)


def test_evaluating_with_another_dictionary_is_refused(data, teacher, tmp_path):
    other = rename_words(write_mlm_data(tmp_path / "data", {"en": 8}))
    flags = ["--task", "multilingual_mlm", "--path", teacher, "--batch-size", 8]
    with pytest.raises(UserError, match="dict.txt is not the one"):
        run("validate", other, *flags)
