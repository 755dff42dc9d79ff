"""What a study says every ten seconds."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from progress import Progress, last_update

UPDATE = "epoch 001: 5 / 9 loss=2.5, wps=10, num_updates=50, lr=0.1\n"
VALID = "epoch 001 | valid on 'valid' subset | " + "ppl_de 3.1 | " * 1000 + "\n"


class Job:
    """What `Progress` reads of a job of Snakemake."""

    params = SimpleNamespace(command="fairseq-hydra-train optimization.max_update=200")

    def __init__(self, name: str, said: str = "", rule: str = "train") -> None:
        self.said, self.rule = said, SimpleNamespace(name=rule)
        self.log, self.output = [Path("log", f"{name}.log")], [Path("done", name)]

    def start(self) -> None:
        self.log[0].parent.mkdir(exist_ok=True)
        self.log[0].write_text(self.said)

    def end(self) -> None:
        self.output[0].parent.mkdir(exist_ok=True)
        self.output[0].touch()


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> list[Job]:
    monkeypatch.chdir(tmp_path)
    return [Job("a"), Job("b", UPDATE), Job("c", rule="test")]


@pytest.fixture
def progress(jobs) -> Progress:
    dag = SimpleNamespace(needrun_jobs=lambda: jobs, finished=lambda job: False)
    progress = Progress(SimpleNamespace(dag=dag, global_resources={"_cores": 2}))
    progress.began -= 1.0  # the times of files are coarse
    return progress


def test_a_long_validation_does_not_hide_the_last_update(tmp_path):
    log = tmp_path / "train.log"
    assert last_update(log) is None
    log.write_text(UPDATE + VALID)
    assert last_update(log) == ("2.5", "50")


def test_the_time_left_is_that_of_updates_or_of_other_steps(jobs, progress):
    ended, running, _ = jobs
    running.start()
    assert progress.seconds_left([running], now=100.0) is None
    progress.seconds[ended] = 60.0
    progress.started[running] = 80.0
    # 20 s for 50 of 200 updates, and a test as long as the mean of what has ended
    assert progress.seconds_left([running], now=100.0) == pytest.approx((60 + 60) / 2)


def test_a_step_that_ends_between_two_lines_counts_as_done(jobs, progress):
    jobs[0].start()
    jobs[0].end()
    jobs[1].start()
    assert "1 of 3 steps done" in progress.line()
    assert progress.line().endswith(": b 50/200 updates, loss 2.5")
