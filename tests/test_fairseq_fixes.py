"""Faults of fairseq stay mended; those of precision: test_half_precision.py."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fairseq.file_io import PathManager
from tiny import USER_DIR


def test_a_namespace_is_data_once_the_plugin_is_imported(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"args": argparse.Namespace(arch="roberta")}, str(path))
    code = f"import torch; print(torch.load({str(path)!r})['args'].arch)"
    env = {**os.environ, "PYTHONPATH": os.path.dirname(USER_DIR)}
    command = [sys.executable, "-c", f"import fairseq_mlkd; {code}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.stdout.endswith("roberta\n"), done.stderr


def test_a_copy_that_is_cut_short_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    new, last = tmp_path / "checkpoint_1_100.pt", tmp_path / "checkpoint_last.pt"
    new.write_bytes(b"new" * 1000)
    last.write_bytes(b"old")

    def cut_short(source: str, target: str) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:10])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", cut_short)
        with pytest.raises(KeyboardInterrupt):
            PathManager.copy(str(new), str(last), overwrite=True)
    assert last.read_bytes() == b"old"
    assert PathManager.copy(str(new), str(last), overwrite=True)
    assert last.read_bytes() == new.read_bytes()
    assert sorted(tmp_path.iterdir()) == [new, last]
