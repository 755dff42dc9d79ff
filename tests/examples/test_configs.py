"""The hydra configs: complete, valid, of Table 1's shapes, and a study that runs."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
import torch
from fairseq.criterions import CRITERION_DATACLASS_REGISTRY
from fairseq.dataclass.configs import FairseqConfig
from fairseq.models import ARCH_CONFIG_REGISTRY, MODEL_DATACLASS_REGISTRY
from fairseq.optim import OPTIMIZER_DATACLASS_REGISTRY
from fairseq.optim.lr_scheduler import LR_SCHEDULER_DATACLASS_REGISTRY
from fairseq.tasks import TASK_DATACLASS_REGISTRY
from fairseq_cli import hydra_train as upstream
from omegaconf import DictConfig, OmegaConf
from scripts import EXAMPLES, ROOT
from tiny import (
    STUDENT,
    TEACHER,
    hydra_train,
    load,
    write_mlm_data,
    write_pairs,
    write_tagged,
)
from tiny_parses import write_parses
from torch import Tensor

from fairseq_mlkd import register
from fairseq_mlkd.cli import evaluate
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.results import read_results

register()
CONFIGS = EXAMPLES / "config"
OURS = {
    "task": TASK_DATACLASS_REGISTRY,
    "model": MODEL_DATACLASS_REGISTRY,
    "criterion": CRITERION_DATACLASS_REGISTRY,
    "optimizer": OPTIMIZER_DATACLASS_REGISTRY,
}
REGISTRIES = {**OURS, "lr_scheduler": LR_SCHEDULER_DATACLASS_REGISTRY}
UPDATES, VALID = 2, 13
SHAPES = {
    "mbert8_large": "mbert8_large",
    "mbert8": "mbert8",
    "mbert": "mbert",
    "vanilla_lean_bert": "lean_bert",
    "lean_bert": "lean_bert",
    "x_lean_bert": "lean_bert",
    "lean_bert_ft_distil": "lean_bert",
    "vanilla_lean_bert_ft_distil": "lean_bert",
    "x_lean_bert_ft_distil": "lean_bert",
    "mbert_tiny": "mbert_tiny",
    "lean_bert_tiny": "lean_bert_tiny",
    "pretrained": "pretrained",
}
TASKS = ["xnli", "pawsx", "wikiann", "multiatis", "massive", "mtop"]
SCALES = ["paper", "gpu_hour", "cpu_hours", "demo"]
# files of primaries, tasks and scales, with as few compositions as will do
COMPOSED = [
    *(("pretrain", {"model": "mbert8", "scale": scale}) for scale in SCALES),
    ("distil", {"model": "x_lean_bert"}),
    *(("finetune", {"task": "mtop", "scale": scale}) for scale in SCALES),
    *(("ft_distil", {"task": task}) for task in TASKS if task != "mtop"),
]
composed = pytest.mark.parametrize(
    "primary, groups",
    [pytest.param(p, g, id=f"{p} {' '.join(g.values())}") for p, g in COMPOSED],
)


@pytest.fixture(scope="module", autouse=True)
def root() -> Iterator[None]:
    """Start where users start the commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield


def compose(folder: Path, primary: str, groups: dict[str, str]) -> DictConfig:
    """Return what the files say, before fairseq adds the defaults of dataclasses."""
    defaults = mock.patch.object(upstream, "add_defaults")
    with defaults, mock.patch.object(upstream.distributed_utils, "call_main") as call:
        hydra_train(CONFIGS / f"{primary}.yaml", folder, groups)
    return call.call_args.args[0]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composed")
    found = cache(lambda primary, groups: compose(folder, primary, dict(groups)))
    return lambda primary, groups: found(primary, tuple(groups.items()))


def own_fields(config_class: type) -> Iterator[str]:
    """Fields that a user sets: neither hidden nor taken over from another group."""
    for field in fields(config_class):
        interpolated = str(field.default).startswith("${")
        if not interpolated and not field.name.startswith("_"):
            yield field.name


