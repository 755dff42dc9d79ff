"""mlkd-score: what it counts, what it reads, what it refuses."""

import json
from typing import Any

import pytest
from labelled_files import write_rows as write
from scored_rows import GOLD, PARSES, PREDICTED, mtop, score
from seqeval.metrics import f1_score

from fairseq_mlkd.cli.score import main

EXPECTED: dict[str, dict[str, Any]] = {
    "xnli": {"accuracy": 200 / 3, "examples": 3, "dropped": 0},
    "pawsx": {"accuracy": 100 / 3, "examples": 3, "dropped": 1},
    "wikiann": {
        "entity F1 (seqeval default mode)": 200 * 1 / (3 + 2),
        "entity F1 (seqeval default mode): LOC": 200 * 1 / (1 + 2),
        "entity F1 (seqeval default mode): ORG": 0.0,
        "entity F1 (seqeval default mode): PER": 0.0,
        "examples": 3,
        "dropped": 0,
    },
    "multiatis": {
        "exact match (intent and slots)": 25.0,
        "intent accuracy": 75.0,
        "slot F1 (seqeval default mode)": 200 * 1 / (1 + 2),
        "examples": 4,
        "dropped": 1,
    },
    "massive": {
        "exact match (intent and slots)": 0.0,
        "intent accuracy": 100.0,
        "slot F1 (seqeval default mode)": 0.0,
        "examples": 2,
        "dropped": 0,
    },
    "mtop": {
        "exact match (decoupled form)": 25.0,
        "exact match (unordered tree)": 50.0,
        "exact match (tree without slot text)": 50.0,
        "intent accuracy": 100.0,
        "invalid outputs": 25.0,
        "examples": 4,
        "dropped": 0,
    },
}


@pytest.mark.parametrize("name", sorted(GOLD))
def test_true_labels_score_best(name, tmp_path, capsys):
    gold = write(tmp_path / "gold", *GOLD[name])
    found = score(capsys, name, gold, gold)
    counts = [found.pop("examples"), found.pop("dropped")]
    assert counts == [EXPECTED[name]["examples"], EXPECTED[name]["dropped"]]
    assert found.pop("invalid outputs", 0) == 0
    assert set(found.values()) == {100.0}


@pytest.mark.parametrize("name", sorted(GOLD))
def test_wrong_labels_count_as_wrong(name, tmp_path, capsys):
    gold = write(tmp_path / "gold", *GOLD[name])
    predicted = write(tmp_path / "predicted", *PREDICTED[name])
    assert score(capsys, name, gold, predicted) == pytest.approx(EXPECTED[name])


def test_parses_a_line(tmp_path, capsys):
    gold = write(tmp_path / "gold", *GOLD["mtop"])
    parses = [row.split("\t")[-2] for row in PREDICTED["mtop"]]
    predicted = write(tmp_path / "predicted", *parses)
    assert score(capsys, "mtop", gold, predicted) == pytest.approx(EXPECTED["mtop"])
    empty = write(tmp_path / "empty", "", "", "", "")
    found = score(capsys, "mtop", gold, empty)
    assert found["invalid outputs"] == 100 and found["intent accuracy"] == 0


def test_words_of_the_parse_that_are_several_tokens(tmp_path, capsys):
    spans = '"tokenSpans": [{"start": 0, "length": 1}, {"start": 1, "length": 2}]}'
    row = mtop("x", "[IN:A [SL:B 8th ] ]")
    row = row.rpartition("\t")[0] + '\t{"tokens": ["8", "th"], ' + spans
    gold = write(tmp_path / "gold", row)
    predicted = write(tmp_path / "predicted", row.replace("8th ]", "8 th ]"))
    assert score(capsys, "mtop", gold, gold)["exact match (decoupled form)"] == 100
    found = score(capsys, "mtop", gold, predicted)
    assert found["exact match (tree without slot text)"] == 100
    assert found["exact match (decoupled form)"] == 0


def test_another_layout_of_the_same_rows(tmp_path, capsys):
    header = "id\tsentence1\tsentence2\tlabel"
    gold = write(tmp_path / "gold", header, *GOLD["pawsx"])
    predicted = write(tmp_path / "p", *(r.partition("\t")[2] for r in GOLD["pawsx"]))
    found = score(capsys, "pawsx", gold, predicted)
    assert found == {"accuracy": 100.0, "examples": 3, "dropped": 1}
    found = score(capsys, "pawsx", gold, predicted, "--keep-ns")
    assert found == {"accuracy": 100.0, "examples": 4, "dropped": 0}


