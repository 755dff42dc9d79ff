"""All engines answer the same rows, and the table says how far they agree."""

import pytest
from compare_engines import main
from exported import (
    CLASSIFICATION,
    INTENT_SLOT,
    PARSING,
    SENTENCES,
    TAGGING,
    export,
    make,
)


@pytest.mark.parametrize("task", [CLASSIFICATION, TAGGING, INTENT_SLOT])
def test_engines_agree_but_for_rounding(tmp_path, capsys, task):
    made = make(tmp_path, task, "sentencepiece", model_max_positions=90)
    for path in made.tokenizer.iterdir():
        (made.data / path.name).write_bytes(path.read_bytes())
    folder = export(made, tmp_path / "out", "--onnx", "--int8", "--force")
    capsys.readouterr()
    main([str(made.path), str(folder), "--data", str(made.data)])
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0][7:] == ["transformers = fairseq %", "onnx = fairseq %",
                            "int8 = onnx %"]  # fmt: skip
    assert [row[0] for row in cells[2:]] == [*sorted(SENTENCES), "zero-shot mean"]
    for row in cells[2:]:
        assert row[3] == row[4] == row[5] and row[7:9] == ["100.00", "100.00"]
        assert 50 < float(row[9]) <= 100


def test_a_parser_is_refused_in_one_line(tmp_path):
    made = make(tmp_path, PARSING)
    for path in made.tokenizer.iterdir():
        (made.data / path.name).write_bytes(path.read_bytes())
    folder = export(made, tmp_path / "out")
    with pytest.raises(SystemExit, match="a model of zero_shot_parsing has no classes"):
        main([str(made.path), str(folder), "--data", str(made.data)])
