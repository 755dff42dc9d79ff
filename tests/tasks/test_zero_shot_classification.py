"""Fine-tuning on one language and testing on all, end to end."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from slow_losses import calibration_slowly
from tiny import (
    CLASSES,
    STUDENT,
    TEACHER,
    flags_of,
    load,
    make_task,
    read_scores,
    rename_words,
    run,
    train,
    write_mlm_data,
    write_pairs,
)

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.calibration import ECE
from fairseq_mlkd.metrics.outcomes import read_outcomes
from fairseq_mlkd.metrics.results import read_results
from fairseq_mlkd.prepare.labelled.audit import FileAudit, write_audit
from fairseq_mlkd.tasks.zero_shot_classification import SENTENCE_HEAD

SUBSETS = {"train.en": 30, "valid.en": 13, "valid.fr": 9, "test.de": 11, "test.en": 17}
NAME = "zero_shot_classification"
TASK = ["--task", NAME]
TUNE = flags_of(NAME)


def pretrain(data: Path, folder: Path, shape: dict[str, int]) -> Path:
    return train(data, folder, *flags_of("multilingual_mlm", shape), "--max-update", 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("world") / "pairs", SUBSETS)


@pytest.fixture(scope="module")
def sentences(tmp_path_factory) -> Path:
    return write_mlm_data(tmp_path_factory.mktemp("sentences"))


@pytest.fixture(scope="module")
def encoder(sentences, tmp_path_factory) -> Path:
    return pretrain(sentences, tmp_path_factory.mktemp("encoder"), STUDENT)


@pytest.fixture(scope="module")
def tuned(data, encoder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "student"
    flags = [*TUNE, "--encoder-path", encoder, "--dropout", 0, "--lr", 0.02]
    flags += ["--save-interval", 20, "--validate-interval", 20]
    return train(data, folder, *flags, "--max-epoch", 60)


def predict(data: Path, checkpoint: Path, subset: str) -> dict[int, list[Any]]:
    """Row -> [label, argmax, its probability], without fairseq's commands."""
    task = make_task(NAME, data)
    state = load(checkpoint)
    cfg = OmegaConf.create(state["cfg"]["model"])
    model = task.build_model(cfg, from_checkpoint=True).eval()
    model.load_state_dict(state["model"])
    task.load_dataset(subset)
    dataset, found = task.datasets[subset], {}
    for i in range(len(dataset)):
        sample = dataset.collater([dataset[i]])
        places, targets = task.supervise(sample)
        with torch.no_grad():
            logits, _ = model(**sample["net_input"], heads=places)
        found[i] = [
            targets[SENTENCE_HEAD].item(),
            logits[SENTENCE_HEAD].argmax().item(),
            logits[SENTENCE_HEAD].softmax(-1).max().item(),
        ]
    return found


def accuracy(predictions: dict[int, list[Any]]) -> float:
    return 100 * sum(a == b for a, b, _ in predictions.values()) / len(predictions)


# --- the encoder is loaded, and its embeddings stay


def changed(encoder: Path, tuned: Path) -> dict[str, bool]:
    before, after = load(encoder)["model"], load(tuned)["model"]
    shared = [name for name in before if name.startswith("encoder.")]
    return {name: not torch.equal(before[name], after[name]) for name in shared}


def test_embeddings_stay_and_the_rest_learns(encoder, tuned):
    for name, moved in changed(encoder, tuned).items():
        assert moved is not name.startswith("encoder.embeddings."), name
    names = load(tuned)["model"].keys()
    assert not any(name.startswith("lm_head") for name in names)


def test_train_embeddings_moves_them(data, encoder, tmp_path):
    flags = [*TUNE, "--encoder-path", encoder, "--train-embeddings", "--max-update", 1]
    moved = changed(encoder, train(data, tmp_path, *flags))
    assert all(moved.values())


def test_training_starts_from_the_encoder(data, encoder, tmp_path):
    flags = [*TUNE, "--encoder-path", encoder, "--lr", 0, "--max-update", 1]
    assert not any(changed(encoder, train(data, tmp_path, *flags)).values())


# --- each example once


@pytest.mark.parametrize("batch_size", [1, 7, 8, 64])
@pytest.mark.parametrize("split, rows", [("train", 30), ("valid", 13), ("test", 28)])
def test_iterators_give_each_example_once(data, batch_size, split, rows):
    task = make_task(NAME, data)
    task.load_dataset(split)
    iterator = task.get_batch_iterator(
        task.datasets[split], max_sentences=batch_size, required_batch_size_multiple=8
    )
    batches = list(iterator.next_epoch_itr(shuffle=split == "train"))
    seen = sorted(i for batch in batches for i in batch["id"].tolist())
    assert seen == list(range(rows))
    assert {batch["lang"] for batch in batches} <= {"en", "de"}


@pytest.mark.parametrize(
    "subset, langs",
    [
        ("train", ["en"]),
        ("valid", ["en"]),
        ("valid.fr", ["fr"]),
        ("valid.all", ["en", "fr"]),
        ("test", ["en", "de"]),
        ("test.de", ["de"]),
    ],
)
def test_subsets(data, subset, langs):
    task = make_task(NAME, data)
    task.load_dataset(subset)
    assert task.datasets[subset].langs == langs


# --- results


