"""mlkd-score on fairseq-generate's output gives the numbers of fairseq-validate."""

from pathlib import Path

import pytest
from labelled_files import write_rows as write
from scored_rows import GOLD, mtop, score
from tiny import STUDENT, read_scores, run, shape_flags, train, write_tokenizer

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.prepare import Preparation
from fairseq_mlkd.prepare.labelled.rows import Dropped
from fairseq_mlkd.prepare.labelled.selection import Settings

WORDS = ("wake", "me", "at", "six", "seven", "in", "rome", "paris")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Path:
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"), WORDS)


TASKS = {
    "pawsx": "zero_shot_classification",
    "wikiann": "zero_shot_tagging",
    "multiatis": "zero_shot_intent_slot",
    "mtop": "zero_shot_parsing",
}
FILES = {  # of training, validation and test rows
    "pawsx": ["train-en.tsv", "dev-en.tsv", "test-fr.tsv"],
    "wikiann": ["en/train", "en/dev", "fr/test"],
    "multiatis": ["train_EN.tsv", "dev_EN.tsv", "test_FR.tsv"],
    "mtop": ["en/train.txt", "en/eval.txt", "fr/test.txt"],
}
# Test rows that contradict training rows, so that no model has all right.
CONTRADICTIONS = {
    "pawsx": ["5\ta\tb\t0"],
    "wikiann": ["", "rome\tO", "me\tB-PER"],
    "multiatis": ["6\twake six\tO B-city\twake"],
    "mtop": [mtop("wake me", "[IN:WAKE [SL:TIME me ] ]")],
}


def prepare(name: str, folder: Path, tokenizer: Path) -> Path:
    train_file, valid, test = (folder / "in" / file for file in FILES[name])
    for path in (train_file, valid):
        write(path, *GOLD[name])
    write(test, *GOLD[name], *CONTRADICTIONS[name])
    run = Preparation(READERS[name], folder / "in", tokenizer, Settings())
    run.write(folder / "data")
    return test


def best(output: str) -> dict[str, str]:
    """Return the first hypothesis of each row, without its score."""
    found: dict[str, str] = {}
    for line in output.splitlines():
        if line.startswith("H-"):
            row, _, symbols = line.split("\t")
            found.setdefault(row, symbols)
    return found


@pytest.mark.parametrize("name", sorted(TASKS))
def test_numbers_are_those_of_the_task(name, tokenizer, tmp_path, capsys):
    test = prepare(name, tmp_path, tokenizer)
    data, task = tmp_path / "data", ["--task", TASKS[name]]
    shape = shape_flags({**STUDENT, "embed_dim": 32, "ffn_embed_dim": 32})
    if name == "mtop":
        shape[1] = f"pointer_generator_{shape[1]}"
    options = ["--criterion", "task_cross_entropy", "--max-epoch", 30, "--dropout", 0]
    options += ["--train-embeddings", "--disable-validation", "--lr", 0.003]
    options += ["--save-interval", 30]
    model = train(data, tmp_path / "run", *task, *shape, *options)

    results = tmp_path / "results.jsonl"
    common = [*task, "--path", model, "--batch-size", 2]
    run("validate", data, *common, "--valid-subset", "test.fr", "--results", results)
    expected = {r.metric: r.value for r in read_scores(results)}

    capsys.readouterr()
    run("generate", data, *common, "--gen-subset", "test.fr", "--beam", 1)
    (tmp_path / "generated").write_text(capsys.readouterr().out, encoding="utf-8")
    found = score(capsys, name, test, tmp_path / "generated", "--generate-output")
    assert {metric: found[metric] for metric in expected} == pytest.approx(expected)
    assert len(found) == len(expected) + 2
    assert 0 < found[next(iter(expected))] < 100

    # typed, the same sentences are cut and labelled in the same way
    rows = [r for r in READERS[name].read(test, "fr") if not isinstance(r, Dropped)]
    lines = [
        f"{r.sentence1}\t{r.sentence2}" if name == "pawsx" else " ".join(r.words)
        for r in rows
    ]
    typed = write(tmp_path / "typed", *lines)
    flags = [*task, "--path", model, "--beam", 1, "--text-lang", "fr"]
    run("interactive", data, *flags, "--input", typed, "--buffer-size", 3)
    assert best(capsys.readouterr().out) == best((tmp_path / "generated").read_text())