def test_every_file_is_composed():
    for group in ("task", "scale"):
        named = {groups[group] for _, groups in COMPOSED if group in groups}
        assert {path.stem for path in (CONFIGS / group).iterdir()} == named
    assert {path.stem for path in (CONFIGS / "fine_tuning").iterdir()} == set(SCALES)
    primaries = {path.stem for path in CONFIGS.glob("*.yaml")}
    assert primaries == {primary for primary, _ in COMPOSED}


@composed
def test_files_are_complete_and_valid(read, primary, groups):
    cfg = read(primary, groups)
    for group in list(cfg):
        if group in REGISTRIES:
            config_class = REGISTRIES[group][cfg[group]["_name"]]
        elif group in FairseqConfig.__dataclass_fields__ and cfg[group] is not None:
            config_class = FairseqConfig.__dataclass_fields__[group].type
        else:
            continue
        if group in OURS:
            given = set(cfg[group]) - {"_name"}
            assert given == set(own_fields(config_class)), group
        # raises on an unknown field and on a value of another type
        OmegaConf.merge(OmegaConf.structured(config_class), cfg[group])
    assert cfg["lr_scheduler"]["warmup_updates"] > 0
    updates = cfg["optimization"]["max_update"]
    assert cfg["lr_scheduler"]["total_num_update"] == updates
    assert cfg["lr_scheduler"]["warmup_updates"] < updates


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "model").iterdir()), ids=lambda path: path.stem
)
def test_shapes_are_those_of_the_architectures(path):
    file, delta = OmegaConf.load(str(path)), Namespace()
    assert {"task", "model", "hydra"} <= set(file)
    assert file["task"] == {"model_name": path.stem}
    config_class = MODEL_DATACLASS_REGISTRY["multilingual_encoder"]
    OmegaConf.merge(OmegaConf.structured(config_class), file["model"])
    if path.stem in SHAPES:
        ARCH_CONFIG_REGISTRY[SHAPES[path.stem]](delta)
        assert vars(delta) == {key: file["model"][key] for key in vars(delta)}


def test_fine_tuning_takes_nothing_of_pretraining(read):
    for scale in SCALES:
        cfg = read("finetune", {"task": "mtop", "scale": scale})
        assert cfg["dataset"]["batch_size"] == 32
        assert list(cfg["optimization"]["update_freq"]) == [1]
    paper = read("finetune", {"task": "mtop", "scale": "paper"})
    assert paper["optimization"]["max_update"] == 14700


def test_rows_know_their_parents(read):
    cfg = read("ft_distil", {"task": "wikiann"})
    assert cfg["task"]["encoder_path"] == "models/lean_bert/checkpoint_last.pt"
    teacher = "ft/wikiann/mbert8-seed1/checkpoint_best.pt"
    assert cfg["criterion"]["teacher_path"] == teacher
    assert cfg["checkpoint"]["save_dir"] == "ft/wikiann/lean_bert_ft_distil-seed1"
    large = read("distil", {"model": "x_lean_bert"})
    assert large["criterion"]["teacher_path"].startswith("models/mbert8_large/")


# --- the paper's study in miniature: two teachers, three students, ft-distill


