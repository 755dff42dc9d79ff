"""Checkpoints are untrusted input."""

import argparse
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny import build_model, make_dictionary, mlm_task, save_model, write_mlm_data
from traps import Malicious

from fairseq_mlkd.checkpoint import (
    check_dictionary,
    dictionary_sha256,
    load_weights,
    read_checkpoint,
)


@pytest.fixture
def task(tmp_path):
    return mlm_task(write_mlm_data(tmp_path / "data", {"en": 3}))


def test_a_checkpoint_is_read(task, tmp_path):
    model = build_model(task)
    path = save_model(tmp_path / "model.pt", model, task)
    state = read_checkpoint(str(path), "--flag")
    assert state["model"].keys() == model.state_dict().keys()
    assert state["cfg"]["model"]["encoder_layers"] == 2
    check_dictionary(state, task.dictionary, str(path), "--flag")


def refuse(path: Path) -> str:
    with pytest.raises(ValueError) as error:
        read_checkpoint(str(path), "--flag")
    message = str(error.value)
    assert message.startswith(f"--flag {path}: ") and "\n" not in message
    return message


def test_code_is_not_run(tmp_path):
    path, trap = tmp_path / "model.pt", tmp_path / "executed"
    state = {"model": {}, "cfg": Malicious(trap)}
    with open(path, "wb") as file:
        pickle.dump(state, file)
    refuse(path)
    for zipped in (True, False):
        torch.save(state, str(path), _use_new_zipfile_serialization=zipped)
        refuse(path)
    assert not trap.exists()
    pickle.loads(pickle.dumps(state))  # the trap works
    assert trap.exists()


def test_what_is_no_checkpoint_is_refused(task, tmp_path):
    assert "no such file" in refuse(tmp_path / "missing.pt")
    assert "name the checkpoint in it" in refuse(tmp_path)
    path = save_model(tmp_path / "model.pt", build_model(task), task)
    whole = path.read_bytes()
    texts = [b"a text\n", b"no checkpoint\n", b"(1, 2)\n", bytes(range(256))]
    contents = [b"", *texts, whole[:100], whole[: len(whole) // 2], whole[:-1]]
    for content in contents:
        path.write_bytes(content)
        assert "not a checkpoint" in refuse(path) or not content
    for state in ([1], {"model": {}}, {"cfg": {"a": 1}}, torch.zeros(2)):
        torch.save(state, str(path))
        assert "checkpoint" in refuse(path)


def test_a_packed_file_is_refused(task, tmp_path):
    path = save_model(tmp_path / "model.pt", build_model(task), task)
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w") as target:
        for record in source.infolist():
            target.writestr(record.filename, source.read(record), zipfile.ZIP_DEFLATED)
    assert "compressed" in refuse(packed)


def test_numpy_numbers_are_plain_values(task, tmp_path):
    path = save_model(tmp_path / "model.pt", build_model(task), task)
    state = torch.load(str(path), weights_only=True)
    state["extra_state"]["val_loss"] = np.float64(2.5)
    state["extra_state"]["best"] = np.float32(1.5)
    state["extra_state"]["train_iterator"]["epoch"] = np.int64(3)
    torch.save(state, str(path))
    extra = read_checkpoint(str(path), "--flag")["extra_state"]
    assert (extra["val_loss"], extra["best"]) == (2.5, 1.5)
    assert extra["train_iterator"]["epoch"] == 3


def test_what_another_toolkit_wrote_is_sent_to_the_import(task, tmp_path):
    path, model = tmp_path / "pytorch_model.bin", build_model(task)
    torch.save(model.state_dict(), str(path))
    assert "mlkd-import" in refuse(path)
    torch.save({"args": argparse.Namespace(arch="a"), "model": {}}, str(path))
    assert "mlkd-import" in refuse(path)
    save_file(model.lm_head.layer_norm.state_dict(), tmp_path / "model.safetensors")
    assert "mlkd-import" in refuse(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    assert f"mlkd-import {tmp_path} OUT" in refuse(tmp_path)


def test_fingerprint_is_of_symbols_and_their_order():
    first, renamed, longer = make_dictionary(3), make_dictionary(3), make_dictionary(4)
    assert dictionary_sha256(first) == dictionary_sha256(make_dictionary(3))
    assert dictionary_sha256(first) != dictionary_sha256(longer)
    renamed.symbols[-2:] = reversed(renamed.symbols[-2:])
    assert dictionary_sha256(first) != dictionary_sha256(renamed)
    counted = make_dictionary(3)
    counted.count[-1] += 5
    assert dictionary_sha256(first) == dictionary_sha256(counted)


def test_another_dictionary_is_refused_and_an_unknown_one_warned_of(task, caplog):
    state: dict[str, Any] = {"task_state": task.state_dict()}
    with pytest.raises(
        ValueError, match="--flag a.pt was trained with another dictionary"
    ):
        check_dictionary(state, make_dictionary(7), "a.pt", "--flag")
    assert not caplog.records
    for state in ({}, {"task_state": None}, {"task_state": {}}):
        check_dictionary(state, make_dictionary(7), "a.pt", "--flag")
    assert len(caplog.records) == 3


def test_weights_must_fit():
    module = torch.nn.Linear(2, 3)
    good = {"weight": torch.ones(3, 2), "bias": torch.ones(3)}
    load_weights(module, good, "a.pt", "--flag")
    assert (module.weight == 1).all()
    wrong = {
        "lacks the parameter bias": {"weight": torch.ones(3, 2)},
        r"weight is \(2, 3\) there and \(3, 2\) in": {
            **good,
            "weight": torch.ones(2, 3),
        },
        "holds gain, which this model lacks": {**good, "gain": torch.ones(1)},
    }
    for message, weights in wrong.items():
        with pytest.raises(ValueError, match=f"--flag a.pt: {message}"):
            load_weights(module, weights, "a.pt", "--flag")
    assert (module.weight == 1).all()
