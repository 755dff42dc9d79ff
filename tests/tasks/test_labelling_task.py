"""What tagging and intents with slots have in common, end to end."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from fairseq.data import Dictionary
from tiny import (
    STUDENT,
    TEACHER,
    UNSEEN_INTENT,
    UNSEEN_TAG,
    USER_DIR,
    build_criterion,
    build_model,
    flags_of,
    hydra_train,
    load,
    make_task,
    run,
    save_model,
    shape_flags,
    train,
    write_tagged,
)
from torch import Tensor

from fairseq_mlkd.checkpoint import LABELS_KEY
from fairseq_mlkd.criterions.task_cross_entropy import TaskCrossEntropyCriterion
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.results import read_results
from fairseq_mlkd.tasks._labelling_task import LabellingTask

SUBSETS = {"train.en": 30, "valid.en": 13, "valid.fr": 9, "test.de": 11, "test.en": 17}
TASKS = ("zero_shot_tagging", "zero_shot_intent_slot")
ALL_HEADS = ("intent_head", "slot_head", "tagging_head")
SILENT = ["--disable-validation"]
both_tasks = pytest.mark.parametrize("name", TASKS)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_tagged(tmp_path_factory.mktemp("world") / "tagged", SUBSETS)


@pytest.fixture(scope="module")
def long_data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "long"
    return write_tagged(folder, SUBSETS, seed=2, longest=30)


def tuning(name: str, *more: Any) -> list[Any]:
    return [*flags_of(name), "--train-embeddings", *more]


def make_batch(task: LabellingTask, subset: str, rows: list[int]) -> dict[str, Any]:
    dataset = task.datasets[subset]
    return dataset.collater([dataset[i] for i in rows])


def score(task: LabellingTask, model: Any, sample: dict[str, Any]) -> dict[str, Any]:
    criterion = TaskCrossEntropyCriterion(task).eval()
    with torch.no_grad():
        return criterion(model.eval(), sample)[2]


# --- loss


def slow_loss(task: LabellingTask, model: Any, subset: str, row: int) -> Tensor:
    """Return each label of a sentence by itself, at the first subword of its word."""
    words = task.datasets[subset].datasets[0]
    pieces = words.pieces[row].tolist()
    tokens = torch.tensor([[0, *words.input0[row].tolist()]])
    features = model(tokens, features_only=True)[0][0]
    labels = [("slot_head", x) for x in words.label[row][:-1].tolist()]
    places = [1 + sum(pieces[:i]) if n else None for i, n in enumerate(pieces)]
    if "intent_head" in task.heads:
        labels.insert(0, ("intent_head", words.intent[row][0].item()))
        places.insert(0, 0)
    total = torch.zeros(())
    for (head, label), place in zip(labels, places):
        head = head if head in task.heads else "tagging_head"
        label -= Dictionary().nspecial
        if place is not None and label < task.heads[head].num_classes:
            logits = model.classification_heads[head](features[place : place + 1])
            total = total + F.cross_entropy(logits, torch.tensor([label]))
    return total


@both_tasks
@pytest.mark.parametrize("subset", ["train", "test.de"])
def test_every_label_that_training_knows_counts_once(name, data, subset):
    task = make_task(name, data)
    model = build_model(task).eval()
    task.load_dataset(subset)
    rows = range(len(task.datasets[subset]))
    log = score(task, model, make_batch(task, subset, rows))
    with torch.no_grad():
        expected = sum(slow_loss(task, model, subset, row) for row in rows)
    assert log["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


@both_tasks
@pytest.mark.parametrize("long_inputs", ["refuse", "window", "truncate"])
def test_padding_changes_nothing(name, long_data, long_inputs):
    task = make_task(name, long_data, long_inputs=long_inputs)
    short = 8 if long_inputs != "refuse" else 512
    model = build_model(task, max_positions=short, init_std=0.5)
    task.load_dataset("test.de")
    together = score(task, model, make_batch(task, "test.de", range(11)))
    alone = [score(task, model, make_batch(task, "test.de", [i])) for i in range(11)]
    for key in ("loss", "sample_size", *task.scores.metric.counters):
        expected = sum(torch.as_tensor(log[key]) for log in alone)
        torch.testing.assert_close(
            torch.as_tensor(together[key]), expected, rtol=1e-5, atol=1e-5
        )


@both_tasks
def test_windows_change_nothing_for_what_fits(name, long_data):
    logs = []
    for long_inputs in ("refuse", "window", "truncate"):
        torch.manual_seed(1)
        task = make_task(name, long_data, long_inputs=long_inputs)
        model = build_model(task)
        task.load_dataset("test.en")
        logs.append(score(task, model, make_batch(task, "test.en", range(17))))
    for key in logs[0]:
        for log in logs[1:]:
            assert torch.equal(torch.as_tensor(log[key]), torch.as_tensor(logs[0][key]))


# --- predictions


@both_tasks
def test_emptied_words_are_outside_and_cut_ones_are_never_right(name, long_data):
    task = make_task(name, long_data, long_inputs="truncate")
    model = build_model(task, max_positions=8).eval()
    task.load_dataset("test.de")
    sample = make_batch(task, "test.de", range(11))
    places, targets = task.supervise(sample)
    logits = model(**sample["net_input"], heads=places)[0]
    assert {head: len(rows) for head, rows in logits.items()} == {
        head: len(target) for head, target in targets.items()
    }
    predicted, target = task.predict(sample, logits), sample["target"]
    symbols, positions = task.target_dictionary, sample["label_positions"]
    assert torch.equal(predicted.eq(symbols.pad()), target.eq(symbols.pad()))
    assert {symbols[i] for i in predicted[positions == -1]} == {"O"}
    assert {symbols[i] for i in predicted[positions == -2]} == {symbols.unk_word}
    unseen = {UNSEEN_TAG, UNSEEN_INTENT}
    assert not {symbols[i] for i in predicted.flatten()} & unseen
    assert {symbols[i] for i in target.flatten()} & unseen


def generated(text: str, kind: str) -> dict[int, str]:
    lines = [line.split("\t") for line in text.splitlines() if line[:2] == f"{kind}-"]
    found = {int(fields[0][2:]): fields[-1] for fields in lines}
    assert len(found) == len(lines)
    return found


@both_tasks
@pytest.mark.parametrize("batch_size, long_inputs", [(1, "refuse"), (7, "window")])
def test_generate_writes_the_best_labels_once(
    name, data, tmp_path, capsys, batch_size, long_inputs
):
    positions = 512 if long_inputs == "refuse" else 8
    more = ["--max-positions", positions, "--long-inputs", long_inputs]
    path = train(data, tmp_path, *tuning(name, *more, *SILENT, "--max-update", 20))
    task = make_task(name, data, long_inputs=long_inputs)
    model = build_model(task, max_positions=positions).eval()
    model.load_state_dict(load(path)["model"])
    task.load_dataset("test")
    expected, gold, symbols = {}, {}, task.target_dictionary
    for row in range(28):
        sample = make_batch(task, "test", [row])
        logits = model(**sample["net_input"], heads=task.supervise(sample).places)[0]
        ids = task.predict(sample, logits)[0]
        expected[row] = " ".join(symbols[i] for i in ids)
        gold[row] = " ".join(symbols[i] for i in sample["target"][0])
    capsys.readouterr()
    common = ["--path", path, "--gen-subset", "test", "--batch-size", batch_size]
    common += ["--scoring", "exact_match", "--long-inputs", long_inputs]
    run("generate", data, "--task", name, *common)
    text = capsys.readouterr().out
    assert generated(text, "H") == expected
    assert generated(text, "T") == gold
    right = sum(expected[row] == gold[row] for row in gold)
    assert f"exact match {100 * right / 28:.2f} (28 sentences)" in text


# --- training


def trained(path: Path) -> list[Tensor]:
    state = load(path)
    optimizer = state["last_optimizer_state"]["state"]
    slots = [value for i in sorted(optimizer) for value in optimizer[i].values()]
    return [torch.as_tensor(value) for value in (*state["model"].values(), *slots)]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    assert len(first) == len(second) > 100
    return all(map(torch.equal, first, second))


@both_tasks
@pytest.mark.parametrize("stop", [4, 5])  # within an epoch of 5 updates, at its end
def test_resuming_is_exact(name, data, tmp_path, stop):
    def train_to(update: int, folder: str) -> list[Tensor]:
        more = [*SILENT, "--max-update", update, "--long-inputs", "window"]
        more += ["--max-positions", 8, "--batch-size", 7]
        return trained(train(data, tmp_path / folder, *tuning(name, *more)))

    straight, half = train_to(7, "straight"), train_to(stop, "resumed")
    resumed = train_to(7, "resumed")
    assert not same(straight, half)
    assert same(straight, resumed)


@both_tasks
@pytest.mark.parametrize("batch_size", [1, 7, 64])
@pytest.mark.parametrize("subset, rows", [("train", 30), ("valid.all", 22)])
def test_iterators_give_each_sentence_once(name, long_data, batch_size, subset, rows):
    task = make_task(name, long_data, long_inputs="window")
    build_model(task, max_positions=8)
    task.load_dataset(subset)
    iterator = task.get_batch_iterator(
        task.datasets[subset], max_sentences=batch_size, max_positions=8
    )
    batches = list(iterator.next_epoch_itr(shuffle=True))
    assert sorted(i for b in batches for i in b["id"].tolist()) == list(range(rows))


@both_tasks
def test_long_inputs_are_refused_until_a_switch_is_given(name, long_data, tmp_path):
    more = tuning(name, "--max-positions", 8, "--max-update", 1)
    with pytest.raises(UserError, match="--long-inputs window or truncate"):
        train(long_data, tmp_path, *more)
    for long_inputs in ("window", "truncate"):
        path = train(long_data, tmp_path, *more, "--long-inputs", long_inputs)
        validation = ["--path", path, "--batch-size", 7, "--valid-subset", "test"]
        # the switch was saved with the model
        run("validate", long_data, "--task", name, *validation)
    assert {r.examples for r in read_results([str(tmp_path / "results.jsonl")])} == {
        11,
        17,
    }


@both_tasks
def test_hydra_trains_as_the_command_line_does(name, data, tmp_path):
    shape = {f"encoder_{key}": value for key, value in STUDENT.items()}
    cfg = {
        "common": {"user_dir": USER_DIR},
        "checkpoint": {
            "save_dir": str(tmp_path / "hydra"),
            "no_epoch_checkpoints": True,
        },
        "task": {"_name": name, "data": str(data), "train_embeddings": True},
        "criterion": {"_name": "task_cross_entropy"},
        "model": {"_name": "multilingual_encoder", **shape, "init_std": 0.07},
        "dataset": {"batch_size": 8, "disable_validation": True},
        "optimizer": {"_name": "fused_adamw"},
        "lr_scheduler": {"_name": "fixed"},
        "optimization": {"lr": [0.01], "max_update": 3, "clip_norm": 1.0},
    }
    config = tmp_path / "tune.yaml"
    config.write_text("# @package _global_\n" + json.dumps(cfg))
    hydra_train(config, tmp_path / "job", {})
    more = [*SILENT, "--max-update", 3]
    ours = trained(train(data, tmp_path / "argparse", *tuning(name, *more)))
    hydras = trained(tmp_path / "hydra" / "checkpoint_last.pt")
    assert same(ours, hydras)


# --- stage 2


def tuned_teacher(name: str, data: Path, folder: Path) -> tuple[str, LabellingTask]:
    task = make_task(name, data)
    path = save_model(folder / "teacher.pt", build_model(task, TEACHER), task)
    return str(path), task


@both_tasks
def test_a_fine_tuned_teacher_teaches(name, data, tmp_path):
    teacher, _ = tuned_teacher(name, data, tmp_path)
    task = make_task(name, data, train_embeddings=True)
    student = build_model(task, init_std=0.3)
    task.load_dataset("train")
    criterion = build_criterion(task, teacher_path=teacher)
    parameters = [*student.parameters(), *criterion.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    sample = make_batch(task, "train", range(12))
    losses = []
    for _ in range(12):
        loss, sample_size, log = criterion(student, sample)
        optimizer.zero_grad()
        (loss / sample_size).backward()
        optimizer.step()
        losses.append(loss.item())
    assert sample_size == sum(
        t.numel() for t in task.supervise(sample).targets.values()
    )
    terms = ("nll_loss", "logits_loss", "embedding_loss", "hidden_loss")
    for term in (*terms, "attention_loss"):
        assert torch.isfinite(log[term]) and log[term] > 0
    assert losses[-1] < 0.9 * losses[0]


@both_tasks
def test_stage_2_on_the_command_line(name, data, tmp_path):
    teacher, _ = tuned_teacher(name, data, tmp_path)
    more = ["--task", name, "--criterion", "tinybert", "--teacher-path", teacher]
    more += [*shape_flags(STUDENT), "--train-embeddings", "--max-update", 3]
    path = train(data, tmp_path / "student", *more)
    names = load(path)["model"].keys()
    heads = {n.split(".")[1] for n in names if n.startswith("classification_heads.")}
    assert heads == set(make_task(name, data).heads) <= set(ALL_HEADS)
    assert not any(n.startswith("lm_head") for n in names)


@both_tasks
def test_a_checkpoint_of_other_labels_is_refused(name, data, tmp_path):
    task = make_task(name, data)
    state = task.state_dict()
    make_task(name, data).load_state_dict(dict(state))
    old = {key: x for key, x in state.items() if key != LABELS_KEY}
    make_task(name, data).load_state_dict(old)
    with pytest.raises(UserError, match="its labels are not those of the checkpoint"):
        task.load_state_dict({**state, LABELS_KEY: "another"})