def test_one_language_of_a_file_with_several(tmp_path, capsys):
    header = "language\tgold_label\tsentence1\tsentence2"
    rows = ["en\tneutral\ta\tb", "fr\tneutral\tc\td", "fr\tentailment\te\tf"]
    gold = write(tmp_path / "gold", header, *rows)
    predicted = write(tmp_path / "p", "c\td\tneutral", "e\tf\tneutral")
    found = score(capsys, "xnli", gold, predicted, "--lang", "fr")
    assert found == {"accuracy": 50.0, "examples": 2, "dropped": 0}
    with pytest.raises(SystemExit, match="gold: no row to score; look at --lang"):
        score(capsys, "xnli", gold, gold, "--lang", "de")


@pytest.mark.parametrize("name", sorted(GOLD))
def test_other_rows_are_refused(name, tmp_path, capsys):
    gold, predicted = tmp_path / "gold", tmp_path / "predicted"
    write(gold, *GOLD[name])
    write(predicted, *GOLD[name][:-1])
    with pytest.raises(SystemExit, match=r"predicted: \d rows where .*gold has \d; gi"):
        score(capsys, name, gold, predicted)
    last = GOLD[name][-1]
    other = last.replace("wait", "w").replace("me", "you").replace("seven", "nine")
    other = other.replace("paris", "london").replace("f", "z").replace("h\t", "z\t")
    write(predicted, *GOLD[name][:-1], other)
    line = len(GOLD[name])
    complaint = rf"predicted:{line}: another sentence than .*gold:{line} has; give the"
    with pytest.raises(SystemExit, match=complaint):
        score(capsys, name, gold, predicted)


def test_bad_files_end_with_one_line(tmp_path, capsys):
    gold = write(tmp_path / "gold", *GOLD["mtop"])
    for text, complaint in (
        ("", "the file is empty"),
        ("a\tb\n", "no layout of mTOP has 2 tab-separated columns"),
        ("[IN:A ]\n", "1 rows where"),
    ):
        (tmp_path / "bad").write_text(text)
        with pytest.raises(
            SystemExit, match=f"^mlkd-score: error: .*bad.*{complaint}"
        ) as refusal:
            score(capsys, "mtop", gold, tmp_path / "bad")
        assert "\n" not in str(refusal.value)
    with pytest.raises(SystemExit, match="^mlkd-score: error: .*none.* cannot be read"):
        score(capsys, "mtop", gold, tmp_path / "none")


# --- fairseq-generate's output


def test_best_hypotheses_of_generate(tmp_path, capsys):
    rows = [
        mtop("at six", "[IN:A [SL:B seven ] ]"),
        *GOLD["mtop"],
    ]  # the first: dropped
    gold = write(tmp_path / "gold", *rows)
    lines = [f"H-{i}\t-0.1\t{parse}" for i, parse in enumerate(PARSES)]
    order = [
        lines[2],
        "T-0\tx",
        lines[0],
        "H-0\t-2\tx",
        lines[3],
        lines[1],
        "D-0\t1\tx",
    ]
    flags = [gold, tmp_path / "out", "--generate-output"]
    write(tmp_path / "out", "noise", *order)
    found = score(capsys, "mtop", *flags)
    assert found["exact match (decoupled form)"] == 100
    assert (found["examples"], found["dropped"]) == (4, 1)
    write(tmp_path / "out", *lines[:3])
    with pytest.raises(SystemExit, match="out: 3 hypotheses for the 4 rows to score"):
        score(capsys, "mtop", *flags)
    write(tmp_path / "out", *lines[:3], "H-3 -0.1 [IN:A ]")
    with pytest.raises(SystemExit, match="out:4: no `H-ROW SCORE SYMBOLS`; run it"):
        score(capsys, "mtop", *flags)


@pytest.mark.parametrize("tag", ["o", "0", "PER", "b-PER"])
def test_odd_tags_are_told_and_score_as_in_seqeval(tag, tmp_path, capsys):
    lines = ["rome\tB-LOC", "me\tB-PER", "six\tO", "paris\tB-LOC", ""]
    gold = write(tmp_path / "gold", *lines)
    predicted = write(tmp_path / "predicted", *lines[:2], f"six\t{tag}", *lines[3:])
    capsys.readouterr()
    main(["wikiann", str(gold), str(predicted)])
    out, err = capsys.readouterr()
    tags = [["B-LOC", "B-PER", "O", "B-LOC"], ["B-LOC", "B-PER", tag, "B-LOC"]]
    expected = 100 * f1_score(tags[:1], tags[1:])
    assert json.loads(out)["entity F1 (seqeval default mode)"] == pytest.approx(
        expected
    )
    assert err == (
        f"warning: {predicted}:1: tag {tag!r} is none of O, B-NAME, I-NAME (1 such "
        "tags); read as seqeval does\n"
    )
