"""The studies as graphs of commands, and one in miniature from end to end."""

import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import slurm
import step
import yaml
from commands import Commands
from scripts import WORKFLOW, run_study, study_command, study_environment
from study import CONFIG

from fairseq_mlkd.cli import evaluate
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.results import read_results
from fairseq_mlkd.models.multilingual_encoder import ENCODER_SHAPE

STUDIES = sorted(path.stem for path in (CONFIG / "study").glob("*.yaml"))
# what a study leaves to its user
OWN = {
    "imported": """\
models: {encoder: {import: /an/encoder}}
tasks: {xnli: {files: world/xnli}, mtop: {files: world/mtop}}
world: ""
""",
    "student": """\
text: {en: world/en, de: world/de, fr: world/fr, hi: world/hi}
world: ""
""",
}


def merged(*configs: Mapping[str, Any]) -> dict[str, Any]:
    """Return configurations as snakemake merges them."""
    total: dict[str, Any] = {}
    for config in configs:
        for key, value in config.items():
            old = total.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            total[key] = merged(old, value) if both else value
    return total


def read(name: str, more: str = "{}") -> Commands:
    """Return a study that ships; its text is where no file has to be."""
    config = yaml.safe_load((CONFIG / "study" / f"{name}.yaml").read_text())
    own = yaml.safe_load(OWN.get(name, "{}"))
    return Commands(merged(config, own, yaml.safe_load(more)))


