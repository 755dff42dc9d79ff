"""8 bits: what survives, what the gate refuses, and in whose name."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import (
    CLASSIFICATION,
    INTENT_SLOT,
    MLM,
    PARSING,
    TAGGING,
    TASKS,
    export,
    make,
)
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from tiny import load

from fairseq_mlkd import Predictor, convert
from fairseq_mlkd.convert import gate, onnx_graph
from fairseq_mlkd.convert.export import write_int8
from fairseq_mlkd.convert.int8 import (
    Setting,
    choose,
    fold,
    relative_error,
    shift_biases,
    smooth,
)
from fairseq_mlkd.convert.onnx_models import add_model
from fairseq_mlkd.convert.options import Options
from fairseq_mlkd.convert.trained import read_trained
from fairseq_mlkd.remedies import needed_for
from fairseq_mlkd.serve.inputs import pad
from fairseq_mlkd.serve.onnx_engine import open_session

FORCE = ("--int8", "--onnx", "--force")


def test_rows_keep_their_largest_number_and_zeros():
    weight = np.array([[0.5, -2.0, 0.1], [0.0, 0.0, 0.0]], np.float32)
    rows, scale = onnx_graph.quantise_rows(weight)
    assert rows.dtype == np.int8 and rows.tolist()[1] == [0, 0, 0]
    assert rows[0, 1] == -127
    np.testing.assert_allclose(rows * scale, weight, atol=2.0 / 254)


def test_smoothing_moves_what_it_says():
    largest = {"fc2": np.array([100.0, 1.0, 0.0])}
    weights = {"fc2": np.array([[0.5, 2.0, 1.0], [-1.0, 0.1, 0.0]])}
    found = smooth(largest, weights, 0.5)["fc2"]
    np.testing.assert_allclose(found[:2], [10.0, 0.5**0.5], rtol=1e-6)
    assert np.isfinite(found).all() and (found > 0).all()


def test_gelu_is_smoothed_where_it_takes_a_tenth_off_the_error():
    without, half, both = Setting(None), Setting(0.5), Setting(0.6, gelu=True)
    assert choose({without: 3, half: 2, both: 1.81}) == half
    assert choose({without: 3, half: 2, both: 1.8}) == both
    assert [str(x) for x in (without, half, both)] == [
        "none", "alpha 0.5", "alpha 0.6, after GELU too"
    ]  # fmt: skip


def run_graph(graph, path, **inputs):
    graph.save(path)
    session = open_session(path, threads=1)
    return session.run(None, {x.name: inputs[x.name] for x in session.get_inputs()})


def test_what_is_shifted_and_folded_gives_the_same(tmp_path):
    made = make(tmp_path, TAGGING)
    trained = read_trained(made.path, data=made.data, tokenizer=made.tokenizer)
    rng = np.random.default_rng(1)
    layers = trained.facts.encoder["encoder_layers"]
    names = [f"encoder.layers.{i}.self_attn.out_proj" for i in range(layers)]
    width = trained.facts.encoder["encoder_embed_dim"]
    smoothing = {x: rng.uniform(0.1, 9, width).astype(np.float32) for x in names}
    changed, left = fold(shift_biases(trained.weights, layers), smoothing)
    assert not left and not any(changed[f"{name}.bias"].any() for name in names)
    ids = rng.integers(5, 40, (2, 7))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    inputs["token_type_ids"] = np.zeros_like(ids)
    found = []
    for some in (trained.weights, changed):
        graph = onnx_graph.Graph(some)
        add_model(graph, trained.facts)
        found.append(run_graph(graph, tmp_path / "graph.onnx", **inputs)[0])
    np.testing.assert_allclose(*found, atol=1e-5)


def test_a_row_of_zeros_stays_one(tmp_path):
    graph = onnx_graph.Int8Graph({}, {})
    x = graph.input("x", ("rows", 8), np.float32)
    weight = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    bias = np.array([1, -2, 3], np.float32)
    rows = graph.roll(x, graph.constant([3], np.int64), 8)
    (y,) = graph.linears(rows, onnx_graph.Layer("product", weight, bias))
    graph.output(y, "y", ("rows", 3))
    given = np.zeros((3, 8), np.float32)
    given[1] = 1
    (found,) = run_graph(graph, tmp_path / "zeros.onnx", x=given)
    assert (found[[0, 2]] == bias).all()
    np.testing.assert_allclose(found[1], weight.sum(1) + bias, atol=0.05)


def test_rows_that_gelu_gives_keep_their_scale(tmp_path):
    graph = onnx_graph.Int8Graph({}, {})
    x = graph.input("x", ("rows", 4), np.float32)
    rows = graph.gelu(graph.roll(x, graph.constant([3], np.int64), 4))
    layer = onnx_graph.Layer("layer", np.eye(4, dtype=np.float32), np.zeros(4))
    graph.output(*graph.linears(rows, layer), "y", ("rows", 4))
    given = np.array([[-0.75] * 4, [-0.8, 0, 5, 1], [-9, -3, -2, -0.1]], np.float32)
    (found,) = run_graph(graph, tmp_path / "gelu.onnx", x=given)
    wanted = torch.nn.functional.gelu(torch.from_numpy(given)).numpy()
    largest = np.abs(wanted).max(axis=1, keepdims=True)
    assert (np.abs(found - wanted) < np.maximum(largest, 0.171) / 127).all()


@pytest.mark.parametrize("task", TASKS)
def test_int8_is_near_float32_and_a_quarter_of_its_size(tmp_path, task):
    made = make(tmp_path, task, model_max_positions=90)
    folder = export(made, tmp_path / "out", *FORCE)
    sizes = [(folder / f"onnx/{name}.onnx").stat().st_size
             for name in ("model", "model_int8")]  # fmt: skip
    assert sizes[1] < sizes[0]
    one, other = (Predictor(folder, engine=name) for name in ("onnx", "int8"))
    trained = read_trained(made.path, data=made.data, tokenizer=made.tokenizer)
    texts = gate.calibration_texts(gate.read_dev_sets(trained, 9), 9)
    if task != PARSING:
        outputs = [
            [x for t in texts for x in p._engine.run(pad(t.rows, t.first)).values()]
            for p in (one, other)
        ]
        assert relative_error(outputs[1], outputs[0]) < 0.05
    assert Predictor(folder)._engine._model.get_modelmeta().producer_name
    card = (folder / "README.md").read_text()
    assert "## int8" in card and "| ja |" in card


def test_int8_is_the_same_alone_in_a_batch_and_under_threads(tmp_path):
    made = make(tmp_path, INTENT_SLOT, model_max_positions=90)
    folder = export(made, tmp_path / "out", *FORCE)
    asked = ["The king", "Wake me at 7:30 in New York please", "a"]
    found = [
        Predictor(folder, engine="int8", threads=threads, batch_size=size)(asked)
        for threads in (1, 8)
        for size in (1, 2, 32)
    ]
    assert all(answers == found[0] for answers in found)


def label_as_the_model(made, folder):
    """Make the dev data's labels what float32 says, so that any change is a loss."""
    trained = read_trained(made.path, data=made.data, tokenizer=made.tokenizer)
    predictor = Predictor(folder, engine="onnx")
    found = {}
    for lang, dev in gate.read_dev_sets(trained, 99).items():
        gold = [gate._labels_of(x) for x in predictor.answer(dev.questions)]
        found[lang] = dev._replace(gold=gold)
    return predictor, found


