"""Parses as data: pointers, words, what cannot be said, and lengths."""

from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.data import Dictionary
from tiny import make_dictionary, write_sentences
from tiny_parses import (
    POINTERS,
    SYMBOLS,
    UNSEEN,
    Row,
    make_parse,
    make_symbols,
    random_rows,
    spell,
    write_rows,
)

from fairseq_mlkd.data.parse_dataset import (
    ParseDataset,
    ParseDictionary,
    first_subwords,
    read_ontology,
)

ROWS = [
    Row([[4], [7, 8], [7, 8], [9]], make_parse(0, 3)),
    Row([[5], [], [6]], make_parse(1, 2)),
    Row([[5], [], [6]], ["[IN:A", UNSEEN, "@ptr_1", "]", "]"]),
]
FIRST_POINTER = 4 + len(SYMBOLS)


def load(folder: Path, rows: list[Row] = ROWS, **options: Any) -> ParseDataset:
    if not folder.exists():
        write_rows(folder, {"test.en": rows})
    words = Dictionary.load(str(folder / "words" / "dict.txt"))
    parses = ParseDictionary(make_symbols(), words)
    limits = {"max_positions": 64, "max_target_positions": 48, **options}
    return ParseDataset(str(folder), "test.en", make_dictionary(), parses, **limits)


@pytest.fixture
def dataset(tmp_path) -> ParseDataset:
    return load(tmp_path / "data")


def test_an_item(dataset):
    item = dataset[0]
    assert item["tokens"].tolist() == [0, 4, 7, 8, 7, 8, 9, 2]
    assert item["word_starts"].tolist() == [1, 2, 4, 6]
    symbols = dataset.parses.symbols
    said = [symbols[i] for i in item["pointer_target"]]
    assert said == [*ROWS[0].parse, "</s>"]
    shifted = [symbols[i] for i in item["prev_output_tokens"]]
    assert shifted == ["</s>", *ROWS[0].parse]
    assert list(dataset.sizes) == [8, 4, 4] and dataset.sizes[0] == len(item["tokens"])


def test_targets_are_printed_with_their_words(dataset):
    parses = dataset.parses
    for i, row in enumerate(ROWS):
        target = dataset[i]["target"]
        assert parses.printed.string(target) == spell(row)
        assert " ".join(parses.spell(target)) == spell(row)


def test_what_cannot_be_said_is_no_target(dataset):
    pad, unk = 1, 3
    emptied, unseen = dataset[1], dataset[2]
    gold = [dataset.parses.symbols.index(s) for s in ROWS[1].parse] + [2]
    assert emptied["word_starts"].tolist() == [1, -1, 2]
    assert emptied["pointer_target"].tolist() == gold
    assert unseen["pointer_target"].tolist() == [4, pad, pad, 8, 8, 2]
    assert unseen["prev_output_tokens"].tolist() == [2, 4, unk, FIRST_POINTER + 1, 8, 8]


def test_a_batch_is_padded(dataset):
    names = [{"id": i, "key": (0, 0, 1, i), "lang": "en"} for i in range(3)]
    items = [{**dataset[n["id"]], **n} for n in names]
    batch = dataset.collater(items)
    inputs = batch["net_input"]
    assert inputs["word_starts"].tolist()[1] == [1, -1, 2, -1]
    assert batch["words"][1, 3] == 3
    shape = batch["pointer_target"].shape
    assert inputs["prev_output_tokens"].shape == batch["target"].shape == shape
    for i, item in enumerate(items):
        for name in ("target", "pointer_target"):
            row, length = batch[name][i], len(item[name])
            assert torch.equal(row[:length], item[name]) and (row[length:] == 1).all()
    assert batch["ntokens"] == 16 and batch["nsentences"] == 3


def test_random_rows_resolve_to_what_they_mean(tmp_path):
    rows = random_rows(20, 5)
    dataset = load(tmp_path / "data", rows)
    for i, row in enumerate(rows):
        assert " ".join(dataset.parses.spell(dataset[i]["target"])) == spell(row)
        target, words = dataset.target[i].long(), dataset[i]["words"]
        assert torch.equal(dataset.parses.resolve(target, words), dataset[i]["target"])


