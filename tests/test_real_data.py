"""Real XNLI, PAWS-X and text: each row is seen exactly once, and the study runs."""

import functools
import itertools
import lzma
from collections import Counter
from pathlib import Path

import pytest
from fairseq import utils
from scripts import run_study
from tiny import STUDENT, build_model, flags_of, make_task, read_scores, run, train

from fairseq_mlkd.data.folders import read_audit
from fairseq_mlkd.metrics.results import read_results
from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.prepare import Preparation
from fairseq_mlkd.prepare.labelled.selection import Settings
from fairseq_mlkd.tasks.zero_shot_classification import ZeroShotClassificationTask

LANG = "fr"  # the language whose test rows are followed
MODELS = ["teacher", "vanilla student", "distilled student"]
NAME = "zero_shot_classification"
TASK = ["--task", NAME]
XNLI_ROWS = 5010


def copy_head(source: Path, target: Path, lines: int) -> Path:
    """Return the first lines of a file, unpacked."""
    target.parent.mkdir(parents=True, exist_ok=True)
    opener = lzma.open if source.suffix == ".xz" else open
    with opener(str(source), "rb") as file:
        target.write_bytes(b"".join(itertools.islice(file, lines)))
    return target


def read_labels(path: Path) -> list[str]:
    """Return the labels of a file's rows, placeholders left out."""
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    rows = [line.split("\t") for line in lines]
    return [row[-1] for row in rows if "NS" not in row]


# --- each row once


@functools.cache
def build_tokenizer(data: Path, root: Path) -> Path:
    text = {lang: [str(data / f"text/{lang}/tatoeba.txt.xz")] for lang in ("en", LANG)}
    build_corpus(str(root / "corpus"), CorpusOptions(text, codes=1000, valid=10))
    return root / "corpus"


@functools.cache
def prepare(name: str, data: Path, root: Path) -> Path:
    """Binary data of the real files in English and in `LANG`."""
    if name == "xnli":
        settings = Settings(langs=(LANG,))
        train = copy_head(data / "nli_en/multinli_taxinli.tsv", root / "train.tsv", 300)
    else:
        settings = Settings(langs=(LANG,), valid_fraction=0.1)
        train = data / "pawsx/dev-en.tsv"
    tokenizer = build_tokenizer(data, root)
    run = Preparation(READERS[name], data / name, tokenizer, settings, train)
    run.write(root / name)
    return root / name


@pytest.fixture(params=["xnli", "pawsx"])
def benchmark(request, mlkd_data, tmp_path_factory) -> Path:
    return prepare(request.param, mlkd_data, tmp_path_factory.getbasetemp())


@pytest.fixture
def xnli(mlkd_data, tmp_path_factory) -> Path:
    return prepare("xnli", mlkd_data, tmp_path_factory.getbasetemp())


@pytest.fixture
def checkpoint(xnli, tmp_path) -> Path:
    return train(
        xnli, tmp_path, *flags_of(NAME), "--max-update", 1, "--disable-validation"
    )


def once(rows: int) -> dict[int, int]:
    return dict.fromkeys(range(rows), 1)


def test_rows_stand_in_the_order_of_the_file(benchmark, mlkd_data):
    expected = read_labels(mlkd_data / benchmark.name / f"test-{LANG}.tsv")
    task = make_task(NAME, benchmark)
    task.load_dataset(f"test.{LANG}")
    dataset = task.datasets[f"test.{LANG}"]
    labels = task.label_dictionary.symbols
    found = [labels[dataset[i]["target"].item()] for i in range(len(dataset))]
    assert found == expected
    assert benchmark.name != "xnli" or len(found) == XNLI_ROWS


@pytest.mark.parametrize("batch_size", [7, 64])
def test_a_training_epoch_sees_each_row_once(benchmark, mlkd_data, batch_size):
    rows = len(read_labels(mlkd_data / benchmark.name / f"test-{LANG}.tsv"))
    task = make_task(NAME, benchmark)
    model = build_model(task, STUDENT)
    task.load_dataset(f"test.{LANG}")
    epoch = task.get_batch_iterator(
        task.datasets[f"test.{LANG}"],
        max_sentences=batch_size,
        max_positions=utils.resolve_max_positions(
            task.max_positions(), model.max_positions()
        ),
        ignore_invalid_inputs=True,  # as in training: what is too long is dropped
        required_batch_size_multiple=8,
        seed=1,
    )
    batches = list(epoch.next_epoch_itr(shuffle=True))
    assert Counter(i for b in batches for i in b["id"].tolist()) == once(rows)
    assert max(len(b["id"]) for b in batches) == batch_size


