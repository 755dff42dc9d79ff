import pytest
import torch

from fairseq_mlkd.modules.dropout import Dropout

ONES = torch.ones(100, 1003)  # not a multiple of the four values that share a draw


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_a_share_of_the_values_is_dropped_and_the_mean_stays(rate):
    kept = Dropout(rate)(ONES)
    dropped = kept.eq(0).float()
    spread = (rate * (1 - rate) / ONES.numel()) ** 0.5
    assert abs(dropped.mean() - rate) < 5 * spread
    assert kept.unique().tolist() == pytest.approx([0, 1 / (1 - rate)], rel=2e-4)
    # neighbours, which share a draw, are dropped independently of one another
    both = (dropped[:, 1:] * dropped[:, :-1]).mean()
    assert abs(both - rate**2) < 5 * (rate**2 / ONES.numel()) ** 0.5
    by_place = dropped.flatten()[:100_000].view(-1, 4).mean(0)
    assert (by_place - rate).abs().max() < 5 * 2 * spread


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_gradient_goes_where_values_were_kept(dtype):
    x = ONES.clone().to(dtype).requires_grad_()
    kept = Dropout(0.3)(x)
    kept.sum().backward()
    assert kept.dtype == dtype
    assert torch.equal(x.grad, kept.detach())


def test_a_seed_decides_what_is_dropped():
    drop = Dropout(0.5)
    torch.manual_seed(1)
    first, second = drop(ONES), drop(ONES)
    torch.manual_seed(1)
    assert torch.equal(drop(ONES), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_all_or_nothing(rate):
    assert torch.equal(Dropout(rate)(ONES), ONES * (1 - rate))


def test_nothing_is_dropped_but_in_training():
    assert Dropout(0.5).eval()(ONES) is ONES


def test_what_is_empty_stays_so():
    assert Dropout(0.5)(ONES[:0]).shape == (0, 1003)
