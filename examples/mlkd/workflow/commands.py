"""The commands of a study's steps; each can be pasted into a shell, in its folder."""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from study import CONFIG, CORPUS, ROOT, Study, run_folder

from fairseq_mlkd.cli.evaluate import DEFAULT_RULES
from fairseq_mlkd.errors import UserError

# what an encoder and a checkpoint that it starts from have to agree in
_SHAPE = re.compile(
    r"model\.(encoder_\w+|embedding_rank|layer_norm_eps|max_positions|num_segments)"
)


class Commands(Study):
    """The commands of one study."""

    def draw_world(self) -> list[str]:
        script = _ours("examples", "mlkd", "world")
        return ["python", script, "world", *shlex.split(self.world or "")]

    def import_encoder(self, name: str) -> list[str]:
        options = shlex.split(self.models[name].options)
        return ["mlkd-import", self.source(name), f"models/{name}", *options]

    def build_corpus(self) -> list[str]:
        options = shlex.split(self.corpus_options)
        if self.tokenizer() != CORPUS:
            options += ["--codes-from", self.tokenizer()]
        files = [f"{lang}={','.join(f)}" for lang, f in self.text_files().items()]
        return ["mlkd-corpus", CORPUS, *files, *options]

    def prepare_data(self, name: str) -> list[str]:
        task = self.tasks[name]
        options = shlex.split(task.options)
        if task.train:
            options += ["--train", self.expand(task.train)]
        return [
            "mlkd-benchmark", task.reader, self.expand(task.files), f"data/{name}",
            "--tokenizer", self.tokenizer(), *options,
        ]  # fmt: skip

    def train_model(self, name: str) -> list[str]:
        """Pretrain or distil a model."""
        model = self.models[name]
        settings: dict[str, Any] = {
            "model": model.shape,
            "scale": self.scale,
            "common.seed": model.seed,
            "task.model_name": name,
            "checkpoint.save_dir": f"models/{name}",
        }
        if model.start:
            settings["task.encoder_path"] = self.checkpoint(model.start)
            settings["task.encoder_path_layers"] = model.layers
        if model.teacher:
            settings["criterion.teacher_path"] = self.checkpoint(model.teacher)
        primary = "distil" if model.teacher else "pretrain"
        return hydra(primary, {**settings, **self.set, **self.pretraining, **model.set})

    def fine_tune(self, name: str, row_name: str, seed: int) -> list[str]:
        """Fine-tune a row's model on a task."""
        task, row = self.tasks[name], self.rows[row_name]
        model = self.models[row.model] if row.model else None
        start, layers = self._start(name, row_name, seed)
        settings: dict[str, Any] = {
            "model": row.shape or (model.shape if model else "pretrained"),
            "task": task.config,
            "scale": self.scale,
            "common.seed": seed,
            "task.data": f"data/{name}",
            "task.model_name": row.name,
            "task.encoder_path": start,
            "task.encoder_path_layers": layers,
            "checkpoint.save_dir": run_folder(name, row_name, seed),
        }
        if row.teacher:
            settings["criterion.teacher_path"] = _best(
                self.needed_run(name, row.teacher, seed)
            )
        if row.unlabelled:
            settings["task.unlabelled_data"] = CORPUS
        primary = "ft_distil" if row.teacher else "finetune"
        own = {**row.set, **(row.per_task.get(name) or {})}
        if row.model and not row.shape:
            own = self._reshaped(row.model) | own
        return hydra(primary, {**settings, **self.set, **task.set, **own})

    def _reshaped(self, name: str) -> dict[str, Any]:
        """Return in what a trained model's encoder was made other than its shape's."""
        model = self.models[name]
        given = {} if model.source else {**self.pretraining, **model.set}
        return {key: value for key, value in given.items() if _SHAPE.fullmatch(key)}

    def _start(self, task: str, name: str, seed: int) -> tuple[str | None, str | None]:
        """Return the checkpoint that a fine-tuning starts from, and layers of it."""
        row, before = self.rows[name], self.run_before(task, name, seed)
        if before:
            # a run of the row itself has the row's layers already
            return _best(before), row.layers if row.start else None
        return self.checkpoint(row.model) if row.model else None, row.layers

    def test(self, name: str, row: str) -> list[str]:
        """Score a row on a task in every language, by every rule."""
        mix, model = self.rows[row].mix, self.rows[row].model
        rules = ["--rules", self.rules] if self.rules else []
        if mix and model:
            rules = ["--rules", f"{self.rules or DEFAULT_RULES},{mix}"]
            rules += ["--mix-with", self.checkpoint(model)]
        return [
            "mlkd-evaluate", *self.runs_of(name, row), "--data", f"data/{name}", *rules,
            "--subsets", self.tasks[name].test, "--max-tokens", "8192",
            "--model-name", self.rows[row].name,
            "--results", f"results/{name}-{row}.jsonl",
        ]  # fmt: skip

    def score_text(self, model: str) -> list[str]:
        """Score a trained encoder on the corpus's validation text."""
        return [
            *validate(CORPUS, "multilingual_mlm", self.checkpoint(model)),
            "--model-name", self._row_of(model),
            "--results", f"results/corpus-{model}.jsonl",
        ]  # fmt: skip

    def _row_of(self, model: str) -> str:
        """Return the name of the first row that only fine-tunes a model."""
        names = [r.name for r in self.rows.values() if r.model == model]
        return names[0] if names else model

    def write_report(self) -> list[str]:
        named = ["--teacher", self.rows[self.teacher].name] if self.teacher else []
        named += shlex.split(self.report_options)
        return ["mlkd-report", *self.results(), "--output", ".", *named]

    def settings(self, command: list[str]) -> str:
        """Return a digest of a command and of the configuration files that it reads."""
        words = dict(word.split("=", 1) for word in command if "=" in word)
        read = {}
        if command[0] == "fairseq-hydra-train":
            primary = command[command.index("--config-name") + 1]
            names = [primary, f"model/{words['model']}", f"scale/{words['scale']}"]
            if "task" in words:
                names += [f"task/{words['task']}", f"fine_tuning/{words['scale']}"]
            read = {n: _parsed((CONFIG / f"{n}.yaml").read_text()) for n in names}
        ours = os.path.join(os.path.relpath(ROOT), "")
        plain = [word.replace(ours, "") for word in command]
        text = json.dumps([plain, read], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Collected(Commands):
    """Whatever has been fine-tuned in this folder, as by hydra's --multirun.

    Args:
        config: `rules` and options of the report.
    Raises:
        UserError: nothing has been.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        found = sorted(Path("ft").glob("*/*-seed*/checkpoint_best.pt"))
        self.found = [
            (path.parts[1], *path.parts[2].rsplit("-seed", 1)) for path in found
        ]
        if not found:
            raise UserError("ft/TASK/MODEL-seedN/checkpoint_best.pt: there is none")
        rows = {row: {"shape": "pretrained"} for _, row, _ in self.found}
        tasks = {task: {"files": "."} for task, _, _ in self.found}
        super().__init__({**config, "rows": rows, "tasks": tasks})

    def _check(self) -> None:
        """Accept tasks and models of any name."""

    def runs(self) -> list[tuple[str, str, int]]:
        return [(task, row, int(seed)) for task, row, seed in self.found]

    def test_needs(self, task: str, row: str) -> list[str]:
        return [f"{run}/checkpoint_best.pt" for run in self.runs_of(task, row)]


def hydra(primary: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the command that trains what a primary configuration describes."""
    where = {"hydra.run.dir": ".", "common.user_dir": _ours("fairseq_mlkd")}
    given = {**where, **settings}
    return [
        "fairseq-hydra-train", "--config-dir", _ours("examples", "mlkd", "config"),
        "--config-name", primary, *(f"{k}={_value(v)}" for k, v in given.items()),
    ]  # fmt: skip


def validate(data: str, task: str, checkpoint: str) -> list[str]:
    """Return the command that scores a checkpoint."""
    return [
        "fairseq-validate", data, "--user-dir", _ours("fairseq_mlkd"), "--task", task,
        "--path", checkpoint, "--batch-size", "64", "--max-tokens", "8192",
        "--num-workers", "0",
    ]  # fmt: skip


@cache  # all steps of a study read the same few files
def _parsed(text: str) -> Any:
    return yaml.safe_load(text)


def _best(run: str) -> str:
    return f"{run}/checkpoint_best.pt"


def _ours(*parts: str) -> str:
    """Return a path of this checkout, from the folder of the study."""
    return os.path.relpath(ROOT.joinpath(*parts))


def _value(value: Any) -> str:
    """Return a value as hydra's command line reads it."""
    if isinstance(value, str):
        return (
            value
            if re.fullmatch(r"[\w./-]+", value)
            else "'" + value.replace("'", "\\'") + "'"
        )
    return json.dumps(value)
