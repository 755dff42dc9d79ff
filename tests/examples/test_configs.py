"""The hydra configs: complete, valid, of Table 1's shapes, and a chain that runs."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from fairseq.criterions import CRITERION_DATACLASS_REGISTRY
from fairseq.dataclass.configs import FairseqConfig
from fairseq.models import ARCH_CONFIG_REGISTRY, MODEL_DATACLASS_REGISTRY
from fairseq.optim import OPTIMIZER_DATACLASS_REGISTRY
from fairseq.optim.lr_scheduler import LR_SCHEDULER_DATACLASS_REGISTRY
from fairseq.tasks import TASK_DATACLASS_REGISTRY
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

from fairseq_mlkd.errors import UserError

CONFIGS = EXAMPLES / "config"
ARCHITECTURES = {
    "pretrain_mbert8_large": "mbert8_large",
    "pretrain_mbert8": "mbert8",
    "pretrain_lean_bert": "lean_bert",
    "distil_lean_bert": "lean_bert",
    "distil_lean_bert_from_large": "lean_bert",
    "finetune_classification": "lean_bert",
    "finetune_tagging": "lean_bert",
    "finetune_intent_slot": "lean_bert",
    "finetune_parsing": "pointer_generator_lean_bert",
    "ft_distil_classification": "lean_bert",
    "ft_distil_tagging": "lean_bert",
    "ft_distil_intent_slot": "lean_bert",
    "ft_distil_parsing": "pointer_generator_lean_bert",
}
OURS = {
    "task": TASK_DATACLASS_REGISTRY,
    "model": MODEL_DATACLASS_REGISTRY,
    "criterion": CRITERION_DATACLASS_REGISTRY,
    "optimizer": OPTIMIZER_DATACLASS_REGISTRY,
}
REGISTRIES = {**OURS, "lr_scheduler": LR_SCHEDULER_DATACLASS_REGISTRY}
PATHS = {"encoder": "task.encoder_path", "teacher": "criterion.teacher_path"}
UPDATES, VALID = 2, 13
DISTILLED = ["classification", "tagging", "intent_slot", "parsing"]
every_config = pytest.mark.parametrize("name", ARCHITECTURES)


def read(name: str) -> DictConfig:
    return OmegaConf.load(str(CONFIGS / f"{name}.yaml"))


def own_fields(config_class: type) -> Iterator[str]:
    """Fields that a user sets: neither hidden nor taken over from another group."""
    for field in fields(config_class):
        interpolated = str(field.default).startswith("${")
        if not interpolated and not field.name.startswith("_"):
            yield field.name


def test_every_config_is_tested():
    assert {path.stem for path in CONFIGS.iterdir()} == set(ARCHITECTURES)


@every_config
@pytest.mark.parametrize("group", OURS)
def test_fields_are_those_of_the_component(name, group):
    given = read(name)[group]
    config_class = OURS[group][given["_name"]]
    assert sorted(given) == sorted(["_name", *own_fields(config_class)])


@every_config
def test_values_are_valid(name):
    cfg = read(name)
    for group in list(cfg):
        if group in REGISTRIES:
            config_class = REGISTRIES[group][cfg[group]["_name"]]
        else:
            config_class = FairseqConfig.__dataclass_fields__[group].type
        # raises on an unknown field and on a value of another type
        OmegaConf.merge(OmegaConf.structured(config_class), cfg[group])


@pytest.mark.parametrize("name, arch", ARCHITECTURES.items())
def test_shapes_are_those_of_the_architectures(name, arch):
    delta = Namespace()
    ARCH_CONFIG_REGISTRY[arch](delta)
    model = read(name)["model"]
    assert vars(delta) == {key: model[key] for key in vars(delta)}


# --- the chain: two teachers, three students, fine-tuning, ft-distill


class Chain:
    """Runs configs in miniature; each knows the checkpoints of those before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        counts = {"train.en": 30, "valid.en": VALID}
        tagged = write_tagged(folder / "tagged", counts)
        self.data = {
            "multilingual_mlm": write_mlm_data(folder / "sentences"),
            "zero_shot_classification": write_pairs(folder / "pairs", counts),
            # some are longer than the model takes, as some of Wikiann's are
            "zero_shot_tagging": write_tagged(folder / "long", counts, longest=40),
            "zero_shot_intent_slot": tagged,
            "zero_shot_parsing": write_parses(folder / "parses", counts),
        }

    def run(
        self, name: str, run: str, shape: Mapping[str, int], **parents: str
    ) -> None:
        """Train a little; the `parents` are earlier runs."""
        overrides = {
            "task.data": self.data[read(name)["task"]["_name"]],
            "checkpoint.save_dir": self.folder / run,
            "dataset.batch_size": 8,
            "optimization.max_update": UPDATES,
            "model.max_positions": 32,
            "lr_scheduler.warmup_updates": 1,
            **{f"model.encoder_{key}": value for key, value in shape.items()},
            **{PATHS[kind]: self.last(parent) for kind, parent in parents.items()},
        }
        hydra_train(CONFIGS / f"{name}.yaml", self.folder / "hydra" / run, overrides)

    def last(self, run: str) -> Path:
        return self.folder / run / "checkpoint_last.pt"


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Chain:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # where the README starts the commands
        chain = Chain(tmp_path_factory.mktemp("chain"))
        large = {**TEACHER, "embed_dim": 16}
        teacher = {**TEACHER, "embed_dim": 8, "attention_heads": 2}
        chain.run("pretrain_mbert8_large", "large", large)
        chain.run("pretrain_mbert8", "teacher", teacher)
        chain.run("pretrain_lean_bert", "vanilla", STUDENT)
        chain.run("distil_lean_bert", "lean", STUDENT, teacher="teacher")
        chain.run("distil_lean_bert_from_large", "xlean", STUDENT, teacher="large")
        for kind in DISTILLED:
            names = [f"{who}-{kind}" for who in ("teacher", "tuned", "distilled")]
            tune = f"finetune_{kind}"
            chain.run(tune, names[0], teacher, encoder="teacher")
            chain.run(tune, names[1], STUDENT, encoder="lean")
            parents = {"encoder": "lean", "teacher": names[0]}
            chain.run(f"ft_distil_{kind}", names[2], STUDENT, **parents)
        return chain


