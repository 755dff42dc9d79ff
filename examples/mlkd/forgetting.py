"""What stage 2 does to the languages it does not see, and what unlabelled text mends.

    python examples/mlkd/forgetting.py OUT ENCODER --text en=FILE,FILE fr=FILE \\
        --multiatis DIR --wikiann DIR --seeds 1 2 3

One student of the encoder, distilled on the text, learns each benchmark in English: by
its labels alone, from a fine-tuned teacher, too (stage 2), and from what that teacher
says about unlabelled sentences of other languages as well. OUT/table.md is written
after each seed. Run again, it continues where it stopped.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import imported
from pipeline import Stage, run_pipeline
from students import BEST, STAGE_1, Sources, named_sources, source_parser
from study import Benchmark, Training, add_benchmarks, named_benchmarks

from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.report.pages import describe_examples, describe_seeds
from fairseq_mlkd.report.tables import Table, summarise

TEACHER, LABELS, STAGE_2, MIXED = (
    "teacher", "fine-tuned", "stage 2", "stage 2 + unlabelled",
)  # fmt: skip
ARMS = (LABELS, STAGE_2, MIXED)
HEADS, HEAD_MAP = 12, "auto"  # of the student; one to one
# a distilled student's attention term is then of the size of its hidden term
ATTENTION_WEIGHT = 0.02

# every validation but the last would be of no use
FEW = [*BEST, "--max-valid-steps", "20"]
WINDOWS = ["--long-inputs", "window", "--max-tokens", "4096"]
TRAININGS = {
    "multiatis": Training(400, 4e-4, 32, warmup=40, options=FEW),
    "wikiann": Training(250, 4e-4, 32, warmup=25, options=[*FEW, *WINDOWS]),
}
# Wikiann's official test files are large: dev files will do
SUBSETS = {"multiatis": "test", "wikiann": "test.en,valid.de,valid.fr,valid.hi"}


class Study(NamedTuple):
    """One student on several benchmarks, in several ways."""

    sources: Sources
    benchmarks: Sequence[Benchmark]
    arms: Sequence[str] = ARMS
    teachers: dict[str, Path] = {}  # benchmark -> fine-tuned before
    student: Path | None = None  # distilled before
    scale: float = 1.0

    def stages(self, seeds: Sequence[int]) -> list[Stage]:
        """Return all commands, seed after seed."""
        sources = self.sources
        found = sources.stages(self.benchmarks)
        if self.student is None:
            training = STAGE_1.scaled(self.scale)
            found.append(sources.distil("student", HEADS, HEAD_MAP, 1, training))
        for b in self.benchmarks:
            found += self._teacher(b)
        for seed in seeds:
            for b in self.benchmarks:
                for arm in self.arms:
                    found += self._arm(b, arm, seed)
        return found

    def _teacher(self, b: Benchmark) -> list[Stage]:
        sources, found = self.sources, []
        if b.name not in self.teachers:
            training = imported.TRAININGS[b.name].scaled(self.scale)
            longer = b._replace(training=training)
            found.append(sources.finetune(longer, TEACHER, 1, sources.teacher, []))
        path, needs = self._taught(b), [stage.name for stage in found]
        subsets = SUBSETS[b.name]
        return [*found, sources.test(b, TEACHER, 1, path, needs, subsets)]

    def _arm(self, b: Benchmark, arm: str, seed: int) -> list[Stage]:
        sources, needs = self.sources, []
        student = self.student or sources.distilled("student", 1)
        if self.student is None:
            needs.append("distil student, seed 1")
        criterion: list[object] = ["task_cross_entropy"]
        if arm != LABELS:
            criterion = ["tinybert", "--teacher-path", self._taught(b)]
            # fine-tuning leaves the embeddings as they are
            criterion += ["--embedding-weight", 0]
            criterion += [
                "--head-map",
                HEAD_MAP,
                "--attention-weight",
                ATTENTION_WEIGHT,
            ]
            needs.append(f"test {TEACHER} on {b.name}, seed 1")
        if arm == MIXED:
            criterion += ["--unlabelled-data", sources.out / "corpus"]
            needs.append("corpus")
        tune = sources.finetune(b, arm, seed, student, needs, criterion)
        path, subsets = sources.finetuned(b, arm, seed), SUBSETS[b.name]
        return [tune, sources.test(b, arm, seed, path, [tune.name], subsets)]

    def _taught(self, b: Benchmark) -> Path:
        return self.teachers.get(b.name) or self.sources.finetuned(b, TEACHER, 1)

    def table(self, benchmark: Benchmark, seeds: Sequence[int]) -> str:
        """Write a row per arm: English, the other languages, their mean, the gap."""
        scores = self.sources.tables(benchmark, seeds)[0]
        rows = [["", *scores.langs, "zero-shot mean", "gap"]]
        for arm in (TEACHER, *self.arms):
            row = [arm, *(str(scores.score(arm, lang)) for lang in scores.langs)]
            row.append(str(scores.zero_shot(arm)))
            gaps = [
                _mean(one, arm, "en") - _mean(one, arm)
                for one in self._by_seed(benchmark, scores.seeds(arm))
            ]
            rows.append([*row, str(summarise(gaps))])
        notes = [describe_seeds(scores), describe_examples(scores)]
        notes.append("Gap: English minus the mean of the other languages.")
        notes += won_back(scores)
        title = f"## {scores.name}: {scores.metric}, in percent"
        return f"{title}\n\n{align(rows)}\n\n" + "  \n".join(notes) + "\n"

    def _by_seed(self, benchmark: Benchmark, seeds: Sequence[int]) -> list[Table]:
        return [self.sources.tables(benchmark, [seed])[0] for seed in seeds]


def won_back(scores: Table) -> list[str]:
    """Say what stage 2 costs the other languages, and how much comes back."""
    if not set(ARMS) <= set(scores.models):
        return []
    means = [_mean(scores, arm) for arm in ARMS]
    gaps = [_mean(scores, arm, "en") - mean for arm, mean in zip(ARMS, means)]
    return [
        _compare("The mean of the other languages", means, cost=means[0] - means[1]),
        _compare("The gap", gaps, cost=gaps[1] - gaps[0]),
    ]


def _compare(what: str, values: Sequence[float], *, cost: float) -> str:
    labels, stage_2, mixed = values
    line = (
        f"{what}: {labels:.2f} {LABELS}, {stage_2:.2f} with stage 2, {mixed:.2f} with "
        "unlabelled sentences too"
    )
    if cost <= 0:
        return f"{line}; stage 2 costs nothing here."
    better = (mixed > stage_2) == (labels > stage_2)
    share = abs(mixed - stage_2) / cost
    if better and share > 1:
        return f"{line}, which undo more than what it costs."
    return f"{line}, which {'undo' if better else 'add'} {share:.0%} of what it costs."


def _mean(scores: Table, arm: str, lang: str | None = None) -> float:
    """Average over seeds: in one language, or the zero-shot average."""
    score = scores.zero_shot(arm) if lang is None else scores.score(arm, lang)
    assert score is not None, arm
    return score.mean


def main() -> None:
    parser = source_parser(__doc__)
    add = parser.add_argument
    add_benchmarks(parser, TRAININGS)
    add("--arms", nargs="+", choices=ARMS, default=ARMS, help="default: all")
    add("--distilled", type=Path, help="take this student, as heads.py makes one")
    for name in TRAININGS:
        add(f"--{name}-teacher", type=Path, help="take this fine-tuned teacher")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    teachers = {name: getattr(args, f"{name}_teacher") for name in TRAININGS}
    study = Study(
        named_sources(args),
        named_benchmarks(parser, args, TRAININGS),
        args.arms,
        {name: path.resolve() for name, path in teachers.items() if path},
        args.distilled.resolve() if args.distilled else None,
        args.scale,
    )
    for done in range(1, len(args.seeds) + 1):
        seeds = args.seeds[:done]
        run_pipeline(study.stages(seeds), study.sources.out, jobs=args.jobs)
        text = "\n".join(study.table(b, seeds) for b in study.benchmarks)
        (study.sources.out / "table.md").write_text(text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
