"""The recipes as lists of commands, and the demo's pipeline in miniature."""

import shlex
import signal
import sys
from pathlib import Path

import pytest
from demo import LANGS, demo
from fairseq.models import ARCH_MODEL_REGISTRY
from fairseq.tasks import TASK_REGISTRY
from pipeline import Stage, run_pipeline
from scripts import EXAMPLES
from study import DISTILLED, READERS, TEACHER, VANILLA, Benchmark, Study, Training
from tiny import STUDENT as STUDENT_SHAPE
from tiny import TEACHER as TEACHER_SHAPE
from tiny import shape_flags

from fairseq_mlkd.metrics.results import read_results

MODELS = [TEACHER, VANILLA, DISTILLED]
BENCHMARKS = ["xnli", "pawsx", "wikiann", "multiatis", "mtop"]
OUT, WORLD = Path("/an out"), Path("/a world")


def studies() -> dict[str, Study]:
    study = demo(OUT, WORLD)
    return {
        "demo": study,
        "two seeds": study._replace(seeds=(1, 2)),
        "stage 2": study._replace(stage_2=True),
        "no distillation": study._replace(pretraining={VANILLA: Training(9, 1, 1, 1)}),
    }


every_study = pytest.mark.parametrize("study", studies().values(), ids=studies())


def by_name(study: Study) -> dict[str, Stage]:
    return {stage.name: stage for stage in study.stages()}


def value(stage: Stage, flag: str) -> str:
    assert list(stage.command).count(flag) == 1, (flag, stage.command)
    return stage.command[list(stage.command).index(flag) + 1]


# --- any study


@every_study
def test_needs_come_before_and_names_are_unique(study):
    seen: list[str] = []
    for stage in study.stages():
        assert set(stage.needs) <= set(seen), stage.name
        assert stage.name not in seen
        seen.append(stage.name)


@every_study
def test_log_and_marker_are_files_of_their_own(study):
    stages = study.stages()
    for paths in ([s.log(OUT) for s in stages], [s.marker(OUT) for s in stages]):
        assert len(set(paths)) == len(stages)
        assert not any(" " in path.name for path in paths)


@every_study
def test_commands_are_words_and_can_be_pasted(study):
    for stage in study.stages():
        assert all(isinstance(word, str) for word in stage.command)
        assert shlex.split(shlex.join(stage.command)) == stage.command


@every_study
def test_a_checkpoint_is_read_after_it_was_written(study):
    written: dict[str, str] = {}  # folder -> stage
    stages = by_name(study)
    for name, stage in stages.items():
        for flag in ("--teacher-path", "--encoder-path", "--path"):
            if flag in stage.command:
                assert written[str(Path(value(stage, flag)).parent)] in stage.needs
        if "--save-dir" in stage.command:
            assert value(stage, "--save-dir") not in written
            written[value(stage, "--save-dir")] = name
    assert list(stages)[-1] == "report"
    assert set(stages["report"].needs) == {n for n in stages if n.startswith("test ")}


# --- the paper's argument


def test_the_demo_has_five_benchmarks_and_three_models():
    stages = by_name(demo(OUT, WORLD))
    expected = {"corpus", *BENCHMARKS, "report"}
    expected |= {"pretrain teacher", "pretrain vanilla student"}
    expected |= {"distil distilled student"}
    expected |= {f"test {model} on the corpus" for model in MODELS}
    for benchmark in BENCHMARKS:
        runs = [f"{model} on {benchmark}, seed 1" for model in MODELS]
        expected |= {f"{verb} {run}" for run in runs for verb in ("fine-tune", "test")}
    assert set(stages) == expected
    texts = [word for word in stages["corpus"].command if "=" in word]
    assert texts == [f"{lang}={WORLD}/text/{lang}.txt" for lang in LANGS]


def test_only_the_distilled_student_has_a_teacher():
    stages = by_name(demo(OUT, WORLD))
    for model in (TEACHER, VANILLA):
        command = stages[f"pretrain {model}"].command
        assert "task_cross_entropy" in command and "--teacher-path" not in command
    distil = stages["distil distilled student"]
    assert list(distil.needs) == ["pretrain teacher"]
    assert value(distil, "--criterion") == "tinybert"
    vanilla = stages["pretrain vanilla student"]
    for flag in ("--arch", "--lr", "--max-update", "--batch-size", "--seed"):
        assert value(distil, flag) == value(vanilla, flag)
    assert value(distil, "--arch") != value(stages["pretrain teacher"], "--arch")


