"""Typed text: masks are filled, new words are printed, and what cannot be read."""

from pathlib import Path
from typing import Any

import pytest
from fairseq.data import Dictionary
from tiny import (
    flags_of,
    make_task,
    run,
    train,
    write_pairs,
    write_sentences,
    write_tokenizer,
)
from tiny_parses import write_parses

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.text.tokenizer import Tokenizer

MLM = "multilingual_mlm"
WORDS = ("wake", "me", "at", "six")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Sentences whose folder holds its tokenizer, as mlkd-corpus writes."""
    folder = write_tokenizer(tmp_path_factory.mktemp("data"), WORDS)
    dictionary = Dictionary.load(str(folder / "dict.txt"))
    sentence = [*range(dictionary.nspecial, len(dictionary)), dictionary.eos()]
    for split in ("train", "valid"):
        write_sentences(folder / "en" / split, [sentence] * 4, len(dictionary))
    return folder


@pytest.fixture(scope="module")
def model(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return train(data, folder, *flags_of(MLM), "--max-update", 1)


def type_in(data: Path, model: Path, file: Path, *lines: str, **flags: Any) -> None:
    file.write_text("".join(f"{line}\n" for line in lines))
    given = [f for k, v in flags.items() for f in (f"--{k.replace('_', '-')}", v)]
    run("interactive", data, "--task", MLM, "--path", model, "--input", file, *given)


def test_masks_are_filled_and_the_rest_stays(data, model, tmp_path, capsys):
    lines = ["wake me", "wake <mask> at six", "<mask> <mask>"]
    type_in(data, model, tmp_path / "typed", *lines, buffer_size=3, batch_size=3)
    out = capsys.readouterr().out.splitlines()
    sources, found = (
        {row[:3]: row.split("\t")[-1].split() for row in out if row.startswith(kind)}
        for kind in ("S-", "H-")
    )
    for i, line in enumerate(lines):
        source, filled = sources[f"S-{i}"], found[f"H-{i}"]
        assert source.count("<mask>") == line.count("<mask>")
        assert len(source) == len(filled) and "<mask>" not in filled
        kept = [s == f for s, f in zip(source, filled) if s != "<mask>"]
        assert all(kept)


def test_generate_fills_the_masks_of_data(data, model, capsys):
    flags = ["--task", MLM, "--path", model, "--gen-subset", "valid"]
    run("generate", data, *flags, "--batch-size", 2)
    out = capsys.readouterr().out.splitlines()
    gold, found = (
        {r[2:3]: len(r.split("\t")[-1].split()) for r in out if r.startswith(kind)}
        for kind in ("T-", "P-")
    )
    assert gold == found and len(gold) == 4
    assert "exact match" in out[-1]


def test_another_tokenizer_is_refused(data, model, tmp_path):
    other = write_tokenizer(tmp_path, ("other", "words"))
    with pytest.raises(UserError, match="--text-tokenizer .*: its dict.txt is not"):
        type_in(data, model, tmp_path / "typed", "six", text_tokenizer=other)


def test_the_tokenizer_is_read_once_for_all_lines(data, model, tmp_path, monkeypatch):
    read, load = [], Tokenizer.load
    monkeypatch.setattr(
        Tokenizer, "load", lambda folder: read.append(folder) or load(folder)
    )
    type_in(data, model, tmp_path / "typed", "wake me", "me", "six")
    assert read == [str(data)]


def test_data_without_a_tokenizer_ask_for_one(tmp_path):
    pairs = write_pairs(tmp_path / "pairs", {"train.en": 3})
    task = make_task("zero_shot_classification", pairs)
    with pytest.raises(UserError, match="pairs holds no tokenizer .*--text-tokenizer"):
        task.build_dataset_for_inference(["a\tb"], [3])


@pytest.mark.parametrize(
    "line, message", [("a b", "two sentences per line"), ("a\tb\tc", "with a tab")]
)
def test_pairs_need_a_tab(tmp_path, line, message):
    pairs = write_pairs(tmp_path / "pairs", {"train.en": 3})
    task = make_task("zero_shot_classification", write_tokenizer(pairs, WORDS))
    with pytest.raises(UserError, match=message):
        task.build_dataset_for_inference([line], [len(line)])


def test_words_that_the_data_lack_can_be_pointed_at(tmp_path):
    data = write_tokenizer(write_parses(tmp_path / "parses", {"train.en": 5}), WORDS)
    task = make_task("zero_shot_parsing", data)
    typed = task.build_dataset_for_inference(["wake quixotic me quixotic"], [4])
    batch = typed.collater([typed[0]])
    words = [task.target_dictionary[i] for i in batch["words"][0]]
    assert words == ["wake", "quixotic", "me", "quixotic"]
