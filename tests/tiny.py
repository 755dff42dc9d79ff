"""Tiny data, tasks and models, and fairseq's commands inside the process."""

import importlib
import logging.config
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from composition import compose, initialize
from fairseq.data import Dictionary
from fairseq.dataclass import utils as dataclass_utils
from fairseq.logging import metrics
from fairseq.tasks import TASK_DATACLASS_REGISTRY, TASK_REGISTRY
from omegaconf import OmegaConf

import fairseq_mlkd
from fairseq_mlkd.criterions.tinybert import TinyBertCriterion, TinyBertCriterionConfig
from fairseq_mlkd.data.binary import BinaryWriter
from fairseq_mlkd.metrics.calibration import ECE
from fairseq_mlkd.metrics.results import Result, read_results
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.tasks._multilingual_task import MultilingualTask
from fairseq_mlkd.tasks.multilingual_mlm import MultilingualMLMTask
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

fairseq_mlkd.register()
# for every command in this process
dataclass_utils.compose, dataclass_utils.initialize = compose, initialize

USER_DIR = os.path.dirname(os.path.abspath(fairseq_mlkd.__file__))
WORDS = 30
CLASSES = 3
COUNTS = {"de": 12, "en": 30, "sw": 3}
STUDENT = {"layers": 2, "embed_dim": 8, "ffn_embed_dim": 16, "attention_heads": 2}
WEIGHTS = ("ce", "logits", "embedding", "hidden", "attention")
TEACHER = {"layers": 4, "embed_dim": 12, "ffn_embed_dim": 16, "attention_heads": 4}


def make_dictionary(words: int = WORDS) -> Dictionary:
    dictionary = Dictionary()
    for i in range(words):
        dictionary.add_symbol(f"w{i}", n=words - i)
    return dictionary


def random_sentences(count: int, seed: int, words: int = WORDS) -> list[list[int]]:
    """Sentences of 3 to 9 words and `</s>`, all different from one another."""
    rng = np.random.default_rng(seed)
    dictionary = make_dictionary(words)
    low, high = dictionary.nspecial, len(dictionary)
    found: dict[tuple, None] = {}
    while len(found) < count:
        length = int(rng.integers(3, 10))
        found[tuple(int(i) for i in rng.integers(low, high, length))] = None
    return [[*sentence, dictionary.eos()] for sentence in found]


def write_sentences(
    prefix: Path, sentences: Sequence[Sequence[int]], size: int
) -> None:
    with BinaryWriter(str(prefix), size) as writer:
        for sentence in sentences:
            writer.add(list(sentence))


def write_mlm_data(
    folder: Path,
    counts: Mapping[str, int] = COUNTS,
    *,
    words: int = WORDS,
    seed: int = 1,
) -> Path:
    """Return `dict.txt` and `LANG/{train,valid}` of random sentences."""
    dictionary = make_dictionary(words)
    folder.mkdir(parents=True, exist_ok=True)
    dictionary.save(str(folder / "dict.txt"))
    for i, (lang, count) in enumerate(counts.items()):
        for split, size in (("train", count), ("valid", 5)):
            sentences = random_sentences(
                size, 100 * seed + 2 * i + (split == "valid"), words
            )
            write_sentences(folder / lang / split, sentences, len(dictionary))
    return folder


def rename_words(folder: Path) -> Path:
    """Another dictionary of the same size."""
    path = folder / "dict.txt"
    path.write_text(path.read_text().replace("w", "v"))
    return folder


def write_pairs(
    folder: Path, counts: Mapping[str, int], *, seed: int = 1, classes: int = CLASSES
) -> Path:
    """Sentence pairs whose first word tells the class, in subsets such as `test.fr`."""
    dictionary, labels = make_dictionary(), Dictionary()
    for i in range(classes):
        labels.add_symbol(f"class{i}")
    (folder / "label").mkdir(parents=True)
    dictionary.save(str(folder / "dict.txt"))
    labels.save(str(folder / "label" / "dict.txt"))
    for i, (subset, count) in enumerate(counts.items()):
        first = random_sentences(count, 100 * seed + 2 * i)
        second = random_sentences(count, 100 * seed + 2 * i + 1)
        rows = [labels.nspecial + j % classes for j in range(count)]
        for sentence, label in zip(first, rows):
            sentence[0] = label
        write_sentences(folder / "input0" / subset, first, len(dictionary))
        write_sentences(folder / "input1" / subset, second, len(dictionary))
        targets = [[label, labels.eos()] for label in rows]
        write_sentences(folder / "label" / subset, targets, len(labels))
    return folder


