"""The command line of fairseq with our components: what is missing, and `--help`."""

from dataclasses import fields

import pytest
from fairseq import options
from fairseq.criterions import CRITERION_REGISTRY
from fairseq.models import ARCH_MODEL_REGISTRY
from fairseq.optim import OPTIMIZER_REGISTRY
from fairseq.tasks import TASK_REGISTRY

from fairseq_mlkd.errors import UserError


def show_help(capsys, monkeypatch, kind: str, words: list[str]) -> str:
    monkeypatch.setattr("sys.argv", ["fairseq", *words])
    parser = getattr(options, f"get_{kind}_parser")()
    with pytest.raises(SystemExit) as stop:
        options.parse_args_and_arch(parser)
    assert not stop.value.code
    return capsys.readouterr().out


def test_a_missing_arch_is_one_line(monkeypatch):
    monkeypatch.setattr("sys.argv", ["fairseq", "data", "--task", "multilingual_mlm"])
    with pytest.raises(UserError, match="^fairseq_mlkd: give --arch$"):
        options.parse_args_and_arch(options.get_training_parser())


def test_a_missing_task_is_one_line(monkeypatch):
    monkeypatch.setattr("sys.argv", ["fairseq", "data", "--path", "model.pt"])
    with pytest.raises(UserError, match="^fairseq_mlkd: give --task$"):
        options.parse_args_and_arch(options.get_validation_parser())


def test_a_forgotten_task_is_not_translation(monkeypatch, tmp_path):
    (tmp_path / "dict.txt").touch()
    words = ["fairseq", str(tmp_path), "--path", "model.pt"]
    monkeypatch.setattr("sys.argv", words)
    for kind in ("generation", "interactive_generation"):
        with pytest.raises(UserError, match="is for our tasks: give --task, one of mu"):
            options.parse_args_and_arch(getattr(options, f"get_{kind}_parser")())
    monkeypatch.setattr("sys.argv", [*words, "--task", "translation"])
    options.parse_args_and_arch(options.get_generation_parser())


def test_our_criterions_are_for_our_tasks(monkeypatch):
    words = ["--task", "masked_lm", "--arch", "roberta_base", "--criterion", "tinybert"]
    monkeypatch.setattr("sys.argv", ["fairseq", "data", *words])
    with pytest.raises(UserError, match="--criterion tinybert is for our tasks: give"):
        options.parse_args_and_arch(options.get_training_parser())


TASKS = [name for name in TASK_REGISTRY if name.startswith("zero_shot_")]


@pytest.mark.parametrize("task", ["multilingual_mlm", *TASKS])
@pytest.mark.parametrize("kind", ["training", "validation", "generation"])
def test_help_shows_the_options_of_what_is_named(capsys, monkeypatch, task, kind):
    words = ["--help", "--task", task, "--criterion", "tinybert"]
    if task == "multilingual_mlm":
        show_help(capsys, monkeypatch, kind, words)  # an --arch need not be named
    configs = [TASK_REGISTRY[task], CRITERION_REGISTRY["tinybert"]]
    if kind == "training":
        words += ["--arch", "lean_bert", "--optimizer=fused_adamw"]
        configs += [ARCH_MODEL_REGISTRY["lean_bert"], OPTIMIZER_REGISTRY["fused_adamw"]]
    shown, _, ours = show_help(capsys, monkeypatch, kind, words).partition(
        f"\n--task {task}:\n"
    )
    assert "\n--criterion tinybert:\n" in ours and "--log-format" in shown
    for config in configs:
        own = [f for f in fields(config.__dataclass) if f.metadata.get("help")]
        flags = [f"--{f.name}".replace("_", "-") for f in own if f.name != "data"]
        # fairseq-generate has a --temperature of its own
        assert flags and {x for x in flags if f"\n  {x}" not in ours} <= {
            "--temperature" if kind == "generation" else ""
        }
    defaults = " ".join(ours.split())
    assert ("feed-forward layers (default: 1200)" in defaults) == (kind == "training")
