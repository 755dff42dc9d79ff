"""The same corpus whoever performs its tasks, and what becomes of lost workers."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from kill_corpus import checksums, kill_corpus, make_builder, small_chunks

from fairseq_mlkd.files.writing import write_text
from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.chunks import read_file
from fairseq_mlkd.prepare.corpus.report import existing_report
from fairseq_mlkd.prepare.corpus.tasks import Task, WorkerLost, run_tasks
from fairseq_mlkd.prepare.corpus.workers import Workers


@pytest.fixture
def options(tmp_path, seed):
    return make_builder(tmp_path, seed).options


def write_pid(folder, seconds):
    write_text(Path(folder, "pid"), str(os.getpid()))  # whole, once it can be seen
    time.sleep(seconds)
    return {}


def kill_self(folder):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(folder):
    Path(folder, "half").touch()
    raise ValueError("bad.txt:3: bad")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [3, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_do_not_change_a_byte(tmp_path, options, number):
    with small_chunks():
        build_corpus(str(tmp_path / "one"), options, Workers(1))
        build_corpus(str(tmp_path / "more"), options, Workers(number))
    assert checksums(tmp_path / "more") == checksums(tmp_path / "one")


@pytest.mark.slow
def test_jobs_of_a_cluster_do_not_change_a_byte(tmp_path, options):
    build_corpus(str(tmp_path / "here"), options)
    build_corpus(str(tmp_path / "jobs"), options, Workers(2, "local"))
    assert checksums(tmp_path / "here") == checksums(tmp_path / "jobs")


@pytest.mark.slow
def test_jobs_of_a_cluster_share_the_tasks_and_name_bad_input(tmp_path, options):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"fine\n\xff\n")
    paths = [*options.files["en"], *options.files["de"], str(bad)]
    tasks = [
        Task(str(tmp_path / str(i)), read_file, (path,)) for i, path in enumerate(paths)
    ]
    execute = Workers(2, "local").executor(str(tmp_path / "logs"))
    with pytest.raises(ValueError, match="bad.txt:2: not UTF-8") as error:
        run_tasks("read", tasks, execute)
    assert "\n" not in str(error.value)
    assert [task.is_done() for task in tasks][1::2] == [True, False]  # one job's share


@pytest.mark.slow
def test_a_lost_job_is_one_line(tmp_path):
    (tmp_path / "gone").touch()  # a file in the place of a folder
    task = Task(str(tmp_path / "gone" / "0"), read_file, ("any.txt",))
    execute = Workers(1, "local").executor(str(tmp_path / "logs"))
    with pytest.raises(WorkerLost, match="job .*Error.*gone") as error:
        run_tasks("read", [task], execute)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "workers, message",
    [
        (Workers(0), "--workers 0"),
        (Workers(1, options={"a": 1}), "--cluster-options needs --cluster"),
        (Workers(1, "slurm"), "--cluster slurm: submitit says: .*srun"),
        (Workers(1, "local", {"no_such": 1}), "submitit says: .*no_such"),
    ],
)
def test_unfit_workers_are_one_line(tmp_path, options, monkeypatch, workers, message):
    monkeypatch.setenv("PATH", str(tmp_path))  # where no Slurm is
    with pytest.raises(ValueError, match=message) as error:
        build_corpus(str(tmp_path / "out"), options, workers)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_bad_input_stops_the_others_and_leaves_nothing_half_written(tmp_path):
    tasks = [Task(str(tmp_path / "bad"), refuse, ())]
    tasks += [Task(str(tmp_path / "long"), write_pid, (3600,))]
    with pytest.raises(ValueError, match="bad.txt:3: bad"):
        run_tasks("test", tasks, Workers(2).executor(""))
    assert not any(task.is_done() for task in tasks)
    assert not multiprocessing.active_children()
    assert not list(tmp_path.glob("bad*"))


def test_a_killed_worker_is_one_line_and_the_rest_goes_on_later(tmp_path):
    tasks = [Task(str(tmp_path / "good"), write_pid, (0,))]
    with pytest.raises(WorkerLost, match="the same command goes on") as error:
        lost = Task(str(tmp_path / "lost"), kill_self, ())
        run_tasks("test", [*tasks, lost], Workers(2).executor(""))
    assert "\n" not in str(error.value) and not lost.is_done()
    run_tasks("test", tasks, Workers(2).executor(""))
    assert Path(tasks[0].folder, "pid").exists()


def test_workers_end_when_the_command_is_killed(tmp_path):
    tasks = [Task(str(tmp_path / str(i)), write_pid, (3600,)) for i in range(2)]
    parent = os.fork()
    if not parent:
        run_tasks("test", tasks, Workers(2).executor(""))
    while len(list(tmp_path.glob("*/pid"))) < 2:
        time.sleep(0.01)
    workers = [int(path.read_text()) for path in tmp_path.glob("*/pid")]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    while any(map(is_alive, workers)):  # else this test never ends
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_corpus_ends_like_the_undisturbed_one(tmp_path):
    found = kill_corpus(tmp_path, every=211, times=1, seed=1)
    assert len(found) > 3 and not any(found.values())


def test_an_interrupted_corpus_goes_on_with_the_same_arguments_only(
    tmp_path, options, monkeypatch
):
    out, first = str(tmp_path / "out"), options.files["en"][0]
    with monkeypatch.context() as patch:
        patch.setattr("fairseq_mlkd.prepare.corpus.pipeline._merge", kill_self_softly)
        with pytest.raises(KeyboardInterrupt):
            build_corpus(out, options)
    assert os.listdir(out) == [".partial"] and existing_report(out, options) is None
    Path(first).write_text("More, or less.")
    with pytest.raises(ValueError, match="unfinished corpus of other arguments"):
        build_corpus(out, options)
    assert os.listdir(out) == [".partial"]


def kill_self_softly(*_):
    raise KeyboardInterrupt