def test_models_are_selected_on_the_source_language_alone():
    metrics = dict(zip(BENCHMARKS, ["accuracy"] * 2 + ["f1"] + ["exact_match"] * 2))
    for name, stage in by_name(demo(OUT, WORLD)).items():
        if name.startswith("fine-tune"):
            benchmark = name.split(" on ")[1].split(",")[0]
            assert value(stage, "--best-checkpoint-metric") == metrics[benchmark]
            assert "--valid-subset" not in stage.command  # `valid`: the source language
        elif name.startswith("test") and "corpus" not in name:
            assert value(stage, "--valid-subset") == "test"


@pytest.mark.parametrize("name", READERS)
def test_tasks_and_architectures_are_registered(name):
    benchmark = Benchmark(name, OUT, Training(1, 1e-3, 1, 1))
    assert benchmark.task in TASK_REGISTRY
    assert benchmark.arch in ARCH_MODEL_REGISTRY


def test_stage_2_adds_students_with_the_fine_tuned_teacher():
    plain = by_name(demo(OUT, WORLD))
    stages = by_name(demo(OUT, WORLD)._replace(stage_2=True))
    students = [f"{model} (ft-distill)" for model in (VANILLA, DISTILLED)]
    runs = [f"{m} on {b}, seed 1" for m in students for b in BENCHMARKS]
    added = {f"{verb} {run}" for run in runs for verb in ("fine-tune", "test")}
    assert set(stages) - set(plain) == added
    for benchmark in BENCHMARKS:
        teacher = f"fine-tune teacher on {benchmark}, seed 1"
        for model, student in zip((VANILLA, DISTILLED), students):
            run = f"{student} on {benchmark}, seed 1"
            tune = stages[f"fine-tune {run}"]
            assert teacher in tune.needs
            path = Path(value(tune, "--teacher-path"))
            assert str(path.parent) == value(stages[teacher], "--save-dir")
            assert value(tune, "--criterion") == "tinybert"
            same = stages[f"fine-tune {model} on {benchmark}, seed 1"]
            assert value(tune, "--encoder-path") == value(same, "--encoder-path")
            assert value(stages[f"test {run}"], "--model-name") == student


def test_each_seed_is_a_fine_tuning_of_its_own():
    study = demo(OUT, WORLD)._replace(seeds=(1, 2))
    stages = by_name(study)
    tunings = {n: s for n, s in stages.items() if n.startswith("fine-tune")}
    assert len(tunings) == 2 * len(MODELS) * len(BENCHMARKS)
    for name, stage in tunings.items():
        assert name.endswith(f"seed {value(stage, '--seed')}")
    assert {value(stages[f"pretrain {TEACHER}"], "--seed")} == {"1"}


# --- end to end


def miniature(out: Path) -> list[Stage]:
    """Return the demo's stages, with a smaller world and smaller models."""
    world, training = out / "world", Training(6, 1e-3, 8, 1)
    study = demo(out, world)
    study = study._replace(
        corpus_options=["--codes", "200", "--valid", "10"],
        teacher_arch=shape_flags(TEACHER_SHAPE)[1:],
        student_arch=shape_flags(STUDENT_SHAPE)[1:],
        pretraining=dict.fromkeys(study.pretraining, training),
        benchmarks=[b._replace(training=training) for b in study.benchmarks],
        seeds=[2],
    )
    sizes = ["--sentences", "300", "--train", "60", "--dev", "30", "--test", "30"]
    sizes += ["--utterances", "60", "30", "30"]
    draw = [sys.executable, str(EXAMPLES / "world"), str(world), *sizes]
    first, *rest = study.stages()
    return [Stage("world", draw), first._replace(needs=["world"]), *rest]


@pytest.mark.slow
def test_the_demo_runs_to_its_report(tmp_path, capsys):
    out = tmp_path / "my demo"
    stages = miniature(out)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        run_pipeline(stages, out, jobs=2)
        results = read_results([str(p) for p in (out / "results").glob("*.jsonl")])
        found = {(r.dataset, r.model, r.lang) for r in results}
        langs = dict.fromkeys(BENCHMARKS, LANGS)
        langs["pretraining"] = (*LANGS, "all")
        assert found == {
            (d, model, lang) for d in langs for model in MODELS for lang in langs[d]
        }
        assert {r.examples for r in results if r.dataset in BENCHMARKS} == {30}
        assert {r.seed for r in results} == {2}
        report = (out / "report.md").read_text()
        for title in (
            "Pretraining",
            "XNLI",
            "PAWS-X",
            "Wikiann",
            "MultiATIS++",
            "mTOP",
        ):
            assert f"## {title}" in report
        assert (out / "report.png").read_bytes().startswith(b"\x89PNG")

        before = snapshot(out)
        capsys.readouterr()
        run_pipeline(stages, out, jobs=2)
        shown = capsys.readouterr().out
        assert f"{len(stages)} of {len(stages)} steps were done before" in shown
        assert snapshot(out) == before
    finally:
        signal.signal(signal.SIGTERM, handler)


def snapshot(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
