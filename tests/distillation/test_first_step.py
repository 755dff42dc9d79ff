"""What is said of a distillation after its first batch."""

import pytest
import torch
from torch import nn

from fairseq_mlkd.distillation.first_step import describe_oddities, find_dominant


def terms(**values: float) -> dict[str, torch.Tensor]:
    return {f"{name}_loss": torch.tensor(value) for name, value in values.items()}


def test_the_term_that_is_nearly_all_of_the_loss():
    found = terms(nll=8.0, logits=2.0, attention=400.0, decoder_attention=60.0)
    weights = {"ce": 1.0, "logits": 1.0, "attention": 1.0}
    kind, share, weight = find_dominant(found, weights)
    assert (kind, share) == ("attention", pytest.approx(460 / 470))
    weights["attention"] = weight
    assert find_dominant(found, weights) is None
    assert weight * 460 == pytest.approx(10)  # half of the loss


@pytest.mark.parametrize("values", [{"nll": 9.0}, {"nll": 9.0, "logits": 1.0}, {}])
def test_no_term_stands_out(values):
    assert find_dominant(terms(**values), {"ce": 1.0, "logits": 1.0}) is None


def test_a_term_without_weight_is_none():
    assert find_dominant(terms(nll=1.0, hidden=99.0), {"ce": 1.0, "hidden": 0}) is None


def test_a_student_larger_than_its_teacher():
    small, large = nn.Linear(2, 2), nn.Linear(3, 3)
    (line,) = describe_oddities(large, small, {}, {})
    assert line.startswith("the student has 12 parameters, its teacher 6: ")
    assert describe_oddities(small, large, {}, {}) == []
    assert describe_oddities(large, None, {}, {}) == []