def test_a_pointer_at_no_word_is_unknown(dataset):
    words = dataset[1]["words"]
    tokens = torch.tensor([FIRST_POINTER + 3, FIRST_POINTER + POINTERS - 1, 4])
    assert dataset.parses.resolve(tokens, words).tolist() == [3, 3, 4]


# --- lengths


def test_long_sentences_are_refused_or_truncated(tmp_path):
    folder = tmp_path / "data"
    load(folder)
    for long_inputs in ("refuse", "window"):
        with pytest.raises(ValueError, match="1 of 3 inputs .* --long-inputs truncate"):
            load(folder, max_positions=6, long_inputs=long_inputs)
    dataset = load(folder, max_positions=6, long_inputs="truncate")
    item = dataset[0]
    assert item["tokens"].tolist() == [0, 4, 7, 8, 7, 2]
    assert item["word_starts"].tolist() == [1, 2, 4, -1]
    lost = item["pointer_target"].eq(1)
    assert dataset.target[0][lost].tolist() == [FIRST_POINTER + 3]
    assert dataset.parses.printed.string(item["target"]) == spell(ROWS[0])
    assert dataset.sizes.max() == 6


def test_long_parses_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a parse of .* --max-target-positions 5"):
        load(tmp_path / "data", max_target_positions=5)


def test_first_subwords():
    pieces = torch.tensor([1, 0, 3, 2])
    assert first_subwords(pieces, 7).tolist() == [1, -1, 2, 5]
    assert first_subwords(pieces, 5).tolist() == [1, -1, 2, -1]
    assert first_subwords(pieces[:0], 1).tolist() == []


# --- files that do not belong together


@pytest.mark.parametrize("part", ["input0", "pieces", "words", "target"])
def test_missing_and_shortened_parts_are_refused(tmp_path, part):
    folder = tmp_path / "data"
    load(folder)
    write_sentences(folder / part / "test.en", [[4, 2]], 65000)
    with pytest.raises(ValueError, match="test.en has .* prepare the data again"):
        load(folder)
    (folder / part / "test.en.idx").unlink()
    with pytest.raises(ValueError, match=f"{part}/test.en.idx is missing"):
        load(folder)


@pytest.mark.parametrize("part", ["pieces", "words"])
def test_rows_of_another_sentence_are_refused(tmp_path, part):
    folder = tmp_path / "data"
    dataset = load(folder)
    rows = [getattr(dataset, part)[i].tolist() for i in (0, 2, 1)]
    rows[2] = rows[2][1:]
    write_sentences(folder / part / "test.en", rows, 65000)
    with pytest.raises(ValueError, match="row 3 .* not the same sentence"):
        load(folder)


def test_dictionaries_in_another_order_are_refused():
    words = make_dictionary()
    late, none = make_symbols(), Dictionary()
    late.add_symbol("[SL:LATE", n=1)
    none.add_symbol("[IN:A", n=1)
    gap = make_symbols()
    gap.symbols[-2], gap.symbols[-3] = gap.symbols[-3], gap.symbols[-2]
    for symbols in (late, none, gap):
        with pytest.raises(ValueError, match="target/dict.txt"):
            ParseDictionary(symbols, words)


def test_ontology(tmp_path):
    path = tmp_path / "ontology.txt"
    with pytest.raises(ValueError, match="ontology.txt is missing"):
        read_ontology(str(path))
    path.write_text("[IN:A [SL:X\n[IN:A [SL:Y\n")
    assert read_ontology(str(path)) == [("[IN:A", "[SL:X"), ("[IN:A", "[SL:Y")]
    path.write_text("[IN:A [SL:X\n[IN:A\n")
    with pytest.raises(ValueError, match="ontology.txt: line 2"):
        read_ontology(str(path))
