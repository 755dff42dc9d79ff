"""Fine-tuning with unlabelled sentences beside labelled ones, end to end."""

import logging
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import tiny
import torch
from tiny_parses import write_parses

from fairseq_mlkd.data.companion_datasets import MixedDataset
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.results import read_results

SUBSETS = {"train.en": 18, "valid.en": 7, "valid.fr": 6, "valid.de": 5}
WRITERS = {
    "zero_shot_classification": tiny.write_pairs,
    "zero_shot_tagging": tiny.write_tagged,
    "zero_shot_intent_slot": tiny.write_tagged,
    "zero_shot_parsing": write_parses,
}
MAIN_METRICS = {
    "zero_shot_classification": "accuracy",
    "zero_shot_tagging": "f1",
    "zero_shot_intent_slot": "exact_match",
    "zero_shot_parsing": "exact_match",
}
MLM = "multilingual_mlm"
SILENT = ["--disable-validation"]
ONE = ["--max-update", 1, *SILENT]
all_tasks = pytest.mark.parametrize("name", WRITERS)


class World:
    """Data of all tasks, sentences, and pretrained encoders; teachers on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sentences = tiny.write_mlm_data(folder / "sentences")
        self.data = {
            name: write(folder / name, SUBSETS) for name, write in WRITERS.items()
        }
        self.encoder, self.pretrained = (
            tiny.train(self.sentences, folder / kind, *tiny.flags_of(MLM, shape), *ONE)
            for kind, shape in (("small", tiny.STUDENT), ("large", tiny.TEACHER))
        )
        self.teachers: dict[str, Path] = {}

    def flags(self, name: str, shape: dict[str, int]) -> list[Any]:
        arch = "pointer_generator_lean_bert_tiny"
        flags = tiny.shape_flags(shape)
        if name == "zero_shot_parsing":
            flags = ["--arch", arch, *flags[2:], "--decoder-layers", 1]
        return ["--task", name, *flags]

    def teacher(self, name: str) -> Path:
        if name not in self.teachers:
            flags = [*self.flags(name, tiny.TEACHER), "--encoder-path", self.pretrained]
            flags += ["--criterion", "task_cross_entropy", *ONE]
            path = tiny.train(self.data[name], self.folder / f"{name}-teacher", *flags)
            self.teachers[name] = path
        return self.teachers[name]

    def distil(self, name: str, folder: Path, *more: Any) -> Path:
        flags = [*self.flags(name, tiny.STUDENT), "--criterion", "tinybert"]
        flags += ["--encoder-path", self.encoder, "--teacher-path", self.teacher(name)]
        return tiny.train(self.data[name], folder, *flags, "--batch-size", 4, *more)

    def stage_1(self) -> list[Any]:
        return ["--stage-1-weight", 0.5, "--stage-1-teacher-path", self.pretrained]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def final(path: Path) -> dict[str, Any]:
    state = tiny.load(path)
    return {"model": state["model"], "criterion": state["criterion"]}


@all_tasks
def test_the_double_batch_is_two_batches(world, name, tmp_path):
    """An update on all 18 examples, in one batch and in three of a third."""
    flags = ["--unlabelled-data", world.sentences, "--unlabelled-ratio", 0.4]
    flags += [*world.stage_1(), *SILENT, "--max-update", 1, "--train-embeddings"]
    flags += ["--dropout", 0, "--attention-dropout", 0]
    flags += ["--optimizer", "sgd", "--lr", 1, "--clip-norm", 0]
    if name != "zero_shot_parsing":
        flags += ["--keep-lm-head"]
    one, three = (
        final(world.distil(name, tmp_path / run, *flags, *more))
        for run, more in (
            ("one", ["--batch-size", 18]),
            ("three", ["--batch-size", 6, "--update-freq", 3]),
        )
    )
    for part, weights in one.items():
        for key, value in weights.items():
            assert torch.allclose(value, three[part][key], rtol=1e-4, atol=1e-5), key


@all_tasks
def test_resuming_draws_as_before(world, name, tmp_path):
    """With dropout, masks, fewer sentences than examples, and sure ones alone."""
    flags = ["--unlabelled-data", world.sentences, "--unlabelled-ratio", 0.7]
    flags += [*world.stage_1(), *SILENT]
    if name != "zero_shot_parsing":
        flags += ["--keep-lm-head", "--unlabelled-confidence", 0.3]
    whole = world.distil(name, tmp_path / "whole", *flags, "--max-update", 6)
    for updates in (3, 6):  # 5 updates an epoch
        parts = world.distil(name, tmp_path / "parts", *flags, "--max-update", updates)
    assert same(final(whole), final(parts))
    assert ("lm_head.bias" in tiny.load(whole)["model"]) is (
        name != "zero_shot_parsing"
    )


def test_a_cache_of_other_languages_is_refused(world, tmp_path):
    """All there are, and one of them, which draws other sentences."""
    flags = ["--unlabelled-data", world.sentences, "--teacher-cache", tmp_path / "c"]
    flags += [*ONE]
    world.distil("zero_shot_classification", tmp_path / "all", *flags)
    flags += ["--unlabelled-langs", "sw"]
    with pytest.raises(UserError, match="filled with another --unlabelled-langs"):
        world.distil("zero_shot_classification", tmp_path / "one", *flags)


@all_tasks
def test_without_a_weight_nothing_changes(world, name, tmp_path, caplog):
    flags = ["--max-update", 2, *SILENT]
    plain = world.distil(name, tmp_path / "plain", *flags)
    flags += ["--unlabelled-data", world.sentences, "--unlabelled-weight"]
    off = world.distil(name, tmp_path / "off", *flags, 0)
    assert "--unlabelled-data is not read" in caplog.text
    on = world.distil(name, tmp_path / "on", *flags, 1)
    assert same(final(plain), final(off)) and not same(final(plain), final(on))


def test_the_kept_head_is_the_encoders_and_evaluation_needs_no_flag(world, tmp_path):
    name = "zero_shot_tagging"
    flags = ["--unlabelled-data", world.sentences, *world.stage_1(), *SILENT]
    flags += ["--keep-lm-head", "--max-update", 1]
    still = world.distil(name, tmp_path / "still", *flags, "--lr", 0)
    heads = [
        {k: v for k, v in tiny.load(path)["model"].items() if k.startswith("lm_head.")}
        for path in (world.encoder, still)
    ]
    assert heads[0] and same(*heads)
    moved = world.distil(name, tmp_path / "moved", *flags)
    assert not torch.equal(
        tiny.load(moved)["model"]["lm_head.bias"], heads[0]["lm_head.bias"]
    )
    options = ["--task", name, "--path", moved, "--batch-size", 4]
    tiny.run("validate", world.data[name], *options, "--valid-subset", "valid.all")
    tiny.run("generate", world.data[name], *options, "--gen-subset", "valid.fr")
    found = {r.lang for r in read_results([str(moved.parent / "results.jsonl")])}
    assert found == {"en", "de", "fr"}
    # and so does teaching
    student = tmp_path / "student"
    flags = [*world.flags(name, tiny.STUDENT), "--criterion", "tinybert", *SILENT]
    flags += ["--teacher-path", moved, "--max-update", 1]
    tiny.train(world.data[name], student, *flags)


# --- which sentences


def mixed_task(world: World, name: str = "zero_shot_tagging", **options: Any) -> Any:
    options = {"unlabelled_data": str(world.sentences), **options}
    options["valid_subset"] = "valid,valid.all"
    task = tiny.make_task(name, world.data[name], **options)
    task.is_mixed = True
    return task


@pytest.mark.parametrize(
    "options, langs",
    [
        ({}, ["de", "sw"]),
        ({"unlabelled_langs": "sw,en"}, ["sw", "en"]),
        ({"source_lang": "de", "unlabelled_ratio": 3.0}, ["en", "sw"]),
    ],
)
def test_languages_and_ratio(world, options, langs):
    task = mixed_task(world, **options)
    task.load_dataset("train.en")
    dataset = task.datasets["train.en"]
    assert isinstance(dataset, MixedDataset)
    assert dataset.unlabelled.langs == langs
    ratio = options.get("unlabelled_ratio", 1.0)
    assert len(dataset.unlabelled) == ratio * SUBSETS["train.en"]


def test_equation_1_draws_a_corpus_once(world, tmp_path, caplog):
    drawn = tiny.write_mlm_data(tmp_path / "drawn")
    (drawn / "report.json").write_text('{"arguments": {"sentences": 9}}')
    name, shares = "zero_shot_tagging", []
    for folder, alpha in ((drawn, 0.0), (world.sentences, 1.0), (world.sentences, 0.0)):
        options = {"unlabelled_data": str(folder), "unlabelled_alpha": alpha}
        task = tiny.make_task(name, world.data[name], **options)
        task.is_mixed = True
        task.load_dataset("train")
        shares.append(task.datasets["train"].plain.epoch_counts)
    assert shares[0] == shares[1] != shares[2]
    assert caplog.text.count("--unlabelled-alpha 0 is read as 1") == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_sentences_of_a_batch_are_of_like_length(world, workers):
    task = mixed_task(world, unlabelled_ratio=2.0)
    task.load_dataset("train")
    dataset = task.datasets["train"]
    iterator = task.get_batch_iterator(dataset, max_sentences=4, num_workers=workers)
    drawn = []
    for _ in range(2):
        batches = list(iterator.next_epoch_itr(shuffle=False))
        sentences = [
            batch["unlabelled"]["net_input"]["src_tokens"] for batch in batches
        ]
        lengths = torch.cat(
            [tokens.ne(task.dictionary.pad()).sum(1) for tokens in sentences]
        )
        drawn.append(lengths.tolist())
        iterator = task.get_batch_iterator(
            dataset, max_sentences=4, num_workers=workers, epoch=2
        )
    assert all(lengths == sorted(lengths) for lengths in drawn)
    assert len(set(drawn[0])) > 3


def test_validation_data_are_not_mixed(world):
    task = mixed_task(world)
    task.load_dataset("valid")
    assert not isinstance(task.datasets["valid"], MixedDataset)


def test_pairs_of_classification_are_neighbours(world):
    task = mixed_task(world, "zero_shot_classification")
    task.load_dataset("train")
    item = task.datasets["train"][0]["unlabelled"][0]
    eos = task.dictionary.eos()
    assert item["tokens"].eq(eos).sum() == 2 and item["segments"].any()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"unlabelled_data": "no/folder"}, "no/folder: no such folder"),
        ({"unlabelled_langs": "xx"}, "no train data in xx; there are"),
        ({"unlabelled_ratio": 0.0}, "--unlabelled-ratio 0.0 gives no sentence at all"),
        ({"unlabelled_ratio": 0.01}, "for 18 labelled examples"),
        ({"unlabelled_alpha": 1.5}, "alpha 1.5 is not between 0 and 1"),
    ],
)
def test_refused_data(world, options, message):
    with pytest.raises(UserError, match=message):
        mixed_task(world, **options).load_dataset("train")


def test_another_dictionary_is_refused(world, tmp_path):
    other = tiny.rename_words(tiny.write_mlm_data(tmp_path / "other"))
    with pytest.raises(UserError, match="other: its dict.txt is not that of .*tagging"):
        mixed_task(world, unlabelled_data=str(other)).load_dataset("train")


def test_a_folder_of_the_source_language_alone_is_refused(world, tmp_path):
    other = tiny.write_mlm_data(tmp_path / "other", {"en": 5})
    with pytest.raises(UserError, match="other: only en is there"):
        mixed_task(world, unlabelled_data=str(other)).load_dataset("train")


@pytest.mark.parametrize(
    "name, flags, message",
    [
        ("zero_shot_tagging", [], "--keep-lm-head is for --stage-1-weight"),
        ("zero_shot_parsing", [], "a model with a decoder has no masked-LM head"),
    ],
)
def test_refused_heads(world, name, flags, message, tmp_path):
    with pytest.raises(UserError, match=message):
        world.distil(name, tmp_path / "run", "--keep-lm-head", "--max-update", 1)


# --- watching


def lines(caplog: Any, level: int) -> list[str]:
    place = "fairseq_mlkd.tasks._fine_tuning_task"
    records = [r for r in caplog.records if r.name == place and r.levelno == level]
    return [r.getMessage() for r in records]


@pytest.mark.parametrize(
    "name, subsets",
    [
        *((name, "valid,valid.all") for name in WRITERS),
        *(
            pytest.param(
                name,
                "valid,valid.fr,valid.de",
                marks=() if name == "zero_shot_tagging" else pytest.mark.slow,
            )
            for name in WRITERS
        ),
    ],
)
def test_a_line_after_each_validation(world, name, subsets, tmp_path, caplog):
    caplog.set_level("INFO")
    flags = ["--valid-subset", subsets, "--max-epoch", 2]
    world.distil(name, tmp_path / "run", *flags)
    found = [line for line in lines(caplog, logging.INFO) if "zero-shot mean" in line]
    assert len(found) == 2
    metric = MAIN_METRICS[name]
    state = tiny.load(tmp_path / "run" / "checkpoint_last.pt")
    scores = state["task_state"]["last_validation"]["valid"]
    de, en, fr = (scores[lang] for lang in ("de", "en", "fr"))
    assert found[1] == (
        f"valid {metric}: en {en:.1f} | zero-shot mean {(de + fr) / 2:.1f} "
        f"(de {de:.1f}, fr {fr:.1f})"
    )


def test_one_language_is_no_comparison(world, tmp_path, caplog):
    caplog.set_level("INFO")
    world.distil("zero_shot_tagging", tmp_path / "run", "--max-update", 1)
    assert "zero-shot mean" not in caplog.text


def validate(task: Any, **scores: float) -> None:
    """Do what fairseq-train does after each subset of a validation."""
    for found in ({"valid": {"en": scores["en"]}}, {"valid.all": scores}):
        with mock.patch.object(task.scores, "main_scores", lambda agg, f=found: f):
            task.post_validate(None, {}, None)


def test_forgetting_is_warned_of_also_after_resuming(world, caplog):
    task = mixed_task(world)
    validate(task, en=50.0, de=40.0, fr=30.0)
    assert not lines(caplog, logging.WARNING)
    resumed = mixed_task(world)
    resumed.load_state_dict(task.state_dict())
    validate(resumed, en=52.0, de=39.0, fr=30.0)
    (warning,) = lines(caplog, logging.WARNING)
    assert "en f1 rose from 50.00 to 52.00 (+2.00)" in warning
    assert "over de, fr fell from 35.00 to 34.50 (-0.50)" in warning
    validate(resumed, en=53.0, de=40.0, fr=30.0)
    assert len(lines(caplog, logging.WARNING)) == 1


def test_the_first_worker_alone_speaks(world, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(
        "fairseq_mlkd.tasks._fine_tuning_task.is_first_worker", lambda: False
    )
    task = mixed_task(world)
    validate(task, en=50.0, de=40.0)
    validate(task, en=52.0, de=39.0)
    assert "f1" not in caplog.text and task.transfer.last["valid"] == {
        "en": 52.0,
        "de": 39.0,
    }
