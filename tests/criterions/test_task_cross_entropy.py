"""The hard loss against fairseq's own."""

import math

import pytest
import torch
from fairseq.criterions.masked_lm import MaskedLmConfig, MaskedLmLoss
from fairseq.logging import metrics
from tiny import build_model, mlm_task, write_mlm_data

from fairseq_mlkd.criterions.task_cross_entropy import TaskCrossEntropyCriterion


@pytest.fixture
def task(tmp_path):
    task = mlm_task(write_mlm_data(tmp_path))
    task.load_dataset("train")
    return task


def test_equals_masked_lm_bit_for_bit(task):
    dataset, results = task.datasets["train"], []
    sample = dataset.collater([dataset[i] for i in range(0, 40, 5)])
    model = build_model(task)
    upstream = MaskedLmLoss(MaskedLmConfig(tpu=False), task)
    for criterion in (upstream, TaskCrossEntropyCriterion(task)):
        model.zero_grad()
        loss, sample_size, log = criterion(model, sample)
        loss.backward()
        gradients = [p.grad.clone() for p in model.parameters()]
        results.append([loss, torch.as_tensor(sample_size), *gradients])
    for theirs, ours in zip(*results):
        assert torch.equal(theirs, ours.to(theirs.dtype))
    assert log["sample_size"] == sample_size < log["ntokens"]
    assert log["nsentences"] == 8


def test_metrics_are_means_over_labels_in_bits():
    logs = [{"loss": 3.0, "sample_size": 2}, {"loss": 5.0, "sample_size": 6}]
    with metrics.aggregate(new_root=True) as found:
        TaskCrossEntropyCriterion.reduce_metrics(logs)
    values = found.get_smoothed_values()
    assert values["loss"] == pytest.approx(1 / math.log(2), abs=1e-3)
    assert values["ppl"] == pytest.approx(math.e, abs=1e-2)


def test_no_labels_at_all_are_no_division_by_zero():
    with metrics.aggregate(new_root=True) as found:
        TaskCrossEntropyCriterion.reduce_metrics([{"loss": 0.0, "sample_size": 0}])
    assert found.get_smoothed_values()["loss"] == 0
