"""The same study on real text, XNLI and PAWS-X, at a size that CPU hours allow.

    python examples/mlkd/real.py OUT DATA

DATA holds `text/LANG/*` (plain or packed text), `xnli/` and `pawsx/` (official files or
XTREME's), and, where the English training files are not among those, one named by
`--xnli-train` (a MultiNLI file) and `--pawsx-train`. Run again, it continues where it
stopped.
"""

import argparse
import os
from pathlib import Path

from pipeline import run_pipeline
from study import DISTILLED, TEACHER, VANILLA, Benchmark, Study, Training, study_parser

TEACHER_SHAPE = [
    "mbert_tiny",
    "--encoder-embed-dim",
    "128",
    "--encoder-ffn-embed-dim",
    "512",
    "--init-std",
    "0.05",
]
STUDENT_SHAPE = ["lean_bert_tiny"]


def main() -> None:
    parser = study_parser(__doc__)
    add = parser.add_argument
    add("data", type=Path, help="folder of real data")
    add("--xnli-train", type=Path, help="English training pairs of XNLI")
    add("--pawsx-train", type=Path, help="English training pairs of PAWS-X")
    add("--scale", type=float, default=1.0, help="multiplies all numbers of updates")
    args = parser.parse_args()
    for name in ("text", "xnli", "pawsx"):
        if not (args.data / name).is_dir():
            parser.error(f"{args.data / name}: no such folder; see --help")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    out = args.out.resolve()
    run_pipeline(study(out, args).stages(), out, jobs=args.jobs)
    print((out / "report.md").read_text())


def study(out: Path, args: argparse.Namespace) -> Study:
    def training(updates: int, lr: float, batch_size: int) -> Training:
        updates = max(10, round(updates * args.scale))
        return Training(updates, lr, batch_size, warmup=max(1, updates // 10))

    data = args.data.resolve()
    text = data / "text"
    langs = sorted(folder.name for folder in text.iterdir() if folder.is_dir())
    student = training(5000, 3e-3, 64)
    return Study(
        out=out,
        text={lang: sorted((text / lang).iterdir()) for lang in langs},
        corpus_options=["--codes", "8000", "--valid", "500"],
        teacher_arch=TEACHER_SHAPE,
        student_arch=STUDENT_SHAPE,
        pretraining={
            TEACHER: training(5000, 3e-3, 64),
            VANILLA: student,
            DISTILLED: student,
        },
        benchmarks=[
            Benchmark("xnli", data / "xnli", training(900, 5e-4, 32)).trained_on(
                args.xnli_train
            ),
            Benchmark("pawsx", data / "pawsx", training(600, 5e-4, 32)).trained_on(
                args.pawsx_train
            ),
        ],
        seeds=args.seeds,
    )


if __name__ == "__main__":
    main()
