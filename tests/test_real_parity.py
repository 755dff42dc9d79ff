"""Every row of real test sets: the Predictor says what fairseq-generate says."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from real_text import read_text
from tiny import flags_of, run, train

from fairseq_mlkd import Predictor
from fairseq_mlkd.cli.export import main as export
from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.prepare import Preparation
from fairseq_mlkd.prepare.labelled.rows import Dropped
from fairseq_mlkd.prepare.labelled.selection import Settings, select_files

CLASSIFICATION, PARSING = "zero_shot_classification", "zero_shot_parsing"
TAGGING, INTENT_SLOT = "zero_shot_tagging", "zero_shot_intent_slot"
# benchmark, its folder and training file, task, language and subset, options
CASES = {
    "pairs": ("xnli", "xnli", "nli_en/multinli_taxinli.tsv", CLASSIFICATION, "de",
              "test", ["--long-inputs", "truncate"]),
    "windows": ("wikiann", "wikiann", None, TAGGING, "en", "test",
                ["--long-inputs", "window"]),
    "cut": ("wikiann", "wikiann", None, TAGGING, "ja", "valid",
            ["--long-inputs", "truncate"]),
    "slots": ("multiatis", "multiatis_layout/mtop_flat", None, INTENT_SLOT, "de",
              "test", ["--long-inputs", "truncate"]),
    "parses": ("mtop", "mtop/parallel", "mtop/en/train.txt", PARSING, "fr", "test",
               ["--grammar", "tree", "--long-inputs", "truncate"]),
}  # fmt: skip
BASE_2 = math.log(2)  # fairseq writes logarithms in base 2, of places with 4 decimals
TOLERANCE = 1e-4 + 5e-5 * BASE_2


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Callable[[Path], Path]:
    """Give a function that learns merges on the spoken form of real sentences."""

    def build(data: Path) -> Path:
        folder = tmp_path_factory.getbasetemp() / "parity"
        if not folder.exists():
            texts = {}
            for lang in ("en", "de", "fr", "ja"):
                path = tmp_path_factory.mktemp("text") / f"{lang}.txt"
                path.write_text("\n".join(read_text(data, lang, 3000)), "utf-8")
                texts[lang] = [str(path)]
            build_corpus(str(folder), CorpusOptions(texts, codes=2000, valid=10))
        return folder

    return build


def generate(capsys, data: Path, *flags) -> dict[int, tuple[str, float, list[float]]]:
    """Return symbols, score and scores of places by row, as fairseq-generate writes."""
    capsys.readouterr()
    run("generate", data, *flags)
    found, places = {}, {}
    for line in capsys.readouterr().out.splitlines():
        kind, _, row = line.partition("\t")[0].partition("-")
        if kind == "H":
            _, score, symbols = line.split("\t")
            found[int(row)] = symbols, float(score) * BASE_2
        elif kind == "P":
            values = line.split("\t")[1].split()
            places[int(row)] = [float(x) * BASE_2 for x in values]
    return {row: (*pair, places[row]) for row, pair in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_row_is_answered_alike(mlkd_data, tokenizer, tmp_path, capsys, case):
    name, folder, train_file, task, lang, subset, options = CASES[case]
    reader, source, data = READERS[name], mlkd_data / folder, tmp_path / "data"
    settings = Settings(langs=(lang,))
    given = train_file and mlkd_data / train_file
    pieces = tokenizer(mlkd_data)
    Preparation(reader, source, pieces, settings, given).write(data)
    shape = flags_of(task)
    if task == PARSING:
        shape = ["--task", task, "--arch", "pointer_generator_lean_bert_tiny",
                 "--criterion", "task_cross_entropy"]  # fmt: skip
    flags = ["--max-update", 40, "--batch-size", 16, "--lr", 0.001]
    checkpoint = train(data, tmp_path / "run", *shape, *options, *flags,
                       "--disable-validation", "--max-positions", 40)  # fmt: skip
    out = tmp_path / "out"
    export([str(x) for x in (checkpoint, out, "--onnx", "--data", data)])

    flags = ["--task", task, *options, "--path", checkpoint, "--batch-size", 64]
    wanted = generate(capsys, data, *flags, "--gen-subset", f"{subset}.{lang}",
                      "--beam", 3)  # fmt: skip
    (file,) = [
        x for x in select_files(reader, source, reader.find(source), settings, given)
        if (x.split, x.lang) == (subset, lang)
    ]  # fmt: skip
    rows = [r for r in reader.read(file.path, lang) if not isinstance(r, Dropped)]
    assert len(rows) == len(wanted) > 1000
    asked = [
        (r.sentence1, r.sentence2) if task == CLASSIFICATION else {"words": r.words}
        for r in rows
    ]
    answers = Predictor(out, engine="onnx", beam=3)(asked, lang)
    for row, answer in enumerate(answers):
        compare(task, answer, *wanted[row])


def compare(task, answer, symbols, score, places) -> None:
    """Compare one answer with a row of fairseq-generate."""
    if task == CLASSIFICATION:
        assert answer["label"] == symbols
        assert math.log(answer["score"]) == pytest.approx(score, abs=1e-4)
    elif task == PARSING:
        assert answer["parse"] == symbols
        assert answer["score"] == pytest.approx(score, abs=1e-4)
    else:
        tags, scores = answer["tags"], answer["scores"]
        if task == INTENT_SLOT:
            tags = [answer["intent"], *tags]
            scores = [answer["intent_score"], *scores]
        assert " ".join(tags) == symbols
        found = [math.log(x) for x in scores]
        assert found == pytest.approx(places, abs=TOLERANCE)
