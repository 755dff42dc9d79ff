"""What every test shares: the --slow option, seeds, one thread, the real data."""

import os
import random
import runpy
from pathlib import Path
from typing import Any

# Before torch is imported, and for the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import setuptools
import torch
from scripts import ROOT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: skipped unless --slow is given")
    config.addinivalue_line("markers", "gpu: skipped where there is none")
    torch.set_num_threads(1)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    reasons = {}
    if not config.getoption("--slow"):
        reasons["slow"] = "slow: give --slow"
    # files that take long begin first, so that no process is left alone with one
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if not torch.cuda.is_available():
        reasons["gpu"] = "needs a GPU"
    for item in items:
        for name, reason in reasons.items():
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def seed() -> int:
    """Seed every generator before each test."""
    value = 1
    random.seed(value)
    np.random.seed(value)
    # torch.manual_seed writes down where it was called from, for GPUs to come: 0.5 ms
    torch.default_generator.manual_seed(value)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(value)
    return value


@pytest.fixture
def mlkd_data() -> Path:
    """Return the folder of real data that the environment variable MLKD_DATA names."""
    folder = os.environ.get("MLKD_DATA")
    if not folder:
        pytest.skip("needs real data: MLKD_DATA is unset")
    path = Path(folder)
    assert path.is_dir(), f"MLKD_DATA={folder} is not a folder"
    return path


@pytest.fixture
def setup_arguments(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the arguments that setup.py hands to setuptools."""
    found: dict[str, Any] = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(setuptools, "setup", lambda **given: found.update(given))
    runpy.run_path("setup.py")
    return found
