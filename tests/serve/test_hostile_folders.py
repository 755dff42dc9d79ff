"""A folder that is torn, foreign or hostile is refused in one line and runs nothing."""

import json
import os
import pickle
import shutil
import struct
from importlib import import_module
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported import CLASSIFICATION, INTENT_SLOT, PARSING, export, make
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file
from traps import Malicious

from fairseq_mlkd import Predictor
from fairseq_mlkd.files.hashing import file_sha256

FACTS = "mlkd/facts.json"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folders by task, made once."""
    found = {}
    for task in (CLASSIFICATION, INTENT_SLOT, PARSING):
        folder = tmp_path_factory.mktemp(task)
        found[task] = export(make(folder, task), folder / "out", "--onnx")
    return found


@pytest.fixture
def folder(exported, tmp_path):
    """Copy the classifier's folder, to be spoilt."""
    return Path(shutil.copytree(exported[CLASSIFICATION], tmp_path / "copy"))


def change(folder, **facts):
    """Change what the folder says, and let its fingerprints be right again."""
    path = folder / FACTS
    told = json.loads(path.read_text())
    told.update(facts)
    for name in told["files"]:
        if (folder / name).is_file():
            told["files"][name] = file_sha256(folder / name)
    path.write_text(json.dumps(told))


def refuse(folder, engine):
    with pytest.raises(ValueError) as refusal:
        Predictor(folder, engine=engine)
    message = str(refusal.value)
    assert "\n" not in message and str(folder) in message
    return message


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("task", [CLASSIFICATION, INTENT_SLOT, PARSING])
def test_every_file_that_is_read_is_compared_with_its_fingerprint(
    exported, tmp_path, task, engine
):
    folder = Path(shutil.copytree(exported[task], tmp_path / "copy"))
    Predictor(folder, engine=engine)
    suffix = ".onnx" if engine == "onnx" else ".safetensors"
    paths = list(folder.rglob(f"*{suffix}"))
    assert paths
    for path in paths:
        whole = path.read_bytes()
        path.write_bytes(whole[:-7])
        assert "cut off, or another one" in refuse(folder, engine)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "facts",
    [
        {"format": 99},
        {"vocabulary": 5},
        {"vocabulary": -1},
        {"heads": [{"name": "x"}]},
        {"heads": 3},
        {"surprise": 1},
        {"encoder": {}},
        {"grammar": "../x"},
        {"files": {"../../etc/passwd": "0"}},
        {"encoder": {"encoder_layers": 10**7}},
        {"encoder": {"layer_norm_eps": None}},
        {"task": "evil"},
        {"task": None},
        {"heads": []},
        {"heads": [{"name": "a.b", "pooled": True, "labels": ["x"]}]},
        {"heads": [{"name": "x", "pooled": "yes", "labels": ["x"]}]},
        {"source_lang": ["en"]},
        {"languages": "en"},
        {"languages": ["\ud800"]},
        {"scores": {"en": "high"}},
        {"scores": [1]},
        {"files": ["a"]},
        {"num_pointers": 9},
    ],
)
def test_facts_that_cannot_be_are_refused(folder, facts):
    told = json.loads((folder / FACTS).read_text())
    facts = {
        k: {**told[k], **v} if k == "encoder" and v else v for k, v in facts.items()
    }
    change(folder, **facts)
    refuse(folder, "torch")


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("labels", [["one"], [*"abcdef"]])
def test_labels_are_as_many_as_the_model_says(folder, engine, labels):
    (head,) = json.loads((folder / FACTS).read_text())["heads"]
    change(folder, heads=[{**head, "labels": labels}])
    refuse(folder, engine)


@pytest.mark.parametrize("name", [FACTS, "mlkd/dict.txt", "mlkd/codes"])
@pytest.mark.parametrize("target", ["/dev/zero", "a pipe"])
def test_files_that_never_end_are_not_read(folder, name, target):
    (folder / name).unlink()
    if target == "a pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(target)
    assert "no such file" in refuse(folder, "onnx")


def test_a_dictionary_of_other_bytes_is_refused(folder):
    with open(folder / "mlkd" / "dict.txt", "a", encoding="utf-8") as file:
        file.write("more 1\n")
    assert "not the file that" in refuse(folder, "onnx")
    change(folder)
    assert "symbols where the model has" in refuse(folder, "onnx")


def run_command(name, folder, tmp_path):
    """Give a folder to a command; return the line with which it ends."""
    arguments = {
        "predict": [tmp_path / "asked", "--engine", "torch"],
        "serve": ["--engine", "torch", "--port", 0],
        "import": [tmp_path / "imported"],
        "latency": ["--engines", "torch"],
    }[name]
    (tmp_path / "asked").write_text("the king\n")
    module = {"import": "import_encoder"}.get(name, name)
    main = import_module(f"fairseq_mlkd.cli.{module}").main
    with pytest.raises(SystemExit) as refusal:
        main([str(x) for x in (folder, *arguments)])
    assert not (tmp_path / "imported").exists()
    return str(refusal.value)


