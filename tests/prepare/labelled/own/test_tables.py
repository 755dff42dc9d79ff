"""CSV, TSV and JSON lines of users: delimiters, headers, quotes, bad rows."""

import pytest
from labelled_files import write_rows as write

from fairseq_mlkd.prepare.labelled.own import OWN_READERS, Form
from fairseq_mlkd.prepare.labelled.rows import Dropped, SentencePair, WordRow


def read(kind, path, *, delimiter=None, **columns):
    reader = OWN_READERS[kind](form=Form(columns, delimiter))
    return list(reader.read(path, "en"))


def pairs(rows):
    return [(row.sentence1, row.label) for row in rows if isinstance(row, SentencePair)]


ROWS = [("Pay, please", "pay"), ('Say "hi"; now', "say"), ("x|y", "pay")]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("start, end", [("", "\n"), ("\ufeff", "\r\n")])
def test_a_table_as_any_program_writes_it(tmp_path, delimiter, start, end):
    lines = [delimiter.join((f"{start}id", "Text", "LABEL"))]
    for i, (text, label) in enumerate(ROWS):
        quoted = '"' + text.replace('"', '""') + '"'
        lines.append(delimiter.join((str(i), quoted, label)))
    path = write(tmp_path / "a.csv", *lines, end=end)
    rows = read("classification", path)
    assert pairs(rows) == ROWS
    assert [row.line for row in rows] == [2, 3, 4]
    assert {row.sentence2 for row in rows} == {None}


def test_a_quoted_field_may_go_over_several_lines(tmp_path):
    path = write(tmp_path / "a.csv", "text,label", '"one', 'two",a', "three,b")
    rows = read("classification", path)
    assert pairs(rows) == [("one two", "a"), ("three", "b")]
    assert [row.line for row in rows] == [2, 4]


def test_null_is_what_an_empty_cell_is(tmp_path):
    rows = ['{"text": "a", "label": "x"}', '{"text": "b", "label": null}']
    path = write(tmp_path / "a.jsonl", *rows, '{"text": null, "label": "x"}')
    table = write(tmp_path / "a.csv", "text,label", "a,x", "b,", ",x")
    dropped = [("no gold label", 2), ("empty sentence", 3)]
    assert read("classification", path)[1:] == dropped
    assert [row.reason for row in read("classification", table)[1:]] == [
        reason for reason, _ in dropped
    ]


def test_excels_own_line_names_the_delimiter(tmp_path):
    path = write(tmp_path / "a.csv", "sep=;", "text;label", "a, b;x")
    assert pairs(read("classification", path)) == [("a, b", "x")]


def test_columns_by_name_and_by_number(tmp_path):
    path = write(tmp_path / "a.csv", "Satz;Klasse", "a;x")
    assert pairs(read("classification", path, text="Satz", label="klasse"))
    path = write(tmp_path / "b.tsv", "7\ta, b\tx", "8\tc\ty")
    assert pairs(read("classification", path, text="2", label="3")) == [
        ("a, b", "x"),
        ("c", "y"),
    ]
    path = write(tmp_path / "c.csv", "a#x", "b#y")
    rows = read("classification", path, text="1", label="2", delimiter="#")
    assert pairs(rows) == [("a", "x"), ("b", "y")]


def test_what_is_dropped(tmp_path):
    lines = ["text,label", "", ",,"[:1], "a,", ",x", "b,x"]
    rows = read("classification", write(tmp_path / "a.csv", *lines))
    reasons = ["empty line", "empty line", "no gold label", "empty sentence"]
    assert rows == [
        *(Dropped(reason, line) for line, reason in enumerate(reasons, 2)),
        SentencePair("b", None, "x", 6),
    ]


def test_json_lines_hold_lists_or_texts_and_numbers_as_labels(tmp_path):
    lines = ['{"text": "a b", "label": 1}', "", '{"label": true, "text": "c"}']
    rows = read("classification", write(tmp_path / "a.jsonl", *lines))
    assert pairs(rows) == [("a b", "1"), ("c", "True")]
    lines = ['{"tokens": ["a", "b"], "slots": "O B-x", "intent": "to pay"}']
    rows = read("intent_slot", write(tmp_path / "b.jsonl", *lines))
    assert rows == [WordRow(["a", "b"], 1, tags=["O", "B-x"], intent="to pay")]


def test_words_and_tags_in_a_table(tmp_path):
    path = write(tmp_path / "a.tsv", "text\tslots\tintent", "a b\tO B-x\tpay")
    rows = read("intent_slot", path)
    assert rows == [WordRow(["a", "b"], 2, tags=["O", "B-x"], intent="pay")]


@pytest.mark.parametrize(
    "kind, name, lines, message",
    [
        ("classification", "a.csv", ["q,label", "a,b"], "a.csv:1: no text among the"),
        ("classification", "a.csv", ["text,klass"], "--columns label=NAME"),
        ("classification", "a.csv", ["text,label", "a,b,c"], "a.csv:2: 3 columns"),
        ("classification", "a.csv", ["text,label", '"a,b'], "a.csv:2: no CSV"),
        ("classification", "a.csv", ["text,label", '"a" b,c'], "a.csv:2: no CSV"),
        ("classification", "a.jsonl", ['[{"text": 1}]'], "a.jsonl:1: a JSON list"),
        ("classification", "a.jsonl", ["{text: 1}"], "a.jsonl:1: not JSON"),
        ("classification", "a.jsonl", ['{"text": "a"}'], "no label among the fields"),
        ("pairs", "a.jsonl", ['{"text": "a", "text_pair": "b", "label": 0.5}'], "regr"),
        ("tagging", "a.jsonl", ['{"tokens": "a", "ner_tags": [1]}'], "names, not num"),
        (
            "tagging",
            "a.jsonl",
            ['{"tokens": "a b", "tags": "O"}'],
            "2 words and 1",
        ),
        ("tagging", "a.csv", ["text,tags", "a,PER"], "a.csv:2: unknown tag 'PER'"),
        ("intent_slot", "a.csv", ["text,tags,intent", "a,O,"], "a.csv:2: no intent"),
        ("parsing", "a.csv", ["text,parse", "a,[IN:X a"], "'[IN:X' is never closed"),
    ],
)
def test_bad_rows_are_named_with_file_line_and_remedy(
    tmp_path, kind, name, lines, message
):
    path = write(tmp_path / name, *lines)
    with pytest.raises(ValueError) as error:
        read(kind, path)
    assert message in str(error.value)
    assert str(path) in str(error.value) and "; " in str(error.value)


def test_numbers_of_columns_below_a_header(tmp_path):
    path = write(tmp_path / "a.csv", "id,sentence,x", "1,a,b")
    with pytest.raises(ValueError, match=r"a.csv:1: .* looks like a header \(sentence"):
        read("classification", path, text="2", label="3")


def test_a_score_to_predict_is_refused_as_a_regression(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "a", "text_pair": "b", "label": 4.5}')
    with pytest.raises(ValueError, match="regression, are not offered"):
        read("pairs", path)
