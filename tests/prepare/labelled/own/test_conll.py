"""CoNLL of users: columns, comments, documents, intents."""

import pytest
from labelled_files import write_rows as write

from fairseq_mlkd.prepare.labelled.own import OWN_READERS, Form
from fairseq_mlkd.prepare.labelled.rows import WordRow


def read(kind, path, **columns):
    return list(OWN_READERS[kind](form=Form(columns)).read(path, "en"))


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_the_first_column_has_words_and_the_last_tags(tmp_path, blank):
    lines = ["-DOCSTART- X O", "", "# a comment", "U.N. X B-ORG", "# X B-MISC", ""]
    lines += ["", "official X O"]
    path = write(tmp_path / "a.txt", *(line.replace(" ", blank) for line in lines))
    assert read("tagging", path) == [
        WordRow(["U.N.", "#"], 3, tags=["B-ORG", "B-MISC"]),
        WordRow(["official"], 8, tags=["O"]),
    ]


def test_columns_by_number_and_words_that_are_numbered(tmp_path):
    lines = ["# id = 1", "# intent = to pay", "1 Pay I O", "2 Anna I B-WHO", ""]
    path = write(tmp_path / "a.conll", *lines)
    wanted = WordRow(["Pay", "Anna"], 1, tags=["O", "B-WHO"], intent="to pay")
    assert read("intent_slot", path) == [wanted]
    rows = read("intent_slot", path, words="2", tags="4", intent="3")
    assert rows == [wanted._replace(intent="I")]


def test_other_schemes_are_converted_and_said(tmp_path):
    path = write(tmp_path / "train.conll", "a S-X", "b O", "", "c B-X", "d E-X")
    assert [row.tags for row in read("tagging", path)] == [["B-X", "O"], ["B-X", "I-X"]]
    reader = OWN_READERS["tagging"]()
    notes = reader.notes(reader.find(tmp_path)[0])
    assert notes == [
        "CoNLL, 2 columns with spaces: words in column 1, tags in column 2",
        "2 sentences with tags in BIOES, which are read as IOB2",
    ]


@pytest.mark.parametrize(
    "kind, lines, message",
    [
        ("tagging", ["a O", "b"], ":2: 1 columns where the first sentence has 2"),
        ("tagging", ["word"], ":1: one column where a word and its tag belong"),
        ("tagging", ["a O", "b per"], ":1: unknown tag 'per'"),
        ("intent_slot", ["a O"], "write `# intent = NAME` above it"),
        ("tagging", ["# only", "# comments"], "no line with a word and its tag"),
    ],
)
def test_bad_lines(tmp_path, kind, lines, message):
    path = write(tmp_path / "a.conll", *lines)
    with pytest.raises(ValueError) as error:
        read(kind, path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_a_header_that_there_is_not(tmp_path):
    path = write(tmp_path / "a.conll", "a O")
    with pytest.raises(ValueError, match="give a number from 1 to 2"):
        read("tagging", path, tags="ner")