def test_validate_appends_a_line_a_language(data, tuned, tmp_path):
    path = tmp_path / "results.jsonl"
    flags = [*TASK, "--path", tuned, "--results", path, "--batch-size", 7]
    run("validate", data, *flags, "--valid-subset", "test")
    first = path.read_text()
    run(
        "validate",
        data,
        *flags,
        "--valid-subset",
        "valid,valid.fr",
        "--model-name",
        "m",
    )
    assert path.read_text().startswith(first)
    results = read_scores(path)
    errors = [r for r in read_results([str(path)]) if r.metric == ECE]
    found = [(r.model, r.split, r.lang, r.examples) for r in results]
    assert found == [
        ("student", "test", "en", 17),
        ("student", "test", "de", 11),
        ("m", "valid", "en", 13),
        ("m", "valid", "fr", 9),
    ]
    for r in results:
        expected = accuracy(predict(data, tuned, f"{r.split}.{r.lang}"))
        assert r.value == pytest.approx(expected)
        assert (r.metric, r.dataset, r.dropped) == ("accuracy", "pairs", 0)
        assert r.chance == pytest.approx(100 / CLASSES)
        assert r.selection == "last"
        rows = predict(data, tuned, f"{r.split}.{r.lang}").values()
        outcomes = read_outcomes(str(path), r)
        assert outcomes.tolist() == [[gold == found, 1] for gold, found, _ in rows]
        slow = calibration_slowly([(gold == found, p) for gold, found, p in rows])
        (error,) = [e for e in errors if (e.lang, e.split) == (r.lang, r.split)]
        assert error.value == pytest.approx(slow, abs=1e-4)
        assert r.checkpoint == str(tuned)
    assert results[0].value > 60


def test_results_lie_beside_the_checkpoint_and_know_dropped_rows(data, tuned):
    assert not (tuned.parent / "results.jsonl").exists()  # training writes none
    audit = data / "audit.json"
    file = FileAudit("xnli.test.tsv", "", "de", "test", kept=11)
    for line in (3, 5, 8):
        file.drop("no label", line)
    write_audit(audit, {"benchmark": "xnli"}, [file])
    try:
        flags = [*TASK, "--path", tuned, "--batch-size", 8, "--valid-subset", "test"]
        run("validate", data, *flags)
    finally:
        os.remove(audit)
    results = read_scores(tuned.parent / "results.jsonl")
    found = [(r.dataset, r.lang, r.dropped) for r in results]
    assert found == [("xnli", "en", 0), ("xnli", "de", 3)]


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_generate_writes_every_row_once(data, tuned, capsys, batch_size):
    flags = [*TASK, "--path", tuned, "--gen-subset", "test", "--batch-size", batch_size]
    run("generate", data, *flags, "--nbest", 1)
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    written = {}
    for fields in lines:
        if fields[0].startswith("H-"):
            assert fields[0] not in written
            written[fields[0]] = fields[2]
    predictions = predict(data, tuned, "test")
    best = {f"H-{i}": f"class{row[1]}" for i, row in predictions.items()}
    assert written == best


# --- stage 2


def test_distillation_while_fine_tuning(data, sentences, encoder, tmp_path):
    large = pretrain(sentences, tmp_path / "large", TEACHER)
    tune_large = flags_of(NAME, TEACHER)
    teacher = train(
        data, tmp_path / "t", *tune_large, "--encoder-path", large, "--max-update", 2
    )
    flags = [*flags_of(NAME, teacher=teacher), "--max-update", 3]
    flags += ["--encoder-path", encoder]
    path = train(data, tmp_path / "s", *flags)
    moved = changed(encoder, path)
    assert {name for name in moved if not moved[name]} == {
        name for name in moved if name.startswith("encoder.embeddings.")
    }
    run(
        "validate",
        data,
        *TASK,
        "--path",
        path,
        "--batch-size",
        8,
        "--valid-subset",
        "test",
    )
    assert len(read_scores(tmp_path / "s" / "results.jsonl")) == 2

    with pytest.raises(UserError, match="--teacher-path .* fine-tune it on this"):
        flags[flags.index(teacher)] = large
        train(data, tmp_path / "x", *flags)


# --- refusals


def refusal(data: Path, folder: Path, *arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        train(data, folder, *TUNE, *arguments, "--max-update", 1)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_encoder_of_another_shape_is_refused(data, sentences, tmp_path):
    path = pretrain(sentences, tmp_path / "wide", {**STUDENT, "embed_dim": 16})
    message = refusal(data, tmp_path, "--encoder-path", path)
    assert f"--encoder-path {path}" in message
    assert "(35, 16)" in message and "(35, 8)" in message


@pytest.mark.parametrize("layers", [1, 3])
def test_encoder_of_another_depth_is_refused(data, sentences, tmp_path, layers):
    path = pretrain(sentences, tmp_path / "deep", {**STUDENT, "layers": layers})
    message = refusal(data, tmp_path, "--encoder-path", path)
    assert "lacks" in message and "layers." in message


def test_encoder_with_another_dictionary_is_refused(data, tmp_path):
    other = rename_words(write_mlm_data(tmp_path / "sentences", {"en": 8}))
    path = pretrain(other, tmp_path / "other", STUDENT)
    message = refusal(data, tmp_path, "--encoder-path", path)
    assert f"--encoder-path {path} was trained with another dictionary" in message


def test_bad_data_is_refused(data, tmp_path):
    message = refusal(data, tmp_path, "--source-lang", "fr")
    assert "no subset train.fr; there are" in message
    message = refusal(data / "label", tmp_path)
    assert "no labelled data for --task zero_shot_classification" in message
    uneven = write_pairs(tmp_path / "uneven", {"train.en": 8, "valid.en": 5})
    for extension in ("bin", "idx"):
        source = uneven / "label" / f"valid.en.{extension}"
        os.replace(source, uneven / "label" / f"train.en.{extension}")
    valid = write_pairs(tmp_path / "valid", {"valid.en": 5})
    for extension in ("bin", "idx"):
        name = f"label/valid.en.{extension}"
        os.replace(valid / name, uneven / name)
    assert "8 first sentences, 8 second ones and 5 labels" in refusal(uneven, tmp_path)
