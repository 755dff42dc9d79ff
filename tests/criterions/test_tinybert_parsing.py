"""Distillation of the pointer generator: soft targets over symbols and pointers, the
decoder's states, and what padding on either side must not change.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from laws import PARSING, Case, Depths, World, all_weights, term_weight
from tiny import (
    build_criterion,
    build_model,
    load,
    mlm_task,
    save_model,
    write_mlm_data,
)
from tiny_parses import POINTERS
from torch import Tensor

from fairseq_mlkd.distillation.losses import output_losses
from fairseq_mlkd.modules.pointer import IMPOSSIBLE

THREE = Depths(
    {},
    4,
    [(1, 2), (2, 4)],
    [(0, 1), (1, 3)],
    3,
    [(1, 1), (2, 2), (3, 3)],
    own_decoder_layers=3,
)
DECODER_STATES = "decoder_embedding decoder_hidden decoder_attention cross_attention"
DECODER_TERMS = {f"{name}_loss" for name in DECODER_STATES.split()}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(PARSING, tmp_path_factory.mktemp("parsing"))


@pytest.fixture(scope="module")
def case(world) -> Case:
    return Case(world, "auto", THREE)


def run(case: Case, sample: dict[str, Any]) -> dict[str, float]:
    _, _, log = case.whole(case.student, sample)
    return {name: float(log[name]) for name in log if name.endswith("loss")}


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("head_map", ["auto", "mean", "relation"])
def test_three_decoder_layers_learn_from_three(world, head_map, temperature):
    case, weights = Case(world, head_map, THREE), all_weights()
    criterion = case.criterion(temperature=temperature, **weights)
    loss, sample_size, log = criterion(case.student, case.sample)
    terms = case.slow_terms(criterion)
    assert set(terms) > DECODER_TERMS
    for name, term in terms.items():
        assert float(log[name]) == pytest.approx(float(term.detach()), rel=1e-9), name
    expected = sum(term_weight(name, weights) * term for name, term in terms.items())
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    assert sample_size == int(case.sample["pointer_target"].ne(1).sum())


def pad(sample: dict[str, Any], source: int, words: int, target: int) -> dict[str, Any]:
    """So many columns more of each kind."""
    net_input = dict(sample["net_input"])
    columns = {
        "src_tokens": (source, 1),
        "word_starts": (words, -1),
        "prev_output_tokens": (target, 1),
    }
    for name, (amount, value) in columns.items():
        net_input[name] = F.pad(net_input[name], (0, amount), value=value)
    longer = F.pad(sample["pointer_target"], (0, target), value=1)
    return {**sample, "net_input": net_input, "pointer_target": longer}


@pytest.mark.parametrize("columns", [(3, 0, 0), (0, 2, 0), (0, 0, 4), (2, 1, 3)])
def test_padding_of_either_side_keeps_every_term(case, columns):
    before, after = run(case, case.sample), run(case, pad(case.sample, *columns))
    assert before.keys() == after.keys() and before.keys() > DECODER_TERMS
    for name, value in before.items():
        assert after[name] == pytest.approx(value, rel=1e-9), name


def test_a_target_without_the_causal_mask_is_caught(case, monkeypatch):
    """The cells that look ahead hold scores, too: they must not count."""
    before = run(case, case.sample)
    term = case.whole.distiller.inner_losses.terms["decoder_attention_loss"]
    monkeypatch.setattr(term, "attention", term.attention._replace(causal=False))
    after = run(case, case.sample)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"loss", "decoder_attention_loss"}


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_pointers_beyond_the_sentence_take_no_part(case, temperature):
    places, targets = case.task.supervise(case.sample)
    inputs = {**case.sample["net_input"], "heads": places}
    with torch.no_grad():
        student, teacher = (
            m(**inputs)[0]["decoder"] for m in (case.student, case.teacher)
        )
    student.requires_grad_()
    (target,) = targets.values()
    never = student.eq(IMPOSSIBLE).all(dim=0)
    assert torch.equal(never, teacher.eq(IMPOSSIBLE).all(dim=0))
    longest = case.sample["net_input"]["word_starts"].size(1)
    assert never[-POINTERS + longest :].all() and never.sum() < len(never)

    def loss(*logits: Tensor) -> Tensor:
        weights = {"ce_weight": 0.5, "logits_weight": 2.0}
        own, taught, labels = logits
        return output_losses(own, labels, taught, temperature=temperature, **weights)[0]

    whole = loss(student, teacher, target)
    whole.backward()
    assert student.grad.isfinite().all() and not student.grad[:, never].any()
    places = torch.cumsum(~never, 0) - 1
    part = loss(student[:, ~never], teacher[:, ~never], places[target])
    assert whole.item() == pytest.approx(part.item(), rel=1e-12)


# --- teachers that do not fit


def refusal(world: World, path: Path) -> str:
    task = world.task()
    world.student(task, 2)
    with pytest.raises(ValueError) as error:
        build_criterion(task, teacher_path=str(path))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_teacher_without_a_decoder_is_refused(world, tmp_path):
    task = mlm_task(write_mlm_data(tmp_path / "mlm"))
    task.dictionary = world.task().dictionary
    path = save_model(tmp_path / "encoder.pt", build_model(task), task)
    message = refusal(world, path)
    assert message.startswith(f"--teacher-path {path} does not fit")
    assert "needs a decoder" in message


@pytest.mark.parametrize("change", ["another name", "another order", "one more"])
def test_a_teacher_of_another_ontology_is_refused(world, tmp_path, change):
    other = World(PARSING, tmp_path)
    path = other.data / "target" / "dict.txt"
    lines = path.read_text().splitlines()
    if change == "another name":
        lines[0] = "[IN:OTHER 1"
    elif change == "another order":
        lines[:2] = lines[1::-1]
    else:
        lines.insert(0, "[IN:MORE 1")
    path.write_text("\n".join(lines) + "\n")
    _, teacher = other.teacher(2, 2, 2)
    message = refusal(world, Path(teacher))
    assert message.startswith(f"--teacher-path {teacher} was trained with other labels")


def test_a_checkpoint_that_tells_no_labels_passes(world, tmp_path):
    _, path = world.teacher(4, 2, 2)
    state = load(Path(path))
    del state["task_state"]["labels_sha256"]
    torch.save(state, str(tmp_path / "old.pt"))
    task = world.task()
    world.student(task, 2)
    assert build_criterion(task, teacher_path=str(tmp_path / "old.pt")).distiller