def test_at_least_one_row_decides():
    with pytest.raises(ValueError, match="--dev-rows 0: give a number from 1"):
        gate.read_dev_sets(None, 0)


def with_outliers(made, factor=60.0, period=6):
    """Give the inputs of second products what real ones have: a few large channels."""
    state = load(made.path)
    for name, tensor in state["model"].items():
        if "encoder" in name and ".fc1." in name:
            tensor[::period] *= factor
        elif "encoder" in name and ".fc2.weight" in name:
            tensor[:, ::period] /= factor
    torch.save(state, made.path)
    return made


def test_a_missing_runtime_is_named_before_any_dev_set_is_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "fairseq_mlkd.convert.int8")
    monkeypatch.delattr(convert, "int8")
    with pytest.raises(ValueError, match=r"^onnxruntime is missing: pip"), needed_for():
        write_int8(Path("none"), None, Options())


class Texts(CalibrationDataReader):
    def __init__(self, dev_sets, inputs):
        texts = gate.calibration_texts(dev_sets, 9)
        batches = (pad(text.rows, text.first) for text in texts)
        self.batches = iter([{k: b[k] for k in inputs} for b in batches])

    def get_next(self):
        return next(self.batches, None)


def replace_session(predictor, path):
    predictor._engine._model = open_session(path, threads=1)


