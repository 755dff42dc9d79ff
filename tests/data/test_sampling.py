"""Equation 1 and how an epoch follows it."""

import numpy as np
import pytest

from fairseq_mlkd.data.sampling import apportion, draw, sampling_probabilities, spread

COUNTS = [1000, 300, 17, 1]


def slow_equation_1(counts: list[int], alpha: float) -> list[float]:
    shares = [n / sum(counts) for n in counts]
    powers = [share**alpha for share in shares]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_probabilities_are_those_of_equation_1(alpha):
    q = sampling_probabilities(COUNTS, alpha)
    assert q.tolist() == pytest.approx(slow_equation_1(COUNTS, alpha), rel=1e-12)
    assert q.sum() == pytest.approx(1)


def test_the_ends_of_alpha():
    assert sampling_probabilities(COUNTS, 0).tolist() == [0.25] * 4
    shares = [n / sum(COUNTS) for n in COUNTS]
    assert sampling_probabilities(COUNTS, 1).tolist() == pytest.approx(shares)
    wrong = slow_equation_1(COUNTS, 1 / 0.5)  # alpha as an inverse temperature
    assert sampling_probabilities(COUNTS, 0.5).tolist() != pytest.approx(wrong)


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
def test_a_language_without_sentences_gets_nothing(alpha):
    q = sampling_probabilities([5, 0, 5], alpha)
    assert q.tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize(
    "counts, alpha", [([0, 0], 1), ([], 1), ([3, -1], 1), ([3, 1], 1.1), ([3], -0.1)]
)
def test_what_cannot_be_sampled_is_refused(counts, alpha):
    with pytest.raises(ValueError):
        sampling_probabilities(counts, alpha)


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
@pytest.mark.parametrize("total", [1, 10, 1318, 99_999])
def test_counts_differ_from_the_shares_by_rounding_alone(alpha, total):
    shares = sampling_probabilities(COUNTS, alpha)
    counts = apportion(total, shares)
    assert sum(counts) == total
    assert all(abs(n - total * q) < 1 for n, q in zip(counts, shares))


def test_largest_remainder_is_rounded_up():
    assert apportion(10, np.array([0.57, 0.18, 0.25])) == [6, 2, 2]


@pytest.mark.parametrize("size", [0, 3, 7, 18, 21])
def test_whole_passes_and_a_remainder_without_repeats(size):
    times = np.bincount(draw(size, 7, np.random.default_rng(1)), minlength=7)
    assert times.sum() == size
    assert set(times) <= {size // 7, size // 7 + 1}


def test_the_remainder_is_random():
    drawn = {tuple(draw(3, 7, np.random.default_rng(seed))) for seed in range(20)}
    assert len(drawn) > 10


@pytest.mark.parametrize("size", [0, 1, 7, 1318, 5000])
def test_spread_is_whole_passes_and_a_rest_in_proportion(size):
    for seed in range(20):
        sizes = spread(size, COUNTS, np.random.default_rng(seed))
        exact = [size * n / sum(COUNTS) for n in COUNTS]
        assert sum(sizes) == size
        assert all(abs(a - b) < 1 for a, b in zip(sizes, exact))


def test_spread_draws_every_item_with_the_same_probability():
    counts, times = [3] * 50, 4000
    draws = [spread(10, counts, np.random.default_rng(i)) for i in range(times)]
    share = np.mean(draws, axis=0) / 3
    # 10 of 150 items; a standard deviation of the mean is about 0.0013
    assert share == pytest.approx(10 / 150, abs=0.007)
    always_first = [1] * 10 + [0] * 40  # largest remainders first would do this
    assert np.array(always_first) / 3 != pytest.approx(10 / 150, abs=0.007)
