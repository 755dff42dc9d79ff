"""Narrower students: exact where that is possible, and nearer than chance elsewhere."""

import pytest
import torch
from tiny import build_model, mlm_task, save_model, write_mlm_data
from torch.testing import assert_close

from fairseq_mlkd.distillation.narrowing import (
    Heads,
    change_rank,
    find_frame,
    narrow_embeddings,
    narrow_layer,
    random_sentences,
    sample_states,
)
from fairseq_mlkd.modules.low_rank import factorise
from fairseq_mlkd.modules.states import Request

IDS = torch.tensor([[0, 7, 9, 12, 5, 2], [0, 11, 4, 2, 1, 1]])
WIDE = {"layers": 2, "embed_dim": 16, "ffn_embed_dim": 12, "attention_heads": 4}
NARROW = {"layers": 2, "embed_dim": 8, "ffn_embed_dim": 6, "attention_heads": 2}
REAL = IDS != 1


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return mlm_task(write_mlm_data(tmp_path_factory.mktemp("data")))


@pytest.fixture
def wide(task):
    """Return a teacher with every parameter far from 0."""
    torch.manual_seed(5)
    model = build_model(task, WIDE, layer_norm_eps=1e-3).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def confine(model):
    """Keep all hidden states in 8 dimensions; half of heads and neurons do nothing."""
    basis = torch.linalg.qr(torch.cat([torch.ones(16, 1), torch.randn(16, 7)], 1))[0]
    plane = basis @ basis.T
    with torch.no_grad():
        for name, x in model.encoder.named_parameters():
            if name.endswith("layer_norm.weight"):
                x.fill_(float(x.mean()))
            elif name.endswith(("layer_norm.bias", "out_proj.bias", "fc2.bias")):
                x.copy_(plane @ x)
            elif name.startswith("embeddings."):
                x.copy_(x @ plane)
            elif name.endswith(("out_proj.weight", "fc2.weight")):
                x.copy_(plane @ x)
                x[:, x.shape[1] // 2 :] = 0
    return model


def narrow(model, task, heads=2, **shape):
    weights = model.encoder.state_dict()
    sentences = random_sentences(model.encoder, task.source_dictionary)
    frame = find_frame(torch.cat(sample_states(model.encoder, sentences)), 8)
    student = build_model(task, {**NARROW, **shape, "attention_heads": heads},
                          layer_norm_eps=1e-3).eval()  # fmt: skip

    def below(prefix):
        return {k.removeprefix(prefix): x for k, x in weights.items()
                if k.startswith(prefix)}  # fmt: skip

    found = {"embeddings.": narrow_embeddings(below("embeddings."), frame, 0)}
    for i in range(2):
        prefix = f"layers.{i}."
        ffn = student.cfg.encoder_ffn_embed_dim
        found[prefix] = narrow_layer(below(prefix), frame, ffn, Heads(4, heads))
    student.encoder.load_state_dict(
        {
            f"{prefix}{k}": x.float()
            for prefix, part in found.items()
            for k, x in part.items()
        }  # fmt: skip
    )
    return frame, student


def states(model):
    with torch.no_grad():
        _, extra = model(IDS, features_only=True, request=Request(range(3), range(2)))
    return extra


@pytest.mark.parametrize("heads", [2, 1])
def test_states_in_a_subspace_of_the_student_stay_exactly_the_same(task, wide, heads):
    teacher = confine(wide)
    if heads == 1:  # of twice the width
        for layer in teacher.encoder.layers:
            layer.self_attn.out_proj.weight.data[:, 4:] = 0
    frame, student = narrow(teacher, task, heads)
    assert frame.kept == pytest.approx(1.0, abs=1e-9)
    want, found = states(teacher), states(student)
    back = frame.basis.float().T / frame.scale
    for i in range(3):
        near = found["hidden_states"][i] @ back
        assert_close(near[REAL], want["hidden_states"][i][REAL], rtol=0, atol=2e-5)
    for i in range(2):
        a, b = (x["attention_scores"][i][:1] for x in (found, want))
        assert_close(a, b[:, :heads], rtol=0, atol=1e-4)


def test_other_states_do_not(task, wide):
    frame, student = narrow(wide, task)
    want, found = states(wide), states(student)
    near = found["hidden_states"][2] @ (frame.basis.float().T / frame.scale)
    assert frame.kept < 0.99
    assert (near - want["hidden_states"][2]).abs().max() > 0.1


def test_columns_are_orthonormal_and_the_mean_stays_the_mean():
    frame = find_frame(torch.randn(50, 16, dtype=torch.float64), 8)
    eye = torch.eye(8, dtype=torch.float64)
    assert_close(frame.basis.T @ frame.basis, eye)
    x = torch.randn(16, 5, dtype=torch.float64)
    assert_close(frame.write(x).mean(0), x.mean(0))


def test_it_is_the_same_every_time(task, wide):
    one, other = (narrow(wide, task)[1].encoder.state_dict() for _ in range(2))
    assert all(torch.equal(x, other[name]) for name, x in one.items())


def test_factors_are_the_nearest_and_keep_padding():
    table = torch.randn(30, 6)
    table[1] = 0
    tokens, up = factorise(table, 4)
    assert tokens.shape == (30, 4) and up.shape == (6, 4) and not tokens[1].any()
    lost = torch.linalg.svdvals(table)[4:].square().sum().sqrt()
    assert_close((tokens @ up.T - table).norm(), lost)
    whole = change_rank({"tokens.weight": tokens, "up.weight": up, "x": up}, 0)
    assert whole.keys() == {"tokens.weight", "x"}
    assert_close(whole["tokens.weight"], tokens @ up.T)


def train_a_little(model, task):
    """Have a teacher learn to fill in what stands around a mask."""
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        ids = torch.randint(4, 30, (16, 8))
        ids[:, 1::2] = ids[:, ::2]  # every other symbol is the one before
        logits, _ = model(ids.index_fill(1, torch.tensor([3, 5]), 31))
        loss = torch.nn.functional.cross_entropy(
            logits[:, [3, 5]].flatten(0, 1), ids[:, [3, 5]].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def distillation_loss(teacher, student):
    """Of attention before softmax and, after the best linear map, of hidden states."""
    torch.manual_seed(2)
    ids = torch.randint(4, 30, (32, 8))
    request = Request(range(3), range(2))
    with torch.no_grad():
        one, other = (
            model(ids, features_only=True, request=request)[1]
            for model in (teacher, student)
        )
    loss = sum(
        (one["attention_scores"][i] - other["attention_scores"][i]).square().mean()
        for i in range(2)
    )
    for i in range(3):
        x, y = (found["hidden_states"][i].flatten(0, 1) for found in (other, one))
        loss += (x @ torch.linalg.lstsq(x, y).solution - y).square().mean()
    return float(loss)


def test_distillation_begins_with_less_loss_than_at_random(task, tmp_path):
    teacher = train_a_little(build_model(task, WIDE), task)
    path = save_model(tmp_path / "teacher.pt", teacher, task)
    shape = {**NARROW, "attention_heads": 4}
    torch.manual_seed(3)
    random = build_model(task, shape).eval()
    options = {"encoder_path": str(path), "encoder_path_layers": "uniform"}
    begun = build_model(mlm_task(task.cfg.data, **options), shape).eval()
    low, high = (distillation_loss(teacher, x) for x in (begun, random))
    assert low < 0.5 * high
