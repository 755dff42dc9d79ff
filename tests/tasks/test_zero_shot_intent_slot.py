"""Exact match, intent accuracy and slot F1, as fairseq-validate gives them."""

from pathlib import Path

import pytest
import torch
from fairseq.data import Dictionary
from seqeval.metrics import f1_score
from tiny import (
    INTENTS,
    TAGS,
    UNSEEN_INTENT,
    build_model,
    flags_of,
    load,
    make_task,
    read_scores,
    run,
    train,
    write_tagged,
)

SUBSETS = {"train.en": 300, "valid.en": 13, "test.de": 11, "test.en": 17}
NAME = "zero_shot_intent_slot"
TASK = ["--task", NAME]
METRICS = {
    "exact": "exact match (intent and slots)",
    "intent": "intent accuracy",
    "slots": "slot F1 (seqeval default mode)",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "tagged"
    return write_tagged(folder, SUBSETS, longest=4)


@pytest.fixture(scope="module")
def tuned(data, tmp_path_factory) -> Path:
    flags = [*flags_of(NAME), "--train-embeddings", "--dropout", 0, "--lr", 0.03]
    flags += ["--batch-size", 30, "--max-epoch", 15, "--validate-interval", 5]
    flags += ["--maximize-best-checkpoint-metric", "--save-interval", 5]
    flags += ["--best-checkpoint-metric", "exact_match"]
    return train(data, tmp_path_factory.mktemp("runs") / "student", *flags)


def label_slowly(data: Path, checkpoint: Path, lang: str) -> list[tuple]:
    """Of each sentence: gold intent and slots, predicted intent and slots."""
    task = make_task(NAME, data)
    model = build_model(task).eval()
    model.load_state_dict(load(checkpoint)["model"])
    words = task.load_subset(f"test.{lang}")
    slots, intents = (Dictionary.load(str(data / p / "dict.txt")) for p in PARTS)
    found = []
    for row in range(len(words)):
        tokens = torch.tensor([[0, *words.input0[row].tolist()]])
        with torch.no_grad():
            features = model(tokens, features_only=True)[0][0]
            heads = model.classification_heads
            intent = heads["intent_head"](features[:1]).argmax(-1).item()
            best = heads["slot_head"](features).argmax(-1).tolist()
        pieces = words.pieces[row].tolist()
        starts = [1 + sum(pieces[:i]) if n else None for i, n in enumerate(pieces)]
        tags = ["O" if s is None else slots[4 + best[s]] for s in starts]
        gold = [slots[i] for i in words.label[row][:-1]]
        found.append((intents[words.intent[row][0]], gold, intents[4 + intent], tags))
    return found


PARTS = ("label", "intent")


def recount(rows: list[tuple]) -> dict[str, float]:
    right = [intent == best for intent, _, best, _ in rows]
    exact = [(i, gold) == (best, tags) for i, gold, best, tags in rows]
    slots = f1_score([row[1] for row in rows], [row[3] for row in rows])
    return {
        "exact": 100 * sum(exact) / len(rows),
        "intent": 100 * sum(right) / len(rows),
        "slots": 100 * slots,
    }


@pytest.mark.parametrize("batch_size", [1, 7])
def test_validate_gives_exact_match_intents_and_slots(
    data, tuned, tmp_path, batch_size
):
    path = tmp_path / "results.jsonl"
    flags = ["--path", tuned, "--results", path, "--batch-size", batch_size]
    run("validate", data, *TASK, *flags, "--valid-subset", "test")
    results = read_scores(path)
    assert [(r.lang, r.metric) for r in results] == [
        (lang, metric) for lang in ("en", "de") for metric in METRICS.values()
    ]
    values = {(r.lang, r.metric): r.value for r in results}
    for lang in ("en", "de"):
        rows = label_slowly(data, tuned, lang)
        assert rows[-1][0] == UNSEEN_INTENT
        expected = recount(rows)
        assert 0 < expected["exact"] <= expected["intent"] < expected["slots"]
        for key, metric in METRICS.items():
            assert values[lang, metric] == pytest.approx(expected[key])


def test_truncated_sentences_are_never_exact(data, tmp_path):
    task = make_task(NAME, data)
    task.cfg.long_inputs = "truncate"
    model = build_model(task, max_positions=4).eval()
    task.load_dataset("test.en")
    dataset = task.datasets["test.en"]
    sample = dataset.collater([dataset[i] for i in range(len(dataset))])
    symbols = task.target_dictionary
    logits = {}
    for name, target in task.supervise(sample).targets.items():  # all as gold has it
        classes = task.heads[name].num_classes
        logits[name] = torch.nn.functional.one_hot(target.clamp(min=0), classes)
    is_cut = sample["label_positions"].eq(-2).any(dim=1)
    unseen = ~sample["target"].lt(len(symbols)).all(dim=1)
    unseen[-1] = True
    assert is_cut.any() and not is_cut.all()
    counts = task.count(sample, logits)
    assert counts["nexact"] == (~is_cut & ~unseen).sum()
    assert counts["nintents"] == len(dataset) - 1
    assert model.cfg.max_positions == 4


def test_an_intent_may_be_called_like_a_slot(tmp_path):
    data = write_tagged(tmp_path / "data", {"train.en": 8, "test.en": 8})
    path = data / "intent" / "dict.txt"
    path.write_text(path.read_text().replace(INTENTS[0], TAGS[0]))
    task = make_task(NAME, data)
    task.load_dataset("train")
    dataset = task.datasets["train"]
    sample = dataset.collater([dataset[i] for i in range(8)])
    symbols = [task.target_dictionary[i] for i in sample["target"][:, 0]]
    assert set(symbols) <= {TAGS[0], *INTENTS[1:]}
    targets = task.supervise(sample).targets
    assert targets["intent_head"].tolist() == [
        [TAGS[0], *INTENTS[1:]].index(symbol) for symbol in symbols
    ]
