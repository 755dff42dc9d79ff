"""The script makes its models, measures every engine, and says how int8 stands."""

import pytest
from benchmark_engines import main, ratios

from fairseq_mlkd.latency.engines import offered


@pytest.mark.slow
def test_every_engine_has_a_row(tmp_path, capsys):
    models = ["2x48x64", "1x48x64"]
    given = ["--models", *models, "--vocabulary", "300", "--rounds", "1"]
    main([str(tmp_path), *given, "--seconds", "0.01"])
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split("|")[1:3] for line in lines if line.startswith("|")][2:]
    for model in models:
        found = {engine.strip() for name, engine in rows if name.strip() == model}
        assert found >= {"fairseq", *offered(tmp_path / model / "exported")}
    assert sum("times as fast as 2x48x64 in transformers" in x for x in lines) == 2


def test_int8_is_compared_with_the_first_row_and_its_own_model():
    numbers = {
        ("12", "transformers"): (80, 90, 9),
        ("12", "onnx"): (60, 60, 10),
        ("12", "torch"): (70, 70, 10),
        ("12", "int8"): (20, 30, 2),
        ("4", "onnx"): (10, 10, 4),
        ("4", "torch"): (8, 12, 4),
        ("4", "int8"): (4, 5, 1),
        ("4", "ctranslate2"): (5, 5, 1),
    }
    rows = [
        {"model": model, "engine": engine, "least": least, "cpu": cpu, "disk": disk}
        for (model, engine), (least, cpu, disk) in numbers.items()
    ]
    first, second = ratios(rows)
    assert first == (
        "12 int8: 4.0 (3.0) times as fast as 12 in transformers, 3.00 (2.00) times as "
        "fast as our fastest float32, 0.200 of its size"
    )
    assert "20.0 (18.0) times as fast as 12 in transformers" in second
    assert "2.00 (2.00) times as fast as our fastest float32," in second
    assert second.endswith("0.250 of its size, 0.80 (1.00) of ctranslate2's time")
