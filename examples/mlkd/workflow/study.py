"""What a study's configuration asks for, and what each step of it needs.

Everything is below one folder, from which all commands run and name their paths:

    data/corpus, data/TASK        binary data
    models/MODEL                  imported, pretrained or distilled
    ft/TASK/ROW-seedN             fine-tuned
    results/*.jsonl               result lines, of which the report is made
    log/, done/                   what each step said; what it was made from

docs/workflow.md describes the configuration.
"""

import glob
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairseq_mlkd.cli.command import read_settings
from fairseq_mlkd.cli.report import get_parser
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.own import OWN_READERS

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "examples" / "mlkd" / "config"
CORPUS = "data/corpus"


@dataclass(frozen=True)
class Model:
    """An encoder: imported, or trained on the corpus."""

    source: str | None = None  # to import
    options: str = ""  # of mlkd-import
    shape: str = "pretrained"  # one of config/model
    start: str | None = None  # model whose weights it begins with
    layers: str | None = None  # task.encoder_path_layers
    teacher: str | None = None  # model that it is distilled from (stage 1)
    seed: int = 1
    set: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A way to fine-tune a model: a row of the tables."""

    name: str
    model: str | None = None  # that it starts from; none: from nothing
    shape: str | None = None  # one of config/model; default: the model's
    layers: str | None = None  # task.encoder_path_layers
    start: str | None = None  # row: start from it, fine-tuned on the same task
    teacher: str | None = None  # row whose fine-tuned model teaches it (ft-distill)
    unlabelled: bool = False  # show the corpus to both, too
    mix: str | None = None  # more rules of mlkd-evaluate, for mixes with `model`
    set: Mapping[str, Any] = field(default_factory=dict)
    per_task: Mapping[str, Any] = field(default_factory=dict)  # task -> as `set`
    only: tuple[str, ...] = ()  # tasks; default: all
    seeds: tuple[int, ...] = ()  # default: the study's


@dataclass(frozen=True)
class Task:
    """A labelled data set."""

    files: str  # folder of its official files; without them it is left out
    reader: str  # what mlkd-benchmark takes as NAME
    config: str  # one of config/task
    train: str | None = None  # English training file
    options: str = ""  # of mlkd-benchmark
    test: str = "test"  # subsets to score
    start: str | None = None  # task: start from the row, fine-tuned on that
    set: Mapping[str, Any] = field(default_factory=dict)


class Study:
    """The steps of a study.

    Args:
        config: what the configuration files hold, merged.
        start: the folder that relative paths of files start from.
    Raises:
        UserError: a wrong or missing entry.
    """

    def __init__(self, config: Mapping[str, Any], start: str = ".") -> None:
        self.start = start
        self.world: str | None = config.get("world")
        text = config.get("text") or {}
        self.text: dict[str, Any] = {k: v for k, v in text.items() if v}
        self.corpus_options: str = config.get("corpus") or ""
        self.scale: str = config.get("scale") or "cpu_hours"
        self.seeds: list[int] = list(config.get("seeds") or [1])
        self.teacher: str | None = config.get("teacher")
        self.report_options: str = config.get("report") or ""
        self.rules: str | None = config.get("rules")  # of mlkd-evaluate
        # of trained models, or of those named; meaningless without a masked-LM head
        perplexity: bool | list[str] = config.get("perplexity", True)
        self.set: Mapping[str, Any] = config.get("set") or {}
        self.pretraining: Mapping[str, Any] = config.get("pretraining") or {}
        self.models = _read(Model, "models", config.get("models"))
        self.perplexity = self.trained() if perplexity is True else perplexity or []
        rows = config.get("rows") or {name: {"model": name} for name in self.models}
        named = {k: {"name": k, **(v or {})} for k, v in rows.items() if v is not False}
        self.rows = _read(Row, "rows", named)
        tasks = {
            name: {"reader": name, "config": values.get("reader", name), **values}
            for name, values in (config.get("tasks") or {}).items()
            if values and values.get("files")
        }
        self.tasks = _read(Task, "tasks", tasks)
        self._check()

    def _check(self) -> None:
        if not self.models or not self.tasks:
            raise UserError("name at least one of models and one of tasks with files")
        for what, name, known in self._references():
            if name not in known:
                have = ", ".join(map(str, known)) or "none"
                raise UserError(f"{what}: {name}: no such entry; have {have}")
        for name, row in self.rows.items():
            if row.mix and (not row.model or row.layers or row.start):
                raise UserError(f"rows.{name}.mix: it needs a model of the row's shape")
        if not any(m.source for m in self.models.values()) and not self.text:
            raise UserError("text: name the files of each language, such as en: FILE")

    def _references(self) -> Iterable[tuple[str, Any, Iterable[str]]]:
        shapes = [path.stem for path in (CONFIG / "model").glob("*.yaml")]
        kinds = [path.stem for path in (CONFIG / "task").glob("*.yaml")]
        scales = [path.stem for path in (CONFIG / "scale").glob("*.yaml")]
        yield "scale", self.scale, scales
        if self.teacher:
            yield "teacher", self.teacher, self.rows
        names = [row.name for row in self.rows.values()]
        named = get_parser().parse_args(["-", *shlex.split(self.report_options)])
        try:
            parts = read_settings("--part", named.part)
        except ValueError as error:
            raise UserError(f"report: {error}") from None
        for name in (named.teacher, named.baseline, *parts.values()):
            if name:
                yield "report", name, names
        for name, m in self.models.items():
            yield f"models.{name}.shape", m.shape, shapes
            for key, value in (("start", m.start), ("teacher", m.teacher)):
                if value:
                    yield f"models.{name}.{key}", value, self.models
        for name in self.perplexity:
            yield "perplexity", name, self.trained()
        for name, r in self.rows.items():
            if r.shape:
                yield f"rows.{name}.shape", r.shape, shapes
            if r.model:
                yield f"rows.{name}.model", r.model, self.models
            for key, value in (("start", r.start), ("teacher", r.teacher)):
                if value:
                    yield f"rows.{name}.{key}", value, self.rows
            for task in r.only:
                yield f"rows.{name}.only", task, self.tasks
            for seed in r.seeds:
                yield f"rows.{name}.seeds", seed, self.seeds
        for name, t in self.tasks.items():
            yield f"tasks.{name}.reader", t.reader, (*READERS, *OWN_READERS)
            yield f"tasks.{name}.config", t.config, kinds
            if t.start:
                yield f"tasks.{name}.start", t.start, self.tasks

    # --- what there is to do

    def trained(self) -> list[str]:
        """Return the models that are trained on the corpus."""
        return [name for name, model in self.models.items() if not model.source]

    def runs(self) -> list[tuple[str, str, int]]:
        """Return task, row and seed of every fine-tuning, seed after seed."""
        return [
            (task, name, seed)
            for seed in self.seeds
            for task in self.tasks
            for name, row in self.rows.items()
            if task in (row.only or self.tasks) and seed in (row.seeds or self.seeds)
        ]

    def needed_run(self, task: str, row: str, seed: int) -> str:
        """Return the folder of a row's fine-tuning that one with `seed` builds on.

        It has that seed, or the row's first where the row has no such seed.
        """
        own = self.rows[row].seeds or self.seeds
        return run_folder(task, row, seed if seed in own else own[0])

    def run_before(self, task: str, name: str, seed: int) -> str | None:
        """Return the fine-tuning that a row's on a task starts from, if from any.

        It is another row's on that task, or else the row's own on the task's `start`.
        """
        row, start = self.rows[name], self.tasks[task].start
        if row.start:
            return self.needed_run(task, row.start, seed)
        return run_folder(start, name, seed) if start else None

    def runs_of(self, task: str, row: str) -> list[str]:
        """Return the folders of a row's fine-tunings on a task, one a seed."""
        return [run_folder(*run) for run in self.runs() if run[:2] == (task, row)]

    def results(self) -> list[str]:
        """Return the files of result lines, in the order of the report."""
        scored = [f"corpus-{model}" for model in self.perplexity]
        scored += dict.fromkeys(f"{task}-{row}" for task, row, _ in self.runs())
        return [f"results/{name}.jsonl" for name in scored]

    def steps(self) -> list[str]:
        """Return what `done/` holds in the end."""
        steps = [CORPUS] * bool(self.text) + [f"data/{task}" for task in self.tasks]
        steps += [f"models/{model}" for model in self.models]
        return steps + [run_folder(*run) for run in self.runs()]

    # --- what each step is made from

    def tokenizer(self) -> str:
        """Return the step that decides on subwords: the imported encoder, or corpus."""
        imported = [name for name, model in self.models.items() if model.source]
        return f"models/{imported[0]}" if imported else CORPUS

    def test_needs(self, task: str, row: str) -> list[str]:
        """Return the files that an evaluation waits for."""
        steps = [*self.runs_of(task, row), f"data/{task}"]
        return [f"done/{step}" for step in steps]

    def checkpoint(self, model: str) -> str:
        name = "model.pt" if self.models[model].source else "checkpoint_last.pt"
        return f"models/{model}/{name}"

    def model_needs(self, name: str) -> list[str]:
        model = self.models[name]
        needed = [model.start, model.teacher]
        return [CORPUS, *(f"models/{m}" for m in dict.fromkeys(needed) if m)]

    def run_needs(self, task: str, name: str, seed: int) -> list[str]:
        row, before = self.rows[name], self.run_before(task, name, seed)
        needs = [f"data/{task}"]
        if before:
            needs.append(before)
        elif row.model:
            needs.append(f"models/{row.model}")
        if row.teacher:
            needs.append(self.needed_run(task, row.teacher, seed))
        return needs + [CORPUS] * row.unlabelled

    def corpus_files(self) -> list[str]:
        """Return the files of text that are there, before anything is drawn."""
        files = [path for paths in self.text_files().values() for path in paths]
        return [path for path in files if not self._is_drawn(path)]

    def corpus_needs(self) -> list[str]:
        files = [path for paths in self.text_files().values() for path in paths]
        return self.drawn(*files) + [self.tokenizer()] * (self.tokenizer() != CORPUS)

    def data_needs(self, task: str) -> list[str]:
        return [*self.drawn(self.tasks[task].files), self.tokenizer()]

    def import_files(self, model: str) -> list[str]:
        """Return the files of an encoder to import; none of a name on the hub."""
        path = self.source(model)
        found = [path, *sorted(glob.glob(f"{path}/*"))]
        return [file for file in found if os.path.isfile(file)]

    def source(self, model: str) -> str:
        """Return what to import: a file or folder, or else a name on the hub."""
        named = self.models[model].source
        path = self.expand(named)
        return path if os.path.exists(path) or "$" in str(named) else str(named)

    def text_files(self) -> dict[str, list[str]]:
        """Return the files of each language; those of the world are not there yet."""
        found = {}
        for lang, named in self.text.items():
            patterns = [named] if isinstance(named, str) else named
            paths = [self.expand(p) for p in patterns]
            if not all(map(self._is_drawn, paths)):
                paths = [file for p in paths for file in sorted(glob.glob(p))]
            if not paths:
                raise UserError(f"text.{lang}: {named}: no such file")
            found[lang] = paths
        return found

    def task_files(self, task: str) -> list[str]:
        """Return the official files of a task; those of the world are not there yet."""
        named = self.tasks[task]
        if self._is_drawn(named.files):
            return []
        folder = self.expand(named.files)
        found = sorted(path for path in glob.glob(f"{folder}/**", recursive=True))
        files = [path for path in found if os.path.isfile(path)]
        if not files:
            raise UserError(f"tasks.{task}.files: {folder}: no files there")
        return files + ([self.expand(named.train)] if named.train else [])

    def drawn(self, *files: str) -> list[str]:
        """Return the step that draws the world, where one of the files is of it."""
        return ["world"] * any(map(self._is_drawn, files))

    def expand(self, path: str | None) -> str:
        """Return a path of the configuration as one from the study's folder.

        Raises:
            UserError: a variable in it is not set.
        """
        found = os.path.expanduser(os.path.expandvars(path or ""))
        if "$" in found:
            raise UserError(f"{path}: a variable in it is not set")
        if os.path.isabs(found) or self._is_drawn(found):
            return found
        return os.path.relpath(os.path.join(self.start, found))

    def _is_drawn(self, path: str) -> bool:
        return self.world is not None and path.split("/")[0] == "world"


def run_folder(task: str, row: str, seed: int) -> str:
    """Return the folder of a fine-tuning."""
    return f"ft/{task}/{row}-seed{seed}"


def _read(kind: type, what: str, entries: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the entries of a section; an entry that is false is left out."""
    known = kind.__dataclass_fields__  # type: ignore[attr-defined]
    found = {}
    for name, values in (entries or {}).items():
        if values is False:
            continue
        if "import" in (values or {}) and not values["import"]:
            raise UserError(f"{what}.{name}.import: name a folder or file")
        wrong = [key for key in values or {} if _field(key) not in known]
        if wrong:
            have = ", ".join(known)
            raise UserError(f"{what}.{name}: unknown {', '.join(wrong)}; have {have}")
        given = {_field(key): value for key, value in (values or {}).items()}
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        found[str(name)] = kind(**given)
    return found


def _field(key: str) -> str:
    return "source" if key == "import" else key
