"""The benchmarks of speed run, in miniature."""

import subprocess
import sys

import pytest
from benchmark_cache import main as benchmark_cache
from scripts import EXAMPLES
from tiny import Distillation, save_model

STEP = "--teacher mbert_tiny --student lean_bert_tiny --batch-size 4 --length 16"
FEW = "--vocab 200 --threads 1 --steps 1 --warmup 1 --ways"


@pytest.mark.slow
def test_a_step_is_timed():
    command = [sys.executable, EXAMPLES / "benchmark_step.py", *STEP.split()]
    command += [*FEW.split(), "tinybert", "tinybert, bf16"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("step / floor median") == 2


@pytest.mark.slow
def test_subwords_are_compared(tmp_path):
    (tmp_path / "en").mkdir()
    lines = [f"The cat number {i} sat on mat {7 * i}." for i in range(300)]
    (tmp_path / "en" / "a.txt").write_text("\n".join(lines))
    script = EXAMPLES / "benchmark_corpus.py"
    command = [sys.executable, str(script), str(tmp_path), "--codes", "50"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_drawn_logits_are_unbiased_where_the_largest_are_not(tmp_path, capsys):
    setting = Distillation(tmp_path)
    paths = (tmp_path / "data", tmp_path / "teacher.pt", tmp_path / "student.pt")
    save_model(paths[2], setting.student, setting.task)
    options = "--kept 3 --draws 40 --sentences 6 --dtype float32"
    benchmark_cache([*map(str, paths), *options.split()])
    table = capsys.readouterr().out.splitlines()[-3:]
    for kept, bias, noise in ((r.split("|")[1:][i] for i in (0, 4, 5)) for r in table):
        bias, noise = (float(x.strip(" %")) for x in (bias, noise))
        if kept.strip() == "largest":
            assert noise == 0 and bias > 10
        else:
            assert bias < noise / 3
