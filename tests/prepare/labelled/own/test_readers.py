"""Which of a user's files hold what, and what becomes of labels."""

from pathlib import Path

import pytest
from labelled_files import write_rows as write

from fairseq_mlkd.prepare.labelled.own import OWN_READERS, Form
from fairseq_mlkd.prepare.labelled.rows import WordRow

CLASSES = OWN_READERS["classification"]


def found(folder: Path, **options) -> set[tuple[str, str, str]]:
    files = CLASSES(**options).find(folder)
    return {(f.path.relative_to(folder).as_posix(), f.split, f.lang) for f in files}


NAMES = """
train.csv = train nl
validation = valid nl
dev-de.jsonl = valid de
test_PT_br.tsv = test pt-BR
de.valid.conll = valid de
de/test.txt = test de
test/swh.csv.gz = test swh
"""


@pytest.mark.parametrize(
    "name, split, lang",
    [line.replace("=", "").split() for line in NAMES.split("\n")[1:-1]],
)
def test_names_say_split_and_language(tmp_path, name, split, lang):
    write(tmp_path / name, "")
    write(tmp_path / "README.md", "")
    write(tmp_path / "my_train_data.csv", "")
    assert found(tmp_path, source_lang="nl") == {(name, split, lang)}


def test_any_name_will_do_where_it_is_said_what_it_holds(tmp_path):
    write(tmp_path / "train.csv", "")
    other = write(tmp_path / "x.csv", "")
    assert found(tmp_path, files={"train.en": other}) == {("x.csv", "train", "en")}
    for files, message in [
        ({"tests.de": other}, "write SPLIT=FILE or SPLIT.LANG=FILE"),
        ({"test.de": tmp_path / "y"}, "no such file"),
    ]:
        with pytest.raises(ValueError, match=message):
            found(tmp_path, files=files)


def test_a_column_of_languages(tmp_path):
    lines = ["text,label,locale", "a,x,EN", "b,y,de"]
    path = write(tmp_path / "test.csv", *lines)
    form = Form({"lang": "locale"})
    assert {lang for _, _, lang in found(tmp_path, form=form)} == {"en", "de"}
    (row,) = CLASSES(form=form).read(path, "de")
    assert row.sentence1 == "b"
    write(path, *lines, "c,x,not a code")
    with pytest.raises(ValueError, match=r"test.csv:4: .* is no code of a language"):
        found(tmp_path, form=form)


def test_roles_that_a_kind_has_not():
    with pytest.raises(ValueError, match="classification reads text, label, lang"):
        CLASSES(form=Form({"tags": "x"}))


def test_words_of_intents_are_left_out_of_parses(tmp_path):
    lines = ["text\tparse", "call Anna now\t[IN:CALL call [SL:WHO Anna ] now ]"]
    lines += ["call\t[IN:CALL [SL:WHO Anna ] ]", "a\t[SL:WHO a ]"]
    rows = list(OWN_READERS["parsing"]().read(write(tmp_path / "a.tsv", *lines), "en"))
    parse = ["[IN:CALL", "[SL:WHO", "@ptr_1", "]", "]"]
    assert rows[0] == WordRow(["call", "Anna", "now"], 2, parse=parse)
    assert [row.reason for row in rows[1:]] == [
        "a word of the parse is none of the tokens",
        "the parse is not decoupled",
    ]
