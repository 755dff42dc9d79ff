"""Masks: how many, which, and when they change."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import COUNTS, make_dictionary, mlm_task, random_sentences, write_mlm_data

from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset, Masking, mask_tokens
from fairseq_mlkd.data.sentence_dataset import SentenceDataset


@pytest.fixture
def data(tmp_path) -> Path:
    return write_mlm_data(tmp_path)


def load(data: Path, split: str, alpha: float = 0.0) -> MaskedLMDataset:
    task = mlm_task(data, sampling_alpha=alpha)
    task.load_dataset(split)
    return task.datasets[split]


def items(dataset: MaskedLMDataset) -> list:
    rows = (dataset[i] for i in range(len(dataset)))
    return [
        (
            tuple(r["tokens"].tolist()),
            tuple(r["source"].tolist()),
            tuple(r["target"].tolist()),
        )
        for r in rows
    ]


def test_sentences_begin_and_end_with_special_symbols(data):
    dictionary = make_dictionary()
    dataset = SentenceDataset(str(data / "en" / "train"), dictionary)
    expected = random_sentences(COUNTS["en"], 102)
    assert len(dataset) == COUNTS["en"]
    for i, sentence in enumerate(expected):
        assert dataset[i]["tokens"].tolist() == [dictionary.bos(), *sentence]
        assert dataset.sizes[i] == len(sentence) + 1


def test_a_sentence_drawn_twice_is_masked_in_two_ways(data):
    dataset = load(data, "train")
    masks = {}
    for tokens, source, target in items(dataset):
        masks.setdefault(tokens, []).append((source, target))
    repeated = [found for found in masks.values() if len(found) >= 5]
    assert repeated and all(len(set(found)) > 1 for found in repeated)


def test_masks_depend_on_seed_epoch_and_place_alone(data):
    dataset = load(data, "train")
    first = items(dataset)
    assert items(dataset) == first == items(load(data, "train"))
    dataset.set_epoch(2)
    second = items(dataset)
    assert second != first
    dataset.set_epoch(1)
    assert items(dataset) == first


def test_masks_are_new_each_epoch_even_if_the_sentences_are_not(data):
    dataset = load(data, "train", alpha=1.0)
    first = {tokens: source for tokens, source, _ in items(dataset)}
    dataset.set_epoch(2)
    second = {tokens: source for tokens, source, _ in items(dataset)}
    assert first.keys() == second.keys() and first != second


def test_validation_masks_stay_the_same(data):
    task = mlm_task(data)
    seen = []
    for epoch in (1, 2):
        task.load_dataset("valid", epoch=epoch)
        iterator = task.get_batch_iterator(task.datasets["valid"], max_sentences=4)
        batches = iterator.next_epoch_itr(shuffle=False, set_dataset_epoch=False)
        seen.append([batch["net_input"]["src_tokens"].tolist() for batch in batches])
    assert seen[0] == seen[1]


def test_evaluation_batches_hold_one_language(data):
    task = mlm_task(data)
    task.load_dataset("valid")
    iterator = task.get_batch_iterator(task.datasets["valid"], max_sentences=4)
    batches = list(iterator.next_epoch_itr(shuffle=False))
    assert [batch["lang"] for batch in batches] == 2 * ["de"] + 2 * ["en"] + 2 * ["sw"]
    assert sum(batch["nsentences"] for batch in batches) == 15


def test_collated_batch(data):
    dataset = load(data, "valid")
    pad = make_dictionary().pad()
    samples = [dataset[i] for i in (0, 6, 12)]
    batch = dataset.collater(samples)
    lengths = [len(s["source"]) for s in samples]
    assert batch["lang"] is None and batch["nsentences"] == 3
    assert batch["ntokens"] == sum(lengths)
    assert batch["net_input"]["src_lengths"].tolist() == lengths
    for row, sample in enumerate(samples):
        n = lengths[row]
        src_tokens = batch["net_input"]["src_tokens"][row]
        assert torch.equal(src_tokens[:n], sample["source"])
        assert torch.equal(batch["target"][row, :n], sample["target"])
        assert (src_tokens[n:] == pad).all() and (batch["target"][row, n:] == pad).all()
    assert dataset.collater([]) == {}


# --- mask_tokens


DICTIONARY = make_dictionary()
MASK = len(DICTIONARY)
BERT = Masking()


def mask(tokens: np.ndarray, seed: int = 1, masking: Masking = BERT) -> tuple:
    rng = np.random.default_rng(seed)
    return mask_tokens(tokens, rng, masking, dictionary=DICTIONARY, mask_idx=MASK)


def sentence(length: int) -> np.ndarray:
    words = np.random.randint(DICTIONARY.nspecial, len(DICTIONARY), length)
    return np.array([DICTIONARY.bos(), *words, DICTIONARY.eos()])


@pytest.mark.parametrize("length", [1, 2, 5, 40])
@pytest.mark.parametrize("mask_prob", [0.0, 0.15, 1.0])
def test_at_least_one_token_is_predicted_and_never_a_special_one(length, mask_prob):
    for seed in range(20):
        tokens = sentence(length)
        source, target = mask(tokens, seed, Masking(mask_prob=mask_prob))
        predicted = target != DICTIONARY.pad()
        assert predicted.any() and not predicted[0] and not predicted[-1]
        assert (target[predicted] == tokens[predicted]).all()
        assert (source[~predicted] == tokens[~predicted]).all()
        assert predicted.sum() <= max(1, np.ceil(mask_prob * length))


def test_unknown_words_are_special():
    tokens = np.array([DICTIONARY.bos(), DICTIONARY.unk(), DICTIONARY.eos()])
    source, target = mask(tokens)
    assert (source == tokens).all() and (target == DICTIONARY.pad()).all()


def has_berts_statistics(mask_one: callable) -> bool:
    """15% predicted; of those 80% masked, 10% kept, 10% random."""
    counts = np.zeros(4)
    for seed in range(400):
        tokens = sentence(40)
        source, target = mask_one(tokens, seed)
        predicted = target != DICTIONARY.pad()
        masked, kept = source[predicted] == MASK, (source == tokens)[predicted]
        replaced = source[predicted][~masked]
        assert (replaced >= DICTIONARY.nspecial).all()
        counts += predicted.sum(), masked.sum(), kept.sum(), (~masked & ~kept).sum()
    share = counts[0] / (400 * 40)
    drawn_itself = 0.1 / (MASK - DICTIONARY.nspecial)
    expected = [0.8, 0.1 + drawn_itself, 0.1 - drawn_itself]
    close = np.abs(counts[1:] / counts[0] - expected) < 0.025
    return abs(share - 0.15) < 0.005 and bool(close.all())


def test_mask_statistics():
    assert has_berts_statistics(mask)


@pytest.mark.parametrize(
    "wrong",
    [
        Masking(0.12),
        Masking(0.15, 0.2, 0.1),
        Masking(0.15, 0.1, 0.0),
        Masking(0.15, 0.0, 0.2),
    ],
)
def test_other_statistics_are_caught(wrong):
    assert not has_berts_statistics(lambda tokens, seed: mask(tokens, seed, wrong))
