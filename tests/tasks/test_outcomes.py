"""Outcomes of an evaluation: in the order of the data, each once, of all workers."""

import numpy as np
import torch

from fairseq_mlkd.tasks import _outcomes
from fairseq_mlkd.tasks._outcomes import OutcomeRecorder


def batch(ids, lang="fr"):
    return {"id": torch.tensor(ids), "subset": "test", "lang": lang}


def rows(ids):
    return np.array([[i % 2, 1] for i in ids])


def test_come_in_the_order_of_the_data_and_are_forgotten():
    recorder = OutcomeRecorder()
    for ids in ([4, 2], [3], [5]):
        recorder.add(batch(ids), rows(ids))
    recorder.add(batch([0, 1], "de"), rows([0, 1]))
    found = recorder.collect()
    assert found["test"]["fr"].tolist() == rows([2, 3, 4, 5]).tolist()
    assert found["test"]["de"].tolist() == rows([0, 1]).tolist()
    assert recorder.collect() == {}


def test_those_of_all_workers_are_together_and_each_counts_once(monkeypatch):
    other = OutcomeRecorder()
    other.add(batch([1, 2]), rows([1, 2]))

    def gather(everyone, own):
        everyone[:] = [own, other._parts]

    monkeypatch.setattr(_outcomes.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(_outcomes.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(_outcomes.dist, "all_gather_object", gather)
    recorder = OutcomeRecorder()
    recorder.add(batch([0, 2]), rows([0, 2]))  # 2 fills up this worker's last batch
    found = recorder.collect()
    assert found["test"]["fr"].tolist() == rows([0, 1, 2]).tolist()
