"""Two processes train what one does with twice the update frequency, bit for bit."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tiny
from trained import differences

from fairseq_mlkd.errors import UserError

# Every worker saves, so that they can be compared.
WORKER = """
from fairseq.trainer import Trainer
from fairseq_cli.train import cli_main
Trainer.should_save_checkpoint_on_current_rank = property(lambda self: True)
cli_main()
"""
EPOCHS = 3
MIDDLE = 5  # updates, in the second epoch


class Run(NamedTuple):
    """Data, and a command that distils on them."""

    data: Path
    flags: list[Any]


def distil(name: str, data: Path, folder: Path, *more: Any) -> Run:
    """Return a run without dropout, with decay of weights."""
    flags = [*tiny.distillation(name, data, folder), "--batch-size", 7, *more]
    flags += ["--dropout", 0, "--attention-dropout", 0, "--weight-decay", 0.1]
    return Run(data, flags)


@pytest.fixture(scope="module")
def mlm(tmp_path_factory) -> Run:
    """7 batches an epoch."""
    folder = tmp_path_factory.mktemp("mlm")
    data = tiny.write_mlm_data(folder / "data", {"de": 12, "en": 33, "sw": 3})
    return distil("multilingual_mlm", data, folder)


@pytest.fixture(scope="module")
def tagging(tmp_path_factory) -> Run:
    """7 batches an epoch, and 3 + 2 batches of validation, which selects."""
    folder = tmp_path_factory.mktemp("tagging")
    counts = {"train.en": 46, "valid.en": 17, "valid.fr": 9}
    data = tiny.write_tagged(folder / "data", counts)
    flags = ["--valid-subset", "valid,valid.fr"]
    flags += ["--best-checkpoint-metric", "f1", "--maximize-best-checkpoint-metric"]
    return distil("zero_shot_tagging", data, folder, *flags)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


def train_with_two(save_dir: Path, run: Run, *more: Any) -> list[Path]:
    """Return `fairseq-train` as two processes; returns the last checkpoint of each."""
    port, workers, paths = free_port(), [], []
    for rank in range(2):
        folder = save_dir / str(rank)
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--user-dir", tiny.USER_DIR, "--cpu", "--distributed-world-size", 2]
        flags += ["--distributed-init-method", f"tcp://localhost:{port}"]
        flags += ["--distributed-no-spawn", "--distributed-rank", rank]
        flags += ["--distributed-backend", "gloo", "--ddp-backend", "legacy_ddp"]
        flags += ["--num-workers", 0, *tiny.schedule(folder, *run.flags, *more)]
        command = [sys.executable, "-c", WORKER, run.data, *flags]
        with open(folder / "log", "w") as log:
            argv = list(map(str, command))
            workers.append(subprocess.Popen(argv, stdout=log, stderr=log))
        paths.append(folder / "checkpoint_last.pt")
    codes = [worker.wait() for worker in workers]
    logs = [(path.parent / "log").read_text() for path in paths]
    assert codes == [0, 0], "\n".join(logs)
    return paths


def train_with_one(save_dir: Path, run: Run, *more: Any) -> Path:
    return tiny.train(run.data, save_dir, *run.flags, "--update-freq", 2, *more)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlm", "tagging"])
def test_two_workers_equal_one_and_resume_exactly(name, request, tmp_path):
    run = request.getfixturevalue(name)
    one = train_with_one(tmp_path / "one", run, "--max-epoch", EPOCHS)
    two, other = train_with_two(tmp_path / "two", run, "--max-epoch", EPOCHS)
    state = tiny.load(two)
    # an epoch's last update has a batch for one worker only
    assert state["optimizer_history"][-1]["num_updates"] == 4 * EPOCHS
    # the teacher is not among what is saved
    kinds = {name.split("_loss.")[1].split(".")[0] for name in state["criterion"]}
    assert kinds == {"projections", "head_map"}
    assert state["model"].keys() == tiny.load(one)["model"].keys()
    assert differences(one, two) == [] == differences(two, other)
    best = [tiny.load(path)["extra_state"]["best"] for path in (one, two, other)]
    assert best[0] == best[1] == best[2]

    stopped, _ = train_with_two(tmp_path / "part", run, "--max-update", MIDDLE)
    assert len(differences(stopped, two)) > 20
    # the second worker is sent what the first has read
    resume = ["--restore-file", stopped, "--max-epoch", EPOCHS]
    for path in train_with_two(tmp_path / "part", run, *resume):
        assert differences(path, two) == []


@pytest.mark.slow
def test_two_workers_equal_one_where_the_loss_leaves_parameters_out(mlm, tmp_path):
    flags = ["--ce-weight", 0, "--logits-weight", 0, "--hidden-weight", 0]
    flags += ["--max-epoch", 1]
    one = train_with_one(tmp_path / "one", mlm, *flags)
    two, other = train_with_two(tmp_path / "two", mlm, *flags)
    assert differences(one, two) == [] == differences(two, other)


@pytest.mark.slow
def test_two_workers_equal_one_with_unlabelled_sentences(tagging, tmp_path):
    flags = ["--unlabelled-data", tiny.write_mlm_data(tmp_path / "sentences")]
    flags += ["--max-epoch", 1]
    one = train_with_one(tmp_path / "one", tagging, *flags)
    two, other = train_with_two(tmp_path / "two", tagging, *flags)
    assert differences(one, two) == [] == differences(two, other)
    logs = [(path.parent / "log").read_text() for path in (two, other)]
    assert ["zero-shot mean" in log for log in logs] == [True, False]


@pytest.mark.parametrize("backend", ["fully_sharded", "slowmo"])
def test_backends_that_do_not_fit_are_refused(mlm, tmp_path, backend):
    with pytest.raises(UserError) as error:
        train_with_one(tmp_path, mlm, "--ddp-backend", backend)
    assert str(error.value) == (
        f"fairseq_mlkd: --ddp-backend {backend} is not supported: "
        "choose pytorch_ddp or legacy_ddp"
    )
