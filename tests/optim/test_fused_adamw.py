"""The fused optimizer follows fairseq's own, but for epsilon and what decays."""

import copy
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from fairseq.optim.adam import FairseqAdam, FairseqAdamConfig
from omegaconf import OmegaConf
from trained import differences

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.optim.fused_adamw import FusedAdamW, FusedAdamWConfig


def trained(
    optimizer_class: type, config_class: type, betas: Any, decay: float
) -> list:
    torch.manual_seed(1)
    params = [
        torch.nn.Parameter(torch.randn(5, 3)),
        torch.nn.Parameter(torch.randn(3, 1)),
    ]
    cfg = OmegaConf.structured(config_class())
    given = {"adam_betas": betas, "weight_decay": decay, "lr": [0.01]}
    cfg = OmegaConf.merge(
        cfg, given, {"tpu": False} if hasattr(config_class, "tpu") else {}
    )
    optimizer = optimizer_class(cfg, params)
    for step in range(20):
        optimizer.set_lr(0.01 / (1 + step))
        for p in params:
            p.grad = torch.randn_like(p)
        optimizer.step()
    return [p.detach() for p in params]


# the command line gives betas as a string, hydra as a list
@pytest.mark.parametrize("betas", ["(0.9, 0.98)", [0.9, 0.98]])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_same_updates_as_adam(decay, betas):
    theirs = trained(FairseqAdam, FairseqAdamConfig, betas, decay)
    ours = trained(FusedAdamW, FusedAdamWConfig, betas, decay)
    other = trained(FusedAdamW, FusedAdamWConfig, betas, decay + 0.1)
    for a, b, c in zip(theirs, ours, other):
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-6)
        assert not torch.allclose(a, c, rtol=1e-6, atol=1e-6)


def make(decay: float, *shapes: tuple[int, ...]) -> FusedAdamW:
    torch.manual_seed(1)
    params = [torch.nn.Parameter(torch.randn(*shape)) for shape in shapes]
    return FusedAdamW(FusedAdamWConfig(weight_decay=decay, lr=[0.1]), params)


def step(optimizer: FusedAdamW, size: float = 1.0) -> None:
    for p in optimizer.params:
        p.grad = torch.full_like(p, size)
    optimizer.step()


def test_biases_and_layer_norms_do_not_decay():
    optimizer = make(0.5, (3,), (4, 3), (1,), (2, 4))
    before = [p.detach().clone() for p in optimizer.params]
    step(optimizer, 0.0)
    for old, new in zip(before, optimizer.params):
        assert torch.allclose(new, old * (0.95 if new.dim() > 1 else 1.0))


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_epsilon_is_added_after_the_bias_correction(decay):
    optimizer = make(decay, (1,), (1, 1))
    values = {id(p): p.detach().clone() for p in optimizer.params}
    step(optimizer, 1e-8)
    for p in optimizer.params:
        kept = values[id(p)] * (1 - 0.1 * (decay if p.dim() > 1 else 0.0))
        assert torch.allclose(kept - p, torch.tensor(0.1 * 0.5), rtol=1e-3)


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_it_resumes_each_parameter_with_its_own_moments(scale):
    old, new = make_slow(scale, 0.5), make_slow(scale, 0.5)
    sizes = dict(zip((tuple(p.shape) for p in old.params), (1.0, 2.0, 3.0, 4.0)))
    for p in old.params:
        p.grad = torch.full_like(p, sizes[tuple(p.shape)])
    old.step()
    new.load_state_dict(old.state_dict())
    for p in new.params:
        moments = new.optimizer.state[p]["exp_avg"].unique().tolist()
        assert moments == pytest.approx([0.1 * sizes[tuple(p.shape)]])


def test_a_state_of_other_groups_is_refused():
    state = make_slow(1.0).state_dict()
    for other in (make_slow(0.3), make_slow(1.0, 0.5)):
        with pytest.raises(ValueError, match="other groups of parameters: give --rese"):
            other.load_state_dict(state)


