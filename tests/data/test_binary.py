import os

import numpy as np
import pytest
import torch
from fairseq.binarizer import FileBinarizer, VocabularyDatasetBinarizer
from fairseq.data import Dictionary

from fairseq_mlkd.data.binary import (
    BinaryWriter,
    encode_line,
    load_binary,
    merge_binaries,
)

LINES = ["a b a", "c", "", "b unseen c a"]


@pytest.fixture
def dictionary():
    symbols = Dictionary()
    for symbol in "abc":
        symbols.add_symbol(symbol)
    return symbols


def write(prefix, rows, vocab_size=10):
    with BinaryWriter(str(prefix), vocab_size) as writer:
        for ids in rows:
            writer.add(ids)


@pytest.mark.parametrize("padding", [0, 65600])
def test_bytes_equal_those_of_fairseq_preprocess(tmp_path, dictionary, padding):
    for number in range(padding):
        dictionary.add_symbol(f"padding{number}")
    text = tmp_path / "text"
    text.write_text("\n".join(LINES) + "\n")
    binarizer = VocabularyDatasetBinarizer(dictionary, append_eos=True)
    FileBinarizer.multiprocess_dataset(
        str(text), "mmap", binarizer, str(tmp_path / "stock"), len(dictionary)
    )
    rows = [encode_line(dictionary, line.split()) for line in LINES]
    write(tmp_path / "ours", rows, len(dictionary))
    for extension in ("bin", "idx"):
        ours = (tmp_path / f"ours.{extension}").read_bytes()
        assert ours == (tmp_path / f"stock.{extension}").read_bytes()


@pytest.mark.parametrize("vocab_size", [10, 65500])
def test_blocks_and_merged_parts_have_the_bytes_of_single_lines(tmp_path, vocab_size):
    rows = [[1, 2, 3], [9], [4, 4, 4, 4], [], [5]]
    write(tmp_path / "single", rows, vocab_size)
    for cuts in ([], [0], [2], [1, 1, 4], [5]):
        parts = [str(tmp_path / f"part{number}") for number in range(len(cuts) + 1)]
        bounds = zip([0, *cuts], [*cuts, len(rows)])
        for part, (start, end) in zip(parts, bounds):
            with BinaryWriter(part, vocab_size) as writer:
                sizes = np.array(list(map(len, rows[start:end])), dtype=np.int32)
                writer.add_block(np.array(sum(rows[start:end], []), dtype=int), sizes)
        merge_binaries(str(tmp_path / "new" / "merged"), parts, vocab_size)
        for extension in ("bin", "idx"):
            merged = (tmp_path / "new" / f"merged.{extension}").read_bytes()
            assert merged == (tmp_path / f"single.{extension}").read_bytes()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda part: part.with_suffix(".bin").unlink(), r"b\.bin is missing"),
        (lambda part: part.with_suffix(".idx").unlink(), r"b\.idx is missing"),
        (lambda part: part.with_suffix(".bin").write_bytes(b""), r"b\.bin: 0 bytes"),
        (lambda part: part.with_suffix(".idx").write_bytes(b"MM"), r"b\.idx: 2 bytes"),
        (lambda part: part.with_suffix(".bin").write_bytes(bytes(9)), "longer than"),
        (lambda part: write(part, [[1]], 70000), "dictionary of another size"),
    ],
)
def test_a_damaged_part_is_one_clear_error_and_leaves_nothing(
    tmp_path, change, message
):
    parts = [tmp_path / name for name in "ab"]
    for part in parts:
        write(part, [[1, 2], [3]])
    change(parts[1])
    with pytest.raises(ValueError, match=message):
        merge_binaries(str(tmp_path / "out" / "x"), [*map(str, parts)], 10)
    assert os.listdir(tmp_path / "out") == []


def test_round_trip(tmp_path):
    rows = [[1, 2, 3], [9], [4, 4, 4, 4]]
    write(tmp_path / "folder" / "x", rows)
    dataset = load_binary(str(tmp_path / "folder" / "x"))
    assert [item.tolist() for item in dataset] == rows
    assert dataset[0].dtype == torch.int64 and dataset.sizes.tolist() == [3, 1, 4]


def test_unknown_symbols_and_end_of_sentence(dictionary):
    expected = [dictionary.index("a"), dictionary.unk(), dictionary.eos()]
    assert encode_line(dictionary, ["a", "unseen"]) == expected


def test_failure_leaves_the_old_files_and_nothing_else(tmp_path):
    write(tmp_path / "x", [[1, 2]])
    with pytest.raises(ValueError, match="ids 3 to 10 do not fit a dictionary of 10"):
        write(tmp_path / "x", [[1], [10, 3]])
    assert sorted(os.listdir(tmp_path)) == ["x.bin", "x.idx"]
    assert load_binary(str(tmp_path / "x"))[0].tolist() == [1, 2]


@pytest.mark.parametrize("extension", ["bin", "idx"])
@pytest.mark.parametrize("keep", [None, 0, 10, -1])
def test_missing_or_cut_off_files_are_named(tmp_path, extension, keep):
    write(tmp_path / "x", [[1, 2, 3, 4], [5, 6]])
    path = tmp_path / f"x.{extension}"
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=rf"x\.{extension}"):
        load_binary(str(tmp_path / "x"))


def test_index_of_another_format_is_named(tmp_path):
    write(tmp_path / "x", [[1, 2, 3, 4]])
    (tmp_path / "x.idx").write_bytes(b"TNTIDX" + bytes(100))
    with pytest.raises(ValueError, match=r"x\.idx: not an index in mmap format"):
        load_binary(str(tmp_path / "x"))
