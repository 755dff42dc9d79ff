"""A fresh run has the stored loss curves, and changed maths has not.

The tolerance: other instruction sets (ATEN_CPU_CAPABILITY default, avx2, avx512; oneDNN
and MKL held to SSE4) and two threads differ by 3e-7 at most.
"""

import json

import pytest
from reference_curves import CASES, FILE, largest_difference, run_case

from fairseq_mlkd.distillation import inner_losses, losses

TOLERANCE = 1e-4
STORED = json.loads(FILE.read_text(encoding="utf-8"))
TERMS = ("loss", "nll_loss", "logits_loss", "embedding_loss", "hidden_loss")


@pytest.mark.parametrize("name", CASES)
def test_a_fresh_run_has_the_stored_curves(name):
    assert STORED[name].keys() == {*TERMS, "attention_loss"}
    assert largest_difference(run_case(name), STORED[name]) < TOLERANCE


def drop_term(patch):
    hidden_loss = inner_losses.hidden_loss
    patch(inner_losses, "hidden_loss", lambda *a, **k: 0 * hidden_loss(*a, **k))


def sum_instead_of_mean(patch):
    mean = losses._mean_by_sentence
    patch(losses, "_mean_by_sentence", lambda x, valid: x.size(-1) * mean(x, valid))


def forget_temperature(patch):
    patch(losses, "_soften", lambda logits, temperature: logits)


def square_temperature(patch):
    rows = losses._output_losses_of_rows

    def squared(*args, **options):
        ce, kd = rows(*args, **options)
        return ce, kd * options["temperature"] ** 2

    patch(losses, "_output_losses_of_rows", squared)


def let_padding_count(patch):
    patch(inner_losses, "valid_cells", lambda *args, **options: None)


def halve_gradient(patch):
    """Change not this batch's values but the next one's."""
    backward = losses._OutputLosses.backward
    halved = staticmethod(lambda ctx, grad, *rest: backward(ctx, grad / 2, *rest))
    patch(losses._OutputLosses, "backward", halved)


@pytest.mark.parametrize(
    "change",
    [
        drop_term,
        sum_instead_of_mean,
        forget_temperature,
        pytest.param(square_temperature, marks=pytest.mark.slow),
        pytest.param(let_padding_count, marks=pytest.mark.slow),
        pytest.param(halve_gradient, marks=pytest.mark.slow),
    ],
)
def test_changed_maths_is_caught(change, monkeypatch):
    change(monkeypatch.setattr)
    assert largest_difference(run_case("stage 1"), STORED["stage 1"]) > 10 * TOLERANCE