def test_one_vector_of_all_parameters_is_refused_where_some_do_not_decay():
    make(0.0, (99,))
    with pytest.raises(UserError, match="add --fp16-no-flatten-grads"):
        make(0.5, (99,))


@pytest.mark.parametrize("shape", [(1,), (4, 2), (3, 4), ()])
@pytest.mark.parametrize("name", ["exp_avg", "exp_avg_sq", "step"])
def test_moments_of_another_shape_are_refused(name, shape):
    """The fused kernel would read and write beyond their ends."""
    optimizer = make(0.0, (4, 3))
    next(iter(optimizer.params)).grad = torch.ones(4, 3)
    optimizer.step()
    state = optimizer.state_dict()
    make(0.0, (4, 3)).load_state_dict(state)
    right = state["state"][0][name].shape
    state["state"][0][name] = torch.zeros(shape)
    if shape != right:
        with pytest.raises(ValueError, match="damaged .the moments of parameter 0"):
            make(0.0, (4, 3)).load_state_dict(state)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_moments_belong_to_the_parameter_that_bears_their_number(decay):
    """A checkpoint numbers its parameters as it likes; PyTorch goes by the numbers."""
    old = make(decay, (4, 3), (2,))
    step(old)
    state = old.state_dict()
    for group in state["param_groups"]:
        group["params"] = [1 - number for number in group["params"]]
    with pytest.raises(ValueError, match="damaged .the moments of parameter 0"):
        make(decay, (4, 3), (2,)).load_state_dict(state)
    state["state"] = {1 - number: x for number, x in state["state"].items()}
    new = make(decay, (4, 3), (2,))
    new.load_state_dict(state)
    step(new)
    assert all(new.optimizer.state[p]["exp_avg"].shape == p.shape for p in new.params)


@pytest.mark.parametrize("numbers", [None, [None], [[0]], ["0"], [0.0]])
def test_numbers_of_parameters_are_numbers(numbers):
    state = make(0.0, (4, 3)).state_dict()
    state["param_groups"][0]["params"] = numbers
    with pytest.raises(ValueError, match="damaged .a group has no parameters"):
        make(0.0, (4, 3)).load_state_dict(state)


@pytest.mark.parametrize("betas", ["x", (0.9,), ("0.9", 0.9), (float("nan"), 0.9)])
def test_numbers_of_a_group_are_numbers(betas):
    state = make(0.0, (4, 3)).state_dict()
    state["param_groups"][0]["betas"] = betas
    with pytest.raises(ValueError, match="damaged .betas is"):
        make(0.0, (4, 3)).load_state_dict(state)


# --- an encoder that learns slower than its heads


def make_slow(scale: float, decay: float = 0.0, *, encoder: int = 2) -> FusedAdamW:
    """Return an optimizer of four parameters, the first ones of an encoder."""
    torch.manual_seed(1)
    shapes = ((4, 3), (3,), (2, 3), (2,))
    params = [torch.nn.Parameter(torch.randn(*shape)) for shape in shapes]
    for p in params[:encoder]:
        p.param_group = "encoder"
    cfg = FusedAdamWConfig(weight_decay=decay, lr=[0.1], encoder_lr_scale=scale)
    return FusedAdamW(cfg, params)


def by_shape(optimizer: FusedAdamW) -> dict[tuple[int, ...], torch.Tensor]:
    return {tuple(p.shape): p.detach().clone() for p in optimizer.params}


def run(optimizer: FusedAdamW, rates: list[float]) -> dict[Any, torch.Tensor]:
    for i, rate in enumerate(rates):
        optimizer.set_lr(rate)
        step(optimizer, 1.0 + i)
    return by_shape(optimizer)


@pytest.mark.parametrize("encoder", [1, 2, 4])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_each_part_moves_as_with_its_own_rate(decay, encoder):
    rates = [0.1, 0.05, 0.02]
    mixed = run(make_slow(0.3, decay, encoder=encoder), rates)
    fast = run(make_slow(1.0, decay), rates)
    slow = run(make_slow(1.0, decay), [0.3 * rate for rate in rates])
    for i, (shape, found) in enumerate(
        (shape, mixed[shape]) for shape in ((4, 3), (3,), (2, 3), (2,))
    ):
        assert torch.allclose(found, (slow if i < encoder else fast)[shape])
        assert not torch.equal(found, (fast if i < encoder else slow)[shape])