CHAIN = """\
from cores import count_single_steps
count_single_steps()
rule all:
    input: expand("c/{i}", i=range(4))
rule first:
    output: "a"
    shell: "touch {output}"
rule second:
    input: "a"
    output: "b"
    shell: "touch {output}"
rule last:
    input: "b"
    output: "c/{i}"
    shell:
        "mkdir -p run && touch run/{wildcards.i} && sleep 0.5 && "
        "ls run | wc -l > {output} && rm run/{wildcards.i}"
"""


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path) -> Path:
    """Make what the studies of real data name, empty."""
    for folder in ("xnli", "pawsx", "wikiann", "multiatis_layout/mtop_flat"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").touch()
    (tmp_path / "mtop" / "parallel").mkdir(parents=True)
    (tmp_path / "mtop" / "parallel" / "file").touch()
    (tmp_path / "models" / "me5s_pruned").mkdir(parents=True)
    (tmp_path / "models" / "me5s_pruned" / "file").touch()
    for lang in ("en", "de", "fr", "es", "it", "pt", "ja", "hi", "nl"):
        (tmp_path / "text" / lang).mkdir(parents=True)
        (tmp_path / "text" / lang / "commonvoice.txt").touch()
    monkeypatch.setenv("MLKD_DATA", str(tmp_path))
    return tmp_path


def value(command: list[str], key: str) -> str:
    """Return a hydra override, or what follows a flag."""
    if key.startswith("--"):
        return command[command.index(key) + 1]
    (found,) = (w.split("=", 1)[1] for w in command if w.startswith(f"{key}="))
    return found


# --- every study that ships


@pytest.mark.parametrize("name", STUDIES)
def test_every_step_is_made_from_steps(name):
    study = read(name)
    steps = {*study.steps(), *study.drawn("world/x")}
    needs = [study.corpus_needs(), *map(study.model_needs, study.trained())]
    needs += [study.data_needs(task) for task in study.tasks]
    needs += [study.run_needs(*run) for run in study.runs()]
    assert steps.issuperset(need for some in needs for need in some)
    assert len(set(study.results())) == len(study.results())


def test_models_to_score_on_text_are_named_or_all():
    scored = {name: f"results/corpus-{name}.jsonl" for name in read("losses").trained()}
    heads = [path for name, path in scored.items() if name.endswith("_head")]
    assert set(heads) == set(scored.values()) & set(read("losses").results())
    every = read("losses", "perplexity: true").results()
    assert set(scored.values()) <= set(every)
    with pytest.raises(UserError, match="perplexity: teacher: no such entry"):
        read("losses", "perplexity: [teacher]")


@pytest.mark.parametrize("name", STUDIES)
def test_every_command_can_be_pasted(name):
    study = read(name)
    commands = [study.train_model(model) for model in study.trained()]
    commands += [study.fine_tune(*run) for run in study.runs()]
    commands += [study.test(task, row) for task, row, _ in study.runs()]
    commands += [study.prepare_data(task) for task in study.tasks]
    commands += [study.write_report()]
    for command in commands:
        assert shlex.split(shlex.join(command)) == command
        assert not any("$" in word for word in command)


@pytest.mark.parametrize("name", STUDIES)
def test_a_checkpoint_is_read_of_a_step_that_is_waited_for(name):
    study = read(name)
    for run in study.runs():
        command, needs = study.fine_tune(*run), study.run_needs(*run)
        paths = [word.split("=", 1)[1] for word in command if ".pt" in word]
        assert {os.path.dirname(path) for path in paths} <= set(needs)
        assert value(command, "task.data") in needs


def test_arms_of_forgetting_differ_in_the_criterion_alone():
    study = read("forgetting")
    runs = [
        study.fine_tune("multiatis", row, 2) for row in ("labels", "stage2", "mixed")
    ]
    labels, stage_2, mixed = map(set, runs)
    assert value(runs[1], "--config-name") == "ft_distil"
    teacher = "ft/multiatis/teacher-seed1/checkpoint_best.pt"
    assert value(runs[1], "criterion.teacher_path") == teacher
    extra = {word.split("=")[0] for word in mixed - stage_2}
    own = {"task.model_name", "checkpoint.save_dir"}
    assert extra == own | {"task.unlabelled_data"}
    assert "--config-name" in labels & stage_2


def test_one_fine_tuned_teacher_can_teach_students_of_every_seed():
    only = "rows: {teacher: {seeds: [2]}, tuned: {start: teacher, layers: uniform}}"
    study = read("forgetting", only)
    assert study.runs_of("multiatis", "teacher") == ["ft/multiatis/teacher-seed2"]
    assert len(study.runs_of("multiatis", "stage2")) == len(study.seeds)
    for row, key in (
        ("stage2", "criterion.teacher_path"),
        ("tuned", "task.encoder_path"),
    ):
        for seed in study.seeds:
            start = value(study.fine_tune("multiatis", row, seed), key)
            assert start == "ft/multiatis/teacher-seed2/checkpoint_best.pt"
            needs = study.run_needs("multiatis", row, seed)
            assert "ft/multiatis/teacher-seed2" in needs
    with pytest.raises(UserError, match=r"rows.teacher.seeds: 4: no such entry"):
        read("forgetting", "rows: {teacher: {seeds: [4]}}")


def settings_of(study: Commands, row: str) -> set[str]:
    own = ("task.model_name=", "checkpoint.save_dir=")
    command = study.fine_tune("wikiann", row, 1)
    return {word for word in command if not word.startswith(own)}


def test_remedies_differ_in_one_setting_each():
    study = read("forgetting")
    mixed, confident, long, slow = (
        settings_of(study, row) for row in ("mixed", "confident", "stage2_long", "slow")
    )
    assert confident - mixed == {"criterion.unlabelled_confidence=0.8"}
    assert slow - long == {"optimizer.encoder_lr_scale=0.1"}
    assert not mixed - confident and not long - slow
    updates = [float(value([*x], "optimization.max_update")) for x in (long, mixed)]
    assert updates[0] / updates[1] == pytest.approx((14.6 + 19) / 14.6, abs=0.01)


def test_a_row_is_evaluated_mixed_with_its_model():
    study = read("forgetting")
    command = study.test("multiatis", "stage2_long")
    assert value(command, "--mix-with") == "models/student/checkpoint_last.pt"
    assert value(command, "--rules") == "best,mean,mix,mixes"
    assert "--mix-with" not in study.test("multiatis", "slow")
    evaluate.get_parser().parse_args(command[1:])


def test_students_of_a_fine_tuned_teacher_start_from_it():
    study = read("real")
    command = study.fine_tune("mtop", "tuned4", 3)
    start = "ft/mtop/teacher-seed3/checkpoint_best.pt"
    assert value(command, "task.encoder_path") == start
    assert value(command, "task.encoder_path_layers") == "uniform"
    assert value(command, "task.encoder_path_heads") == "true"
    assert study.run_needs("mtop", "tuned4", 3) == [
        "data/mtop",
        "ft/mtop/teacher-seed3",
    ]


def test_pawsx_can_start_from_xnli():
    more = "tasks: {pawsx: {files: world/pawsx, start: xnli}}"
    command = read("imported", more).fine_tune("pawsx", "encoder", 3)
    start = "ft/xnli/encoder-seed3/checkpoint_best.pt"
    assert value(command, "task.encoder_path") == start


def test_a_row_goes_on_from_its_own_model_of_another_task():
    study = read("real")
    for row, before, layers in (
        ("taken4", "xnli/taken4", "null"),
        ("tuned4", "pawsx/teacher", "uniform"),
    ):
        command = study.fine_tune("pawsx", row, 3)
        start = f"ft/{before}-seed3/checkpoint_best.pt"
        assert value(command, "task.encoder_path") == start
        assert value(command, "task.encoder_path_layers") == layers
        needs = study.run_needs("pawsx", row, 3)
        assert needs == ["data/pawsx", f"ft/{before}-seed3"]


RESHAPED = """\
pretraining: {model.max_positions: 40}
models:
  vanilla:
    set:
      model.encoder_layers: 3
      model.encoder_embed_dim: 16
      model.encoder_ffn_embed_dim: 24
      model.encoder_attention_heads: 2
      model.num_segments: 2
      model.layer_norm_eps: 1.0e-5
      model.embedding_rank: 4
      model.init_std: 0.1
      model.head_activation: gelu
rows: {taken: {model: vanilla, shape: lean_bert_tiny, layers: uniform}}
"""


def shape_of(command: list[str]) -> set[str]:
    keys = {f"model.{name}" for name in ENCODER_SHAPE}
    return {word for word in command if word.split("=")[0] in keys}


def test_a_model_is_fine_tuned_in_the_shape_that_it_was_trained_in():
    study = read("demo", RESHAPED)
    trained = shape_of(study.train_model("vanilla"))
    assert len(trained) == len(ENCODER_SHAPE)
    of_new_heads = {"model.init_std=0.1", "model.head_activation=gelu"}
    tuned = study.fine_tune("mtop", "vanilla", 1)
    assert shape_of(tuned) == trained - of_new_heads
    assert shape_of(study.fine_tune("mtop", "taken", 1)) == set()


def test_an_imported_model_is_fine_tuned_in_the_shape_that_it_has():
    more = "pretraining: {model.max_positions: 40}"
    assert shape_of(read("imported", more).fine_tune("xnli", "encoder", 1)) == set()
    assert shape_of(read("heads", more).fine_tune("multiatis", "heads8_none", 1)) == {
        "model.encoder_attention_heads=8",
        "model.max_positions=40",
    }


# --- settings


def test_a_step_changes_with_its_settings_alone(monkeypatch):
    before, after = (
        read("demo"),
        read("demo", "tasks: {xnli: {set: {model.dropout: 0.3}}}"),
    )
    changed = [
        run
        for run in before.runs()
        if before.settings(before.fine_tune(*run))
        != after.settings(after.fine_tune(*run))
    ]
    assert changed == [run for run in before.runs() if run[0] == "xnli"]
    command = before.train_model("teacher")
    assert before.settings(command) == after.settings(command)


def test_a_configuration_file_is_a_setting(monkeypatch, tmp_path):
    study = read("demo")
    command = study.fine_tune("xnli", "teacher", 1)
    before = study.settings(command)
    copy = tmp_path / "config"
    shutil.copytree(CONFIG, copy)
    monkeypatch.setattr("commands.CONFIG", copy)
    assert study.settings(command) == before
    file = copy / "fine_tuning" / "demo.yaml"
    file.write_text("# a remark\n" + file.read_text())
    assert study.settings(command) == before
    file.write_text(file.read_text().replace("2.0e-3", "1.0e-3"))
    assert study.settings(command) != before


def test_a_checkout_elsewhere_changes_nothing(monkeypatch, tmp_path):
    study = read("demo")
    here = study.settings(study.fine_tune("xnli", "teacher", 1))
    monkeypatch.chdir(tmp_path)
    assert study.settings(study.fine_tune("xnli", "teacher", 1)) == here


def test_a_task_may_be_a_set_of_ones_own(tmp_path):
    task = f"{{reader: intent_slot, config: multiatis, files: {tmp_path}}}"
    study = read("demo", f"tasks: {{support: {task}}}")
    assert study.prepare_data("support")[:2] == ["mlkd-benchmark", "intent_slot"]


@pytest.mark.parametrize(
    "more, said",
    [
        ("models: {teacher: {shpae: mbert_tiny}}", "models.teacher: unknown shpae"),
        ("models: {teacher: {shape: huge}}", "models.teacher.shape: huge: no such"),
        ("rows: {vanilla: {teacher: nobody}}", "rows.vanilla.teacher: nobody"),
        ("rows: {vanilla: {only: [snli]}}", "rows.vanilla.only: snli"),
        ("rows: {vanilla: {mix: mix, layers: last}}", "rows.vanilla.mix: it needs"),
        ("report: --part mLeanBERT=large", "report: large: no such entry; have"),
        ("report: --part large", "report: --part large: write KEY=VALUE"),
        ("report: --baseline nobody", "report: nobody: no such entry; have"),
        ("scale: tiny", "scale: tiny: no such entry; have"),
        ("tasks: {snli: {files: x}}", "tasks.snli.reader: snli"),
        ("models: {new: {import: null}}", "models.new.import: name a folder"),
    ],
)
def test_a_wrong_entry_is_named(more, said):
    with pytest.raises(UserError, match=said):
        read("demo", more)


def test_missing_files_are_named(monkeypatch):
    study = read("demo", "{text: {nl: /no/such/*.txt}, tasks: {mtop: {files: /none}}}")
    with pytest.raises(UserError, match="text.nl: /no/such/"):
        study.corpus_files()
    with pytest.raises(UserError, match="tasks.mtop.files: /none"):
        study.task_files("mtop")
    with pytest.raises(UserError, match="not set"):
        study.expand("$NO_SUCH_VARIABLE/x")


# --- one step


@pytest.fixture
def folder(monkeypatch, tmp_path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def do(script: str, settings: str = "a", *options: str) -> int:
    given = ["done/it", "made", "--log", "log/it.log", "--settings", settings]
    return step.main([*given, *options, "--", "sh", "-c", script])


def test_a_step_goes_on_and_begins_anew_with_other_settings_or_sources(folder):
    more = "mkdir -p made; echo x >> made/it; exit 3"
    for settings, source, lines in (
        ("a", "1", 1),
        ("a", "1", 2),
        ("b", "1", 1),
        ("b", "2", 1),
    ):
        Path("source").write_text(source)
        assert do(more, settings, "--from", "source") == 3
        assert len(Path("made/it").read_text().split()) == lines
    assert do(more, "b", "--fresh", "--from", "source") == 3
    assert len(Path("made/it").read_text().split()) == 1


def test_a_step_that_was_done_is_not_done_again_unless_its_product_changed(folder):
    for _ in range(2):
        assert do("echo 1 >> made") == 0
        assert Path("made").read_text() == "1\n"
        Path("done/it").unlink()  # as Snakemake does when it sees a reason to run it
    Path("made").write_text("cut o")
    assert do("echo 2 > made") == 0
    assert Path("made").read_text() == "2\n"
    assert do("echo 3 > made", "b") == 0
    assert Path("made").read_text() == "3\n"
    assert do("echo 4 > made", "b", "--fresh") == 0
    assert Path("made").read_text() == "4\n"


def test_done_says_what_was_made(folder):
    digests = []
    for word in ("x", "x", "y"):
        do(f"mkdir -p made; echo {word} > made/it", "a", "--fresh")
        digests.append(Path("done/it").read_text())
    assert digests[0] == digests[1] != digests[2]


def test_a_failed_step_is_named_and_keeps_its_work(folder, capsys):
    assert do("mkdir made; touch made/half; echo 'no such word'; exit 3") == 3
    line = "it failed (see log/it.log): no such word"
    assert capsys.readouterr().err == line + "\n"
    assert Path("log/failed").read_text() == line + "\n"
    assert Path("made/half").exists() and not Path("done/it").exists()
    assert do("echo again") == 0
    said = Path("log/it.log").read_text().splitlines()
    assert said[1] == "no such word" and said[-1] == "again"
    assert do("echo anew", "b") == 0
    assert "again" not in Path("log/it.log").read_text()


def test_a_step_waits_for_an_earlier_run_of_it(folder):
    first = [sys.executable, WORKFLOW / "step.py", "done/it", "made"]
    first += ["--log", "log/it.log", "--settings", "a", "--", "sh", "-c"]
    script = (
        "echo begun > begun; while ! test -e go; do sleep 0.1; done; echo 1 >> made"
    )
    orphan = subprocess.Popen([*first, script])
    while not Path("begun").exists():
        time.sleep(0.05)
    os.kill(orphan.pid, signal.SIGKILL)  # its command lives on
    orphan.wait()
    second = subprocess.Popen([*first, "echo 2 >> made"])
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    Path("go").touch()
    assert second.wait(30) == 0
    assert Path("made").read_text() == "1\n2\n"


# --- with snakemake

SIZES = "--sentences 200 --train 40 --dev 20 --test 20 --utterances 40 20 20"
FEW = {"optimization.max_update": 4, "lr_scheduler.warmup_updates": 1}
MINIATURE = {
    "world": SIZES,
    "corpus": "--codes 200 --valid 20 --workers 1",
    "set": {"dataset.batch_size": 8, "checkpoint.save_interval_updates": 2},
    "pretraining": FEW,
    "models": {"teacher": {"set": FEW}, "distilled": False},
    "rows": {"distilled": False, "stage2": False},
    "tasks": {
        name: {"set": FEW} if name == "xnli" else False
        for name in ("xnli", "pawsx", "wikiann", "multiatis", "mtop")
    },
}
TRAINS = list(itertools.product(range(50), ("Utrecht", "Gent", "Paramaribo", "Leiden")))
LANGS = {"en", "fr", "de", "ja", "hi", "it", "es", "pt"}


def said(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def langs_of(out: Path) -> set[str]:
    results = read_results([str(p) for p in (out / "results").glob("xnli-*.jsonl")])
    return {result.lang for result in results}


def test_a_study_is_planned(tmp_path):
    text = said(run_study(tmp_path / "out", "demo", {}, "--dry-run", "-p"))
    assert "fairseq-hydra-train --config-dir" in text
    assert "mlkd-evaluate ft/mtop/distilled-seed1" in text


def test_a_wrong_study_ends_in_one_line(tmp_path):
    done = run_study(tmp_path / "out", "demo", {"scale": "tiny"}, "--dry-run")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("study: scale: tiny: no such entry")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    said(run_study(out, "demo", MINIATURE))
    shutil.copy(out / "report.md", out.parent)  # a test adds a language to the study
    return out


@pytest.mark.slow
def test_a_study_runs_to_its_report_and_is_done(made):
    assert langs_of(made) == LANGS
    assert "vanilla student" in (made / "report.md").read_text()
    assert "Nothing to be done" in said(run_study(made, "demo", MINIATURE, "--dry-run"))


@pytest.mark.slow
def test_only_what_a_setting_touches_runs_again(made):
    more = merged(MINIATURE, {"rows": {"vanilla": {"set": {"model.dropout": 0.2}}}})
    (made / "done" / "world").touch()  # newer, but the same
    text = said(run_study(made, "demo", more, "--dry-run", "--quiet", "rules"))
    counts = dict(line.split() for line in text.splitlines() if len(line.split()) == 2)
    expected = {"fine_tune": "1", "test": "1", "report": "1", "total": "3"}
    assert expected.items() <= counts.items() and "train" not in counts


@pytest.mark.slow
def test_a_language_is_added_by_one_file(made):
    """Dutch, which the paper lacks: its text, and test rows beside the others."""
    folder, text = made.parent / "xnli", made.parent / "nl.txt"
    shutil.copytree(made / "world" / "xnli", folder)
    lines = [f"De trein naar {city} van {n} uur rijdt niet." for n, city in TRAINS]
    text.write_text("\n".join(lines) + "\n")
    (official,) = folder.rglob("xnli.test.tsv")
    columns = official.read_text().splitlines()[0].split("\t")
    row = {"language": "nl", "gold_label": "entailment", "sentence1": lines[0]}
    row["sentence2"] = "Er rijdt geen trein."
    with open(official, "a") as file:
        file.write("\t".join(row.get(column, "") for column in columns) + "\n")
    dutch = {"text": {"nl": str(text)}, "tasks": {"xnli": {"files": str(folder)}}}
    said(run_study(made, "demo", merged(MINIATURE, dutch)))
    assert langs_of(made) == LANGS | {"nl"}
    assert (made / "data" / "corpus" / "nl" / "train.bin").is_file()


@pytest.mark.slow
def test_killed_twenty_times_it_ends_in_the_same_report(made, tmp_path):
    """Every second time the engine alone dies, and the commands live on."""
    out, random = tmp_path / "out", Random(1)
    command = study_command(out, "demo", MINIATURE, "--quiet", "rules", "progress")
    kills = 0
    while kills < 20:
        process = subprocess.Popen(
            command,
            env=study_environment(out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(random.uniform(2, 15))
            assert process.returncode == 0
            (out / "report.md").unlink()  # it was quick: make a part again
            for path in ("done", "results"):
                shutil.rmtree(out / path)
        except subprocess.TimeoutExpired:
            kills += 1
            kill = os.killpg if kills % 2 else os.kill
            kill(process.pid, signal.SIGKILL)
            process.wait()
    said(run_study(out, "demo", MINIATURE))
    assert (out / "report.md").read_text() == (made.parent / "report.md").read_text()


# --- a cluster, and a sweep


@pytest.mark.slow
def test_no_more_steps_at_once_than_cores_after_single_ones(tmp_path):
    (tmp_path / "Snakefile").write_text(CHAIN)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    at_once = [int((tmp_path / "c" / str(i)).read_text()) for i in range(4)]
    assert max(at_once) == 2


@pytest.mark.slow
def test_steps_are_submitted_to_slurm(tmp_path, monkeypatch):
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="extra cluster")
    for key, value in slurm.install(tmp_path / "slurm").items():
        monkeypatch.setenv(key, value)
    options = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
    options += ["--seconds-between-status-checks", "1", "--", "done/data/xnli"]
    out = tmp_path / "out"
    said(run_study(out, "demo", MINIATURE, *options, profile="slurm"))
    assert (out / "data" / "xnli" / "audit.json").is_file()
    jobs = (tmp_path / "slurm" / "submitted").read_text().splitlines()
    assert len(jobs) == 3 and all("--mem 8000" in job for job in jobs)


def test_a_sweep_is_collected(tmp_path):
    for seed in (1, 2):
        run = tmp_path / "out" / "ft" / "xnli" / f"lean_bert-seed{seed}"
        run.mkdir(parents=True)
        (run / "checkpoint_best.pt").touch()
    options = ["--config", "collect=true", "--dry-run", "-p"]
    text = said(run_study(tmp_path / "out", None, {}, *options))
    runs = "ft/xnli/lean_bert-seed1 ft/xnli/lean_bert-seed2"
    assert f"mlkd-evaluate {runs} --data data/xnli" in text
    assert "fine_tune" not in text