def make_task(name: str, folder: Path, **options: Any) -> Any:
    cfg = TASK_DATACLASS_REGISTRY[name](
        **{"data": str(folder), "seed": 1, "path": None, **options}
    )
    return TASK_REGISTRY[name].setup_task(cfg)


def mlm_task(folder: Path, **options: Any) -> MultilingualMLMTask:
    return make_task("multilingual_mlm", folder, **options)


def build_model(
    task: MultilingualTask, shape: Mapping[str, int] = STUDENT, **options: Any
) -> MultilingualEncoderModel:
    """Build a model of the task; without dropout, unless `options` say so."""
    cfg = {"_name": "multilingual_encoder", "dropout": 0.0, "attention_dropout": 0.0}
    cfg.update({f"encoder_{key}": value for key, value in shape.items()}, **options)
    return task.build_model(OmegaConf.create(cfg))


def build_criterion(task: MultilingualTask, **options: Any) -> TinyBertCriterion:
    return TinyBertCriterion(TinyBertCriterionConfig(**options), task)


def save_model(
    path: Path, model: MultilingualEncoderModel, task: MultilingualTask
) -> Path:
    """Save a checkpoint with what is read of a teacher or an encoder."""
    cfg = {"_name": "multilingual_encoder"}
    cfg.update(OmegaConf.to_container(model.cfg, enum_to_str=True))
    state = {
        "cfg": {
            "model": cfg,
            "task": {"_name": "multilingual_mlm"},
            "criterion": {"_name": "task_cross_entropy"},
        },
        "args": None,
        "model": model.state_dict(),
        "task_state": task.state_dict(),
        "optimizer_history": [{"num_updates": 0, "lr_scheduler_state": {}}],
        "last_optimizer_state": None,
        "extra_state": {"epoch": 1, "train_iterator": {"epoch": 1}},
    }
    torch.save(state, str(path))
    return path


def read_scores(path: Any) -> list[Result]:
    """Return the result lines of a file but those of calibration."""
    return [r for r in read_results([str(path)]) if r.metric != ECE]


class Distillation:
    """A student with a saved teacher, and a batch."""

    def __init__(self, folder: Any, teacher: dict[str, int] = TEACHER) -> None:
        data = write_mlm_data(folder / "data")
        teacher_task = mlm_task(data)
        self.teacher = build_model(teacher_task, teacher)
        self.teacher_path = str(folder / "teacher.pt")
        save_model(self.teacher_path, self.teacher, teacher_task)
        self.task = mlm_task(data)
        self.task.load_dataset("train")
        self.student = build_model(self.task)
        dataset = self.task.datasets["train"]
        self.sample = dataset.collater([dataset[i] for i in range(0, 40, 5)])

    def criterion(self, **options: Any) -> TinyBertCriterion:
        options = {"teacher_path": self.teacher_path, **options}
        return build_criterion(self.task, **options)


def weigh(**given: float) -> dict[str, float]:
    return {f"{name}_weight": given.get(name, 0.0) for name in WEIGHTS}


def shape_flags(shape: Mapping[str, int]) -> list[str]:
    flags = ["--arch", "lean_bert_tiny"]
    for key, value in shape.items():
        flags += [f"--encoder-{key.replace('_', '-')}", str(value)]
    return flags


def flags_of(
    task: str, shape: Mapping[str, int] = STUDENT, teacher: Path | None = None
) -> list[Any]:
    """Return task, shape and criterion: distillation where there is a teacher."""
    flags = ["--task", task, *shape_flags(shape), "--criterion"]
    if teacher is None:
        return [*flags, "task_cross_entropy"]
    return [*flags, "tinybert", "--teacher-path", teacher]


def distillation(name: str, data: Path, folder: Path) -> list[Any]:
    """Return the flags that distil a new teacher, saved in `folder`."""
    task = make_task(name, data)
    path = save_model(folder / "teacher.pt", build_model(task, TEACHER), task)
    return flags_of(name, teacher=path)


def run(command: str, *arguments: Any) -> None:
    """`fairseq-COMMAND ARGUMENTS --user-dir fairseq_mlkd`, in this process."""
    metrics.reset()
    main = importlib.import_module(f"fairseq_cli.{command}").cli_main
    common = ["--user-dir", USER_DIR, "--cpu", "--data-buffer-size", "0"]
    common += ["--num-workers", "0", "--log-format", "none"]
    argv = [f"fairseq-{command}", *common, *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv):
        main()


