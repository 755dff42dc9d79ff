"""The paper's argument in a miniature world, in minutes on two cores.

    python examples/mlkd/demo.py OUT

Draws the world, pretrains a teacher and a student, distils a second student from the
teacher, fine-tunes all three on English, and tests them on eight languages. Run again,
it continues where it stopped.
"""

import argparse
import os
import sys
from pathlib import Path

from pipeline import Stage, run_pipeline
from study import DISTILLED, TEACHER, VANILLA, Benchmark, Study, Training

LANGS = ("en", "fr", "de", "ja", "hi", "it", "es", "pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for everything the demo makes")
    parser.add_argument("--jobs", type=int, default=2, help="commands at a time")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    out = args.out.resolve()
    world = out / "world"
    script = Path(__file__).with_name("world")
    draw = Stage("world", [sys.executable, str(script), str(world)])
    first, *rest = demo(out, world).stages()
    run_pipeline([draw, first._replace(needs=["world"]), *rest], out, jobs=args.jobs)
    print((out / "report.md").read_text())
    print(f"picture: {out / 'report.png'}")


def demo(out: Path, world: Path) -> Study:
    def pretraining(updates: int) -> Training:
        options = "--mask-prob 0.2 --clip-norm 5 --dropout 0 --attention-dropout 0"
        return Training(updates, 3e-3, 64, warmup=200, options=options.split())

    def finetuning(updates: int, lr: float, dropout: str, *more: str) -> Training:
        options = ["--dropout", dropout, "--attention-dropout", dropout, *more]
        return Training(updates, lr, 32, warmup=50, options=options)

    # To validate a parser is to generate: five times will do, not after each epoch.
    seldom = ["--validate-interval", "100"]
    return Study(
        out=out,
        text={lang: [world / "text" / f"{lang}.txt"] for lang in LANGS},
        corpus_options=["--codes", "2000", "--valid", "200"],
        teacher_arch=["mbert_tiny"],
        student_arch=["lean_bert_tiny"],
        pretraining={
            TEACHER: pretraining(4000),
            VANILLA: pretraining(3000),
            DISTILLED: pretraining(3000),
        },
        benchmarks=[
            Benchmark("xnli", world / "xnli", finetuning(1200, 5e-4, "0")),
            Benchmark("pawsx", world / "pawsx", finetuning(800, 2e-3, "0.1")),
            Benchmark("wikiann", world / "wikiann", finetuning(300, 2e-3, "0.1")),
            Benchmark("multiatis", world / "multiatis", finetuning(500, 2e-3, "0.1")),
            Benchmark("mtop", world / "mtop", finetuning(600, 2e-3, "0.1", *seldom)),
        ],
    )


if __name__ == "__main__":
    main()