def use_recipe(recipe, predictor, folder, scratch, dev_sets):
    """Have a Predictor compute as one of the recipes that harm."""
    source = str(folder / "onnx/model.onnx")
    if recipe == "dynamic per tensor":
        quantize_dynamic(
            source, scratch, per_channel=False, weight_type=QuantType.QInt8
        )
        replace_session(predictor, scratch)
    elif recipe == "static":
        inputs = predictor._engine._inputs
        quantize_static(
            source,
            scratch,
            Texts(dev_sets, inputs),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
        )
        replace_session(predictor, scratch)
    else:
        predictor._engine._model = torch.ao.quantization.quantize_dynamic(
            predictor._engine._model, {torch.nn.Linear}, dtype=torch.qint8
        )


@pytest.mark.parametrize("recipe", ["dynamic per tensor", "static", "torch.ao"])
def test_the_gate_refuses_recipes_that_harm_and_passes_ours(tmp_path, recipe):
    made = with_outliers(make(tmp_path, TAGGING, model_max_positions=90))
    folder = export(made, tmp_path / "out", *FORCE)
    trusted, dev_sets = label_as_the_model(made, folder)
    ours = gate.compare(trusted, Predictor(folder, engine="int8"), dev_sets)
    engine = "torch" if recipe == "torch.ao" else "onnx"
    judged = Predictor(folder, engine=engine)
    use_recipe(recipe, judged, folder, tmp_path / "other.onnx", dev_sets)
    theirs = gate.compare(trusted, judged, dev_sets)
    tolerance = max(v.loss for v in ours) + 0.5
    gate.refuse(ours, tolerance)
    assert min(v.agreement for v in ours) > min(v.agreement for v in theirs)
    with pytest.raises(ValueError, match="int8 loses"):
        gate.refuse(theirs, tolerance)


@pytest.mark.parametrize("task", [CLASSIFICATION, MLM])
def test_a_loss_is_refused_by_language_and_nothing_is_written(
    tmp_path, monkeypatch, task
):
    made = make(tmp_path, task, model_max_positions=90)
    if task == CLASSIFICATION:
        made.task.cfg.long_inputs = "truncate"

    def coarse(weight):
        scale = np.abs(weight).max(axis=1, keepdims=True) + np.float32(1e-12)
        return np.rint(weight / scale).astype(np.int8), scale

    whole = onnx_graph.quantise_rows
    monkeypatch.setattr(onnx_graph, "quantise_rows", coarse)
    verdicts = []
    compare = gate.compare

    def remember(*given):
        found = compare(*given)
        # as if the model had been right everywhere
        verdicts[:] = [v._replace(before=100.0, after=v.agreement) for v in found]
        return verdicts

    monkeypatch.setattr(gate, "compare", remember)
    with pytest.raises(SystemExit) as refusal:
        export(made, tmp_path / "out", "--int8")
    worst = max(verdicts, key=lambda v: v.loss)
    message = str(refusal.value)
    assert f"points in {worst.lang} " in message and "--force" in message
    assert not (tmp_path / "out").exists() and "\n" not in message
    folder = export(made, tmp_path / "out", "--int8", "--force")
    told = json.loads((folder / "mlkd/facts.json").read_text())
    assert "onnx/model_int8.onnx" in told["files"]
    assert "onnx/model.onnx" not in told["files"]
    monkeypatch.setattr(onnx_graph, "quantise_rows", whole)


def test_int8_needs_dev_data(tmp_path):
    made = make(tmp_path, TAGGING)
    for path in (made.data / "input0").glob("test.*"):
        path.unlink()
    with pytest.raises(SystemExit) as refusal:
        export(made, tmp_path / "out", "--int8")
    assert "no dev or test data" in str(refusal.value)
