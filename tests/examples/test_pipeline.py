"""The runner of the recipes: order, jobs, failures, reruns, the progress line."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pipeline
import pytest
from pipeline import Stage, run_pipeline
from scripts import EXAMPLES

PATIENCE = 30  # seconds; what takes longer has failed
TRAIN_INNER = (
    "2021-08-12 10:00:{second} | INFO | train_inner | epoch 001:    {update} / 1176 "
    "loss={loss}, nll_loss=7.5, teacher_loss=6.25, ppl=3643.2, wps=4976.4, ups=2.88, "
    "wpb=1730.9, bsz=64, num_updates={update}, lr=0.001275, gnorm=1.69, wall=145\n"
)
KILLABLE = """\
import sys
from pathlib import Path

sys.path.insert(0, {examples!r})
from pipeline import Stage, run_pipeline

wait = "echo $$ > pid; while ! test -e go; do sleep 0.1; done; echo slow >> ran"
run_pipeline(
    [
        Stage("quick one", ["sh", "-c", "echo quick >> ran"]),
        Stage("slow one", ["sh", "-c", wait], ["quick one"]),
        Stage("last one", ["sh", "-c", "echo last >> ran"], ["slow one"]),
    ],
    Path("out"),
    jobs=2,
)
"""


@pytest.fixture(autouse=True)
def own_sigterm() -> Iterator[None]:
    """Restore the handlers: a pipeline sets one, which must not outlive the test."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Return the folder that commands run in; its name has a space."""
    path = tmp_path / "a folder"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def shell(name: str, script: str, needs: Sequence[str] = ()) -> Stage:
    return Stage(name, ["sh", "-c", script], needs)


def note(name: str, needs: Sequence[str] = ()) -> Stage:
    """Return a command that writes its name into the file `ran`."""
    return shell(name, f"echo '{name}' >> ran", needs)


def ran() -> list[str]:
    path = Path("ran")
    return path.read_text().splitlines() if path.exists() else []


def run(stages: Sequence[Stage], jobs: int = 2) -> None:
    run_pipeline(stages, Path("my out"), jobs=jobs)


def failure(stages: Sequence[Stage]) -> str:
    with pytest.raises(SystemExit) as error:
        run(stages)
    assert error.value.code not in (None, 0)
    return str(error.value)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.time() + PATIENCE
    while not condition():
        assert time.time() < end, "nothing happened"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- order and number