def test_validate_sees_each_row_once(xnli, checkpoint, monkeypatch, tmp_path):
    seen: Counter = Counter()
    valid_step = ZeroShotClassificationTask.valid_step

    def counted(self, sample, *args):
        seen.update(sample["id"].tolist())
        return valid_step(self, sample, *args)

    monkeypatch.setattr(ZeroShotClassificationTask, "valid_step", counted)
    flags = [*TASK, "--batch-size", 64, "--results", tmp_path / "results"]
    flags += ["--path", checkpoint, "--valid-subset", f"test.{LANG}"]
    run("validate", xnli, *flags)
    assert seen == once(XNLI_ROWS)
    (result,) = read_scores(tmp_path / "results")
    assert (result.lang, result.examples, result.dropped) == (LANG, XNLI_ROWS, 0)


@pytest.mark.slow
def test_generate_writes_each_row_once(xnli, checkpoint, mlkd_data, capsys):
    flags = [*TASK, "--batch-size", 64, "--nbest", 1]
    run("generate", xnli, *flags, "--path", checkpoint, "--gen-subset", f"test.{LANG}")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    written = Counter(fields[0] for fields in lines if fields[0].startswith("H-"))
    assert written == {f"H-{row}": 1 for row in range(XNLI_ROWS)}
    targets = {fields[0]: fields[1] for fields in lines if fields[0].startswith("T-")}
    expected = read_labels(mlkd_data / f"xnli/test-{LANG}.tsv")
    assert [targets[f"T-{row}"] for row in range(XNLI_ROWS)] == expected


# --- the study


def cut_data(data: Path, folder: Path) -> Path:
    """Return the beginning of each file, text in the languages that are tested."""
    for lang in ("de", "en", "fr"):
        for path in sorted((data / "text" / lang).iterdir()):
            copy_head(path, folder / "text" / lang / path.stem, 150)
    for name in ("xnli", "pawsx"):
        for path in sorted((data / name).glob("*.tsv")):
            copy_head(path, folder / name / path.name, 200)
    train = "nli_en/multinli_taxinli.tsv"
    copy_head(data / train, folder / train, 200)
    return folder


FEW = {"optimization.max_update": 10, "lr_scheduler.warmup_updates": 1}
SHORT = {
    "text": dict.fromkeys(("es", "hi", "it", "ja", "pt"), False),
    "corpus": "--codes 500 --valid 20",
    "seeds": [1],
    "pretraining": FEW,
    "models": {"teacher": {"set": FEW}},
    "rows": {"nothing": False},
    "tasks": dict.fromkeys(("wikiann", "multiatis", "mtop"), False)
    | {name: {"set": FEW} for name in ("xnli", "pawsx")},
}


@pytest.mark.slow
def test_the_study_of_real_data_runs_to_its_report(mlkd_data, tmp_path, monkeypatch):
    data, out = cut_data(mlkd_data, tmp_path / "real data"), tmp_path / "out"
    monkeypatch.setenv("MLKD_DATA", str(data))
    done = run_study(out, "from_nothing", SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    results = read_results([str(p) for p in (out / "results").glob("*.jsonl")])
    for name in ("xnli", "pawsx"):
        tested = {
            lang: len(read_labels(data / name / f"test-{lang}.tsv"))
            for lang in ("de", "en", "fr")
        }
        for model in MODELS:
            own = [r for r in results if (r.dataset, r.model) == (name, model)]
            assert {r.lang: r.examples for r in own} == tested
            assert {r.lang: r.dropped for r in own} == {
                lang: 200 - kept for lang, kept in tested.items()
            }
    assert sum(r.dropped for r in results) > 0
    report = (out / "report.md").read_text(encoding="utf-8")
    assert report in done.stdout
    totals = read_audit(out / "data" / "pawsx")["totals"]
    source = totals["train.en"]["kept"] + totals["valid.en"]["kept"]
    assert source == 200 and totals["valid.en"]["kept"] > 0
