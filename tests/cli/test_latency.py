"""`mlkd-latency` measures each engine apart, and says how good each model is."""

import json

import pytest
from exported import TAGGING, export, make

from fairseq_mlkd.cli.latency import main


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
    return export(made, tmp_path / "tagger", "--onnx", "--int8", "--force")


@pytest.mark.slow
def test_a_row_for_each_engine_and_setting(folder, tmp_path, capsys):
    capsys.readouterr()
    main([str(folder), "--batch", "1,3", "--seconds", "0.01", "--engines",
          "torch,onnx,int8", "--json", str(tmp_path / "out.jsonl"),
          "--picture", str(tmp_path / "out.png")])  # fmt: skip
    rows = [json.loads(x) for x in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(r["engine"], r["batch"]) for r in rows] == [
        (engine, batch) for engine in ("torch", "onnx", "int8") for batch in (1, 3)
    ]
    assert all(0 < r["p50"] <= r["p99"] and r["peak"] > 10 for r in rows)
    assert all((r["source"], r["zero_shot"]) == (80, 55) for r in rows)
    sizes = {row["engine"]: row["disk"] for row in rows}
    assert sizes["int8"] < sizes["onnx"]
    memory = {row["engine"]: row["peak"] for row in rows}
    assert memory["onnx"] < memory["torch"], "ONNX needs no torch"
    assert "| tagger | int8 |" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "out.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "arguments", [["--engines", "warp"], ["--threads", "0"], ["--batch", "1,x"]]
)
def test_bad_options_are_refused(folder, arguments):
    with pytest.raises(SystemExit) as refusal:
        main([str(folder), *arguments])
    assert "mlkd-latency: error:" in str(refusal.value)
