"""The paper's argument as commands: pretrain, distil, tune on English, test on all.

A study is a list of stages; each is a command that could be pasted into a shell.
"""

import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

from pipeline import Stage

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TEACHER, VANILLA, DISTILLED = "teacher", "vanilla student", "distilled student"


class Training(NamedTuple):
    """How long and how fast one model is trained."""

    updates: int
    lr: float
    batch_size: int
    warmup: int
    options: Sequence[str] = ()  # more of fairseq-train


class Benchmark(NamedTuple):
    """A labelled set: its official files, and how models are fine-tuned on it."""

    name: str
    folder: Path
    training: Training
    options: Sequence[str] = ()  # of preprocess/benchmark.py


class Study(NamedTuple):
    """Everything that one study depends on."""

    out: Path
    text: Dict[str, List[Path]]  # language -> files
    corpus_options: Sequence[str]
    teacher_arch: Sequence[str]
    student_arch: Sequence[str]
    pretraining: Dict[str, Training]  # model -> training
    benchmarks: Sequence[Benchmark]
    seeds: Sequence[int] = (1,)
    distillation: Sequence[str] = ()  # options of the tinybert criterion
    stage_2: bool = False  # also fine-tune the students with the fine-tuned teacher

    def stages(self) -> List[Stage]:
        """All commands, in an order that can be run one by one."""
        stages = [self._corpus()]
        stages += [self._benchmark(b) for b in self.benchmarks]
        stages += [self._pretrain(model) for model in self.pretraining]
        stages += [self._perplexity(model) for model in self.pretraining]
        for benchmark, model, seed in self._runs():
            stages += self._finetune(benchmark, model, seed)
        measured = [s.name for s in stages if s.name.startswith("test")]
        return [*stages, self._report(measured)]

    def _runs(self) -> List[Tuple[Benchmark, str, int]]:
        return [
            (b, m, s)
            for b in self.benchmarks
            for m in self.pretraining
            for s in self.seeds
        ]

    def _corpus(self) -> Stage:
        files = [
            f"{lang}={','.join(map(str, paths))}" for lang, paths in self.text.items()
        ]
        script = ROOT / "preprocess" / "corpus.py"
        command = [
            sys.executable,
            script,
            self.out / "corpus",
            *files,
            *self.corpus_options,
        ]
        return Stage("corpus", _words(command))

    def _benchmark(self, benchmark: Benchmark) -> Stage:
        script = ROOT / "preprocess" / "benchmark.py"
        data = self.out / benchmark.name
        tokenizer = ["--tokenizer", self.out / "corpus"]
        command = [
            sys.executable, script, benchmark.name, benchmark.folder, data,
            *tokenizer, *benchmark.options,
        ]  # fmt: skip
        return Stage(benchmark.name, _words(command), ["corpus"])

    def _pretrain(self, model: str) -> Stage:
        training = self.pretraining[model]
        criterion, needs = ["task_cross_entropy"], ["corpus"]
        if model == DISTILLED:
            teacher = ["--teacher-path", self._pretrained(TEACHER)]
            criterion = ["tinybert", *teacher, *self.distillation]
            needs = [_pretrain_name(TEACHER)]
        command = [
            *self._train("corpus", "multilingual_mlm", model, training, self.seeds[0]),
            "--criterion", *criterion,
            "--weight-decay", 0.01, "--adam-betas", "(0.9, 0.98)",
            "--save-dir", self._pretrained(model).parent,
        ]  # fmt: skip
        return Stage(_pretrain_name(model), _words(command), needs, training.updates)

    def _perplexity(self, model: str) -> Stage:
        return self._test(
            f"{model} on the corpus",
            [
                self.out / "corpus",
                *_plugin("multilingual_mlm"),
                "--valid-subset",
                "valid",
            ],
            model,
            self._pretrained(model),
            _pretrain_name(model),
        )

    def _finetune(self, benchmark: Benchmark, model: str, seed: int) -> List[Stage]:
        """Train on the source language, then test on every language."""
        task, training = "zero_shot_classification", benchmark.training
        plain = self._finetuned(benchmark, model, seed)
        train = [
            *self._train(benchmark.name, task, model, training, seed),
            "--encoder-path", self._pretrained(model),
            "--best-checkpoint-metric", "accuracy", "--maximize-best-checkpoint-metric",
        ]  # fmt: skip
        ways = {model: (plain, ["task_cross_entropy"], [])}
        if self.stage_2 and model != TEACHER:
            teacher = self._finetuned(benchmark, TEACHER, seed)
            name = f"{model} (ft-distill)"
            ways[name] = (
                self._finetuned(benchmark, name, seed),
                ["tinybert", "--teacher-path", teacher, *self.distillation],
                [f"fine-tune {TEACHER} on {benchmark.name}, seed {seed}"],
            )
        stages = []
        for name, (path, criterion, needs) in ways.items():
            run = f"{name} on {benchmark.name}, seed {seed}"
            command = [*train, "--criterion", *criterion, "--save-dir", path.parent]
            needs = [benchmark.name, _pretrain_name(model), *needs]
            data = [self.out / benchmark.name, *_plugin(task), "--valid-subset", "test"]
            stages += [
                Stage(f"fine-tune {run}", _words(command), needs, training.updates),
                self._test(run, data, name, path, f"fine-tune {run}"),
            ]
        return stages

    def _report(self, needs: Sequence[str]) -> Stage:
        """In the order of the study, not in that in which the tests ended."""
        results = [self._results(name) for name in needs]
        command = [BIN / "mlkd-report", *results, "--output", self.out]
        return Stage("report", _words([*command, "--teacher", TEACHER]), needs)

    def _train(
        self, data: str, task: str, model: str, training: Training, seed: int
    ) -> List[object]:
        arch = self.teacher_arch if model == TEACHER else self.student_arch
        return [
            BIN / "fairseq-train", self.out / data, *_plugin(task), "--arch", *arch,
            "--optimizer", "fused_adamw", "--lr", training.lr, "--clip-norm", 1.0,
            "--lr-scheduler", "polynomial_decay", "--warmup-updates", training.warmup,
            "--total-num-update", training.updates, "--max-update", training.updates,
            "--batch-size", training.batch_size, "--seed", seed,
            "--no-epoch-checkpoints", "--keep-interval-updates", 1,
            "--save-interval-updates", max(1, training.updates // 5),
            "--log-format", "simple", "--log-interval", 25, *training.options,
        ]  # fmt: skip

    def _test(
        self, run: str, data: List[object], model: str, checkpoint: Path, needs: str
    ) -> Stage:
        name = f"test {run}"
        command = [
            BIN / "fairseq-validate", *data, "--path", checkpoint, "--batch-size", 64,
            "--results", self._results(name), "--model-name", model,
        ]  # fmt: skip
        return Stage(name, _words(command), [needs])

    def _pretrained(self, model: str) -> Path:
        return self.out / "pretrained" / _slug(model) / "checkpoint_last.pt"

    def _finetuned(self, benchmark: Benchmark, model: str, seed: int) -> Path:
        folder = self.out / "finetuned" / benchmark.name / f"{_slug(model)}-seed{seed}"
        return folder / "checkpoint_best.pt"

    def _results(self, test: str) -> Path:
        return self.out / "results" / f"{_slug(test)}.jsonl"


def _plugin(task: str) -> List[object]:
    return [
        "--user-dir", ROOT / "fairseq_mlkd", "--task", task, "--num-workers", 0,
    ]  # fmt: skip


def _pretrain_name(model: str) -> str:
    return f"distil {model}" if model == DISTILLED else f"pretrain {model}"


def _slug(model: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in model)


def _words(command: Sequence[object]) -> List[str]:
    return [str(word) for word in command]
