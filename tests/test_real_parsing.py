"""Real mTOP: a model learns rows by heart, and fairseq-generate writes them down."""

import itertools
import json
from pathlib import Path

import pytest
from tiny import run, train

from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.prepare import Preparation
from fairseq_mlkd.prepare.labelled.selection import Settings

ROWS = 200
TASK = ["--task", "zero_shot_parsing"]
MODEL = ["--arch", "pointer_generator_lean_bert_tiny", "--encoder-embed-dim", 96]
MODEL += ["--dropout", 0, "--attention-dropout", 0, "--train-embeddings"]
SCHEDULE = ["--lr", 0.001, "--batch-size", 20, "--max-update", 700]
SCHEDULE += ["--disable-validation"]


def prepare(official: Path, folder: Path) -> Path:
    """Return the first rows of a training file, in subwords of their own."""
    with open(official, encoding="utf-8") as lines:
        rows, more = (list(itertools.islice(lines, n)) for n in (ROWS, 5))
    text, source = folder / "words.txt", folder / "in" / "en"
    source.mkdir(parents=True)
    for name, part in (("train", rows), ("eval", more)):
        (source / f"{name}.txt").write_text("".join(part), encoding="utf-8")
    words = [" ".join(json.loads(row.split("\t")[-1])["tokens"]) for row in rows]
    text.write_text("\n".join(words), encoding="utf-8")
    corpus, data = folder / "corpus", folder / "data"
    build_corpus(str(corpus), CorpusOptions({"en": [str(text)]}, codes=500, valid=1))
    mtop = READERS["mtop"]
    Preparation(mtop, folder / "in", corpus, Settings(), None).write(data)
    return data


@pytest.mark.slow
def test_learns_rows_by_heart(mlkd_data, tmp_path, capsys):
    data = prepare(mlkd_data / "mtop" / "en" / "train.txt", tmp_path)
    flags = [*TASK, "--criterion", "task_cross_entropy", *MODEL, *SCHEDULE]
    checkpoint = train(data, tmp_path / "run", *flags)
    scores = {}
    for beam in (1, 4):
        capsys.readouterr()
        options = ["--path", checkpoint, "--gen-subset", "train", "--batch-size", 32]
        options += ["--beam", beam, "--scoring", "exact_match"]
        run("generate", data, *TASK, *options)
        last = capsys.readouterr().out.splitlines()[-1]
        assert f"({ROWS} sentences)" in last
        scores[beam] = float(last.split("exact match ")[1].split()[0])
    assert min(scores.values()) > 95, scores
