"""`mlkd-latency` measures each engine apart, and says how good each model is."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from exported import TAGGING, export, make

from fairseq_mlkd.cli.latency import main
from fairseq_mlkd.latency.engines import ENGINES, OPENVINO


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("tagger")
    made = make(tmp_path, TAGGING, model_max_positions=90)
    lines = [
        {"dataset": "wikiann", "model": "m", "lang": lang, "metric": metric,
         "value": value, "examples": 9}
        for metric, scores in (("entity F1", (80, 60, 50)), ("other", (1, 2, 3)))
        for lang, value in zip(("en", "de", "ja"), scores)
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "results.jsonl").write_text(text)
    (tmp_path / "dict.txt").write_bytes((made.data / "dict.txt").read_bytes())
    export(made, tmp_path / "tagger", "--onnx", "--int8", "--force")
    return tmp_path


def measure(capsys, tmp_path, *arguments):
    """Return the rows, and the table without its spaces."""
    out = tmp_path / "out.jsonl"
    capsys.readouterr()
    given = [*arguments, "--seconds", "0.02", "--rounds", "2", "--json", out]
    main([str(x) for x in given])
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return rows, " ".join(capsys.readouterr().out.split())


def test_engines_are_measured_beside_scores(folder, tmp_path, capsys):
    picture = tmp_path / "out.png"
    rows, text = measure(
        capsys,
        tmp_path,
        folder / "tagger",
        *("--engines", "onnx,int8", "--batch", "3", "--picture", picture),
    )
    assert [row["engine"] for row in rows] == ["onnx", "int8"]
    for row in rows:
        assert 0 < row["least"] <= row["p50"] <= row["p99"] and row["cpu"] > 0
        assert row["peak"] > 10 and (row["source"], row["zero_shot"]) == (80, 55)
        assert row["ratio"] == rows[0]["least"] / row["least"]
    assert rows[1]["disk"] < rows[0]["disk"]
    assert "| tagger | int8 | 1 | 3 |" in text and " 80.0 | 55.0 |" in text
    assert picture.stat().st_size > 1000


@pytest.mark.slow
def test_checkpoints_and_every_engine_are_measured(folder, tmp_path, capsys):
    paths = folder / "model.pt", folder / "tagger"
    rows, text = measure(capsys, tmp_path, *paths, "--data", folder / "data")
    engines = [x for x in ENGINES if x != OPENVINO or find_spec("openvino")]
    assert [row["engine"] for row in rows] == engines
    assert rows[0]["model"] == folder.name
    assert all((row["source"], row["zero_shot"]) == (80, 55) for row in rows)
    memory = {row["engine"]: row["peak"] for row in rows}
    assert memory["onnx"] < memory["torch"], "ONNX needs no torch"


def test_a_model_that_cannot_be_opened_is_one_line(folder, tmp_path):
    copy = Path(shutil.copytree(folder / "tagger", tmp_path / "copy"))
    graph = copy / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-9])
    with pytest.raises(SystemExit) as refusal:
        main([str(copy), "--engines", "onnx"])
    message = str(refusal.value)
    assert message.startswith(f"mlkd-latency: error: {copy}, onnx: ")
    assert "cut off, or another one" in message and "\n" not in message


BAD_OPTIONS = {
    "--engines warp": "warp: none of",
    "--engines fairseq": "nothing that is installed",
    "--threads 0": "--threads 0",
    "--batch 1,x": "--batch 1,x",
    "--rounds 0": "--rounds",
}


@pytest.mark.parametrize("options, part", BAD_OPTIONS.items())
def test_bad_options_are_refused(folder, options, part):
    with pytest.raises(SystemExit) as refusal:
        main([str(folder / "tagger"), *options.split()])
    assert "mlkd-latency: error:" in str(refusal.value) and part in str(refusal.value)
