"""Languages side by side: counts, epochs, sizes, batches."""

from typing import Any

import numpy as np
import pytest
import torch
from fairseq.data import FairseqDataset

from fairseq_mlkd.data.inputs import collate_inputs
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sampling import apportion, sampling_probabilities

COUNTS = {"de": 40, "en": 100, "sw": 3}


class Numbers(FairseqDataset):
    """Item i holds i and has a length that depends on it."""

    def __init__(self, count: int) -> None:
        self.sizes = 1 + np.arange(count) % 13

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"value": int(index), "tokens": torch.ones(int(self.sizes[index]))}

    def __len__(self) -> int:
        return len(self.sizes)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        return collate_inputs(samples, "tokens", 0)


def make_dataset(
    alpha: float = None, seed: int = 1, **counts: int
) -> MultilingualDataset:
    datasets = {lang: Numbers(count) for lang, count in (counts or COUNTS).items()}
    return MultilingualDataset(datasets, sampling_alpha=alpha, seed=seed)


def contents(dataset: MultilingualDataset) -> list[tuple]:
    items = (dataset[i] for i in range(len(dataset)))
    return [(item["lang"], item["value"]) for item in items]


def count_langs(dataset: MultilingualDataset) -> list[int]:
    langs = [lang for lang, _ in contents(dataset)]
    return [langs.count(lang) for lang in COUNTS]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("epoch", [1, 2])
def test_an_epoch_holds_equation_1_up_to_rounding(alpha, epoch):
    dataset = make_dataset(alpha)
    dataset.set_epoch(epoch)
    shares = sampling_probabilities(list(COUNTS.values()), alpha)
    drawn = count_langs(dataset)
    assert len(dataset) == sum(COUNTS.values())
    assert all(abs(n - len(dataset) * q) < 1 for n, q in zip(drawn, shares))
    assert drawn == apportion(len(dataset), shares)


def test_alpha_1_is_every_sentence_once():
    assert sorted(contents(make_dataset(1.0))) == sorted(contents(make_dataset()))


def test_languages_are_drawn_in_whole_passes():
    dataset = make_dataset(0.0)
    for lang, count, drawn in zip(COUNTS, COUNTS.values(), dataset.epoch_counts):
        values = [value for other, value in contents(dataset) if other == lang]
        times = np.bincount(values, minlength=count)
        assert set(times) <= {drawn // count, drawn // count + 1}


def test_epochs_differ_and_repeat():
    dataset, epochs = make_dataset(0.5), {}
    for epoch in (1, 2, 3):
        dataset.set_epoch(epoch)
        epochs[epoch] = contents(dataset)
    assert epochs[1] != epochs[2] != epochs[3]
    dataset.set_epoch(2)
    assert contents(dataset) == epochs[2]
    fresh = make_dataset(0.5)
    fresh.set_epoch(2)
    assert contents(fresh) == epochs[2]
    assert contents(make_dataset(0.5, seed=2)) != epochs[1]


def test_without_sampling_every_epoch_is_the_same():
    dataset = make_dataset()
    before = contents(dataset)
    dataset.set_epoch(5)
    assert contents(dataset) == before
    assert (
        before[0] == ("de", 0) and before[40] == ("en", 0) and before[-1] == ("sw", 2)
    )


def true_sizes(dataset: MultilingualDataset) -> list[int]:
    return [1 + value % 13 for _, value in contents(dataset)]


def respects_max_tokens(dataset: MultilingualDataset, max_tokens: int = 40) -> bool:
    indices = dataset.ordered_indices()
    batches = dataset.batch_by_size(
        indices, max_tokens=max_tokens, required_batch_size_multiple=1
    )
    assert sorted(np.concatenate(batches)) == list(range(len(dataset)))
    sizes = np.array(true_sizes(dataset))
    return all(len(b) * sizes[b].max() <= max_tokens for b in batches)


def test_sizes_follow_the_epoch():
    dataset = make_dataset(0.5)
    for epoch in (1, 2, 3):
        dataset.set_epoch(epoch)
        sizes = true_sizes(dataset)
        everything = np.arange(len(dataset))
        assert dataset.sizes.tolist() == sizes
        assert list(dataset.num_tokens_vec(everything)) == sizes
        assert [dataset.size(i) for i in everything] == sizes
        assert [dataset.num_tokens(i) for i in everything] == sizes
        assert respects_max_tokens(dataset)


def test_sizes_of_another_epoch_are_caught():
    dataset = make_dataset(0.5)
    stale = dataset.sizes
    dataset.set_epoch(2)
    dataset.sizes = stale
    assert not respects_max_tokens(dataset)


def test_resampled_batches_mix_languages_and_others_do_not():
    for dataset, mixes in ((make_dataset(0.5), True), (make_dataset(), False)):
        indices = dataset.ordered_indices()
        batches = dataset.batch_by_size(
            indices, max_sentences=8, required_batch_size_multiple=1
        )
        collated = [dataset.collater([dataset[i] for i in batch]) for batch in batches]
        assert (None in [batch["lang"] for batch in collated]) is mixes
        assert sorted(np.concatenate(batches)) == list(range(len(dataset)))


def test_iterators_are_not_reused():
    assert not make_dataset(0.5).can_reuse_epoch_itr_across_epochs
    assert not make_dataset().can_reuse_epoch_itr_across_epochs


def test_order_is_by_length_and_ties_are_shuffled():
    dataset = make_dataset()
    np.random.seed(1)
    first, second = dataset.ordered_indices(), dataset.ordered_indices()
    assert (np.diff(dataset.sizes[first]) >= 0).all()
    assert not np.array_equal(first, second)


def test_a_language_without_sentences():
    for alpha in (None, 0.0):
        dataset = make_dataset(alpha, en=4, sw=0)
        assert {lang for lang, _ in contents(dataset)} == {"en"}
        assert len(dataset) == 4


def test_a_drawn_example_has_the_key_of_its_draw():
    dataset = make_dataset(0.5, seed=3)
    dataset.set_epoch(2)
    keys = [dataset[i]["key"] for i in range(len(dataset))]
    assert keys == [dataset.draw_key(i) for i in range(len(dataset))]
    assert {key[:2] for key in keys} == {(3, 2)} and len(set(keys)) == len(keys)


def test_an_example_that_is_there_once_keeps_its_key():
    def find_keys(dataset: MultilingualDataset) -> dict:
        items = (dataset[i] for i in range(len(dataset)))
        return {(item["lang"], item["value"]): item["key"] for item in items}

    dataset, other = make_dataset(seed=3), make_dataset(seed=4, sw=3, en=100, de=40)
    expected = find_keys(dataset)
    dataset.set_epoch(2)
    assert find_keys(dataset) == find_keys(other) == expected
    assert len(set(expected.values())) == len(dataset)
