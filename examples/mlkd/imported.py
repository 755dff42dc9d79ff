"""A public encoder, fine-tuned on English and tested on every language there is.

    python examples/mlkd/imported.py OUT ENCODER --xnli DIR --wikiann DIR ...

ENCODER is what mlkd-import reads, such as a Hugging Face folder of multilingual BERT.
Name the folder of official files of each benchmark that you have; where it lacks the
English training file, name one with `--NAME-train`. If that is the folder's own dev
file, a tenth of it is held out for selection. Run again, it continues where it stopped.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline import Stage, run_pipeline
from study import (
    BIN,
    Benchmark,
    Training,
    add_benchmarks,
    finetune,
    named_benchmarks,
    prepare,
    report,
    study_parser,
    validate,
    words,
)

# how long and how fast, at --scale 1: some CPU hours in all for a width of 384
TRAININGS: dict[str, Training] = {
    "xnli": Training(945, 5e-5, 32, warmup=90),
    "pawsx": Training(420, 1e-4, 32, warmup=42),
    # its longest sentence takes several windows
    "wikiann": Training(
        1250,
        5e-5,
        32,
        warmup=120,
        options=["--long-inputs", "window", "--max-tokens", "4096"],
    ),
    "multiatis": Training(1800, 2e-4, 32, warmup=120),
    "massive": Training(1800, 2e-4, 32, warmup=120),
    "mtop": Training(3920, 2e-4, 32, warmup=390),
}
SPLITS = {"test": "test", "valid": "valid.all"}  # in every language


class Study(NamedTuple):
    """One encoder on several benchmarks."""

    out: Path
    encoder: Path
    model: str  # its name in the report
    benchmarks: Sequence[Benchmark]
    seeds: Sequence[int]
    pawsx_from_xnli: bool = False

    def stages(self) -> list[Stage]:
        """Return all commands, in an order that can be run one by one."""
        stages = [self._import()]
        stages += [self._prepare(b) for b in self.benchmarks]
        for benchmark in self.benchmarks:
            for seed in self.seeds:
                stages += self._finetune(benchmark, seed)
        tests = [s.name for s in stages if s.name.startswith("test")]
        command = report([self._results(name) for name in tests], self.out)
        return [*stages, Stage("report", words(command), tests)]

    def _import(self) -> Stage:
        command = [BIN / "mlkd-import", self.encoder, self.out / "encoder"]
        return Stage("import", words(command))

    def _prepare(self, benchmark: Benchmark) -> Stage:
        command = prepare(benchmark, self.out / benchmark.name, self.out / "encoder")
        return Stage(benchmark.name, words(command), ["import"])

    def _finetune(self, benchmark: Benchmark, seed: int) -> list[Stage]:
        """Train on English, then test each language on each split that it has."""
        run, data = f"{benchmark.name}, seed {seed}", self.out / benchmark.name
        checkpoint = self._finetuned(benchmark.name, seed)
        encoder, needs = self.out / "encoder" / "model.pt", [benchmark.name]
        if benchmark.name == "pawsx" and self.pawsx_from_xnli:
            encoder = self._finetuned("xnli", seed)
            needs.append(f"fine-tune xnli, seed {seed}")
        command = [
            *finetune(benchmark, data), "--criterion", "task_cross_entropy",
            "--encoder-path", encoder, "--seed", seed, "--save-dir", checkpoint.parent,
        ]  # fmt: skip
        updates = benchmark.training.updates
        stages = [Stage(f"fine-tune {run}", words(command), needs, updates)]
        for split, subset in SPLITS.items():
            name = f"test {split} of {run}"
            command = [
                *validate(data, benchmark.task, checkpoint, subset),
                "--max-tokens", 8192,
                "--results", self._results(name), "--model-name", self.model,
            ]  # fmt: skip
            stages.append(Stage(name, words(command), [f"fine-tune {run}"]))
        return stages

    def _finetuned(self, benchmark: str, seed: int) -> Path:
        folder = self.out / "finetuned" / f"{benchmark}-seed{seed}"
        return folder / "checkpoint_best.pt"

    def _results(self, test: str) -> Path:
        return self.out / "results" / f"{test.replace(' ', '-')}.jsonl"


def main() -> None:
    parser = study_parser(__doc__)
    add = parser.add_argument
    add("encoder", type=Path, help="encoder to import")
    add_benchmarks(parser, TRAININGS)
    add(
        "--pawsx-from-xnli",
        action="store_true",
        help="start PAWS-X from the encoder fine-tuned on XNLI; helps where there are "
        "few training pairs",
    )
    add("--name", default="imported", help="of the model, in the report")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    benchmarks = named_benchmarks(parser, args, TRAININGS)
    if args.pawsx_from_xnli and not args.xnli:
        parser.error("--pawsx-from-xnli needs --xnli")
    out = args.out.resolve()
    encoder = args.encoder.resolve()
    study = Study(out, encoder, args.name, benchmarks, args.seeds, args.pawsx_from_xnli)
    run_pipeline(study.stages(), out, jobs=args.jobs)
    print((out / "report.md").read_text())


if __name__ == "__main__":
    main()
