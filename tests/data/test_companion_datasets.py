"""Unlabelled sentences, and the teacher's subwords, beside the labelled examples."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from other_subwords import write_resplit
from tiny import (
    TAGS,
    make_dictionary,
    random_sentences,
    write_pairs,
    write_sentences,
    write_tagged,
)

from fairseq_mlkd.data.companion_datasets import (
    MixedDataset,
    PairedDataset,
    check_same_rows,
)
from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset, Masking
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sampling import apportion, sampling_probabilities
from fairseq_mlkd.data.sentence_dataset import (
    NeighbourDataset,
    SentenceDataset,
    SentencePairDataset,
)
from fairseq_mlkd.data.word_dataset import WordDataset

COUNTS = {"de": 40, "fr": 90, "sw": 3}
LABELLED = 50


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = write_pairs(tmp_path_factory.mktemp("mixed") / "pairs", {"train": 50})
    size = len(make_dictionary())
    for i, (lang, count) in enumerate(COUNTS.items()):
        write_sentences(folder / lang, random_sentences(count, 50 + i), size)
    return folder


def mix(
    data: Path, ratio: float = 1.0, *, seed: int = 1, alpha: float = 0.5, **more: Any
) -> MixedDataset:
    dictionary = make_dictionary()
    pairs = SentencePairDataset(str(data), "train", dictionary, max_positions=99)
    labelled = MultilingualDataset({"en": pairs})
    unlabelled = MultilingualDataset(
        {lang: SentenceDataset(str(data / lang), dictionary) for lang in COUNTS},
        sampling_alpha=alpha,
        epoch_size=int(ratio * LABELLED),
        seed=seed,
    )
    return MixedDataset(labelled, masked(unlabelled) if more else unlabelled)


def masked(dataset: MultilingualDataset) -> MaskedLMDataset:
    dictionary = make_dictionary()
    mask_idx = dictionary.add_symbol("<mask>")
    return MaskedLMDataset(dataset, dictionary, mask_idx, masking=Masking())


def drawn(dataset: MixedDataset, epoch: int | None = None) -> list[list[tuple]]:
    """Of each example: the unlabelled sentences that stand beside it."""
    if epoch is not None:
        dataset.set_epoch(epoch)
    return [
        [(item["lang"], *item["tokens"].tolist()) for item in row["unlabelled"]]
        for row in (dataset[i] for i in range(len(dataset)))
    ]


@pytest.mark.parametrize("ratio", [0.02, 0.5, 1.0, 1.5, 7.0])
def test_every_example_has_its_share(data, ratio):
    counts = [len(row) for row in drawn(mix(data, ratio))]
    assert sum(counts) == int(ratio * LABELLED)
    assert set(counts) <= {int(ratio), int(ratio) + 1}


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_an_epoch_holds_equation_1_up_to_rounding(data, alpha):
    langs = [s[0] for row in drawn(mix(data, 4.0, alpha=alpha)) for s in row]
    shares = sampling_probabilities(list(COUNTS.values()), alpha)
    assert [langs.count(lang) for lang in COUNTS] == apportion(4 * LABELLED, shares)


def test_draws_depend_on_seed_epoch_and_item_alone(data):
    dataset = mix(data)
    first, second = drawn(dataset, 1), drawn(dataset, 2)
    assert first != second
    assert drawn(dataset, 1) == first
    fresh = mix(data)  # as after resuming in the second epoch
    assert drawn(fresh, 2) == second
    assert drawn(mix(data, seed=2)) != first
    loader = torch.utils.data.DataLoader(
        fresh, batch_size=None, sampler=range(LABELLED)[::-1], num_workers=2
    )
    rows = [row["unlabelled"] for row in loader][::-1]
    found = [[(i["lang"], *i["tokens"].tolist()) for i in row] for row in rows]
    assert found == second


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_a_batch_has_unlabelled_examples_of_like_length(data, ratio):
    dataset = mix(data, ratio)
    drawn(dataset, 2)
    shuffled = sorted(dataset.order)
    for _ in range(2):  # the same whenever it is asked for
        np.random.seed(3)
        batches = dataset.batch_by_size(dataset.ordered_indices(), max_sentences=10)
        lengths = [
            len(item["tokens"])
            for batch in batches
            for i in batch
            for item in dataset[i]["unlabelled"]
        ]
        assert lengths == sorted(lengths) and len(set(lengths)) > 3
        assert sorted(dataset.order) == shuffled
    np.random.seed(4)  # another order of labelled examples of one length
    dataset.ordered_indices()
    assert sorted(dataset.order) == shuffled


def test_languages_are_spread_over_the_epoch(data):
    langs = [row[0][0] for row in drawn(mix(data))]
    half = LABELLED // 2
    assert {"de", "fr"} <= set(langs[:half]) and {"de", "fr"} <= set(langs[half:])


def test_labelled_batches_are_those_of_the_labelled_data(data):
    dataset = mix(data, 1.5)
    alone = dataset.dataset
    for epoch in (1, 2):
        dataset.set_epoch(epoch)
        batches = []
        for each in (alone, dataset):
            np.random.seed(3)
            indices = each.ordered_indices()
            batches.append(each.batch_by_size(indices, max_tokens=60))
        assert [b.tolist() for b in batches[0]] == [b.tolist() for b in batches[1]]
        for batch in batches[0]:
            samples = [dataset[i] for i in batch]
            plain, mixed = alone.collater(samples), dataset.collater(samples)
            owners = mixed.pop("owners", torch.tensor([])).tolist()
            counts = [len(sample["unlabelled"]) for sample in samples]
            assert [owners.count(i) for i in range(len(samples))] == counts
            assert mixed.pop("examples_per_unlabelled", 50 / 75) == 50 / 75
            mixed.pop("unlabelled", None)
            assert same(plain, mixed)
    assert dataset.langs == ["en"] and not dataset.can_reuse_epoch_itr_across_epochs
    assert dataset.sizes is alone.sizes


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def test_batches_of_unlabelled_sentences(data):
    dataset = mix(data, 2.0)
    samples = [dataset[i] for i in range(4)]
    batch = dataset.collater(samples)["unlabelled"]
    rows = [item["tokens"] for sample in samples for item in sample["unlabelled"]]
    assert batch["nsentences"] == len(rows) == 8
    assert batch["net_input"]["src_lengths"].tolist() == [len(row) for row in rows]
    for row, tokens in zip(rows, batch["net_input"]["src_tokens"]):
        assert torch.equal(tokens[: len(row)], row)
        assert tokens[len(row) :].eq(make_dictionary().pad()).all()


def test_a_batch_without_unlabelled_sentences_says_nothing_of_them(data):
    dataset = mix(data, 0.02)
    lonely = [i for i, row in enumerate(drawn(dataset)) if not row]
    assert "unlabelled" not in dataset.collater([dataset[lonely[0]]])
    assert len(lonely) == LABELLED - 1


def test_masked_sentences_are_the_unlabelled_ones(data):
    batch: dict[str, Any] = {}
    dataset = mix(data, masks=True)
    batch = dataset.collater([dataset[i] for i in range(10)])
    plain, hidden = (
        batch[k]["net_input"]["src_tokens"] for k in ("unlabelled", "masked")
    )
    target, pad = batch["masked"]["target"], make_dictionary().pad()
    chosen = target.ne(pad)
    assert chosen.any(dim=1).all() and not torch.equal(plain, hidden)
    assert torch.equal(plain[chosen], target[chosen])
    assert torch.equal(plain[~chosen], hidden[~chosen])
    assert "masked" not in mix(data).collater([mix(data)[0]])


# --- the form of an unlabelled example


def test_neighbours_are_pairs_as_labelled_ones(data):
    dictionary = make_dictionary()
    dataset = NeighbourDataset(str(data / "de"), dictionary, 99)
    sentences = random_sentences(COUNTS["de"], 50)
    assert len(dataset) == len(dataset.sizes) == COUNTS["de"] - 1
    for i in (0, 1, 38):
        first, second = sentences[i], sentences[i + 1]
        item = dataset[i]
        assert item["tokens"].tolist() == [dictionary.bos(), *first, *second]
        expected = [0] * (1 + len(first)) + [1] * len(second)
        assert item["segments"].tolist() == expected
        assert dataset.sizes[i] == len(expected)
    samples = [
        {**dataset[i], "id": i, "lang": "de", "key": (1, 1, 2, i)} for i in (0, 1)
    ]
    inputs = dataset.collater(samples)["net_input"]
    assert inputs["segments"].shape == inputs["src_tokens"].shape


@pytest.mark.parametrize("kind", [SentenceDataset, NeighbourDataset])
def test_long_examples_keep_their_last_symbol(data, kind):
    dictionary = make_dictionary()
    dataset = kind(str(data / "fr"), dictionary, 6)
    whole = kind(str(data / "fr"), dictionary, 99)
    for i in range(len(dataset)):
        tokens, all_tokens = dataset[i]["tokens"], whole[i]["tokens"]
        assert len(tokens) == dataset.sizes[i] == min(6, len(all_tokens))
        assert tokens[-1] == dictionary.eos()
    assert max(whole.sizes) > 6


def test_a_language_of_one_sentence_has_no_neighbours(tmp_path):
    write_sentences(tmp_path / "xx", random_sentences(1, 1), len(make_dictionary()))
    assert len(NeighbourDataset(str(tmp_path / "xx"), make_dictionary(), 9)) == 0


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
