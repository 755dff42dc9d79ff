"""Labels at first subwords; sentences that are read through windows."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import make_dictionary, write_sentences, write_tagged

from fairseq_mlkd.data.word_dataset import (
    CUT,
    NO_SUBWORD,
    WordDataset,
)
from fairseq_mlkd.text.windows import count_windows, locate, window_starts

DICTIONARY = make_dictionary()
PAD = DICTIONARY.pad()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    counts = {"train.en": 20, "test.de": 20}
    return write_tagged(tmp_path_factory.mktemp("words") / "d", counts, longest=30)


def open_words(data: Path, max_positions: int = sys.maxsize, **options: Any):
    options = {"max_positions": max_positions, **options}
    return WordDataset(str(data), "train.en", DICTIONARY, **options)


def batch(dataset: WordDataset, rows: list[int]) -> dict[str, Any]:
    names = [{"id": i, "key": (0, 0, 1, i), "lang": "en"} for i in rows]
    return dataset.collater([{**dataset[n["id"]], **n} for n in names])


def first_subwords(dataset: WordDataset, index: int) -> list[list[int]]:
    """Return a word's first subword, as a list of one, or of none."""
    subwords, words, start = dataset.input0[index].tolist(), [], 0
    for n in dataset.pieces[index].tolist():
        words.append(subwords[start : start + n][:1])
        start += n
    return words


def labels_and_tokens(sample: dict[str, Any], row: int) -> list[list[int]]:
    """Of each word of a row: its label, and the token it is read at."""
    tokens = sample["net_input"]["src_tokens"].flatten()
    pairs = zip(sample["target"][row].tolist(), sample["label_positions"][row].tolist())
    read = [(t, tokens[p : p + 1].tolist() if p >= 0 else []) for t, p in pairs]
    return [[t, *token] for t, token in read if t != PAD]


@pytest.mark.parametrize("long_inputs", ["refuse", "truncate", "window"])
def test_labels_are_read_at_first_subwords(data, long_inputs):
    dataset = open_words(data, long_inputs=long_inputs)
    sample = batch(dataset, range(20))
    assert sample["net_input"]["src_tokens"].size(0) == 20
    for row in range(20):
        words = first_subwords(dataset, row)
        labels = dataset.label[row][:-1].tolist()
        expected = [[label, *word] for label, word in zip(labels, words)]
        assert labels_and_tokens(sample, row) == expected
        tokens = sample["net_input"]["src_tokens"][row]
        sentence = [0, *dataset.input0[row].tolist()]
        assert tokens[tokens.ne(PAD)].tolist() == sentence
        assert dataset.sizes[row] == len(sentence)
    empty = (dataset.pieces[i].eq(0).sum() for i in range(20))
    assert sample["label_positions"].eq(NO_SUBWORD).sum() == sum(empty)


@pytest.mark.parametrize("max_positions", [5, 8, 12, 13])
def test_windows_read_each_word_once_where_it_stands(data, max_positions):
    dataset = open_words(data, max_positions, long_inputs="window")
    whole = open_words(data)
    rows = [3, 0, 7, 12]
    sample, expected = batch(dataset, rows), batch(whole, rows)
    net_input = sample["net_input"]
    assert net_input["src_tokens"].size(0) > len(rows)
    assert net_input["src_lengths"].max() == max_positions
    assert torch.equal(sample["target"], expected["target"])
    for i, row in enumerate(rows):
        assert labels_and_tokens(sample, i) == labels_and_tokens(expected, i)
        start = [0, *dataset.input0[row].tolist()][: max_positions - 1]
        assert net_input["src_tokens"][i, : len(start)].tolist() == start
    assert sample["ntokens"] == dataset.sizes[rows].sum()
    assert sample["ntokens"] == net_input["src_lengths"].sum()
    read = sample["label_positions"][sample["label_positions"] >= 0]
    assert len(read.unique()) == len(read)


