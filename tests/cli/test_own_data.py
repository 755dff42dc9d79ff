"""A user's own files through every command: preparation to an answer to a sentence."""

import json
import shutil
from pathlib import Path

import pytest
from labelled_files import write_rows
from own_files import COLUMNS, KINDS, TASKS, WORDS, write_own
from tiny import (
    STUDENT,
    load,
    make_task,
    run,
    shape_flags,
    train,
    write_sentences,
    write_tokenizer,
)

from fairseq_mlkd import Predictor
from fairseq_mlkd.cli import benchmark, export, report, score
from fairseq_mlkd.metrics.results import read_results

METRICS = {
    "classification": "accuracy",
    "pairs": "accuracy",
    "tagging": "f1",
    "intent_slot": "exact_match",
    "parsing": "exact_match",
}
ONCE = ["--max-update", 1]
NAMES = ["--columns", "text=text", "label=label"]
ANSWERS = dict(zip(KINDS, ("label", "label", "entities", "intent", "parse")))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Path:
    words = [word for words in WORDS.values() for word in words]
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"), words)


def prepare(files: Path, out: Path, kind: str, tokenizer: Path, *flags) -> Path:
    arguments = [kind, files, out, "--tokenizer", tokenizer, "--dataset", "mine"]
    benchmark.main([str(x) for x in (*arguments, *COLUMNS.get(kind, []), *flags)])
    return out


def model_flags(kind: str) -> list[str]:
    flags = ["--task", TASKS[kind], *shape_flags(STUDENT)]
    if kind == "parsing":
        flags[flags.index("lean_bert_tiny")] = "pointer_generator_lean_bert_tiny"
    return [*flags, "--criterion", "task_cross_entropy"]


SLOW = [
    pytest.param(x, marks=pytest.mark.slow) for x in ("pairs", "tagging", "parsing")
]


@pytest.mark.parametrize("kind", ["classification", "intent_slot", *SLOW])
def test_from_files_to_answers(kind, tokenizer, tmp_path, capsys):
    files = write_own(tmp_path / "files", kind)
    data = prepare(files, tmp_path / "data", kind, tokenizer)
    flags = ["--best-checkpoint-metric", METRICS[kind], "--max-update", 2]
    flags += ["--maximize-best-checkpoint-metric"]
    train(data, tmp_path / "run", *model_flags(kind), *flags)
    best = tmp_path / "run" / "checkpoint_best.pt"

    results = tmp_path / "results.jsonl"
    flags = ["--task", TASKS[kind], "--path", best, "--batch-size", 4]
    run("validate", data, *flags, "--valid-subset", "test", "--results", results)
    main_score = {r.lang: r for r in reversed(read_results([str(results)]))}
    assert list(main_score) == ["de", "en"]
    assert {r.dataset for r in main_score.values()} == {"mine"}
    report.main([str(results)])
    assert "mine" in capsys.readouterr().out

    run("generate", data, *flags, "--gen-subset", "test.de")
    generated = tmp_path / "generated"
    generated.write_text(capsys.readouterr().out, encoding="utf-8")
    (gold,) = files.glob("test.de.*")
    arguments = [kind, gold, generated, "--generate-output", "--lang", "de"]
    score.main([str(x) for x in (*arguments, *COLUMNS.get(kind, []))])
    scores = json.loads(capsys.readouterr().out)
    assert scores["examples"] == 8
    name = main_score["de"].metric
    if kind != "parsing":  # searched with a beam, and validated without
        assert scores[name] == pytest.approx(main_score["de"].value)

    folder = tmp_path / "shipped"
    export.main([str(best), str(folder), "--data", str(data)])
    text = " ".join(WORDS["de"][:3])
    answer = Predictor(folder)((text, text) if kind == "pairs" else text, "de")
    assert ANSWERS[kind] in answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_labels_score_100(kind, tmp_path, capsys):
    write_own(tmp_path, kind)
    (gold,) = tmp_path.glob("test.de.*")
    score.main([str(x) for x in (kind, gold, gold, *COLUMNS.get(kind, []))])
    scores = json.loads(capsys.readouterr().out)
    assert set(scores.values()) == {100.0, 8, 0}  # of 8 examples, none dropped


