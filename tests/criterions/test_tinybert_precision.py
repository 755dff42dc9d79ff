"""The laws of the distillation loss in half precision, its own or by autocast."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from tiny import STUDENT, WEIGHTS, Distillation, weigh

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion
from fairseq_mlkd.distillation.losses import output_losses, relation_loss
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.modules.decoder import causal_bias
from fairseq_mlkd.modules.encoder import attention_bias

# name -> of the parameters, of autocast, how far a loss may be off
PRECISIONS = {
    "bf16": (torch.bfloat16, None, 0.05),
    "fp16": (torch.float16, None, 0.01),
    "amp_bf16": (torch.float32, torch.bfloat16, 0.05),
    "amp_fp16": (torch.float32, torch.float16, 0.01),
}
in_every_precision = pytest.mark.parametrize("precision", PRECISIONS)
TERMS = ("nll_loss", "logits_loss", "embedding_loss", "hidden_loss", "attention_loss")


@pytest.fixture
def setting(tmp_path) -> Distillation:
    return Distillation(tmp_path)


@contextmanager
def training_in(precision: str) -> Iterator[None]:
    """Return what fairseq wraps a training step in."""
    dtype = PRECISIONS[precision][1]
    with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=bool(dtype)):
        yield


def convert(
    setting: Distillation, precision: str, **options: Any
) -> tuple[TinyBertCriterion, TinyBertCriterion, MultilingualEncoderModel]:
    """Return the criterion and the student in a precision, and both in float64.

    All have the same weights, rounded to the precision.
    """
    dtype, autocast, _ = PRECISIONS[precision]
    criterion, exact = (setting.criterion(**options) for _ in range(2))
    for each in (criterion, exact):
        each.distiller.teacher.model.to(dtype)
    criterion.to(dtype)
    exact.load_state_dict(criterion.state_dict())
    setting.student.to(dtype)
    if autocast:
        # on the CPU, where fairseq has no autocast, their gradient does without, too
        setting.student.encoder.embeddings.tokens.requires_grad_(False)
    return criterion, exact.double(), copy.deepcopy(setting.student).double()


def losses(criterion: Any, student: Any, sample: Any, precision: str) -> Any:
    with training_in(precision):
        return criterion(student, sample)


@in_every_precision
@pytest.mark.parametrize("head_map", ["linear", "mean", "relation"])
def test_terms_and_gradients_follow_float64(setting, precision, head_map):
    criterion, exact, reference = convert(setting, precision, head_map=head_map)
    loss, _, log = losses(criterion, setting.student, setting.sample, precision)
    expected, _, terms = exact(reference, setting.sample)
    tolerance = PRECISIONS[precision][2]
    for name in ("loss", *TERMS):
        assert log[name].dtype == torch.float32
        assert float(log[name]) == pytest.approx(float(terms[name]), rel=tolerance)
    loss.backward(), expected.backward()
    pairs = [
        (ours.grad, theirs.grad)
        for half, full in ((setting.student, reference), (criterion, exact))
        for ours, theirs in zip(half.parameters(), full.parameters())
        if theirs.requires_grad
    ]
    ours, theirs = (torch.cat([g.double().flatten() for g in x]) for x in zip(*pairs))
    assert (ours - theirs).norm() < 2 * tolerance * theirs.norm()


@in_every_precision
def test_padding_adds_nothing(setting, precision):
    criterion, _, _ = convert(setting, precision)
    pad = setting.task.dictionary.pad()
    longer = copy.deepcopy(setting.sample)
    extra = longer["target"].new_full((len(longer["target"]), 7), pad)
    for part, key in ((longer["net_input"], "src_tokens"), (longer, "target")):
        part[key] = torch.cat([part[key], extra], dim=1)
    loss, _, _ = losses(criterion, setting.student, setting.sample, precision)
    padded, _, _ = losses(criterion, setting.student, longer, precision)
    tolerance = PRECISIONS[precision][2] / 5  # sums over keys round otherwise
    assert padded.item() == pytest.approx(loss.item(), rel=tolerance)


@in_every_precision
def test_a_sentence_of_padding_alone_is_finite(setting, precision):
    pad = setting.task.dictionary.pad()
    setting.sample["net_input"]["src_tokens"][0] = pad
    setting.sample["target"][0] = pad
    # large scores, whose sum with the mask must not overflow
    for layer in setting.student.encoder.layers:
        layer.self_attn.q_proj.weight.data.mul_(100)
        layer.self_attn.k_proj.weight.data.mul_(100)
    for weights in ({}, weigh(hidden=1.0)):  # with scores in the open, and fused
        criterion, _, _ = convert(setting, precision, **weights)
        loss, _, _ = losses(criterion, setting.student, setting.sample, precision)
        loss.backward()
        assert loss.isfinite()
        assert all(
            p.grad.isfinite().all()
            for p in setting.student.parameters()
            if p.grad is not None
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_masks_stay_finite_where_autocast_casts_them(dtype):
    padding = torch.tensor([[False, True], [True, True]])
    for bias in (
        attention_bias(padding, torch.float32),
        causal_bias(3, 0, torch.zeros(1)),
    ):
        assert bias is not None
        assert (bias.to(dtype) - 100).isfinite().all()  # 100: a score


@in_every_precision
@pytest.mark.parametrize("off", WEIGHTS)
def test_a_weight_of_0_takes_its_term_out(setting, precision, off):
    weights = {name: 1.0 for name in WEIGHTS if name != off}
    criterion, _, _ = convert(setting, precision, **weigh(**weights))
    loss, sample_size, log = losses(
        criterion, setting.student, setting.sample, precision
    )
    left = {"nll" if name == "ce" else name for name in weights}
    total = sum(float(log[f"{name}_loss"]) for name in left)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(total, rel=1e-5)


@in_every_precision
def test_a_student_that_equals_its_teacher_has_nothing_to_learn(tmp_path, precision):
    setting = Distillation(tmp_path, STUDENT)
    setting.student.load_state_dict(setting.teacher.state_dict())
    inside = weigh(embedding=1.0, hidden=1.0, attention=1.0)
    criterion, _, _ = convert(setting, precision, **inside)
    loss, _, _ = losses(criterion, setting.student, setting.sample, precision)
    assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_leaves_the_losses_in_float32(dtype):
    student, teacher = torch.randn(2, 20, 30)
    own, taught = torch.randn(2, 3, 2, 5, 4)
    target = torch.randint(0, 30, (20,))
    options = {"ce_weight": 1.0, "logits_weight": 1.0}
    expected = output_losses(student, target, teacher, **options)
    relation = relation_loss(own, taught, None, heads=4)
    with torch.autocast("cpu", dtype=dtype):
        found = output_losses(student, target, teacher, **options)
        assert torch.equal(relation_loss(own, taught, None, heads=4), relation)
    assert all(torch.equal(a, b) for a, b in zip(found, expected))
