"""A hostile checkpoint runs nothing and writes nothing, whichever option names it."""

import copy
import dataclasses
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.models import MODEL_DATACLASS_REGISTRY
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_DATACLASS_REGISTRY
from tiny import (
    STUDENT,
    load,
    read_scores,
    run,
    shape_flags,
    train,
    write_mlm_data,
    write_pairs,
)

from fairseq_mlkd.admission import KEPT_STRINGS
from fairseq_mlkd.checkpoint import read_checkpoint
from fairseq_mlkd.errors import UserError

MLM = ["--task", "multilingual_mlm"]
PAIRS = ["--task", "zero_shot_classification"]
SHORT = ["--max-update", 1, *shape_flags(STUDENT)]
HARD = ["--criterion", "task_cross_entropy"]
DISTIL = ["--criterion", "tinybert"]
# strings of our configurations that a checkpoint cannot set: where something is read or
# written, what results are called, and what the command line decides
IGNORED = {
    "restore_file",
    "save_dir",
    "text_lang",
    "text_tokenizer",
    "best_checkpoint_metric",
    "data",
    "ddp_backend",
    "encoder_path",
    "encoder_path_layers",
    "model_name",
    "path",
    "results",
    "stage_1_teacher_path",
    "teacher_cache",
    "teacher_data",
    "teacher_path",
    "unlabelled_data",
    "valid_subset",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    write_mlm_data(folder / "data")
    write_pairs(folder / "pairs", {"train.en": 9, "valid.en": 5, "test.en": 5})
    train(folder / "data", folder / "mlm", *MLM, *HARD, *SHORT)
    train(folder / "pairs", folder / "pair", *PAIRS, *HARD, *SHORT)
    return folder


def crafted(folder: Path, trap: Path) -> dict[str, dict[str, Any]]:
    """Return what to change in an honest checkpoint, by the kind of attack."""
    code = f"__import__('pathlib').Path({str(trap)!r}).write_text('x')"
    wer = f'("x", "y", {code}, 1)'
    return {
        "model": {"model": {"_name": "wav2vec2", "conv_feature_layers": code}},
        "old model": {"args": Namespace(arch="wav2vec2", conv_feature_layers=code)},
        "criterion": {"criterion": {"_name": "ctc", "wer_args": wer}},
        "task": {"task": {"_name": "translation", "eval_bleu": True, "data": code}},
        "legacy task": {"task": Namespace(task="translation", data=code)},
        "nested model": {"model": {"wav2vec2": {"conv_feature_layers": code}}},
        "interpolation": {"task": {"seed": "${oc.env:HOME}"}},
        "expression": {"model": {"encoder_layers": code}},
        "model, in another case": {"model": {"_name": " mbert"}},
    }


ATTACKS = list(crafted(Path(), Path()))


def craft(honest: Path, path: Path, changes: dict[str, Any]) -> Path:
    state = load(honest)
    for kind, change in changes.items():
        if kind == "args":
            state["args"] = change
        elif isinstance(change, dict) and "wav2vec2" not in change:
            state["cfg"][kind] = {**state["cfg"][kind], **change}
        else:
            state["cfg"][kind] = change
    torch.save(state, str(path))
    return path


def roads(folder: Path, mlm: Path, pairs: Path, out: Path) -> dict[str, Any]:
    """Return every way in which a command reads a checkpoint."""
    data, labelled = folder / "data", folder / "pairs"
    save = ["--save-dir", out / "save", "--optimizer", "fused_adamw", "--lr", 0.01]
    save += ["--batch-size", 8]
    last = out / "last" / "checkpoint_last.pt"
    last.parent.mkdir(parents=True)
    last.write_bytes(mlm.read_bytes())
    again = ["train", data, *MLM, *HARD, *SHORT, *save]
    stage_1 = ["--unlabelled-data", data, "--stage-1-weight", 1]
    stage_1 += ["--teacher-path", folder / "pair" / "checkpoint_last.pt"]
    stage_1 += ["--stage-1-teacher-path", mlm, "--keep-lm-head"]
    stage_1 += ["--encoder-path", folder / "mlm" / "checkpoint_last.pt"]
    evaluated = ["--path", pairs, "--batch-size", 4]
    return {
        "teacher": ["train", data, *MLM, *DISTIL, "--teacher-path", mlm, *SHORT, *save],
        "stage 1": ["train", labelled, *PAIRS, *DISTIL, *SHORT, *stage_1, *save],
        "encoder": ["train", labelled, *PAIRS, *HARD, "--encoder-path", mlm]
        + [*SHORT, *save],
        "pretrained": ["train", labelled, *PAIRS, *HARD, "--encoder-path", mlm]
        + ["--arch", "pretrained", "--max-update", 1, *save],
        "restore": [*again, "--restore-file", mlm],
        "finetune": [*again, "--finetune-from-model", mlm],
        "last": [*again, "--save-dir", last.parent],
        "validate": ["validate", labelled, *PAIRS, *evaluated],
        "generate": ["generate", labelled, *PAIRS, *evaluated],
        "interactive": ["interactive", labelled, *PAIRS, "--path", pairs],
    }


ROADS = [
    "teacher",
    "stage 1",
    "encoder",
    "pretrained",
    "restore",
    "finetune",
    "last",
    "validate",
    "generate",
    "interactive",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_hostile_is_refused(folder, tmp_path, attack):
    trap, path = tmp_path / "executed", tmp_path / "model.pt"
    craft(folder / "mlm" / "checkpoint_last.pt", path, crafted(folder, trap)[attack])
    with pytest.raises(ValueError) as error:
        read_checkpoint(str(path), "--flag")
    message = str(error.value)
    assert message.startswith(f"--flag {path}: ") and "\n" not in message
    assert not trap.exists()


@pytest.mark.parametrize(
    "road, attack",
    [*((road, "model") for road in ROADS), ("validate", "criterion")],
)
def test_a_hostile_checkpoint_runs_nothing(folder, tmp_path, road, attack):
    trap = tmp_path / "executed"
    changes = crafted(folder, trap)[attack]
    mlm, pairs = (
        craft(folder / name / "checkpoint_last.pt", tmp_path / f"{name}.pt", changes)
        for name in ("mlm", "pair")
    )
    before = snapshot(folder)
    command = roads(folder, mlm, pairs, tmp_path / "out")[road]
    with pytest.raises((UserError, SystemExit)) as error:
        run(*command)
    message = str(error.value)
    assert ".pt: " in message and "\n" not in message
    assert message.count("fairseq_mlkd: ") <= 1
    assert not trap.exists()
    assert snapshot(folder) == before
    assert not list(tmp_path.glob("**/results.jsonl"))


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_checkpoint_does_not_say_where_results_go(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    path = tmp_path / "mine" / "checkpoint.pt"
    path.parent.mkdir()
    strings = dict.fromkeys(IGNORED, str(elsewhere))
    changes = {"task": strings, "criterion": {"_name": "tinybert", **strings}}
    craft(folder / "pair" / "checkpoint_last.pt", path, changes)
    flags = [*PAIRS, "--path", path, "--batch-size", 4]
    run("validate", folder / "pairs", *flags)
    (result,) = read_scores(path.parent / "results.jsonl")
    assert (result.model, result.checkpoint) == ("mine", str(path))
    given = ["--results", tmp_path / "given.jsonl", "--model-name", "given"]
    run("validate", folder / "pairs", *flags, *given)
    (result,) = read_scores(tmp_path / "given.jsonl")
    assert result.model == "given"
    assert not elsewhere.exists()
    assert len(read_scores(path.parent / "results.jsonl")) == 1


def test_every_string_is_kept_or_ignored_on_purpose():
    registries = [
        TASK_DATACLASS_REGISTRY,
        MODEL_DATACLASS_REGISTRY,
        REGISTRIES["criterion"]["dataclass_registry"],
    ]
    found = {
        field.name
        for registry in registries
        for declared in registry.values()
        if declared and declared.__module__.startswith("fairseq_mlkd.")
        for field in dataclasses.fields(declared)
        if field.name != "_name" and "str" in str(field.type)
    }
    assert found == KEPT_STRINGS | IGNORED


def edit(state: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Set what `a/b/c` names."""
    state = copy.copy(state)
    name, _, rest = key.partition("/")
    state[name] = edit(state.get(name) or {}, rest, value) if rest else value
    return state


LAYER = "encoder.layers.0.fc1.weight"
MALFORMED = {
    "cfg": ("text", "its cfg is a str"),
    "cfg/model": (None, "it has no cfg.model"),
    "cfg/task": ("multilingual_mlm", "it has a str as cfg.task"),
    "cfg/model/_name": (3, "its cfg.model has no name"),
    "cfg/model/encoder_layers": (10**9, "encoder_layers is 1000000000, but"),
    "cfg/model/encoder_embed_dim": (2**40, "the weights have 8"),
    "cfg/model/max_positions": (10**12, "the weights have"),
    "cfg/model/encoder_attention_heads": (0, "0 attention heads do not divide"),
    "cfg/model/dropout": (float("nan"), "cfg.model.dropout is 'nan'"),
    "cfg/task/seed": (True, "cfg.task.seed is 'True'"),
    "cfg/task/langs": ("../../etc", "cfg.task.langs is '../../etc'"),
    "task_state": ("text", "its task_state is a str"),
    "model": ({}, "it holds no parameters by name"),
    f"model/{LAYER}": (1.0, f"its parameter '{LAYER}' is no tensor"),
    "model/lm_head.dense.weight": (torch.zeros(2, dtype=torch.cfloat), "is torch.comp"),
    "model/lm_head.layer_norm.bias": (
        torch.zeros(2).to(torch.float8_e4m3fn),
        "is torch.float8_e4m3fn",
    ),
    "model/lm_head.bias": (torch.tensor([float("nan")]), "lm_head.bias holds NaN"),
    "criterion": ({"projection": 3}, "its parameter 'projection' is no tensor"),
    "optimizer_history": ([3], "its optimizer_history holds no dictionaries"),
    "extra_state/train_iterator": ("text", "its train_iterator is a str"),
    "extra_state/train_iterator/epoch": (-1, "its epoch is -1"),
    "extra_state/train_iterator/version": ("x", "its version is 'x'"),
    "extra_state/best": ("x", "its best is 'x'"),
    "extra_state/previous_training_time": ([], "its previous_training_time is []"),
    "extra_state": (None, "its epoch is None"),
    "extra_state/metrics": ({"a": [(1, "b", "exec", {})]}, "none of fairseq's meters"),
    "last_optimizer_state": ([], "its last_optimizer_state is a list"),
    "model/lm_head.dense.bias": (
        torch.zeros(1).expand(10**12),
        "larger than what is stored",
    ),
}


@pytest.mark.parametrize("key", MALFORMED)
def test_what_is_malformed_is_refused_in_a_true_line(folder, tmp_path, key):
    value, message = MALFORMED[key]
    path = tmp_path / "model.pt"
    state = edit(load(folder / "mlm" / "checkpoint_last.pt"), key, value)
    torch.save(state, str(path))
    with pytest.raises(ValueError) as error:
        read_checkpoint(str(path), "--flag")
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("value", [None, 3, 1.5, torch.tensor(1.5), torch.ones(1)])
def test_a_time_is_a_number_or_what_several_workers_add_up(folder, tmp_path, value):
    state = load(folder / "mlm" / "checkpoint_last.pt")
    path, key = tmp_path / "model.pt", "extra_state/previous_training_time"
    torch.save(edit(state, key, value), str(path))
    found = read_checkpoint(str(path), "--flag")
    assert found["extra_state"]["previous_training_time"] == value
