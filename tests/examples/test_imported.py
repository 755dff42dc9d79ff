"""The study of an imported encoder as commands, and in miniature from end to end."""

import signal
import sys
from pathlib import Path

import pytest
from fairseq.data import Dictionary
from huggingface import save_encoder, write_wordpiece
from imported import TRAININGS, Study
from pipeline import Stage, run_pipeline
from scripts import EXAMPLES
from study import READERS, Benchmark, Training

from fairseq_mlkd.metrics.results import read_results

BENCHMARKS = ["xnli", "pawsx", "wikiann", "multiatis", "mtop"]
LANGS = {"en", "fr", "de", "ja", "hi", "it", "es", "pt"}


def study(out: Path, world: Path, encoder: Path, **options) -> Study:
    training = Training(4, 1e-3, 8, 1)
    benchmarks = [Benchmark(name, world / name, training) for name in BENCHMARKS]
    return Study(out, encoder, "tiny", benchmarks, [3], **options)


def test_every_benchmark_has_a_training():
    assert TRAININGS.keys() == READERS.keys()
    assert all(t.warmup < t.updates for t in TRAININGS.values())


def test_pawsx_can_start_from_xnli(tmp_path):
    for chained in (False, True):
        stages = study(tmp_path, tmp_path, tmp_path, pawsx_from_xnli=chained).stages()
        seen = set()
        for stage in stages:
            assert seen.issuperset(stage.needs) and stage.name not in seen
            seen.add(stage.name)
        (tuned,) = (s for s in stages if s.name == "fine-tune pawsx, seed 3")
        encoder = Path(tuned.command[tuned.command.index("--encoder-path") + 1])
        assert ("fine-tune xnli, seed 3" in tuned.needs) is chained
        assert (encoder.parent.name == "xnli-seed3") is chained


@pytest.mark.slow
def test_runs_to_its_report(tmp_path):
    source, world, out = tmp_path / "source", tmp_path / "world", tmp_path / "out"
    source.mkdir()
    size = write_wordpiece(source)
    save_encoder(source, "BertModel", size)
    sizes = ["--sentences", "100", "--train", "40", "--dev", "20", "--test", "20"]
    sizes += ["--utterances", "40", "20", "20"]
    draw = Stage("world", [sys.executable, str(EXAMPLES / "world"), str(world), *sizes])
    first, *rest = study(out, world, source, pawsx_from_xnli=True).stages()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        run_pipeline([draw, first._replace(needs=["world"]), *rest], out, jobs=2)
    finally:
        signal.signal(signal.SIGTERM, handler)
    results = read_results([str(p) for p in (out / "results").glob("*.jsonl")])
    for name in BENCHMARKS:
        for split in ("valid", "test"):
            found = {r.lang for r in results if (r.dataset, r.split) == (name, split)}
            assert found == LANGS, (name, split)
    assert "Zero-shot" in (out / "report.md").read_text()
    dictionary = Dictionary.load(str(out / "encoder" / "dict.txt"))
    assert len(dictionary) == size - 1  # <mask> is added by the tasks
