"""Losses on unlabelled sentences, against slow references without padding."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.logging import metrics
from tiny import mlm_task, save_model, weigh
from torch import Tensor
from unlabelled import TASKS, Setting

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion
from fairseq_mlkd.distillation import distiller
from fairseq_mlkd.distillation.config import extra_weights
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.modules.states import Request

WEIGHTS = {"ce": 0.5, "logits": 2.0, "embedding": 0.3, "hidden": 0.7, "attention": 1.5}
all_tasks = pytest.mark.parametrize("name", TASKS)


def sentences_of(batch: dict[str, Any]) -> list[dict[str, Tensor]]:
    """Return the inputs of a batch one by one, without padding."""
    inputs = batch["net_input"]
    return [
        {k: v[i : i + 1, :n] for k, v in inputs.items() if k != "src_lengths"}
        for i, n in enumerate(inputs["src_lengths"].tolist())
    ]


def slow_inner_loss(
    setting: Setting,
    terms: Any,
    teacher: Any,
    batch: dict[str, Any],
    counts: list[float],
) -> float:
    """Weighted equation 3 for the layer map 4 -> 2 and auto: linear heads."""
    total = 0.0
    for inputs, count in zip(sentences_of(batch), counts):
        own, taught = (
            model.encoder(
                **inputs, request=Request(range(layers + 1), range(layers))
            ).states
            for model, layers in ((setting.student, 2), (teacher.double(), 4))
        )
        for i, j in ((0, 0), (1, 2), (2, 4)):
            name = "hidden" if i else "embedding"
            f = terms[f"{name}_loss"].projections.linear[str(i)]
            error = (
                own["hidden_states"][i] @ f.weight.T
                + f.bias
                - taught["hidden_states"][j]
            )
            total += count * WEIGHTS[name] * error.square().mean().item()
        for i, j in ((0, 1), (1, 3)):
            mix = terms["attention_loss"].head_map.mix[str(i)]
            mixed = torch.einsum("ts,bsqk->btqk", mix, own["attention_scores"][i])
            error = (mixed - taught["attention_scores"][j]).square().mean()
            total += count * WEIGHTS["attention"] * error.item()
    return total


def slow_soft_loss(
    setting: Setting, batch: dict[str, Any], temperature: float, counts: list[float]
) -> float:
    """Equation 2 averaged over what the heads say of a sentence: a call per token."""
    nspecial, total = setting.task.dictionary.nspecial, 0.0
    for inputs, count in zip(sentences_of(batch), counts):
        losses = []
        states = [
            model.encoder(**inputs).features[0]
            for model in (setting.student, setting.teacher.double())
        ]
        for head, own_head in setting.student.classification_heads.items():
            is_pooled = hasattr(own_head, "dense")
            for t, token in enumerate(inputs["src_tokens"][0].tolist()):
                if t != 0 if is_pooled else token < nspecial:
                    continue
                taught_head = setting.teacher.classification_heads[head]
                z_s, z_t = (
                    torch.softmax(h(x[t]) / temperature, -1)
                    for h, x in zip((own_head, taught_head), states)
                )
                losses.append(-(z_t * z_s.log()).sum().item())
        total += count * sum(losses) / max(len(losses), 1)
    return total


def count_of(setting: Setting, sample: dict[str, Any]) -> list[float]:
    """How often unlabelled sentences count: as the labels of the example beside each.

    There is one for each example.
    """
    dataset = setting.task.datasets["train"]
    supervise = setting.task.supervise
    alone = [dataset.collater([dataset[i]]) for i in sample["id"].tolist()]
    return [
        sum(int(t.ge(0).sum()) for t in supervise(one).targets.values())
        for one in alone
    ]


@all_tasks
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_unlabelled_loss_is_a_sum_of_means_over_sentences(tmp_path, name, temperature):
    setting = Setting(tmp_path, name)
    criterion = setting.criterion(temperature=temperature, **weigh(**WEIGHTS))
    sample = setting.sample()
    loss, sample_size, log = criterion(setting.student, sample)
    terms, batch = criterion.distiller.inner_losses.terms, sample["unlabelled"]
    counts = count_of(setting, sample)
    assert sum(counts) == sample_size
    expected = slow_inner_loss(setting, terms, setting.teacher, batch, counts)
    if name != "parsing":
        soft = slow_soft_loss(setting, batch, temperature, counts)
        expected += WEIGHTS["logits"] * soft
    assert float(log["unlabelled_loss"]) == pytest.approx(expected, rel=1e-6)
    plain = {key: value for key, value in sample.items() if key != "unlabelled"}
    labelled, _, plain_log = criterion(setting.student, plain)
    assert loss.item() == pytest.approx(labelled.item() + expected)
    assert plain_log["unlabelled_loss"] == 0


@all_tasks
def test_padding_adds_nothing(tmp_path, name):
    setting = Setting(tmp_path, name)
    criterion = setting.criterion(unlabelled_weight=0.7, **weigh(**WEIGHTS))
    sample = setting.sample()
    pad = {"src_tokens": setting.task.dictionary.pad(), "segments": 0}
    wider = copy.deepcopy(sample)
    inputs = wider["unlabelled"]["net_input"]
    for key in inputs.keys() & pad.keys():
        inputs[key] = torch.nn.functional.pad(inputs[key], (0, 3), value=pad[key])
    values = [criterion(setting.student, s)[0].item() for s in (sample, wider)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


@pytest.mark.parametrize("name", ["classification", "intent_slot"])
def test_a_wrong_position_is_noticed(tmp_path, name, monkeypatch):
    """The slow reference would catch heads that speak at padding or `</s>`."""
    setting = Setting(tmp_path, name)
    criterion = setting.criterion(**weigh(logits=1.0))
    sample = setting.sample()
    right = float(criterion(setting.student, sample)[2]["unlabelled_loss"])
    place = setting.task.place_heads
    monkeypatch.setattr(
        setting.task, "place_heads", lambda s: {k: v + 1 for k, v in place(s).items()}
    )
    assert float(criterion(setting.student, sample)[2]["unlabelled_loss"]) != right


def forbidden(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("this was not to be computed")


@all_tasks
def test_weight_0_costs_nothing_and_changes_nothing(tmp_path, name, monkeypatch):
    setting = Setting(tmp_path, name)
    torch.manual_seed(7)
    criterion = setting.criterion(unlabelled_weight=0.0)
    sample = setting.sample()
    assert "unlabelled" not in sample and not extra_weights(criterion.cfg).plain
    setting.task.unlabelled_data = None
    torch.manual_seed(7)
    without = setting.criterion()
    monkeypatch.setattr(TinyBertCriterion, "_count_unlabelled", forbidden)
    losses = [c(setting.student, sample)[0] for c in (criterion, without)]
    assert torch.equal(*losses)
    assert criterion.state_dict().keys() == without.state_dict().keys()


@pytest.mark.parametrize("off", ["logits", "inner"])
def test_a_term_of_weight_0_is_not_computed_there_either(tmp_path, off, monkeypatch):
    setting = Setting(tmp_path, "tagging")
    inner = {"embedding": 1.0, "hidden": 1.0, "attention": 1.0}
    weights = weigh(ce=1.0, **(inner if off == "logits" else {"logits": 1.0}))
    criterion = setting.criterion(**weights)
    if off == "logits":
        monkeypatch.setattr(distiller, "output_losses", forbidden)
    else:
        assert not any(criterion.distiller.inner_losses.student_request())
    assert float(criterion(setting.student, setting.sample())[2]["unlabelled_loss"]) > 0


def test_a_decoder_has_nothing_to_learn_without_parses(tmp_path, monkeypatch):
    setting = Setting(tmp_path, "parsing")
    criterion = setting.criterion(**weigh(logits=1.0))
    plain = setting.sample()["unlabelled"]
    monkeypatch.setattr(criterion.distiller.teacher, "run", forbidden)
    places, counts = setting.task.place_heads(plain), torch.ones(5)
    inputs = plain["net_input"]
    found = criterion.distiller(setting.student, inputs, places, counts=counts)
    assert found.loss == 0 and not found.terms


@all_tasks
def test_only_the_student_learns(tmp_path, name):
    setting = Setting(tmp_path, name)
    criterion = setting.criterion(**weigh(hidden=1.0, logits=1.0))
    sample = setting.sample()
    plain = sample["unlabelled"]
    places, counts = setting.task.place_heads(plain), torch.ones(5)
    inputs = plain["net_input"]
    loss = criterion.distiller(setting.student, inputs, places, counts=counts).loss
    loss.backward()
    assert all(p.grad is None for p in criterion.distiller.teacher.model.parameters())
    assert setting.student.encoder.layers[0].fc1.weight.grad.any()


def test_validation_knows_no_unlabelled_sentences(tmp_path):
    setting = Setting(tmp_path, "tagging")
    criterion = setting.criterion(valid_distillation=True).eval()
    log = criterion(setting.student.eval(), setting.sample())[2]
    assert "unlabelled_loss" not in log and "logits_loss" in log


# --- a batch may be cut, and sentences may be few


def add_up_epoch(
    setting: Setting,
    criterion: TinyBertCriterion,
    batch_size: int,
    keys: tuple[str, ...] = ("loss", "unlabelled_loss", "stage_1_loss", "sample_size"),
) -> dict[str, float]:
    """Sum losses and labels over an epoch."""
    dataset, total = setting.task.datasets["train"], {}
    for first in range(0, len(dataset), batch_size):
        rows = range(first, min(first + batch_size, len(dataset)))
        log = criterion(setting.student, dataset.collater([dataset[i] for i in rows]))[
            2
        ]
        for key in keys:
            total[key] = total.get(key, 0.0) + float(log[key])
    return total


@pytest.mark.parametrize("ratio", [0.25, 1.0, 2.5])
@all_tasks
def test_batches_may_be_cut_anywhere(tmp_path, name, ratio):
    keeps = name != "parsing"
    setting = Setting(tmp_path, name, keep_lm_head=keeps, unlabelled_ratio=ratio)
    options = {**stage_1_path(setting), **weigh(**WEIGHTS)}
    criterion = setting.criterion(**options)
    setting.task.load_dataset("train")
    found = [add_up_epoch(setting, criterion, size) for size in (12, 4, 5, 1)]
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-6)


# the batch size that a ratio is tried with where all pairs would take too long
FAST_SIZES = {0.25: 4, 0.5: 12, 1.0: 1, 2.0: 4}


@pytest.mark.parametrize(
    "ratio, batch_size",
    [
        pytest.param(x, n, marks=() if FAST_SIZES[x] == n else pytest.mark.slow)
        for x in FAST_SIZES
        for n in (1, 4, 12)
    ],
)
def test_the_weight_is_that_of_the_flag(tmp_path, ratio, batch_size):
    """Per label, the loss is the mean over the unlabelled sentences of the epoch."""
    setting = Setting(
        tmp_path, "classification", keep_lm_head=True, unlabelled_ratio=ratio
    )
    options = {**stage_1_path(setting), **weigh(**WEIGHTS)}
    criterion = setting.criterion(**options)
    setting.task.load_dataset("train")
    total = add_up_epoch(setting, criterion, batch_size)
    dataset = setting.task.datasets["train"]
    sample = dataset.collater([dataset[i] for i in range(len(dataset))])
    number = len(sample["owners"])
    assert number == int(ratio * len(dataset))
    plain, ones = sample["unlabelled"], [1.0] * number
    terms = criterion.distiller.inner_losses.terms
    expected = slow_inner_loss(setting, terms, setting.teacher, plain, ones)
    expected += WEIGHTS["logits"] * slow_soft_loss(setting, plain, 1.0, ones)
    labels = total["sample_size"]
    assert total["unlabelled_loss"] / labels == pytest.approx(expected / number, 1e-6)
    expected = slow_stage_1(setting, criterion.stage_1, sample["masked"], ones)
    assert total["stage_1_loss"] / labels == pytest.approx(expected / number, 1e-6)


# --- sentences of which the teacher is sure


def slow_confidence(setting: Setting, batch: dict[str, Any]) -> list[float]:
    """Average over heads their mean largest probability: a call per token."""
    nspecial, found = setting.task.dictionary.nspecial, []
    for inputs in sentences_of(batch):
        tokens = inputs["src_tokens"][0].tolist()
        words = [t for t, token in enumerate(tokens) if token >= nspecial]
        states, heads = setting.teacher.double().encoder(**inputs).features[0], []
        for head in setting.teacher.classification_heads.values():
            places = [0] if hasattr(head, "dense") else words
            sure = [torch.softmax(head(states[t]), -1).max().item() for t in places]
            heads.append(sum(sure) / len(sure))
        found.append(sum(heads) / len(heads))
    return found


@pytest.mark.parametrize("name", ["classification", "tagging", "intent_slot"])
def test_unsure_sentences_count_nothing(tmp_path, name):
    setting = Setting(tmp_path, name)
    for parameter in setting.teacher.classification_heads.parameters():
        parameter.data *= 30  # it is sure of some and not of all
    save_model(Path(setting.teacher_path), setting.teacher, setting.make_task())
    criterion = setting.criterion(unlabelled_confidence=0.5, **weigh(**WEIGHTS))
    sample = setting.sample()
    batch, counts = sample["unlabelled"], count_of(setting, sample)
    sure = slow_confidence(setting, batch)
    bound = criterion.cfg.unlabelled_confidence = sorted(sure)[2] - 1e-6
    log = criterion(setting.student, sample)[2]
    kept = [c if s >= bound else 0.0 for c, s in zip(counts, sure)]
    terms = criterion.distiller.inner_losses.terms
    expected = slow_inner_loss(setting, terms, setting.teacher, batch, kept)
    expected += WEIGHTS["logits"] * slow_soft_loss(setting, batch, 1.0, kept)
    assert float(log["unlabelled_loss"]) == pytest.approx(expected, rel=1e-6)
    with metrics.aggregate() as found:
        criterion.reduce_metrics([log, log])
    said = found.get_smoothed_values()
    assert said["unlabelled_kept"] == "6 of 10" and "_unlabelled_read" not in said
    for bound, share in ((1e-6, 1.0), (1.0, 0.0)):
        criterion.cfg.unlabelled_confidence = bound
        some = criterion(setting.student, sample)[2]["unlabelled_loss"]
        criterion.cfg.unlabelled_confidence = 0.0
        plain = criterion(setting.student, sample)[2]
        assert float(some) == share * float(plain["unlabelled_loss"])
        assert "_unlabelled_kept" not in plain


def test_what_is_kept_does_not_depend_on_batches_or_the_cache(tmp_path):
    setting = Setting(tmp_path, "tagging", unlabelled_ratio=2.0)
    options = {"unlabelled_confidence": 0.5, **weigh(**WEIGHTS)}
    cache = {"teacher_cache": str(tmp_path / "cache"), "teacher_cache_dtype": "float32"}
    live, cached = (setting.criterion(**options, **more) for more in ({}, cache))
    cached.load_state_dict(live.state_dict())
    sure = slow_confidence(setting, setting.sample(12)["unlabelled"])
    for criterion in (live, cached):
        criterion.cfg.unlabelled_confidence = sorted(sure)[len(sure) // 2] - 1e-6
    keys = ("unlabelled_loss", "_unlabelled_kept", "_unlabelled_read")
    runs = [(live, 12), (live, 5), (cached, 12), (cached, 5)]
    found = [add_up_epoch(setting, c, size, keys) for c, size in runs]
    assert found[0]["_unlabelled_read"] == 24 > found[0]["_unlabelled_kept"] > 0
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-6)


# --- stage 1 beside stage 2


def slow_stage_1(
    setting: Setting, stage_1: Any, batch: dict[str, Any], counts: list[float]
) -> float:
    pad, total = setting.task.dictionary.pad(), 0.0
    for inputs, target, count in zip(sentences_of(batch), batch["target"], counts):
        ce, kd = [], []
        logits = [
            m.lm_head(m.encoder(**inputs).features[0], m.encoder(**inputs).output_layer)
            for m in (setting.student, setting.pretrained.double())
        ]
        for t in target.ne(pad).nonzero().flatten().tolist():
            ce.append(-torch.log_softmax(logits[0][t], -1)[target[t]].item())
            z_t = torch.softmax(logits[1][t], -1)
            kd.append(-(z_t * torch.log_softmax(logits[0][t], -1)).sum().item())
        outputs = WEIGHTS["ce"] * sum(ce) + WEIGHTS["logits"] * sum(kd)
        total += count * outputs / len(ce)
    terms = stage_1.inner_losses.terms
    return total + slow_inner_loss(setting, terms, setting.pretrained, batch, counts)


@pytest.mark.parametrize("name", ["classification", "tagging"])
def test_stage_1_is_the_loss_of_pretraining(tmp_path, name):
    setting = Setting(tmp_path, name, keep_lm_head=True)
    criterion = setting.criterion(
        stage_1_weight=0.4,
        unlabelled_weight=0.0,
        stage_1_teacher_path=setting.pretrained_path,
        **weigh(**WEIGHTS),
    )
    sample = setting.sample()
    loss, sample_size, log = criterion(setting.student, sample)
    counts = count_of(setting, sample)
    expected = slow_stage_1(setting, criterion.stage_1, sample["masked"], counts)
    found = float(log["stage_1_loss"])
    assert found == pytest.approx(expected, rel=1e-6)
    plain = {key: v for key, v in sample.items() if key not in ("unlabelled", "masked")}
    labelled = criterion(setting.student, plain)[0].item()
    assert loss.item() == pytest.approx(labelled + 0.4 * found)
    assert "unlabelled_loss" not in log
    loss.backward()
    assert setting.student.lm_head.dense.weight.grad.any()


def without_head(setting: Setting) -> None:
    task = mlm_task(setting.sentences)
    setting.pretrained.remove_lm_head()
    setting.pretrained.cfg.no_lm_head = True
    save_model(Path(setting.pretrained_path), setting.pretrained, task)


@pytest.mark.parametrize(
    "keeps, has_head, words",
    [
        (True, True, "masked LM, equation 2, equation 3"),
        (True, False, "masked LM, equation 3 (the teacher has no masked-LM head)"),
        (False, True, "equation 3 (without --keep-lm-head the student has no"),
        (False, False, "equation 3 (without --keep-lm-head the student has no"),
    ],
)
def test_stage_1_says_what_it_is_made_of(tmp_path, keeps, has_head, words, caplog):
    setting = Setting(tmp_path, "tagging", keep_lm_head=keeps)
    if not has_head:
        without_head(setting)
    caplog.set_level("INFO")
    criterion = setting.criterion(
        stage_1_weight=1.0, stage_1_teacher_path=setting.pretrained_path
    )
    assert f"stage 1 loss: {words}" in caplog.text
    log = criterion(setting.student, setting.sample())[2]
    assert float(log["stage_1_loss"]) > 0 and float(log["unlabelled_loss"]) > 0


def test_stage_1_of_a_parser_is_that_of_its_encoder(tmp_path):
    setting = Setting(tmp_path, "parsing")
    criterion = setting.criterion(
        stage_1_weight=1.0,
        stage_1_teacher_path=setting.pretrained_path,
        **weigh(**WEIGHTS),
    )
    sample = setting.sample()
    log = criterion(setting.student, sample)[2]
    expected = slow_inner_loss(
        setting,
        criterion.stage_1.inner_losses.terms,
        setting.pretrained,
        sample["masked"],
        count_of(setting, sample),
    )
    assert float(log["stage_1_loss"]) == pytest.approx(expected, rel=1e-6)


# --- refusals


def stage_1_path(setting: Setting) -> dict[str, Any]:
    return {"stage_1_weight": 1.0, "stage_1_teacher_path": setting.pretrained_path}


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: {"stage_1_weight": 1.0}, "needs --stage-1-teacher-path"),
        (
            lambda s: {"stage_1_weight": 1.0, "stage_1_teacher_path": "no/file"},
            "--stage-1-teacher-path no/file: no such file",
        ),
        (
            lambda s: {"stage_1_weight": 1.0, "stage_1_teacher_path": s.teacher_path},
            "--stage-1-teacher-path .* lacks the parameter lm_head",
        ),
        (lambda s: weigh(ce=1.0), "there is no teacher to learn from"),
        (
            lambda s: {**stage_1_path(s), **weigh(logits=1.0)},
            "no term of stage 1 has a weight",
        ),
    ],
)
def test_refusals(tmp_path, change: Callable, message):
    setting = Setting(tmp_path, "tagging")
    with pytest.raises(UserError, match=message):
        setting.criterion(**change(setting))


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("tagging", {"unlabelled_confidence": 1.1}, "1.1 is not between 0 and 1"),
        ("tagging", weigh(hidden=1.0), "needs --unlabelled-data, and"),
        ("tagging", {"unlabelled_weight": 0.0}, "needs --unlabelled-data, and"),
        ("parsing", {}, "a parser is sure of nothing without a parse: leave it out"),
    ],
)
def test_nothing_to_be_sure_of(tmp_path, name, options, message):
    setting = Setting(tmp_path, name)
    with pytest.raises(UserError, match=f"--unlabelled-confidence .*{message}"):
        setting.criterion(**{"unlabelled_confidence": 0.8, **options})
    setting.task.unlabelled_data = None
    with pytest.raises(UserError, match="--unlabelled-confidence"):
        setting.criterion(**{"unlabelled_confidence": 0.8, **options})


def test_stage_1_needs_sentences(tmp_path):
    setting = Setting(tmp_path, "tagging")
    setting.task.unlabelled_data = None
    with pytest.raises(UserError, match="--stage-1-weight needs .* --unlabelled-data"):
        setting.criterion(**stage_1_path(setting))