def hydra_train(
    config: Path, folder: Path, overrides: Mapping[str, Any], *sweep: str
) -> None:
    """`fairseq-hydra-train` with a YAML, in this process; hydra runs it in `folder`."""
    metrics.reset()
    main = importlib.import_module("fairseq_cli.hydra_train").cli_main
    common = {
        "hydra.sweep.dir" if sweep else "hydra.run.dir": folder,
        "common.cpu": True,
        "dataset.num_workers": 0,
        "dataset.data_buffer_size": 0,
    }
    argv = ["fairseq-hydra-train", "--config-dir", str(config.parent)]
    argv += ["--config-name", config.stem, *sweep]
    argv += [f"{key}={value}" for key, value in {**common, **overrides}.items()]
    argv_patch = mock.patch.object(sys, "argv", argv)
    # hydra would disable the loggers of the tests that follow
    logging_patch = mock.patch.object(logging.config, "dictConfig")
    with argv_patch, logging_patch, mock.patch.dict(os.environ, HYDRA_FULL_ERROR="1"):
        main()


def schedule(save_dir: Path, *arguments: Any) -> list[str]:
    """Return the arguments, and those of a short training where they lack them."""
    given = [str(argument) for argument in arguments]
    defaults = {
        "--optimizer": "fused_adamw",
        "--lr": "0.01",
        "--lr-scheduler": "fixed",
        "--batch-size": "8",
        "--clip-norm": "1.0",
        "--save-dir": str(save_dir),
    }
    for flag, value in defaults.items():
        if flag not in given:
            given += [flag, value]
    return [*given, "--no-epoch-checkpoints"]


def train(data: Any, save_dir: Path, *arguments: Any) -> Path:
    """Return `fairseq-train`; returns the last checkpoint."""
    run("train", data, *schedule(save_dir, *arguments))
    return save_dir / "checkpoint_last.pt"


def load(path: Path) -> dict[str, Any]:
    return torch.load(str(path), map_location="cpu", weights_only=True)


TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")
INTENTS = ("book", "cancel", "find")
UNSEEN_TAG, UNSEEN_INTENT = "B-ORG", "pay"


def write_tagged(
    folder: Path, counts: Mapping[str, int], *, seed: int = 1, longest: int = 9
) -> Path:
    """Words with tags and intents, in subsets such as `test.fr`.

    The first subword of a word tells its tag, that of the first word the intent. Words
    have 0 to 2 subwords; those without are `O`. Each subset but `train` ends in a
    sentence with a tag and an intent that training never saw.
    """
    dictionary, tags, intents = make_dictionary(), Dictionary(), Dictionary()
    for labels, names, unseen in (
        (tags, TAGS, UNSEEN_TAG),
        (intents, INTENTS, UNSEEN_INTENT),
    ):
        for i, name in enumerate([*names, unseen]):
            labels.add_symbol(name, n=int(i < len(names)))
    folder.mkdir(parents=True)
    dictionary.save(str(folder / "dict.txt"))
    for part, labels in (("label", tags), ("intent", intents)):
        (folder / part).mkdir()
        labels.save(str(folder / part / "dict.txt"))
    for i, (subset, count) in enumerate(counts.items()):
        rng = np.random.default_rng(100 * seed + i)
        rows = [_tagged_row(rng, longest) for _ in range(count)]
        if not subset.startswith("train"):
            rows[-1]["label"][0] = tags.index(UNSEEN_TAG)
            rows[-1]["intent"][0] = intents.index(UNSEEN_INTENT)
        for part in ("input0", "pieces", "label", "intent"):
            write_sentences(folder / part / subset, [r[part] for r in rows], 99)
    return folder


def _tagged_row(rng: np.random.Generator, longest: int) -> dict[str, list[int]]:
    special, eos = Dictionary().nspecial, Dictionary().eos()
    pieces = rng.integers(0, 3, rng.integers(3, longest + 1)).tolist()
    pieces[0] = 1
    words = [(special + rng.integers(0, WORDS, n)).tolist() for n in pieces]
    outside = TAGS.index("O")
    tags = [word[0] % len(TAGS) if word else outside for word in words]
    return {
        "input0": [*sum(words, []), eos],
        "pieces": pieces,
        "label": [*(special + tag for tag in tags), eos],
        "intent": [special + words[0][0] % len(INTENTS), eos],
    }


def write_tokenizer(folder: Path, words: Sequence[str]) -> Path:
    """Write a tokenizer folder whose codes and dictionary are learnt from `words`."""
    learn_codes(dict.fromkeys(words, 3), 10, str(folder / "codes"))
    tokenizer = Tokenizer(BpeCodes(str(folder / "codes")))
    tokenizer.save(str(folder))
    dictionary = Dictionary()
    for symbol in tokenizer.tokenize(" ".join(words), "en"):
        dictionary.add_symbol(symbol)
    dictionary.save(str(folder / "dict.txt"))
    return folder