def test_the_rate_that_is_logged_is_that_of_the_heads():
    optimizer = make_slow(0.3)
    run(optimizer, [0.2])
    assert optimizer.get_lr() == 0.2
    frozen = make_slow(0.0, encoder=2)
    before = by_shape(frozen)
    after = run(frozen, [0.2])
    assert [s for s in after if torch.equal(after[s], before[s])] == [(4, 3), (3,)]


def test_the_encoder_follows_a_scheduler_that_sets_rates_itself():
    """As ReduceLROnPlateau does, group by group, and stops below its own epsilon."""
    optimizer = make_slow(1e-8)
    for group in optimizer.param_groups:
        group["lr"] = 0.25
    step(optimizer)
    assert [g["lr"] for g in optimizer.param_groups] == [0.25, 0.25 * 1e-8]


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_it_resumes_with_a_rate_of_its_own_to_the_bit(decay):
    whole = make_slow(0.3, decay)
    run(whole, [0.1, 0.05])
    state, values = copy.deepcopy(whole.state_dict()), by_shape(whole)
    end = run(whole, [0.02])
    again = make_slow(0.3, decay)
    for p in again.params:
        p.data = values[tuple(p.shape)].clone()
    again.load_state_dict(state)
    for shape, found in run(again, [0.02]).items():
        assert torch.equal(found, end[shape])


def test_the_encoder_is_slow_where_pytorchs_optimizer_is_stepped():
    """As the scaler of `--amp` does."""
    optimizer = make_slow(0.0)
    before = by_shape(optimizer)
    for p in optimizer.params:
        p.grad = torch.ones_like(p)
    optimizer.optimizer.step()
    after = by_shape(optimizer)
    assert [s for s in after if torch.equal(after[s], before[s])] == [(4, 3), (3,)]


def test_a_rate_of_its_own_without_an_encoder_is_refused():
    with pytest.raises(UserError, match="no encoder .* add --fp16-no-flatten-grads"):
        make_slow(0.3, encoder=0)
    with pytest.raises(UserError, match="--encoder-lr-scale -1 is below 0"):
        make_slow(-1.0)


NAME = "zero_shot_classification"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[Path, list[Any]]:
    """Return data, and the flags of a distillation on them."""
    folder = tmp_path_factory.mktemp("world")
    data = tiny.write_pairs(folder / "pairs", {"train.en": 16, "valid.en": 4})
    return data, tiny.distillation(NAME, data, folder)


@pytest.mark.parametrize(
    "scheduler",
    [
        ["polynomial_decay", "--total-num-update", 9],
        ["inverse_sqrt", "--warmup-updates", 2],
    ],
    ids=lambda words: words[0],
)
def test_a_run_goes_on_with_a_slow_encoder(world, tmp_path, scheduler):
    data, flags = world
    flags = [*flags, "--encoder-lr-scale", 0.1, "--lr-scheduler", *scheduler]
    whole = tiny.train(data, tmp_path / "whole", *flags, "--max-epoch", 3)
    tiny.train(data, tmp_path / "two", *flags, "--max-epoch", 2)
    resumed = tiny.train(data, tmp_path / "two", *flags, "--max-epoch", 3)
    assert differences(whole, resumed) == []
    groups = tiny.load(whole)["last_optimizer_state"]["param_groups"]
    assert [len(group["params"]) > 4 for group in groups] == [True, True]


def test_half_precision_knows_the_encoder(world, tmp_path):
    data, flags = world
    flags = [*flags, "--encoder-lr-scale", 0.1, "--bf16", "--max-update", 1]
    path = tiny.train(data, tmp_path, *flags, "--fp16-no-flatten-grads")
    groups = tiny.load(path)["last_optimizer_state"]["param_groups"]
    assert [len(group["params"]) > 4 for group in groups] == [True, True]
