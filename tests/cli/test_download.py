"""mlkd-download: the command, killed and started again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scripts import PREPROCESS
from wikimedia import serve_dumps

from fairseq_mlkd.cli.download import main
from fairseq_mlkd.prepare.downloads import Downloader

SCRIPT = PREPROCESS / "download.py"
DATE = "20261001"
CONTENT = b"BZh" + np.random.default_rng(1).bytes(4 << 20)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve_dumps({"enwiki": {DATE: ([CONTENT], "done")}}) as server:
        yield server


def status(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.mark.slow
def test_killed_in_the_middle_the_same_command_gives_the_same_file(server, tmp_path):
    (path,) = (path for path in server.files if path.endswith("stream.xml.bz2"))
    served = server.files[path]
    served.pause = 0.1  # 6 seconds for the file
    command = [sys.executable, str(SCRIPT), "wikipedia", "--langs", "en"]
    command += ["--mirror", server.url, "--to", str(tmp_path)]
    target = tmp_path / "wikipedia" / f"enwiki-{DATE}" / Path(path).name
    partial = target.with_name(f"{target.name}.partial")
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not partial.exists() or partial.stat().st_size < 300_000:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert not target.exists() and partial.stat().st_size < len(CONTENT)
    kept = partial.stat().st_size
    served.pause = 0
    server.log.clear()
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert target.read_bytes() == CONTENT
    assert server.log == [(path, kept)]
    assert {p.name for p in target.parent.iterdir()} == {target.name, "dumpstatus.json"}


def test_the_last_line_is_the_next_command(server, tmp_path, capsys):
    arguments = ["--langs", "en", "--mirror", server.url, "--to", tmp_path]
    assert status("wikipedia", *arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    files = tmp_path / "wikipedia" / f"enwiki-{DATE}" / "*.bz2"
    assert lines[-1] == f"next: mlkd-corpus data/corpus 'en={files}'"


def test_a_source_that_fails_does_not_stop_the_others(server, tmp_path, capsys):
    arguments = ["--langs", "en", "--mirror", server.url, "--to", tmp_path]
    assert status("multiatis", "wikipedia", *arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(
        "mlkd-download: error: MultiATIS++ needs a licence of the Linguistic"
    )
    # and that the other begins
    assert captured.err.count("\n") == 2 and "\r" not in captured.err
    assert captured.out.splitlines()[-1].startswith("next: mlkd-corpus")


def test_an_interrupt_is_one_line(monkeypatch, tmp_path, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Downloader, "obtain", interrupt)
    assert status("xnli", "--to", tmp_path) == 130
    line = "mlkd-download: stopped; the same command goes on\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["imagenet"], "invalid choice: 'imagenet'"),
        (["xnli", "--langs", "../en"], "'../en': write codes, as in en,fr"),
        (["wikipedia", "--date", "2026-11-01"], "'2026-11-01': write YYYYMMDD"),
    ],
)
def test_bad_arguments_are_explained(tmp_path, capsys, arguments, complaint):
    assert status(*arguments, "--to", tmp_path) == 2
    assert complaint in capsys.readouterr().err
