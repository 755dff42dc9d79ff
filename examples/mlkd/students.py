"""What the studies of students share: layers of an imported encoder, distilled on text.

A student starts from layers of the encoder, learns from it on text (stage 1), is
fine-tuned on English and tested on other languages.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipeline import Stage
from study import (
    BIN,
    CORPUS,
    Benchmark,
    Training,
    finetune,
    prepare,
    study_parser,
    train,
    validate,
    words,
)

from fairseq_mlkd.metrics.results import latest_results, read_results
from fairseq_mlkd.report.tables import Table, make_tables

STUDENT = (
    "lean_bert --encoder-embed-dim 384 --encoder-ffn-embed-dim 1536 --init-std 0.028"
)
# one validation and one checkpoint, at the end
ONCE = ["--save-interval-updates", "0", "--no-save-optimizer-state"]
BEST = [*ONCE, "--no-last-checkpoints"]
STAGE_1 = Training(100, 2e-4, 32, warmup=10, options=ONCE)
# such that the attention term is of the size of the hidden term in the first updates
ATTENTION_WEIGHTS = {
    "auto": 0.005,
    "mean": 0.05,
    "linear": 0.001,
    "relation": 0.08,
    "none": 0.0,
}


class Sources(NamedTuple):
    """What the students of one study are made from, and where all of it goes."""

    out: Path
    encoder: Path  # to import
    text: Sequence[str]  # LANG=FILE[,FILE...]
    student: Sequence[str]  # architecture and shape, of the encoder's width

    def stages(self, benchmarks: Sequence[Benchmark]) -> list[Stage]:
        """Import the encoder, then write all data with its tokenizer."""
        encoder, corpus = self.out / "encoder", self.out / "corpus"
        command = [
            sys.executable, CORPUS, corpus, *self.text, "--codes-from", encoder,
            "--max-characters", 160, "--valid", 100,
        ]  # fmt: skip
        return [
            Stage("import", words([BIN / "mlkd-import", self.encoder, encoder])),
            Stage("corpus", words(command), ["import"]),
            *(
                Stage(b.name, words(prepare(b, self.out / b.name, encoder)), ["import"])
                for b in benchmarks
            ),
        ]

    @property
    def teacher(self) -> Path:
        return self.out / "encoder" / "model.pt"

    def distil(
        self, name: str, heads: int, head_map: str, seed: int, training: Training
    ) -> Stage:
        """Distil a student `name` that starts from the encoder's layers (stage 1)."""
        command = [
            *train(self.out / "corpus", "multilingual_mlm", self.student, training),
            "--encoder-attention-heads", heads, "--encoder-path", self.teacher,
            "--encoder-path-layers", "uniform", "--criterion", "tinybert",
            "--teacher-path", self.teacher, "--ce-weight", 0, "--logits-weight", 0,
            "--head-map", head_map, "--attention-weight", ATTENTION_WEIGHTS[head_map],
            "--valid-distillation", "--seed", seed,
            "--save-dir", self.distilled(name, seed).parent,
        ]  # fmt: skip
        stage = f"distil {name}, seed {seed}"
        return Stage(stage, words(command), ["corpus"], training.updates)

    def distilled(self, name: str, seed: int) -> Path:
        return self._folder("distilled", name, seed) / "checkpoint_last.pt"

    def finetune(
        self,
        benchmark: Benchmark,
        name: str,
        seed: int,
        encoder: Path,
        needs: Sequence[str],
        criterion: Sequence[object] = ("task_cross_entropy",),
    ) -> Stage:
        """Train on English."""
        command = [
            *finetune(benchmark, self.out / benchmark.name),
            "--encoder-path", encoder, "--seed", seed, "--criterion", *criterion,
            "--save-dir", self.finetuned(benchmark, name, seed).parent,
        ]  # fmt: skip
        stage = f"fine-tune {name} on {benchmark.name}, seed {seed}"
        updates = benchmark.training.updates
        return Stage(stage, words(command), [benchmark.name, *needs], updates)

    def finetuned(self, benchmark: Benchmark, name: str, seed: int) -> Path:
        return self._folder(benchmark.name, name, seed) / "checkpoint_best.pt"

    def test(
        self,
        benchmark: Benchmark,
        name: str,
        seed: int,
        checkpoint: Path,
        needs: Sequence[str],
        subsets: str = "test",
    ) -> Stage:
        """Score a fine-tuned model in each language."""
        data, task = self.out / benchmark.name, benchmark.task
        results = self._folder("results", f"{name} on {benchmark.name}", seed)
        command = [
            *validate(data, task, checkpoint, subsets), "--max-tokens", 8192,
            "--seed", seed, "--model-name", name,
            "--results", results.with_suffix(".jsonl"),
        ]  # fmt: skip
        stage = f"test {name} on {benchmark.name}, seed {seed}"
        return Stage(stage, words(command), [benchmark.name, *needs])

    def tables(self, benchmark: Benchmark, seeds: Sequence[int]) -> list[Table]:
        """Return the results of one benchmark, a table a metric.

        A language counts with the split that it was tested on.
        """
        paths = sorted(map(str, (self.out / "results").glob("*.jsonl")))
        results = [
            replace(result, split="held-out")
            for result in latest_results(read_results(paths))
            if result.dataset == benchmark.name and result.seed in seeds
        ]
        return make_tables(results, "en")

    def _folder(self, kind: str, name: str, seed: int) -> Path:
        slug = "".join(c if c.isalnum() else "_" for c in name)
        return self.out / kind / f"{slug}-seed{seed}"


def source_parser(description: str | None) -> argparse.ArgumentParser:
    """Return that of a study, and what its students are made from."""
    parser = study_parser(description, jobs=1)
    add = parser.add_argument
    add("encoder", type=Path, help="encoder to import: teacher and start of students")
    add("--text", nargs="+", required=True, metavar="LANG=FILE[,FILE...]")
    add(
        "--student", default=STUDENT, help="its --arch and shape (default: %(default)s)"
    )
    return parser


def named_sources(args: argparse.Namespace) -> Sources:
    student = shlex.split(args.student)
    return Sources(args.out.resolve(), args.encoder.resolve(), args.text, student)