@pytest.mark.slow
def test_a_forgotten_path_stops_the_run(chain):
    for forgotten in ("encoder", "teacher"):
        parents = {"encoder": "lean", "teacher": "teacher-classification"}
        del parents[forgotten]
        with pytest.raises(UserError, match=f"--{forgotten}-path"):
            chain.run("ft_distil_classification", "none", STUDENT, **parents)
    assert not chain.last("none").exists()


def weights(chain: Chain, run: str) -> dict[str, Tensor]:
    return load(chain.last(run))["model"]


def differing(chain: Chain, first: str, second: str) -> set[str]:
    """Shared parameters that two runs gave other values."""
    a, b = weights(chain, first), weights(chain, second)
    return {name for name in a.keys() & b.keys() if not torch.equal(a[name], b[name])}


@pytest.mark.slow
def test_chain_is_whole(chain):
    for path in chain.folder.glob("*/checkpoint_last.pt"):
        state = load(path)
        assert state["optimizer_history"][-1]["num_updates"] == UPDATES, path
        assert state["cfg"]["optimizer"]["adam_betas"] == [0.9, 0.999], path
        assert sorted(file.name for file in path.parent.iterdir()) == [
            "checkpoint_best.pt",
            "checkpoint_last.pt",
        ]


@pytest.mark.slow
def test_chain_teachers_teach(chain):
    assert differing(chain, "vanilla", "lean")
    assert differing(chain, "lean", "xlean")
    for kind in DISTILLED:
        assert differing(chain, f"tuned-{kind}", f"distilled-{kind}")
    learned = load(chain.last("xlean"))["criterion"]
    kinds = {"projections", "head_map"}
    assert {kind for name in learned for kind in kinds & set(name.split("."))} == kinds


@pytest.mark.slow
def test_chain_fine_tunes_on_frozen_embeddings(chain):
    runs = [f"{how}-{kind}" for kind in DISTILLED for how in ("tuned", "distilled")]
    for run in runs:
        moved = differing(chain, "lean", run)
        assert "encoder.layers.0.fc1.weight" in moved
        assert not any(name.startswith("encoder.embeddings.") for name in moved)


@pytest.mark.slow
def test_chain_selects_by_accuracy(chain):
    state = load(chain.last("tuned-classification"))
    correct = state["extra_state"]["best"] * VALID / 100
    assert correct == pytest.approx(round(correct), abs=1e-3)
    assert state["cfg"]["checkpoint"]["maximize_best_checkpoint_metric"]
