"""The studies of head maps and of forgetting as commands, and in miniature."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import forgetting
import heads
import pytest
from huggingface import save_encoder, write_wordpiece
from pipeline import Stage, run_pipeline
from scripts import EXAMPLES
from students import STUDENT, Sources
from study import Benchmark, words

from fairseq_mlkd.metrics.results import Result
from fairseq_mlkd.report.tables import make_tables

TINY = "lean_bert --encoder-layers 2 --encoder-embed-dim 24 --encoder-ffn-embed-dim 9"
TINY += " --max-positions 130 --num-segments 2"
SCALE = 0.01  # of the updates
SIZES = ["--sentences", "300", "--train", "40", "--dev", "20", "--test", "20"]
SIZES += ["--utterances", "40", "20", "20"]


def sources(out: Path, world: Path, student: str = STUDENT) -> Sources:
    text = [f"{lang}={world / 'text' / lang}.txt" for lang in ("en", "fr")]
    return Sources(out, world.parent / "encoder", text, student.split())


def benchmarks(world: Path, names: Sequence[str]) -> list[Benchmark]:
    trainings = forgetting.TRAININGS
    return [Benchmark(n, world / n, trainings[n].scaled(SCALE)) for n in names]


def forgetting_study(out: Path, world: Path, **options) -> forgetting.Study:
    both = benchmarks(world, ["multiatis", "wikiann"])
    return forgetting.Study(sources(out, world, TINY), both, scale=SCALE, **options)


def all_stages(out: Path, world: Path) -> list[list[Stage]]:
    multiatis = benchmarks(world, ["multiatis"])
    given = {"multiatis": world / "teacher.pt"}
    return [
        heads.stages(sources(out, world), multiatis, [1, 2]),
        forgetting_study(out, world).stages([1, 2]),
        forgetting_study(
            out, world, teachers=given, student=world / "student.pt"
        ).stages([1]),
    ]


def value(stage: Stage, flag: str) -> str:
    assert stage.command.count(flag) == 1, (flag, stage.command)
    return stage.command[stage.command.index(flag) + 1]


@pytest.mark.parametrize("which", range(3))
def test_commands_can_be_run_one_by_one(tmp_path, which):
    stages, seen, written = all_stages(tmp_path, tmp_path)[which], set(), set()
    for stage in stages:
        assert seen.issuperset(stage.needs) and stage.name not in seen
        assert all(isinstance(word, str) for word in stage.command)
        seen.add(stage.name)
        for flag in ("--teacher-path", "--encoder-path", "--path"):
            path = Path(value(stage, flag)) if flag in stage.command else Path()
            if path.name.startswith("checkpoint"):
                assert path.parent in written
        if "--save-dir" in stage.command:
            folder = Path(value(stage, "--save-dir"))
            assert folder not in written
            written.add(folder)
    results = [value(s, "--results") for s in stages if s.name.startswith("test ")]
    assert len(set(results)) == len(results) > 0


def test_every_head_map_is_distilled_and_tuned_seed_after_seed(tmp_path):
    stages = all_stages(tmp_path, tmp_path)[0]
    distilled = [s for s in stages if s.name.startswith("distil ")]
    expected = [
        (str(seed), str(number), head_map)
        for seed in (1, 2)
        for number, head_maps in heads.ARMS.items()
        for head_map in head_maps
    ]
    flags = ("--seed", "--encoder-attention-heads", "--head-map")
    assert [tuple(value(s, f) for f in flags) for s in distilled] == expected
    for stage in distilled:
        assert value(stage, "--encoder-path-layers") == "uniform"
    tuned = [s for s in stages if s.name.startswith("fine-tune ")]
    assert [s.needs for s in tuned] == [["multiatis", s.name] for s in distilled]


def test_arms_differ_in_the_criterion_alone(tmp_path):
    arms = [
        next(s for s in all_stages(tmp_path, tmp_path)[2] if s.name == name)
        for name in (f"fine-tune {arm} on multiatis, seed 1" for arm in forgetting.ARMS)
    ]
    labels, stage_2, mixed = (set(arm.command) for arm in arms)
    assert stage_2 - labels >= {"tinybert", "--teacher-path"}
    assert value(arms[1], "--teacher-path") == str(tmp_path / "teacher.pt")
    extra = {"--unlabelled-data", str(tmp_path / "corpus")}
    assert mixed - stage_2 == {*extra, str(Path(value(arms[2], "--save-dir")))}
    for arm in arms:
        assert value(arm, "--encoder-path") == str(tmp_path / "student.pt")


def test_updates_are_scaled_with_their_warmup():
    training = heads.TRAININGS["multiatis"].scaled(0.5)
    assert (training.updates, training.warmup) == (150, 15)
    assert training.scaled(0).updates == 1


def test_held_out_loss_is_that_of_the_last_validation(tmp_path):
    name = heads.name_of(12, "mean")
    log = Stage(f"distil {name}, seed 3", ()).log(tmp_path)
    log.parent.mkdir()
    lines = [
        f"| valid | epoch 001 | valid on 'valid' subset | loss 9 | hidden_loss {loss}"
        for loss in ("0.7", "0.25 | attention_loss 4")
    ]
    log.write_text("train | hidden_loss 8\n" + "\n".join(lines) + "\n")
    assert heads.held_out_loss(sources(tmp_path, tmp_path), name, 3) == 0.25
    log.write_text("train | hidden_loss 8\n")
    with pytest.raises(ValueError, match="holds no validation"):
        heads.held_out_loss(sources(tmp_path, tmp_path), name, 3)


@pytest.mark.parametrize(
    "means, said",
    [
        ((60, 50, 57), "undo 70% of what it costs"),
        ((60, 50, 61), "undo more than what it costs"),
        ((60, 50, 45), "add 50% of what it costs"),
        ((50, 60, 57), "stage 2 costs nothing here"),
    ],
)
def test_what_unlabelled_text_wins_back(means, said):
    results = [
        Result("wikiann", arm, lang, "f1", value, 9)
        for arm, mean in zip(forgetting.ARMS, means)
        for lang, value in (("en", 90), ("fr", mean - 1), ("de", mean + 1))
    ]
    lines = forgetting.won_back(make_tables(results, "en")[0])
    assert f"{means[0]:.2f} fine-tuned, {means[1]:.2f} with stage 2" in lines[0]
    assert f"The gap: {90 - means[0]:.2f} fine-tuned" in lines[1]
    assert all(said in line for line in lines)
    assert not forgetting.won_back(make_tables(results[:6], "en")[0])


# --- in miniature


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    encoder, world = folder / "encoder", folder / "world"
    size = write_wordpiece(encoder)
    save_encoder(encoder, "BertModel", size)
    command = words([sys.executable, EXAMPLES / "world", world, *SIZES])
    run([Stage("world", command)], folder / "drawn")
    return world


def run(stages: Sequence[Stage], out: Path) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        run_pipeline(stages, out, jobs=2)
    finally:
        signal.signal(signal.SIGTERM, handler)


@pytest.mark.slow
def test_head_maps_run_to_their_table(world, tmp_path, monkeypatch):
    monkeypatch.setattr(heads, "ARMS", {12: ("auto", "relation"), 8: ("mean",)})
    made, named = sources(tmp_path, world, TINY), benchmarks(world, ["multiatis"])
    run(heads.stages(made, named, [1], SCALE), tmp_path)
    table = heads.table(made, named[0], [1])
    for name in ("12 heads, auto", "12 heads, relation", "8 heads, mean"):
        (row,) = (line for line in table.splitlines() if line.startswith(f"| {name} "))
        assert len(row.split("|")) == 2 + 2 + 2 * 3 and "None" not in row
    assert "Zero-shot: the mean of de, es, fr, hi, it, ja, pt." in table


@pytest.mark.slow
def test_forgetting_runs_to_its_table(world, tmp_path):
    study = forgetting_study(tmp_path, world)
    run(study.stages([1]), tmp_path)
    for benchmark in study.benchmarks:
        table = study.table(benchmark, [1])
        for arm in (forgetting.TEACHER, *forgetting.ARMS):
            assert f"\n| {arm} " in table
        assert "None" not in table and "The mean of the other languages: " in table