class Miniature:
    """Runs the files as shipped, but for sizes, in one study's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, data = folder, folder / "data"
        counts = {"train.en": 30, "valid.en": VALID, "test.en": 5, "test.fr": 5}
        write_mlm_data(data / "corpus")
        write_pairs(data / "xnli", counts)
        # some are longer than the model takes, as some of Wikiann's are
        write_tagged(data / "wikiann", counts, longest=40)
        write_tagged(data / "multiatis", counts)
        write_parses(data / "mtop", counts)

    def run(self, primary: str, model: str, *sweep: str, **groups: str) -> None:
        shape = STUDENT if "lean" in model else TEACHER
        if model == "mbert8_large":
            shape = {**TEACHER, "embed_dim": 16}
        elif shape is TEACHER:
            shape = {**TEACHER, "embed_dim": 8, "attention_heads": 2}
        overrides = {
            "model": model,
            **groups,
            "dataset.batch_size": 8,
            "optimization.max_update": UPDATES,
            "optimization.update_freq": "[1]",
            "checkpoint.save_interval_updates": 1,
            "model.max_positions": 32,
            "lr_scheduler.warmup_updates": 1,
            **{f"model.encoder_{key}": value for key, value in shape.items()},
        }
        hydra_train(CONFIGS / f"{primary}.yaml", self.folder, overrides, *sweep)

    def last(self, run: str) -> Path:
        return self.folder / run / "checkpoint_last.pt"

    def weights(self, run: str) -> dict[str, Tensor]:
        return load(self.last(run))["model"]

    def differing(self, first: str, second: str) -> set[str]:
        """Shared parameters that two runs gave other values."""
        a, b = self.weights(first), self.weights(second)
        return {
            name for name in a.keys() & b.keys() if not torch.equal(a[name], b[name])
        }


FINE_TUNED = ["xnli", "wikiann", "multiatis", "mtop"]


@pytest.fixture(scope="module")
def study(root, tmp_path_factory) -> Miniature:
    study = Miniature(tmp_path_factory.mktemp("study"))
    for model in ("mbert8_large", "mbert8", "vanilla_lean_bert"):
        study.run("pretrain", model)
    for model in ("lean_bert", "x_lean_bert"):
        study.run("distil", model)
    for task in FINE_TUNED:
        study.run("finetune", "mbert8", task=task)
        study.run("finetune", "lean_bert", task=task)
        study.run("ft_distil", "lean_bert_ft_distil", task=task)
    return study


@pytest.mark.slow
def test_a_forgotten_path_stops_the_run(study):
    with pytest.raises(UserError, match="--teacher-path"):
        study.run("ft_distil", "x_lean_bert_ft_distil", task="xnli")
    assert not list(study.folder.glob("ft/xnli/x_lean_bert_ft_distil-seed1/*.pt"))


@pytest.mark.slow
def test_study_is_whole(study):
    for path in study.folder.glob("*/**/checkpoint_last.pt"):
        state = load(path)
        assert state["optimizer_history"][-1]["num_updates"] == UPDATES, path
        assert state["cfg"]["optimizer"]["adam_betas"] == [0.9, 0.999], path
    assert len(list(study.folder.glob("models/*/checkpoint_last.pt"))) == 5
    assert len(list(study.folder.glob("ft/*/*-seed1/checkpoint_best.pt"))) == 12


@pytest.mark.slow
def test_teachers_teach(study):
    assert study.differing("models/vanilla_lean_bert", "models/lean_bert")
    assert study.differing("models/lean_bert", "models/x_lean_bert")
    for task in FINE_TUNED:
        runs = [
            f"ft/{task}/{row}-seed1" for row in ("lean_bert", "lean_bert_ft_distil")
        ]
        assert study.differing(*runs)
    learned = load(study.last("models/x_lean_bert"))["criterion"]
    kinds = {"projections", "head_map"}
    assert {kind for name in learned for kind in kinds & set(name.split("."))} == kinds


@pytest.mark.slow
def test_fine_tuning_keeps_embeddings_frozen(study):
    for path in study.folder.glob("ft/*/lean_bert*-seed1"):
        moved = study.differing("models/lean_bert", str(path.relative_to(study.folder)))
        assert "encoder.layers.0.fc1.weight" in moved
        assert not any(name.startswith("encoder.embeddings.") for name in moved)


@pytest.mark.slow
def test_selects_by_accuracy(study):
    state = load(study.last("ft/xnli/lean_bert-seed1"))
    correct = state["extra_state"]["best"] * VALID / 100
    assert correct == pytest.approx(round(correct), abs=1e-3)
    assert state["cfg"]["checkpoint"]["maximize_best_checkpoint_metric"]


@pytest.mark.slow
def test_a_sweep_over_seeds_is_collected_by_one_command(study, tmp_path):
    seeds = {"task": "xnli", "common.seed": "2,3"}
    study.run("finetune", "lean_bert", "--multirun", **seeds)
    runs = [str(study.folder / f"ft/xnli/lean_bert-seed{seed}") for seed in (2, 3)]
    results = tmp_path / "results.jsonl"
    given = ["--data", str(study.folder / "data/xnli"), "--flags=--cpu"]
    evaluate.main([*runs, *given, "--results", str(results), "--rules", "best,seeds"])
    assert {result.seed for result in read_results([str(results)])} >= {2, 3}
