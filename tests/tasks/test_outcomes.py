"""Outcomes of an evaluation: in the order of the data, each once, of all workers."""

import numpy as np
import torch

from fairseq_mlkd.tasks import _outcomes
from fairseq_mlkd.tasks._outcomes import OutcomeRecorder, Outcomes


def add(recorder, ids, lang="fr"):
    sample = {"id": torch.tensor(ids), "subset": "test", "lang": lang}
    recorder.add(sample, rows(ids))


def rows(ids):
    numbers = np.array(ids)
    counts = np.stack([numbers % 2, np.ones_like(numbers)], axis=1)
    return Outcomes(counts, numbers % 2 == 1, numbers / 10)


def same(found, expected):
    return all(np.array_equal(a, b) for a, b in zip(found, expected))


def test_come_in_the_order_of_the_data_and_are_forgotten():
    recorder = OutcomeRecorder()
    for ids in ([4, 2], [3], [5]):
        add(recorder, ids)
    add(recorder, [0, 1], "de")
    found = recorder.collect()
    assert same(found["test"]["fr"], rows([2, 3, 4, 5]))
    assert same(found["test"]["de"], rows([0, 1]))
    assert recorder.collect() == {}


def test_those_of_all_workers_are_together_and_each_counts_once(monkeypatch):
    other = OutcomeRecorder()
    add(other, [1, 2])

    def gather(everyone, own):
        everyone[:] = [own, other._parts]

    monkeypatch.setattr(_outcomes.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(_outcomes.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(_outcomes.dist, "all_gather_object", gather)
    recorder = OutcomeRecorder()
    add(recorder, [0, 2])  # 2 fills up this worker's last batch
    assert same(recorder.collect()["test"]["fr"], rows([0, 1, 2]))