def write_table(folder: Path, **files: list[str]) -> Path:
    for name, rows in files.items():
        write_rows(folder / f"{name}.csv", "text,label", *rows)
    return folder


TRAIN = [f"pay my bill {i},pay" for i in range(40)] + ["call Anna,call"]


def test_labels_are_learnt_printed_and_audited(tokenizer, tmp_path, capsys):
    files = write_table(tmp_path, train=[*TRAIN, "pay now,payy"], dev=["now,pay"])
    data = prepare(files, tmp_path / "data", "classification", tokenizer, *NAMES)
    out = capsys.readouterr().out
    assert "3 labels: pay 40, call 1, payy 1" in out
    assert "warning: 'payy' occurs once, 'pay' 40 times: is it misspelt?" in out
    assert "text from text, label from label" in out
    audit = json.loads((data / "audit.json").read_text())
    assert audit["benchmark"] == "mine"
    assert audit["labels"] == {"label": {"pay": 40, "call": 1, "payy": 1}}
    prepare(files, data, "classification", tokenizer, *NAMES)
    assert "is complete already" in capsys.readouterr().out


def test_rows_whose_labels_training_lacks(tokenizer, tmp_path, capsys):
    files = write_table(tmp_path, train=TRAIN, dev=["now,pay", "call now,cal"])
    with pytest.raises(SystemExit, match=r"dev.csv:3: 'cal' is no label of the train"):
        prepare(files, tmp_path / "a", "classification", tokenizer, *NAMES)
    assert not (tmp_path / "a").exists()
    for rule, kept, dropped in (("drop", 1, 1), ("keep", 2, 0)):
        out = tmp_path / rule
        flags = [*NAMES, "--unknown-labels", rule]
        prepare(files, out, "classification", tokenizer, *flags)
        totals = json.loads((out / "audit.json").read_text())["totals"]
        assert totals["valid.en"] == {"kept": kept, "dropped": dropped}


def test_rare_labels_are_not_held_out(tokenizer, tmp_path):
    rows = [f"pay {i},pay" for i in range(40)] + [f"call {i},c{i}" for i in range(40)]
    files = write_table(tmp_path, train=rows)
    flags = [*NAMES, "--valid-fraction", "0.5"]
    data = prepare(files, tmp_path / "out", "classification", tokenizer, *flags)
    audit = json.loads((data / "audit.json").read_text())
    labels = audit["labels"]["label"]
    assert len(labels) == 41 and labels["pay"] < 30
    assert audit["totals"]["valid.en"]["kept"] == 40 - labels["pay"]


def test_official_files_take_no_flags_of_own_ones(tokenizer, tmp_path):
    for flags in (["--columns", "text=a"], ["--dataset", "x"], ["--delimiter", ";"]):
        arguments = ["xnli", str(tmp_path), str(tmp_path / "out")]
        with pytest.raises(SystemExit, match="xnli is read as its authors publish it"):
            benchmark.main([*arguments, "--tokenizer", str(tokenizer), *flags])


def test_single_sentences_learn_from_unlabelled_ones(tokenizer, tmp_path):
    files = write_own(tmp_path / "files", "classification")
    data = prepare(files, tmp_path / "data", "classification", tokenizer)
    teacher = train(data, tmp_path / "a", *model_flags("classification"), *ONCE)
    sentences = tmp_path / "sentences"
    write_sentences(sentences / "de" / "train", [[4, 5, 2], [6, 2], [7, 4, 2]], 9)
    shutil.copy(data / "dict.txt", sentences)
    flags = model_flags("classification")
    flags[-1:] = ["tinybert", "--teacher-path", teacher]
    last = train(data, tmp_path / "b", *flags, "--unlabelled-data", sentences, *ONCE)
    assert "unlabelled_loss" in str(load(last)["extra_state"]["metrics"])
    # as one sentence, not as a pair of neighbours
    task = make_task(TASKS["classification"], data)
    assert len(task.load_unlabelled(str(sentences / "de" / "train"))) == 3
