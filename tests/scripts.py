"""Where the files outside the package are, and studies as commands."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "mlkd"
PREPROCESS = ROOT / "preprocess"
WORKFLOW = EXAMPLES / "workflow"


def run_study(
    out: Path,
    name: str,
    more: Mapping[str, Any],
    *options: str,
    profile: str = "laptop",
) -> "subprocess.CompletedProcess[str]":
    """Run a study that ships, changed by `more`, to its end."""
    return subprocess.run(
        study_command(out, name, more, *options, profile=profile),
        capture_output=True,
        encoding="utf-8",
        env=study_environment(out),
    )


def study_command(
    out: Path,
    name: str,
    more: Mapping[str, Any],
    *options: str,
    profile: str = "laptop",
) -> list[str]:
    """Return the command line; `more` is written beside `out`."""
    program = shutil.which("snakemake", path=os.path.dirname(sys.executable))
    if program is None:
        pytest.skip("needs the extra study")
    config = out.with_suffix(".yaml")
    config.write_text(json.dumps(more))
    words = [program, "--profile", WORKFLOW / "profiles" / profile]
    words += ["--snakefile", WORKFLOW / "Snakefile", "--directory", out]
    shipped = [EXAMPLES / "config" / "study" / f"{name}.yaml"] if name else []
    words += ["--configfile", *shipped, config]
    return [*map(str, words), *options]


def study_environment(out: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(out.parent)}
