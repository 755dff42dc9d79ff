"""The package says one version, refuses wrong Pythons and carries all its modules."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from scripts import ROOT
from tiny import flags_of, schedule

from fairseq_mlkd.cli import COMMANDS


def run_setup(tmp_path: Path, *arguments: str) -> Path:
    """Run setup.py in a copy of the checkout, which builds would write into."""
    copy = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "fairseq_mlkd", copy / "fairseq_mlkd", ignore=ignore)
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "setup.py", "--quiet", *arguments]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return copy


def modules(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.py")}


def test_installed_version_is_that_of_setup(setup_arguments: dict[str, Any]) -> None:
    installed = metadata("fairseq_mlkd")
    assert installed["Version"] == setup_arguments["version"]
    assert set(installed["Requires-Python"].split(",")) == {">=3.10", "<3.14"}


def test_every_command_is_installed(setup_arguments: dict[str, Any]) -> None:
    scripts = setup_arguments["entry_points"]["console_scripts"]
    expected = [f"{x} = fairseq_mlkd.cli.{name}:main" for x, name in COMMANDS.items()]
    assert sorted(scripts) == sorted(["mlkd = fairseq_mlkd.__main__:main", *expected])


def test_version_is_written_in_one_place(setup_arguments: dict[str, Any]) -> None:
    version = re.escape(setup_arguments["version"])
    sources = [ROOT / "setup.py", *(ROOT / "fairseq_mlkd").rglob("*.py")]
    holders = [s.name for s in sources if re.search(f"[\"']{version}", s.read_text())]
    assert holders == ["__init__.py"]


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 14, 0)])
def test_other_pythons_are_refused(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as refusal:
        runpy.run_path(str(ROOT / "setup.py"))
    assert "needs Python 3.10 to 3.13" in str(refusal.value)
    assert f"this is Python 3.{version[1]}:" in str(refusal.value)


@pytest.mark.parametrize("python", ["false", "echo 3.14; true"])
def test_make_refuses_other_pythons(tmp_path: Path, python: str) -> None:
    command = ["make", f"VENV={tmp_path}/venv", f"PYTHON={python}", "test"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert made.returncode != 0
    assert "needs Python 3.10 to 3.13" in made.stderr
    assert not (tmp_path / "venv").exists()


def test_every_folder_is_packaged(setup_arguments: dict[str, Any]) -> None:
    folders = {path.parent for path in (ROOT / "fairseq_mlkd").rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(setup_arguments["packages"]) == names


def test_installed_copy_has_every_module(tmp_path: Path) -> None:
    run_setup(tmp_path, "build_py", "--build-lib", str(tmp_path / "lib"))
    assert [path.name for path in (tmp_path / "lib").iterdir()] == ["fairseq_mlkd"]
    assert modules(tmp_path / "lib" / "fairseq_mlkd") == modules(ROOT / "fairseq_mlkd")


def test_source_distribution_has_every_module(tmp_path: Path) -> None:
    copy = run_setup(tmp_path, "sdist")
    (archive,) = (copy / "dist").iterdir()
    with tarfile.open(archive) as opened:
        names = [name.partition("/")[2] for name in opened.getnames()]
    found = {name for name in names if name.startswith("fairseq_mlkd/")}
    source = {f"fairseq_mlkd/{name}" for name in modules(ROOT / "fairseq_mlkd")}
    assert "setup.py" in names
    assert {name for name in found if name.endswith(".py")} == source


def test_every_file_of_data_is_packaged(setup_arguments: dict[str, Any]) -> None:
    packaged = {
        Path(*package.split("."), name)
        for package, names in setup_arguments["package_data"].items()
        for name in names
    }
    files = {x for x in (ROOT / "fairseq_mlkd").rglob("*.*") if x.is_file()}
    others = {x.relative_to(ROOT) for x in files if x.suffix not in (".py", ".pyc")}
    assert packaged == others


@pytest.mark.slow
def test_a_wheel_of_the_source_distribution_runs_elsewhere(tmp_path: Path) -> None:
    copy, library, elsewhere = (
        tmp_path / name for name in ("copy", "lib", "elsewhere")
    )
    ignored = shutil.ignore_patterns(".*", "demo", "build", "dist", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=ignored)
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(library)}

    def run(*command: Any) -> str:
        words = list(map(str, command))
        ran = subprocess.run(
            words, cwd=elsewhere, env=environment, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    python = [sys.executable, "-m"]
    run(*python, "build", "--no-isolation", "--outdir", tmp_path / "dist", copy)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert len(list((tmp_path / "dist").glob("*.tar.gz"))) == 1
    run(*python, "pip", "install", "-q", "--no-deps", "--target", library, wheel)
    user_dir = run(library / "bin" / "mlkd", "--user-dir").strip()
    assert user_dir == str(library / "fairseq_mlkd")
    (elsewhere / "en.txt").write_text("".join(f"Word {n} here.\n" for n in range(40)))
    sizes = ("--codes", 5, "--valid", 5, "--workers", 1)
    run(library / "bin" / "mlkd-corpus", "data", "en=en.txt", *sizes)
    flags = [*flags_of("multilingual_mlm"), "--max-update", 1, "--cpu"]
    train = Path(sys.executable).with_name("fairseq-train")
    run(train, "data", "--user-dir", user_dir, *schedule(Path("checkpoints"), *flags))
    assert (elsewhere / "checkpoints" / "checkpoint_last.pt").is_file()


@pytest.mark.slow
def test_models_of_transformers_load_beside_this_torch():
    """They import torchaudio where there is one, and one for CUDA needs its torch."""
    code = "from transformers import BertForTokenClassification"
    subprocess.run([sys.executable, "-c", code], check=True)