@pytest.mark.parametrize(
    "command",
    ["predict", "serve", "import", pytest.param("latency", marks=pytest.mark.slow)],
)
def test_every_command_refuses_it_in_one_line(folder, tmp_path, command):
    trap, weights = folder / "exploded", folder / "model.safetensors"
    contents = [pickle.dumps(Malicious(trap)), struct.pack("<Q", 10 << 30) + b"{}"]
    for content in (*contents, weights.read_bytes()[:-7]):
        weights.write_bytes(content)
        if content in contents:
            change(folder)
        line = run_command(command, folder, tmp_path)
        assert line.startswith(f"mlkd-{command}: error:") and "\n" not in line
        assert str(weights) in line and not trap.exists()
    change(folder, files={"../../etc/passwd": "0"})
    line = run_command(command, folder, tmp_path)
    assert "no file of this folder" in line and "\n" not in line


@pytest.mark.parametrize("command", ["predict", "import"])
def test_facts_without_segments_are_refused_in_one_line(folder, tmp_path, command):
    told = json.loads((folder / FACTS).read_text())["encoder"]
    del told["num_segments"]
    change(folder, encoder=told)
    line = run_command(command, folder, tmp_path)
    assert line.startswith(f"mlkd-{command}: error:") and "num_segments" in line


def test_a_decoder_does_not_tell_of_the_encoder(exported, tmp_path):
    folder = Path(shutil.copytree(exported[PARSING], tmp_path / "copy"))
    told = json.loads((folder / FACTS).read_text())
    layers = {"encoder_layers": told["encoder"]["encoder_layers"]}
    change(
        folder,
        encoder={**told["encoder"], "encoder_layers": 10**7},
        decoder={**told["decoder"], **layers},
    )
    assert "encoder_layers is 10000000" in refuse(folder, "onnx")


def test_missing_torn_or_huge_facts(folder):
    path = folder / FACTS
    whole = path.read_text()
    for text in ("", "[]", whole[:100], "\x00" * 99, "[" * 10**5):
        path.write_text(text)
        refuse(folder, "onnx")
    with open(path, "wb") as file:
        file.truncate(1 << 33)  # a sparse file
    refuse(folder, "onnx")
    path.unlink()
    assert "mlkd-export" in refuse(folder, "onnx")


@pytest.mark.parametrize("value", ["../../secret", "/etc/passwd", "a/b"])
def test_a_tokenizer_names_files_beside_it_alone(folder, value):
    path = folder / "mlkd" / "subwords.json"
    settings = json.loads(path.read_text())
    settings["codes"] = value
    path.write_text(json.dumps(settings))
    assert value in refuse(folder, "onnx")


def test_a_pickle_in_the_place_of_weights(folder):
    trap = folder / "exploded"
    for name in ("model.safetensors", "onnx/model.onnx"):
        (folder / name).write_bytes(pickle.dumps(Malicious(trap)))
    change(folder)
    refuse(folder, "torch")
    refuse(folder, "onnx")
    assert not trap.exists()


@pytest.mark.parametrize("size", [10 << 30, (1 << 63) - 1, 200])
def test_a_header_larger_than_the_file(folder, size):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", size) + b"{}")
    change(folder)
    refuse(folder, "torch")


def test_tensors_of_other_shapes(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = "bert.encoder.layer.0.output.dense.weight"
    for spoilt in (tensors[name][:-1], tensors[name][None], None):
        others = {key: x for key, x in tensors.items() if key != name}
        save_file(others if spoilt is None else {**others, name: spoilt}, path)
        change(folder)
        assert "fc2.weight" in refuse(folder, "torch")


def spoil(model, fault):
    graph = model.graph
    if fault == "external":
        tensor = graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../../etc/passwd"
    elif fault == "loop":
        body = helper.make_graph([], "body", [], [])
        graph.node.append(helper.make_node("Loop", ["", ""], [], body=body))
    elif fault == "operator":
        graph.node[0].op_type = "RandomNormal"
    elif fault == "domain":
        graph.node[0].domain = "evil"
    elif fault == "function":
        opset = [helper.make_opsetid("", 20)]
        model.functions.append(helper.make_function("d", "f", [], [], [], opset))
    elif fault == "constant":
        tensor = numpy_helper.from_array(np.zeros(3, np.float32))
        tensor.data_location = TensorProto.EXTERNAL
        graph.node.append(helper.make_node("Identity", [""], ["x"], value=tensor))
    elif fault == "output":
        graph.output[0].name = graph.node[-1].output[0] = "other"
    elif fault == "shape":
        weights = [x for x in graph.initializer if x.name.endswith("fc1.weight")]
        weights[0].dims[0] += 1
    elif fault == "sparse":
        graph.sparse_initializer.add()


@pytest.mark.parametrize(
    "fault",
    ["external", "loop", "operator", "domain", "function", "constant", "output",
     "shape", "sparse"],
)  # fmt: skip
def test_graphs_that_we_would_not_write(folder, fault):
    path = folder / "onnx" / "model.onnx"
    model = onnx.load(path, load_external_data=False)
    spoil(model, fault)
    path.write_bytes(model.SerializeToString())
    change(folder)
    refuse(folder, "onnx")


@pytest.mark.parametrize("data", [b"", b"\x00" * 64, b"\xff" * 64, b"\x3a\xff\xff\x01"])
def test_files_that_are_no_graphs(folder, data):
    (folder / "onnx" / "model.onnx").write_bytes(data)
    change(folder)
    refuse(folder, "onnx")
