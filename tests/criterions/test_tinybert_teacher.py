"""The distillation criterion: its teacher, what it logs, what it refuses."""

import copy
import math
from typing import Any

import pytest
import torch
from fairseq.criterions.masked_lm import MaskedLmConfig, MaskedLmLoss
from fairseq.logging import metrics
from tiny import Distillation, build_model, save_model, weigh

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion

TERMS = ("nll_loss", "logits_loss", "embedding_loss", "hidden_loss", "attention_loss")


@pytest.fixture
def setting(tmp_path) -> Distillation:
    return Distillation(tmp_path)


# --- the teacher is no part of what is trained or saved


def test_the_teacher_is_frozen_and_hidden(setting):
    criterion = setting.criterion()
    teacher = criterion.distiller.teacher.model
    criterion.train()
    assert not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad for p in teacher.parameters())
    names = [name for name, _ in criterion.named_parameters()]
    assert list(criterion.state_dict()) == names
    assert all(name.startswith("distiller.inner_losses.terms.") for name in names)
    assert len(names) == 2 * 3 + 2
    before = copy.deepcopy(teacher.state_dict())
    loss, _, _ = criterion(setting.student, setting.sample)
    loss.backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(torch.equal(before[k], v) for k, v in teacher.state_dict().items())


def test_a_copy_shares_the_teacher_and_owns_the_rest(setting):
    criterion = setting.criterion()
    # fairseq's tasks cannot be copied
    copied = copy.deepcopy(criterion, {id(setting.task): setting.task})
    assert copied.distiller.teacher.model is criterion.distiller.teacher.model
    pairs = zip(criterion.parameters(), copied.parameters())
    assert all(a is not b and torch.equal(a, b) for a, b in pairs)


def test_the_teacher_runs_in_the_students_precision(setting):
    criterion = setting.criterion()
    loss, _, _ = criterion.bfloat16()(setting.student.bfloat16(), setting.sample)
    assert next(criterion.distiller.teacher.model.parameters()).dtype == torch.bfloat16
    assert loss.dtype == torch.float32 and loss.isfinite()


# --- logging and validation


def reduce(log: dict[str, Any], *, idle: bool = False) -> dict[str, float]:
    logs = [{}, log] if idle else [log, log]
    with metrics.aggregate(new_root=True) as found:
        TinyBertCriterion.reduce_metrics(logs)
    return found.get_smoothed_values()


def test_every_term_is_logged_under_its_name(setting):
    criterion = setting.criterion()
    _, sample_size, log = criterion(setting.student, setting.sample)
    values = reduce(log)
    for name in ("loss", *TERMS):
        bits = name in ("loss", "nll_loss", "logits_loss")
        unit = math.log(2) if bits else 1
        expected = float(log[name]) / sample_size / unit
        assert values[name] == pytest.approx(expected, abs=1e-3), name
    assert values["ppl"] == pytest.approx(2 ** values["nll_loss"], rel=0.01)


def test_a_worker_without_a_batch_changes_nothing(setting):
    """As fairseq-validate has them where batches do not divide by the workers."""
    criterion = setting.criterion(valid_distillation=True).eval()
    model, step = setting.student.eval(), setting.task.valid_step
    loss, sample_size, idle = step({}, model, criterion)
    assert (float(loss), sample_size, idle) == (0.0, 0, {})
    _, _, log = step(setting.sample, model, criterion)
    assert reduce(log, idle=True) == reduce(log) != {}


def test_validation_reports_the_hard_loss_without_the_teacher(setting, monkeypatch):
    criterion = setting.criterion(ce_weight=0.3)
    monkeypatch.setattr(criterion.distiller.teacher, "run", None)
    criterion.eval(), setting.student.eval()
    loss, _, log = criterion(setting.student, setting.sample)
    upstream = MaskedLmLoss(MaskedLmConfig(tpu=False), setting.task)
    assert torch.equal(loss, upstream(setting.student, setting.sample)[0])
    assert "logits_loss" not in reduce(log)


def test_validation_can_report_the_distillation_loss(setting):
    taught = setting.criterion(ce_weight=0.3, hidden_weight=2.0)
    watched = setting.criterion(
        ce_weight=0.3, hidden_weight=2.0, valid_distillation=True
    )
    watched.load_state_dict(taught.state_dict())
    total, _, expected = taught(setting.student, setting.sample)
    hard, _, log = watched.eval()(setting.student, setting.sample)
    assert all(torch.equal(log[name], expected[name]) for name in TERMS)
    assert torch.equal(log["distillation_loss"], total.detach())
    assert hard.item() == pytest.approx(expected["nll_loss"].item(), rel=1e-6)
    values = reduce(log)
    assert values["distillation_loss"] == pytest.approx(reduce(expected)["loss"])
    assert values["ppl"] == pytest.approx(2 ** values["loss"], rel=0.01)


def test_validation_without_loss_on_the_logits_still_has_the_hard_loss(setting):
    options = weigh(hidden=1.0)
    criterion = setting.criterion(valid_distillation=True, **options)
    hard, _, log = criterion.eval()(setting.student, setting.sample)
    upstream = MaskedLmLoss(MaskedLmConfig(tpu=False), setting.task)
    assert torch.equal(hard, upstream(setting.student, setting.sample)[0])
    assert log["distillation_loss"] == log["hidden_loss"]
    assert "ppl" in reduce(log)
    _, _, log = criterion.train()(setting.student, setting.sample)
    assert "ppl" not in reduce(log)


# --- refusals


@pytest.mark.parametrize(
    "options, message",
    [
        ({"teacher_path": None}, "needs --teacher-path"),
        (
            {"teacher_path": "no/such/file.pt"},
            "--teacher-path no/such/file.pt: no such",
        ),
        (weigh(), "all weights of the tinybert criterion are 0"),
        ({"temperature": 0.0}, "--temperature 0.0 is not above 0"),
        ({"temperature": -1.0}, "--temperature -1.0 is not above 0"),
        ({"layer_map": "1,5"}, "--layer-map 1,5 .* from 1 to the teacher's 4"),
    ],
)
def test_refusals(setting, options, message):
    with pytest.raises(ValueError, match=message):
        setting.criterion(**options)


@pytest.mark.parametrize("given, refused", [(16, True), (8, False)])
def test_a_teacher_that_reads_less_is_refused_at_start(tmp_path, given, refused):
    setting = Distillation(tmp_path)
    short = build_model(setting.task, max_positions=8)
    path = save_model(tmp_path / "short.pt", short, setting.task)
    build_model(setting.task, max_positions=given)
    if not refused:
        assert setting.criterion(teacher_path=str(path)).distiller
        return
    with pytest.raises(ValueError, match="8 positions, .* 16: .* --max-positions 8"):
        setting.criterion(teacher_path=str(path))


def test_evaluating_a_checkpoint_needs_no_teacher(setting):
    setting.task.is_restored = True
    criterion = setting.criterion(teacher_path="moved/away.pt").eval()
    assert criterion.distiller is None
    loss, _, _ = criterion(setting.student, setting.sample)
    assert loss.isfinite()
