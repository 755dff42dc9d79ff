"""The house holds: who imports whom, what there is, no circle, short functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts import EXAMPLES, ROOT

PACKAGE, TESTS = "fairseq_mlkd", ROOT / "tests"
LONGEST = 60  # lines of a function
# A room, what it may import of ours, and whether it may import fairseq or torch.
GROUND, TENSORS, FAIRSEQ = set(), {"torch"}, {"torch", "fairseq"}
ROOMS = {
    "options": (set(), GROUND),
    "remedies": (set(), GROUND),
    "files": (set(), GROUND),
    "errors": (set(), GROUND),
    "text": ({"files"}, GROUND),
    "metrics": ({"files", "text"}, TENSORS),
    "report": ({"files", "metrics"}, GROUND),
    "modules": (set(), TENSORS),
    "admission": (set(), FAIRSEQ),
    "checkpoint": ({"admission", "files", "text"}, FAIRSEQ),
    "averaging": ({"checkpoint", "files"}, FAIRSEQ),
    "fairseq_fixes": ({"checkpoint", "errors", "options"}, FAIRSEQ),
    "optim": ({"errors", "options"}, FAIRSEQ),
    "scoring": ({"metrics", "text"}, FAIRSEQ),
    "models": ({"modules", "checkpoint", "options"}, FAIRSEQ),
    "distillation": (
        {"files", "checkpoint", "modules", "models", "options"},
        FAIRSEQ,
    ),
    "data": ({"files", "text"}, FAIRSEQ),
    "prepare": ({"files", "text", "data"}, FAIRSEQ),
    "criterions": ({"checkpoint", "distillation", "metrics"}, FAIRSEQ),
    "tasks": (
        {
            *("checkpoint", "data", "distillation", "errors", "fairseq_fixes"),
            *("metrics", "models", "options", "text"),
        },
        FAIRSEQ,
    ),
    "serve": ({"files", "modules", "text"}, TENSORS),
    "convert": (
        {
            *("admission", "checkpoint", "data", "files", "metrics"),
            *("models", "modules", "serve", "text"),
        },
        FAIRSEQ,
    ),
}
ROOMS["loading"] = ({"checkpoint", "distillation", "errors", "tasks"}, FAIRSEQ)
ROOMS["latency"] = ({"serve", "loading"}, FAIRSEQ)
ROOMS["cli"] = (set(ROOMS), FAIRSEQ)
REGISTERED = {
    *("criterions", "fairseq_fixes", "loading", "models", "optim", "scoring", "tasks")
}
ROOMS["__main__"] = ({"cli"}, GROUND)
ROOMS["__init__"] = (REGISTERED, GROUND)


# ruff's D401 knows third persons, and lets these pass as openings of a docstring.
FRAGMENTS = {
    *("What", "Which", "How", "Whether", "Where", "Why", "When", "As"),
    *("The", "A", "An", "One", "All", "Each", "Every", "This", "That"),
}


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


def dotted(path: Path, top: Path = ROOT) -> str:
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str, module: str = "", is_package: bool = False) -> set[str]:
    """Dotted names that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")
            up = parents[: len(parents) - node.level + is_package] if node.level else []
            head = ".".join([*up, *([node.module] if node.module else [])])
            found |= {head} | {f"{head}.{alias.name}" for alias in node.names}
    return found


def arrows() -> Iterator[tuple[str, str, str]]:
    """Yield file, its room, and a room or library that it imports."""
    for path in python_files(PACKAGE):
        room = path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")
        names = imported(path.read_text(), dotted(path), path.stem == "__init__")
        for parts in (name.split(".") for name in names):
            if parts[0] in FAIRSEQ:
                yield dotted(path), room, parts[0]
            elif parts[0] == PACKAGE and len(parts) > 1 and parts[1] in ROOMS:
                yield dotted(path), room, parts[1]


def test_every_room_is_in_the_table():
    found = {path.stem for path in (ROOT / PACKAGE).iterdir() if path.suffix == ".py"}
    found |= {path.parts[-2] for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    assert found == ROOMS.keys()


def test_rooms_import_downward_only():
    rooms = list(ROOMS)
    for i, (ours, _) in enumerate(ROOMS.values()):
        assert ours <= set(rooms[:i])
    upward = {
        f"{module} imports {other}"
        for module, room, other in arrows()
        if other not in {room, "remedies", *ROOMS[room][0], *ROOMS[room][1]}
    }
    assert upward == set()


def circle_of(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that are left when those that import none of the others go."""
    left = dict(graph)
    while done := {name for name, names in left.items() if not names & left.keys()}:
        left = {name: names for name, names in left.items() if name not in done}
    return sorted(left)


def test_no_module_imports_itself_round_a_circle():
    paths = {dotted(path): path for path in python_files(PACKAGE)}
    graph = {
        module: imported(path.read_text(), module, path.stem == "__init__")
        & paths.keys() - {module}
        for module, path in paths.items()
    }
    # a package that gathers its parts is imported with each of them
    for module, path in paths.items():
        if path.stem == "__init__":
            for names in (graph[m] for m in paths if m.startswith(f"{module}.")):
                names.discard(module)
    assert circle_of(graph) == []
    assert circle_of({"a": {"b"}, "b": {"a"}, "c": {"a"}, "d": set()}) == list("abc")


def names_of(path: Path) -> set[str]:
    """Return what may be imported from a module, but for modules below it."""
    found: set[str] = set()
    left: list[ast.AST] = [ast.parse(path.read_text())]
    while left:
        node = left.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)  # what is inside is its own
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found |= set(ast.literal_eval(node.value))  # some are made when asked for
        left += ast.iter_child_nodes(node)
    return found


def unknown_names(source: str, known: set[str]) -> set[str]:
    """Return what is imported from modules of ours, wherever, and is not there."""
    tops = {name.partition(".")[0] for name in known}
    names = imported(source) - known
    return {name for name in names if name.partition(".")[0] in tops}


def test_what_is_imported_is_there():
    """Also where a function imports, which only slow tests may call."""
    folders = {ROOT: f"{PACKAGE}/**/*.py", EXAMPLES: "**/*.py", TESTS: "*.py"}
    known = {
        name
        for top, pattern in folders.items()
        for path in top.glob(pattern)
        for module in [dotted(path, top)]
        for name in (module, *(f"{module}.{own}" for own in names_of(path)))
    }
    unknown = {
        f"{path}: {name}"
        for path in python_files(PACKAGE, "preprocess", "examples", "tests")
        for name in unknown_names(path.read_text(), known)
    }
    assert unknown == set()
    moved = "def f():\n    from a.b import c, d\n    from a import b, e\n    import z"
    assert unknown_names(moved, {"a", "a.b", "a.b.c"}) == {"a.b.d", "a.e"}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_no_function_is_long():
    long = {
        f"{path}:{node.lineno} {node.name}"
        for path in python_files(PACKAGE, "preprocess", "examples", "tests")
        for node in functions(path)
        if node.end_lineno - node.lineno >= LONGEST
    }
    assert long == set()


def test_docstrings_open_in_the_imperative():
    found = {
        f"{path}:{node.lineno} {text.splitlines()[0]}"
        for path in python_files(PACKAGE)
        for node in functions(path)
        if (text := ast.get_docstring(node))
        and text.split()[0] in FRAGMENTS
        and not any("property" in ast.unparse(d) for d in node.decorator_list)
    }
    assert found == set()
