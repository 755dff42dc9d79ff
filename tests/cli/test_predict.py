"""`mlkd-predict`: lines or JSONL in, JSONL out; whatever is wrong is one line."""

import json

import pytest
from exported import CLASSIFICATION, PARSING, TAGGING, export, make

from fairseq_mlkd import Predictor
from fairseq_mlkd.cli.predict import main


def run(capsys, *arguments, said=""):
    main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert err == said
    return [json.loads(line) for line in out.splitlines()]


def test_lines_pairs_and_json_lines_are_answered_in_order(tmp_path, capsys):
    made = make(tmp_path, CLASSIFICATION)
    folder = export(made, tmp_path / "out", "--onnx")
    predictor = Predictor(folder)
    file = tmp_path / "asked"
    file.write_text(
        "the king\there\n\nthe king\n"
        '{"text": "Der König", "text_pair": "12", "lang": "de"}\n'
    )
    capsys.readouterr()
    said = f"mlkd-predict: {file}: 1 empty lines have no answer, the first is 2\n"
    found = run(capsys, folder, file, said=said)
    wanted = [
        predictor(("the king", "here")),
        predictor("the king"),
        predictor(("Der König", "12"), "de"),
    ]
    assert [row["label"] for row in found] == [row["label"] for row in wanted]
    assert found[2]["scores"] == pytest.approx(wanted[2]["scores"], rel=1e-5)
    english = predictor(("Der König", "12"), "en")
    assert found[2]["scores"] != pytest.approx(english["scores"], rel=1e-5)


def test_parses_come_with_their_words(tmp_path, capsys):
    made = make(tmp_path, PARSING, grammar="tree", model_max_positions=90)
    folder = export(made, tmp_path / "out")
    file = tmp_path / "asked"
    file.write_text("call Anna again\n")
    capsys.readouterr()
    (found,) = run(capsys, folder, file, "--beam", 2, "--engine", "torch")
    assert found["words"] == ["call", "Anna", "again"]
    assert found["parse"].startswith("[IN:") and found["parse"].endswith("]")


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    return export(make(folder, TAGGING), folder / "out")


@pytest.mark.parametrize(
    "line, part",
    [
        ('{"text": 1}', ":2: text: a text is needed"),
        ('{"text": "a"', ":2: not JSON"),
        ("word " * 60, ":2: the input has"),
        ('{"texts": "a"}', ":2: unknown field texts"),
    ],
)
def test_a_bad_line_is_named(tagger, tmp_path, line, part):
    file = tmp_path / "asked"
    file.write_text(f"the king\n{line}\n")
    with pytest.raises(SystemExit) as refusal:
        main([str(tagger), str(file)])
    message = str(refusal.value)
    assert message.startswith("mlkd-predict: error:") and part in message
    assert "\n" not in message
