"""The distillation criterion: its sum, and what a weight of 0 saves."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from fairseq.criterions.masked_lm import MaskedLmConfig, MaskedLmLoss
from slow_losses import assert_same_gradients
from tiny import STUDENT, WEIGHTS, Distillation, weigh
from torch import Tensor

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion
from fairseq_mlkd.distillation import distiller, inner_losses
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.modules.states import Request

TERMS = ("nll_loss", "logits_loss", "embedding_loss", "hidden_loss", "attention_loss")


@pytest.fixture
def setting(tmp_path) -> Distillation:
    return Distillation(tmp_path)


def forward(model: MultilingualEncoderModel, tokens: Tensor) -> tuple[Tensor, dict]:
    layers = model.cfg.encoder_layers
    return model(tokens, request=Request(range(layers + 1), range(layers)))


def slow_terms(
    setting: Distillation, criterion: TinyBertCriterion, temperature: float, heads: str
) -> dict[str, Tensor]:
    """All terms, sentence by sentence and so without padding, for the map 4 -> 2."""
    terms = dict.fromkeys(TERMS, 0.0)
    lengths = setting.sample["net_input"]["src_lengths"].tolist()
    for row, n in enumerate(lengths):
        tokens = setting.sample["net_input"]["src_tokens"][row : row + 1, :n]
        target = setting.sample["target"][row, :n]
        (logits, own), (t_logits, taught) = (
            forward(model, tokens)
            for model in (setting.student, setting.teacher.double())
        )
        masked = (target != setting.task.dictionary.pad()).nonzero().flatten()
        for i in masked:
            terms["nll_loss"] -= torch.log_softmax(logits[0, i], -1)[target[i]]
            z_t = torch.softmax(t_logits[0, i] / temperature, -1)
            z_s = torch.log_softmax(logits[0, i] / temperature, -1)
            terms["logits_loss"] -= (z_t * z_s).sum()
        for i, j in ((0, 0), (1, 2), (2, 4)):
            name = "hidden_loss" if i else "embedding_loss"
            f = criterion.distiller.inner_losses.terms[name].projections.linear[str(i)]
            error = F.linear(own["hidden_states"][i], f.weight, f.bias)
            error = error - taught["hidden_states"][j]
            terms[name] = terms[name] + len(masked) * error.square().mean()
        for i, j in ((0, 1), (1, 3)):
            a, b = own["attention_scores"][i][0], taught["attention_scores"][j][0]
            if heads == "mean":
                a, b = a.mean(0), b.mean(0)
            else:
                mix = criterion.distiller.inner_losses.terms[
                    "attention_loss"
                ].head_map.mix[str(i)]
                a = (mix[:, :, None, None] * a[None]).sum(1)
            error = len(masked) * (a - b).square().mean()
            terms["attention_loss"] = terms["attention_loss"] + error
    return terms


def test_projections_start_where_they_fit(setting):
    weights, found = weigh(embedding=1.0, hidden=1.0), []
    setting.student.train()
    for fit in (True, False):
        torch.manual_seed(1)
        criterion = setting.criterion(**weights, fit_projections=fit)
        found.append((torch.get_rng_state(), setting.student.training, criterion))
    assert torch.equal(found[0][0], found[1][0]) and found[0][1]
    fitted, random = (c(setting.student, setting.sample)[0] for _, _, c in found)
    assert fitted < 0.8 * random


def test_fitting_reads_the_teachers_cache(setting, tmp_path):
    def projections(**options: object) -> list[Tensor]:
        weights = weigh(embedding=1.0, hidden=1.0, attention=1.0)
        criterion = setting.criterion(**weights, fit_projections=True, **options)
        terms = criterion.distiller.inner_losses.projected("hidden_states")
        return [p for term in terms for p in term.parameters()]

    cache = {"teacher_cache": str(tmp_path / "cache"), "teacher_cache_dtype": "float32"}
    live, filled = projections(), projections(**cache)
    read = projections(**cache, teacher_path=None)
    assert len(live) == 6
    assert all(torch.equal(a, b) for a, b in zip(live, filled, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(live, read, strict=True))


def test_fitting_needs_a_teacher_that_reads_the_same(setting, tmp_path):
    with pytest.raises(ValueError, match="--teacher-data exclude each other"):
        setting.criterion(fit_projections=True, teacher_data=str(tmp_path))


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("heads", ["auto", "mean", "linear"])
def test_total_is_the_weighted_sum_of_the_terms(setting, temperature, heads):
    weights = {
        "ce": 0.5,
        "logits": 2.0,
        "embedding": 0.3,
        "hidden": 0.7,
        "attention": 1.5,
    }
    criterion = setting.criterion(
        temperature=temperature, head_map=heads, **weigh(**weights)
    )
    for module in (criterion, setting.student):
        module.double()
    for p in criterion.distiller.inner_losses.terms["attention_loss"].parameters():
        p.data.add_(torch.randn_like(p))
    terms = slow_terms(setting, criterion, temperature, heads)
    expected = sum(weights[name.split("_")[0]] * terms[name] for name in TERMS[1:])
    expected = expected + weights["ce"] * terms["nll_loss"]
    loss, sample_size, log = criterion(setting.student, setting.sample)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    for name in TERMS:
        assert float(log[name]) == pytest.approx(
            float(terms[name].detach()), rel=1e-9
        ), name

    params = [*setting.student.parameters(), *criterion.parameters()]
    assert_same_gradients(loss, expected, params, rtol=1e-5, atol=1e-9)


def test_without_distillation_it_is_masked_lm_bit_for_bit(setting):
    criterion = setting.criterion(**weigh(ce=1.0), teacher_path="no/such/file.pt")
    assert criterion.distiller is None and not list(criterion.parameters())
    upstream = MaskedLmLoss(MaskedLmConfig(tpu=False), setting.task)
    results = []
    for each in (upstream, criterion):
        setting.student.zero_grad()
        loss, _, _ = each(setting.student, setting.sample)
        loss.backward()
        results.append([loss, *(p.grad.clone() for p in setting.student.parameters())])
    for theirs, ours in zip(*results):
        assert torch.equal(theirs, ours)


def forbidden(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("this was not to be computed")


@pytest.mark.parametrize("off", WEIGHTS[1:])
def test_a_term_of_weight_0_is_not_computed(setting, off, monkeypatch):
    criterion = setting.criterion(
        **weigh(**{name: 1.0 for name in WEIGHTS if name != off})
    )
    asked = []
    criterion.distiller.teacher.model.register_forward_pre_hook(
        lambda module, args, kwargs: asked.append(kwargs["request"]), with_kwargs=True
    )
    if off == "logits":
        monkeypatch.setattr(distiller, "output_losses", forbidden)
        monkeypatch.setattr(
            criterion.distiller.teacher.model.lm_head, "forward", forbidden
        )
    if off == "attention":
        monkeypatch.setattr(inner_losses, "attention_loss", forbidden)
    loss, _, log = criterion(setting.student, setting.sample)
    loss.backward()
    missing = {name for name in TERMS if name not in log}
    assert missing == {f"{off}_loss"}
    expected = {"embedding": [2, 4], "hidden": [0]}.get(off, [0, 2, 4])
    assert asked[0].hidden_states == expected
    scores = [] if off == "attention" else [1, 3]
    assert list(asked[0].attention_scores) == scores
    assert all(p.grad is not None for p in criterion.parameters())


def test_without_loss_on_the_logits_no_head_runs(setting, monkeypatch):
    criterion = setting.criterion(**weigh(hidden=1.0))
    monkeypatch.setattr(setting.student.lm_head, "forward", forbidden)
    monkeypatch.setattr(criterion.distiller.teacher.model.lm_head, "forward", forbidden)
    loss, _, log = criterion(setting.student, setting.sample)
    assert loss.item() == pytest.approx(float(log["hidden_loss"]))
    assert not {"nll_loss", "logits_loss"} & log.keys()


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_term_alone_teaches(setting, name):
    criterion = setting.criterion(**weigh(**{name: 1.0}))
    loss, _, _ = criterion(setting.student, setting.sample)
    loss.backward()
    gradient = setting.student.encoder.embeddings.tokens.weight.grad
    assert loss.item() > 0 and gradient.isfinite().all() and gradient.any()


def test_a_student_that_equals_its_teacher_has_nothing_to_learn(tmp_path):
    setting = Distillation(tmp_path, STUDENT)
    setting.student.load_state_dict(setting.teacher.state_dict())
    criterion = setting.criterion(**weigh(embedding=1, hidden=1, attention=1))
    loss, _, _ = criterion(setting.student, setting.sample)
    assert not list(criterion.parameters())
    assert loss.item() == pytest.approx(0, abs=1e-9)


def test_inter_loss_l2(setting):
    values = []
    for kind in ("mse", "l2"):
        torch.manual_seed(1)
        criterion = setting.criterion(inter_loss=kind, **weigh(hidden=1.0))
        values.append(criterion(setting.student, setting.sample)[0].item())
    assert values[0] != pytest.approx(values[1], rel=0.01)
