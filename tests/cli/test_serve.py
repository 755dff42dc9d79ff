"""`mlkd-serve`: says where it listens, ends when told to, refuses what it cannot do."""

import json
import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest
from exported import TAGGING, export, make

from fairseq_mlkd import Predictor
from fairseq_mlkd.cli.serve import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    return export(make(folder, TAGGING), folder / "out", "--onnx")


def test_it_answers_until_it_is_told_to_end(folder):
    command = [sys.executable, "-m", "fairseq_mlkd.cli.serve", str(folder)]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        (url,) = re.findall(r"http://127\S+", process.stdout.readline().decode())
        with urlopen(f"{url}/predict", b'["the king"]') as answer:
            assert json.loads(answer.read()) == [Predictor(folder)("the king")]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["--queue", "9"], "--queue 9: less than the 64 texts"),
        (["--max-body", "0"], "--max-body: a number from 1"),
        (["--threads", "0"], "--threads"),
        (["--port", "70000"], "127.0.0.1:70000: "),
        (["--host", "nowhere.invalid"], "nowhere.invalid:8080: "),
    ],
)
def test_what_makes_no_service_is_refused(folder, arguments, part):
    with pytest.raises(SystemExit) as refusal:
        main([str(folder), *arguments])
    message = str(refusal.value)
    assert message.startswith("mlkd-serve: error:") and part in message
    assert "\n" not in message


def test_an_address_in_use_is_named(folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port}: .*in use"):
            main([str(folder), "--port", str(port)])
