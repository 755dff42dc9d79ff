"""dict.txt: read once for all, refused where it is damaged or shards disagree."""

import pytest
from tiny import make_dictionary, mlm_task, rename_words, write_mlm_data

from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.errors import UserError


def write(folder, text=None):
    folder.mkdir()
    make_dictionary().save(str(folder / "dict.txt"))
    if text is not None:
        (folder / "dict.txt").write_bytes(text)
    return folder


def test_shards_share_one_dictionary(tmp_path):
    shards = [write(tmp_path / name) for name in "ab"]
    assert load_dictionary(*shards, remedy="") == make_dictionary()
    rename_words(shards[1])
    with pytest.raises(ValueError, match=r"b/dict\.txt is not that of .*/a, so ids"):
        load_dictionary(*shards, remedy="")


@pytest.mark.parametrize("text", [b"a\n", b"a 1\na 1\n", b"a x\n", b"\xff 1\n"])
def test_a_damaged_file_is_one_line_with_the_remedy(tmp_path, text):
    folder = write(tmp_path / "a", text)
    with pytest.raises(ValueError, match=r"dict\.txt: cannot be read .*; go") as error:
        load_dictionary(folder, remedy="go")
    assert "\n" not in str(error.value)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        load_dictionary(tmp_path / "nowhere", remedy="go")
    with pytest.raises(ValueError, match=r"dict\.txt is missing: go"):
        load_dictionary(tmp_path, remedy="go")


def test_training_refuses_shards_of_other_dictionaries(tmp_path):
    data = [write_mlm_data(tmp_path / name) for name in "ab"]
    rename_words(data[1])
    with pytest.raises(UserError, match=r"b/dict\.txt is not that of"):
        mlm_task(f"{data[0]}:{data[1]}")
