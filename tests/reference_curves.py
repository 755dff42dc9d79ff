"""The loss curves of two tiny distillations, term by term, update by update.

    python tests/reference_curves.py

writes them anew to `criterions/reference_curves.json`: only after a change that is
meant to change the maths, and in the same commit.
"""

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import tiny
import torch

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion

FILE = Path(__file__).parent / "criterions" / "reference_curves.json"
UPDATES = 8
Curves = dict[str, list[float]]  # term -> its value per label, at each update

CASES: dict[str, tuple[str, list[Any]]] = {
    "stage 1": ("multilingual_mlm", ["--temperature", 2, "--sampling-alpha", 0.5]),
    "stage 2": ("zero_shot_classification", ["--inter-loss", "l2"]),
}
# an epsilon that near-zero gradients do not get over, whose sign is the processor's
STEADY = [
    "--dropout",
    0,
    "--attention-dropout",
    0,
    "--adam-eps",
    1e-3,
    "--lr",
    0.01,
    "--disable-validation",
]


def run_case(name: str) -> Curves:
    """Return the curves of a fresh run."""
    task, options = CASES[name]
    curves: Curves = {}
    forward = TinyBertCriterion.forward

    def recorded(self, model, sample, reduce=True):
        loss, sample_size, log = forward(self, model, sample, reduce)
        for key, value in log.items():
            if key == "loss" or key.endswith("_loss"):
                curves.setdefault(key, []).append(float(value) / sample_size)
        return loss, sample_size, log

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        if task == "multilingual_mlm":
            data = tiny.write_mlm_data(folder / "data")
        else:
            data = tiny.write_pairs(folder / "data", {"train.en": 64, "valid.en": 4})
        torch.manual_seed(1)
        flags = tiny.distillation(task, data, folder)
        with mock.patch.object(TinyBertCriterion, "forward", recorded):
            tiny.train(
                data, folder / "run", *flags, *options, *STEADY, "--max-update", UPDATES
            )
    return curves


def largest_difference(found: Curves, stored: Curves) -> float:
    """Return by how much curves differ, in parts of the stored values; infinity where
    they are of other terms.
    """
    if found.keys() != stored.keys() or any(
        len(found[key]) != len(stored[key]) for key in stored
    ):
        return float("inf")
    pairs = [pair for key in stored for pair in zip(found[key], stored[key])]
    return max(abs(a - b) / max(abs(b), 1e-3) for a, b in pairs)


if __name__ == "__main__":
    text = json.dumps({name: run_case(name) for name in CASES}, indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")
