"""Rows beside themselves: the teacher's batch, and what is refused."""

import shutil
from pathlib import Path

import pytest
from other_subwords import write_resplit
from tiny import TAGS, make_dictionary, write_sentences, write_tagged

from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.paired_dataset import PairedDataset, check_same_rows
from fairseq_mlkd.data.word_dataset import WordDataset

PARTS = ("label", "intent")


@pytest.fixture
def folders(tmp_path):
    data = write_tagged(tmp_path / "data", {"train.en": 8})
    return str(data), str(write_resplit(data, tmp_path / "other"))


def open_words(folder):
    return WordDataset(folder, "train.en", make_dictionary(), max_positions=99)


def test_a_batch_holds_both_sides_of_the_same_rows(folders):
    own, theirs = map(open_words, folders)
    alone = MultilingualDataset({"en": own})
    paired = MultilingualDataset({"en": PairedDataset(own, theirs)})
    assert (paired.sizes == alone.sizes).all()
    rows = [5, 0, 2]
    batch = paired.collater([paired[i] for i in rows])
    expected = alone.collater([alone[i] for i in rows])
    assert batch["target"].tolist() == expected["target"].tolist()
    assert batch["id"].tolist() == batch["teacher"]["id"].tolist() == rows
    for side, dataset in ((batch, own), (batch["teacher"], theirs)):
        for row, tokens in zip(rows, side["net_input"]["src_tokens"].tolist()):
            words = dataset[row]["tokens"].tolist()
            assert tokens[: len(words)] == words
    assert paired.collater([]) == {}


def test_the_same_rows_pass(folders):
    check_same_rows(*folders, "train.en", PARTS, "--flag")


def test_the_same_rows_in_other_bytes_pass(folders):
    """A dictionary of another size may write numbers of another width."""
    data, other = folders
    rows = [row.tolist() for row in open_words(other).label]
    write_sentences_of(other, "label", rows, 100000)
    check_same_rows(data, other, "train.en", PARTS, "--flag")


def write_sentences_of(folder, part, rows, size):
    write_sentences(Path(folder) / part / "train.en", rows, size)


@pytest.mark.parametrize("part", PARTS)
def test_the_first_difference_is_named(folders, part):
    data, other = folders
    rows = [row.tolist() for row in getattr(open_intents(other), part)]
    rows[2][0] = 4 + (rows[2][0] - 3) % len(TAGS)
    write_sentences_of(other, part, rows, 99)
    with pytest.raises(ValueError, match=f"--flag {other}: row 3 of {part}/train.en"):
        check_same_rows(data, other, "train.en", PARTS, "--flag")


def open_intents(folder):
    return WordDataset(
        folder, "train.en", make_dictionary(), max_positions=99, intent_offset=0
    )


def test_a_missing_subset_is_refused(folders):
    data, other = folders
    shutil.rmtree(f"{other}/intent")
    with pytest.raises(ValueError, match="intent/train.en.idx is missing"):
        check_same_rows(data, other, "train.en", PARTS, "--flag")
