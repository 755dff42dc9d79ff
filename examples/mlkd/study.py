"""The paper's argument as commands: pretrain, distil, tune on English, test on all.

A study is a list of stages; each is a command that could be pasted into a shell.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline import Stage

from fairseq_mlkd.cli.command import make_parser
from fairseq_mlkd.prepare.labelled import READERS

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CORPUS, BENCHMARK = (ROOT / "preprocess" / f"{x}.py" for x in ("corpus", "benchmark"))
TEACHER, VANILLA, DISTILLED = "teacher", "vanilla student", "distilled student"


class Training(NamedTuple):
    """How long and how fast one model is trained."""

    updates: int
    lr: float
    batch_size: int
    warmup: int
    options: Sequence[str] = ()  # more of fairseq-train

    def scaled(self, factor: float) -> "Training":
        """Return it with that many times the updates."""
        updates, warmup = (
            max(1, round(number * factor)) for number in (self.updates, self.warmup)
        )
        return self._replace(updates=updates, warmup=warmup)


class Benchmark(NamedTuple):
    """A labelled set: its official files, and how models are fine-tuned on it."""

    name: str
    folder: Path
    training: Training
    options: Sequence[str] = ()  # of preprocess/benchmark.py

    @property
    def task(self) -> str:
        return READERS[self.name].task

    @property
    def arch(self) -> str:
        """One that takes the shape of the encoder."""
        is_parsing = self.task == "zero_shot_parsing"
        return "pointer_generator_pretrained" if is_parsing else "pretrained"

    def trained_on(self, train: Path | None) -> "Benchmark":
        """Return it with this English training file, if there is one.

        If it is the folder's own dev file, a tenth of it is held out.
        """
        if train is None:
            return self
        options = ["--train", str(train.resolve())]
        if train.resolve().parent == self.folder:
            options += ["--valid-fraction", "0.1"]
        return self._replace(options=[*self.options, *options])


def study_parser(description: str | None, *, jobs: int = 2) -> ArgumentParser:
    """Return a parser of what every study is told: folder, seeds, number of jobs."""
    parser = make_parser(Path(sys.argv[0]).name, description)
    add = parser.add_argument
    add("out", type=Path, help="folder for everything the study makes")
    add("--seeds", type=int, nargs="+", default=[1], help="of fine-tuning")
    add("--jobs", type=int, default=jobs, help="commands at a time")
    return parser


def add_benchmarks(parser: ArgumentParser, trainings: Mapping[str, Training]) -> None:
    """Add options that name each benchmark's files, and how long it is trained on."""
    add = parser.add_argument
    for name in trainings:
        add(f"--{name}", type=Path, metavar="DIR", help="folder of its official files")
        add(f"--{name}-train", type=Path, metavar="FILE", help="its training file")
    add("--scale", type=float, default=1.0, help="multiplies all numbers of updates")


def named_benchmarks(
    parser: ArgumentParser, args: Namespace, trainings: Mapping[str, Training]
) -> list[Benchmark]:
    """Return the benchmarks whose folders the options name; none is an error."""
    named = {name: getattr(args, name) for name in trainings if getattr(args, name)}
    if not named:
        example = next(iter(trainings))
        parser.error(f"name at least one benchmark's folder, such as --{example} DIR")
    return [
        Benchmark(
            name, folder.resolve(), trainings[name].scaled(args.scale)
        ).trained_on(getattr(args, f"{name}_train"))
        for name, folder in named.items()
    ]