def test_a_command_waits_for_those_it_needs(folder):
    stages = [
        note("the last", ["second b", "second a"]),
        note("second a", ["the first"]),
        note("second b", ["the first"]),
        note("the first"),
    ]
    run(stages)
    order = ran()
    assert order[0] == "the first" and order[-1] == "the last"
    assert sorted(order[1:3]) == ["second a", "second b"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_more_than_jobs_at_a_time(folder, jobs):
    script = "echo 1 >> ran; sleep 0.1; echo -1 >> ran"
    run([shell(f"stage {i}", script) for i in range(4)], jobs=jobs)
    steps = list(map(int, ran()))
    assert len(steps) == 8
    assert max(sum(steps[:i]) for i in range(9)) <= jobs


def test_two_jobs_do_run_at_the_same_time(folder):
    # each ends only when the other has begun
    wait = "for i in $(seq 200); do test -e {1} && exit 0; sleep 0.1; done; exit 1"
    meet = "touch {0}; " + wait
    run([shell("a", meet.format("a", "b")), shell("b", meet.format("b", "a"))])


# --- names and logs


def test_the_log_holds_the_command_and_its_output(folder):
    run([shell("my stage", "echo out; echo err >&2")])
    log = folder / "my out" / "log" / "my-stage.log"
    assert log.read_text() == "sh -c echo out; echo err >&2\nout\nerr\n"
    assert (folder / "my out" / "done" / "my-stage").is_file()


# --- failures


def test_a_failure_names_the_log_and_stops_the_others(folder):
    patient = "echo $$ > pid; exec sleep 60"
    broken = "while ! test -s pid; do sleep 0.1; done; echo 'no such word'; exit 3"
    stages = [
        shell("patient", patient),
        shell("the broken", broken),
        note("after", ["the broken"]),
    ]
    begin = time.time()
    message = failure(stages)
    assert message == (
        f"the broken failed (see {Path('my out/log/the-broken.log')}): no such word"
    )
    assert time.time() - begin < PATIENCE
    assert not is_alive(int(Path("pid").read_text()))
    assert ran() == []
    assert list(Path("my out/done").iterdir()) == []


def test_a_command_without_output_fails_too(folder):
    assert failure([shell("mute", "exit 1")]).endswith("mute.log): sh -c exit 1")


def test_a_failed_process_exits_with_1_and_one_line(folder):
    script = (
        f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); from pathlib import Path;"
        "from pipeline import *;"
        "run_pipeline([Stage('a', ['false'])], Path('out'), jobs=1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 1
    log = Path("out/log/a.log")
    assert done.stderr == f"a failed (see {log}): false\n"


# --- reruns


def test_a_rerun_does_only_what_is_not_done(folder, capsys):
    stages = [
        note("first"),
        shell("second", "test -e key || exit 1; echo second >> ran", ["first"]),
        note("third", ["second"]),
    ]
    failure(stages)
    assert ran() == ["first"]
    Path("key").touch()
    run(stages)
    assert ran() == ["first", "second", "third"]
    assert "1 of 3 steps were done before" in capsys.readouterr().out
    run(stages)
    assert ran() == ["first", "second", "third"]
    assert "3 of 3 steps were done before" in capsys.readouterr().out


def test_a_changed_command_is_refused(folder):
    run([note("first"), note("second")], jobs=1)
    with pytest.raises(SystemExit, match="second.*name another folder"):
        run([note("first"), shell("second", "echo changed >> ran")])
    # words are compared, not the line that they make
    words = Stage("second", [*note("second").command[:-1], *["one", "word", "more"]])
    with pytest.raises(SystemExit, match="name another folder"):
        run([note("first"), words])
    assert ran() == ["first", "second"]


def test_commands_of_a_killed_run_are_waited_for(folder, capsys):
    command = [sys.executable, "-c", KILLABLE.format(examples=str(EXAMPLES))]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    pid = Path("pid")
    wait_for(lambda: pid.exists() and pid.read_text().strip() != "")
    killed.kill()
    killed.wait()
    again = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert "waiting for the commands of an earlier run" in again.stdout.readline()
    Path("go").touch()
    again.communicate(timeout=PATIENCE)
    assert again.returncode == 0
    assert ran() == ["quick", "slow", "slow", "last"]


def test_a_killed_run_can_be_rerun_to_the_end(folder):
    command = [sys.executable, "-c", KILLABLE.format(examples=str(EXAMPLES))]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    pid = Path("pid")
    try:
        wait_for(lambda: pid.exists() and pid.read_text().strip() != "")
    finally:
        killed.kill()
        killed.wait()
    orphan = int(pid.read_text())
    os.kill(orphan, signal.SIGKILL)
    assert ran() == ["quick"]
    Path("go").touch()
    subprocess.run(command, check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
    assert ran() == ["quick", "slow", "last"]


def test_a_terminated_run_ends_its_commands(folder):
    command = [sys.executable, "-c", KILLABLE.format(examples=str(EXAMPLES))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    pid = Path("pid")
    wait_for(lambda: pid.exists() and pid.read_text().strip() != "")
    process.terminate()
    assert process.wait(PATIENCE) == 143
    assert not is_alive(int(pid.read_text()))


# --- the progress line


def test_progress_shows_the_last_update_and_its_loss(folder, capsys, monkeypatch):
    monkeypatch.setattr(pipeline, "_PROGRESS_SECONDS", 0)
    lines = [
        TRAIN_INNER.format(second=10, update=25, loss="12.01"),
        TRAIN_INNER.format(second=20, update=50, loss="11.5"),
        "2021-08-12 10:00:21 | INFO | valid | epoch 001 | loss 3 | num_updates 7\n",
    ]
    Path("lines").write_text("x" * 9000 + "\n" + "".join(lines))
    script = "sleep 0.5; cat lines; sleep 1"
    training = shell("train it", script)._replace(updates=1200)
    run([note("first"), training])
    shown = capsys.readouterr().out.splitlines()
    assert all(re.match(r"\[00:\d\d\] [012]/2 done; ", line) for line in shown), shown
    assert any(line.endswith("train it starts") for line in shown)
    assert any(line.endswith("train it 50/1200 updates, loss 11.5") for line in shown)
    assert shown[-1].endswith("2/2 done; finished")
    assert not any("finished" in line for line in shown[:-1])