@pytest.mark.parametrize("max_positions", [5, 8, 13])
def test_truncation_cuts_words_and_says_so(data, max_positions, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = open_words(data, max_positions, long_inputs="truncate")
    sample, whole = batch(dataset, range(20)), batch(open_words(data), range(20))
    assert sample["net_input"]["src_lengths"].tolist() == dataset.sizes.tolist()
    assert max(dataset.sizes) == max_positions
    cut = sample["label_positions"].eq(CUT)
    for row in range(20):
        words = first_subwords(dataset, row)
        pieces = dataset.pieces[row]
        starts = pieces.cumsum(0) - pieces
        beyond = [bool(w) and s >= max_positions - 2 for w, s in zip(words, starts)]
        assert cut[row, : len(words)].tolist() == beyond
        found, all_words = labels_and_tokens(sample, row), labels_and_tokens(whole, row)
        for one, other, gone in zip(found, all_words, beyond):
            assert one == (other[:1] if gone else other)
    assert f"{int(cut.sum())} words get no prediction" in caplog.text


def test_long_inputs_are_refused_in_one_line(data):
    longest = open_words(data).sizes
    with pytest.raises(ValueError) as error:
        open_words(data, 8)
    message = str(error.value)
    assert "\n" not in message and f"{data}: train.en: " in message
    assert f"{sum(longest > 8)} of 20 inputs" in message
    row = longest.argmax()
    assert f"row {row + 1} has {longest[row]}" in message
    assert "--long-inputs window or truncate" in message


@pytest.mark.parametrize("max_positions", [8, sys.maxsize])
def test_an_intent_is_read_at_the_start(data, max_positions):
    options = {"long_inputs": "window", "max_positions": max_positions}
    plain, dataset = (
        open_words(data, **options, intent_offset=offset) for offset in (None, 50)
    )
    rows = [2, 9, 4]
    words, sample = batch(plain, rows), batch(dataset, rows)
    src_len = sample["net_input"]["src_tokens"].size(1)
    for i, row in enumerate(rows):
        assert sample["target"][i, 0] == 50 + dataset.intent[row][0]
        assert sample["label_positions"][i, 0] == i * src_len
    for key in ("target", "label_positions"):
        assert torch.equal(sample[key][:, 1:], words[key])


def test_no_samples_no_batch(data):
    assert open_words(data).collater([]) == {}


# --- parts that do not fit one another


def copy_part(data: Path, folder: Path, part: str) -> Path:
    counts = {"train.en": 20, "test.de": 20}
    copy = write_tagged(folder / "copy", counts, longest=30)
    for extension in ("bin", "idx"):
        source = copy / part / f"test.de.{extension}"
        os.replace(source, copy / part / f"train.en.{extension}")
    return copy


@pytest.mark.parametrize(
    "part, what", [("pieces", "subwords"), ("label", "labels"), ("input0", "subwords")]
)
def test_rows_of_another_length_are_refused(data, tmp_path, part, what):
    copy = copy_part(data, tmp_path, part)
    with pytest.raises(ValueError, match=rf"train.en: row \d+ has \d+ {what} where"):
        open_words(copy)


@pytest.mark.parametrize("part", ["pieces", "label", "intent"])
def test_another_number_of_rows_is_refused(data, tmp_path, part):
    copy = write_tagged(tmp_path / "copy", {"train.en": 20}, longest=30)
    write_sentences(copy / part / "train.en", [[5, 2]] * 19, 99)
    with pytest.raises(ValueError, match="19 rows for 20 sentences: prepare the data"):
        open_words(copy, intent_offset=0)


@pytest.mark.parametrize("part", ["input0", "pieces", "label", "intent"])
def test_a_missing_part_is_refused(tmp_path, part):
    copy = write_tagged(tmp_path / "copy", {"train.en": 5})
    os.remove(copy / part / "train.en.idx")
    with pytest.raises(ValueError, match=f"{part}/train.en.idx is missing"):
        open_words(copy, intent_offset=0)


def test_each_row_of_a_batch_has_a_key_of_its_own(data):
    sample = batch(open_words(data, 8, long_inputs="window"), [3, 0, 7])
    keys = sample["keys"].tolist()
    assert len(keys) == len(sample["net_input"]["src_tokens"])
    assert len(set(map(tuple, keys))) == len(keys)
    assert [key[3] for key in keys[:3]] == [3, 0, 7]
    assert {key[4] for key in keys[:3]} == {0} and min(k[4] for k in keys[3:]) == 1


SIZES = [1, 2, 3, 7, 8]


@pytest.mark.parametrize("size", SIZES)
def test_windows_cover_the_sentence(size):
    for length in range(40):
        starts = window_starts(length, size)
        ends = np.minimum(starts + size, length)
        covered = {i for s, e in zip(starts, ends) for i in range(s, e)}
        assert covered == set(range(length))
        assert count_windows(np.array([length]), size) == [len(starts)]
        assert len(starts) == 1 or ends[-1] - starts[-1] == size


def test_neighbours_share_half():
    assert window_starts(30, 8).tolist() == [0, 4, 8, 12, 16, 20, 22]
    assert window_starts(8, 8).tolist() == [0]


@pytest.mark.parametrize("size", SIZES)
def test_positions_are_read_far_from_the_edges(size):
    for length in range(1, 30):
        starts = window_starts(length, size)
        windows, offsets = locate(np.arange(length), starts, size)
        assert ((offsets >= 0) & (offsets < size)).all()
        assert (starts[windows] + offsets == np.arange(length)).all()
        for i, offset in enumerate(offsets):
            inside = [i - s for s in starts if s <= i < s + size]
            best = max(min(o, size - 1 - o) for o in inside)
            assert min(offset, size - 1 - offset) == best


def test_what_no_window_reaches():
    windows, offsets = locate(np.array([0, 4, 5, 9]), np.zeros(1, dtype=int), 5)
    assert windows.tolist() == [0, 0, 0, 0]
    assert [o < 5 for o in offsets] == [True, True, False, False]