class Study(NamedTuple):
    """Everything that one study depends on."""

    out: Path
    text: dict[str, list[Path]]  # language -> files
    corpus_options: Sequence[str]
    teacher_arch: Sequence[str]
    student_arch: Sequence[str]
    pretraining: dict[str, Training]  # model -> training
    benchmarks: Sequence[Benchmark]
    seeds: Sequence[int] = (1,)
    distillation: Sequence[str] = ()  # options of the tinybert criterion
    stage_2: bool = False  # also fine-tune the students with the fine-tuned teacher

    def stages(self) -> list[Stage]:
        """Return all commands, in an order that can be run one by one."""
        stages = [self._corpus()]
        stages += [self._benchmark(b) for b in self.benchmarks]
        stages += [self._pretrain(model) for model in self.pretraining]
        stages += [self._perplexity(model) for model in self.pretraining]
        for benchmark, model, seed in self._runs():
            stages += self._finetune(benchmark, model, seed)
        measured = [s.name for s in stages if s.name.startswith("test")]
        return [*stages, self._report(measured)]

    def _runs(self) -> list[tuple[Benchmark, str, int]]:
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
        out = self.out / "corpus"
        command = [sys.executable, CORPUS, out, *files, *self.corpus_options]
        return Stage("corpus", words(command))

    def _benchmark(self, benchmark: Benchmark) -> Stage:
        command = prepare(benchmark, self.out / benchmark.name, self.out / "corpus")
        return Stage(benchmark.name, words(command), ["corpus"])

    def _pretrain(self, model: str) -> Stage:
        training = self.pretraining[model]
        arch = self.teacher_arch if model == TEACHER else self.student_arch
        criterion, needs = ["task_cross_entropy"], ["corpus"]
        if model == DISTILLED:
            teacher = ["--teacher-path", self._pretrained(TEACHER)]
            criterion = ["tinybert", *teacher, *self.distillation]
            needs = [_pretrain_name(TEACHER)]
        command = [
            *train(self.out / "corpus", "multilingual_mlm", arch, training),
            "--criterion", *criterion, "--seed", self.seeds[0],
            "--weight-decay", 0.01, "--adam-betas", "(0.9, 0.98)",
            "--save-dir", self._pretrained(model).parent,
        ]  # fmt: skip
        return Stage(_pretrain_name(model), words(command), needs, training.updates)

    def _perplexity(self, model: str) -> Stage:
        name = f"test {model} on the corpus"
        command = validate(
            self.out / "corpus", "multilingual_mlm", self._pretrained(model)
        )
        results = ["--results", self._results(name), "--model-name", model]
        return Stage(name, words([*command, *results]), [_pretrain_name(model)])

    def _finetune(self, benchmark: Benchmark, model: str, seed: int) -> list[Stage]:
        """Train on the source language, then test on every language."""
        ways = {model: (["task_cross_entropy"], [])}
        if self.stage_2 and model != TEACHER:
            teacher = self._finetuned(benchmark, TEACHER, seed)
            ways[f"{model} (ft-distill)"] = (
                ["tinybert", "--teacher-path", teacher, *self.distillation],
                [f"fine-tune {TEACHER} on {benchmark.name}, seed {seed}"],
            )
        stages = []
        for name, (criterion, needs) in ways.items():
            needs = [benchmark.name, _pretrain_name(model), *needs]
            path = self._finetuned(benchmark, name, seed)
            command = [
                *finetune(benchmark, self.out / benchmark.name),
                "--encoder-path", self._pretrained(model), "--seed", seed,
                "--criterion", *criterion, "--save-dir", path.parent,
            ]  # fmt: skip
            run = f"{name} on {benchmark.name}, seed {seed}"
            updates = benchmark.training.updates
            stages += [
                Stage(f"fine-tune {run}", words(command), needs, updates),
                self._test(benchmark, name, path, run),
            ]
        return stages

    def _test(
        self, benchmark: Benchmark, model: str, checkpoint: Path, run: str
    ) -> Stage:
        name = f"test {run}"
        command = [
            *validate(self.out / benchmark.name, benchmark.task, checkpoint, "test"),
            "--results", self._results(name), "--model-name", model,
        ]  # fmt: skip
        return Stage(name, words(command), [f"fine-tune {run}"])

    def _report(self, needs: Sequence[str]) -> Stage:
        """Write the report in the order of the study, not that of the tests' ends."""
        results = [self._results(name) for name in needs]
        return Stage("report", words(report(results, self.out, TEACHER)), needs)

    def _pretrained(self, model: str) -> Path:
        return self.out / "pretrained" / _slug(model) / "checkpoint_last.pt"

    def _finetuned(self, benchmark: Benchmark, model: str, seed: int) -> Path:
        folder = self.out / "finetuned" / benchmark.name / f"{_slug(model)}-seed{seed}"
        return folder / "checkpoint_best.pt"

    def _results(self, test: str) -> Path:
        return self.out / "results" / f"{_slug(test)}.jsonl"


def prepare(benchmark: Benchmark, data: Path, tokenizer: Path) -> list[object]:
    """Return the command that makes binary data of official files."""
    return [
        sys.executable, BENCHMARK, benchmark.name, benchmark.folder, data,
        "--tokenizer", tokenizer, *benchmark.options,
    ]  # fmt: skip


def train(
    data: Path, task: str, arch: Sequence[str], training: Training
) -> list[object]:
    """Return the command that trains one model."""
    return [
        BIN / "fairseq-train", data, *_plugin(task), "--arch", *arch,
        "--optimizer", "fused_adamw", "--lr", training.lr, "--clip-norm", 1.0,
        "--lr-scheduler", "polynomial_decay", "--warmup-updates", training.warmup,
        "--total-num-update", training.updates, "--max-update", training.updates,
        "--batch-size", training.batch_size,
        "--no-epoch-checkpoints", "--keep-interval-updates", 1,
        "--save-interval-updates", max(1, training.updates // 5),
        "--log-format", "simple", "--log-interval", 25, *training.options,
    ]  # fmt: skip


def finetune(benchmark: Benchmark, data: Path) -> list[object]:
    """Return the command that fine-tunes an encoder, selected on one language."""
    return [
        *train(data, benchmark.task, [benchmark.arch], benchmark.training),
        "--best-checkpoint-metric", READERS[benchmark.name].metric,
        "--maximize-best-checkpoint-metric",
    ]  # fmt: skip


def validate(
    data: Path, task: str, checkpoint: Path, subset: str = "valid"
) -> list[object]:
    """Return the command that scores a checkpoint on each language of a subset."""
    return [
        BIN / "fairseq-validate", data, *_plugin(task), "--valid-subset", subset,
        "--path", checkpoint, "--batch-size", 64,
    ]  # fmt: skip


def report(
    results: Sequence[Path], out: Path, teacher: str | None = None
) -> list[object]:
    """Return the command that makes tables and a picture of result lines."""
    named = ["--teacher", teacher] if teacher else []
    return [BIN / "mlkd-report", *results, "--output", out, *named]


def words(command: Sequence[object]) -> list[str]:
    """Return a command as the words of a shell."""
    return [str(word) for word in command]


def _plugin(task: str) -> list[object]:
    return [
        "--user-dir", ROOT / "fairseq_mlkd", "--task", task, "--num-workers", 0,
    ]  # fmt: skip


def _pretrain_name(model: str) -> str:
    return f"distil {model}" if model == DISTILLED else f"pretrain {model}"


def _slug(model: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in model)
