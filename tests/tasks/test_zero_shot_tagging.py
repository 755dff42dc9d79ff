"""Entity F1 of tags, as fairseq-validate gives it, recounted by seqeval."""

from pathlib import Path

import pytest
import torch
from seqeval.metrics import classification_report, f1_score
from tiny import (
    build_model,
    flags_of,
    load,
    make_task,
    read_scores,
    run,
    train,
    write_tagged,
)

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.outcomes import read_outcomes
from fairseq_mlkd.metrics.spans import count_spans

SUBSETS = {"train.en": 60, "valid.en": 13, "test.de": 11, "test.en": 17}
NAME = "zero_shot_tagging"
TASK = ["--task", NAME]
METRIC = "entity F1 (seqeval default mode)"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_tagged(tmp_path_factory.mktemp("world") / "tagged", SUBSETS)


@pytest.fixture(scope="module")
def tuned(data, tmp_path_factory) -> Path:
    flags = flags_of(NAME)
    flags += ["--train-embeddings", "--dropout", 0, "--lr", 0.03, "--max-epoch", 20]
    flags += ["--best-checkpoint-metric", "f1", "--maximize-best-checkpoint-metric"]
    flags += ["--save-interval", 10, "--validate-interval", 10]
    return train(data, tmp_path_factory.mktemp("runs") / "student", *flags)


def tag_slowly(data: Path, checkpoint: Path, lang: str) -> tuple[list, list]:
    """Gold and predicted tags, one word at a time."""
    task = make_task(NAME, data)
    model = build_model(task).eval()
    model.load_state_dict(load(checkpoint)["model"])
    words = task.load_subset(f"test.{lang}")
    symbols, gold, predicted = task.label_dictionary.symbols, [], []
    for row in range(len(words)):
        tokens = torch.tensor([[0, *words.input0[row].tolist()]])
        with torch.no_grad():
            features = model(tokens, features_only=True)[0][0]
            best = model.classification_heads["tagging_head"](features).argmax(-1)
        gold.append([symbols[i] for i in words.label[row][:-1]])
        pieces, tags = words.pieces[row].tolist(), []
        for i, n in enumerate(pieces):
            tags.append(symbols[4 + best[1 + sum(pieces[:i])]] if n else "O")
        predicted.append(tags)
    return gold, predicted


@pytest.mark.parametrize("batch_size", [1, 7])
def test_validate_gives_f1_by_language_and_type(data, tuned, tmp_path, batch_size):
    path = tmp_path / "results.jsonl"
    flags = ["--path", tuned, "--results", path, "--batch-size", batch_size]
    run("validate", data, *TASK, *flags, "--valid-subset", "test")
    results = read_scores(path)
    kinds = ["LOC", "ORG", "PER"]
    metrics = [METRIC, *(f"{METRIC}: {kind}" for kind in kinds)]
    assert [(r.lang, r.metric) for r in results] == [
        (lang, metric) for lang in ("en", "de") for metric in metrics
    ]
    values = {(r.lang, r.metric): r.value for r in results}
    for lang in ("en", "de"):
        gold, predicted = tag_slowly(data, tuned, lang)
        assert any("B-ORG" in tags for tags in gold)
        expected = 100 * f1_score(gold, predicted)
        assert values[lang, METRIC] == pytest.approx(expected)
        assert expected > 50
        report = classification_report(gold, predicted, output_dict=True)
        for kind in kinds:
            expected = 100 * report[kind]["f1-score"]
            assert values[lang, f"{METRIC}: {kind}"] == pytest.approx(expected)
        outcomes = read_outcomes(str(path), next(r for r in results if r.lang == lang))
        assert outcomes.tolist() == [
            count_spans([g], [p], kinds).sum(axis=0).tolist()
            for g, p in zip(gold, predicted)
        ]
    assert {r.examples for r in results if r.lang == "de"} == {11}


def test_checkpoints_are_selected_by_f1(data, tuned):
    state = load(tuned)
    assert 0 < state["extra_state"]["best"] <= 100
    assert state["cfg"]["checkpoint"]["best_checkpoint_metric"] == "f1"


def test_missing_labels_are_refused(data, tmp_path):
    flags = flags_of(NAME)
    with pytest.raises(UserError, match="no labelled data"):
        train(data / "input0", tmp_path, *flags)
