"""mlkd-evaluate: a line per rule and language, in this process."""

import re
import shutil
from collections import Counter

import numpy as np
import pytest
import tiny
import torch

from fairseq_mlkd.cli import evaluate
from fairseq_mlkd.cli.evaluate import choose_share, main
from fairseq_mlkd.metrics.outcomes import read_outcomes
from fairseq_mlkd.metrics.results import read_results

NAME = "zero_shot_classification"
SUBSETS = {"train.en": 30, "valid.en": 13, "valid.fr": 9, "test.en": 8, "test.fr": 9}
FLAGS = ["--batch-size", "8", "--flags=--cpu --num-workers 0 --log-format none"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    data = tiny.write_pairs(folder / "pairs", SUBSETS)
    for seed in (1, 2):
        options = ["--seed", seed, "--max-epoch", 3, "--dropout", 0]
        flags = [*tiny.flags_of(NAME), "--best-checkpoint-metric", "accuracy"]
        keep = ["--save-interval-updates", 3, "--keep-interval-updates", 2]
        tiny.train(data, folder / str(seed), *flags, *options, *keep)
    return folder


def test_every_rule_has_its_lines(world, tmp_path, capsys):
    results = str(tmp_path / "r.jsonl")
    main(
        [str(world / "1"), str(world / "2"), "--data", str(world / "pairs")]
        + ["--results", results, "--model-name", "m", *FLAGS]
    )
    lines = [r for r in read_results([results]) if r.metric == "accuracy"]
    assert {(r.dataset, r.model, r.split) for r in lines} == {("pairs", "m", "test")}
    assert Counter((r.selection, r.seed) for r in lines) == {
        **{(rule, seed): 2 for rule in ("best", "last", "mean-2") for seed in (1, 2)},
        **{(f"seeds-2-of-{rule}", 1): 2 for rule in ("best", "last", "mean-2")},
    }
    assert len(list((tmp_path / "r.outcomes").iterdir())) == len(lines)


def test_the_same_weights_are_scored_once(world, tmp_path, monkeypatch):
    """`best` and `last` are often one; the lines are as if each had been scored."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("best", "last"):
        shutil.copy(world / "1" / "checkpoint_last.pt", run / f"checkpoint_{name}.pt")
    scored = []
    score = evaluate.validate
    monkeypatch.setattr(
        evaluate, "validate", lambda *given: [scored.append(given), score(*given)]
    )
    common = [str(run), "--data", str(world / "pairs"), "--rules"]
    for name, rules in (("once", ["best,last"]), ("twice", ["best", "last"])):
        for rule in rules:
            main([*common, rule, "--results", str(tmp_path / f"{name}.jsonl"), *FLAGS])
    assert len(scored) == 3
    once, twice = (str(tmp_path / f"{name}.jsonl") for name in ("once", "twice"))
    lines = read_results([once])
    assert lines == read_results([twice])
    assert {line.selection for line in lines} == {"best", "last"}
    for line in lines:
        assert np.array_equal(read_outcomes(once, line), read_outcomes(twice, line))


def test_the_oracle_has_lines_of_each_checkpoint(world, tmp_path):
    results = str(tmp_path / "r.jsonl")
    main(
        [str(world / "1"), "--data", str(world / "pairs"), "--rules", "oracle"]
        + ["--results", results, *FLAGS]
    )
    lines = [r for r in read_results([results]) if r.metric == "accuracy"]
    assert Counter((r.selection, r.model) for r in lines) == {
        ("checkpoint_2_6", "1"): 4,
        ("checkpoint_3_9", "1"): 4,
    }
    assert {r.split for r in lines} == {"valid", "test"}


def test_mixes_have_lines_and_english_chooses_one(world, tmp_path, capsys):
    results, run = str(tmp_path / "r.jsonl"), world / "1"
    other = world / "2" / "checkpoint_last.pt"
    main(
        [str(run), "--data", str(world / "pairs"), "--results", results, *FLAGS]
        + ["--rules", "mix,mixes", "--mix-with", str(other), "--mixes", "0.5"]
    )
    lines = [r for r in read_results([results]) if r.metric == "accuracy"]
    assert {r.split for r in lines} == {"test"}
    assert Counter(r.selection for r in lines) == {"mix": 2, "mix-0.5-0.5": 2}
    said = capsys.readouterr().err
    (share,) = re.findall(
        rf"{run}: mix with (0|0.5) of {other} \(0 \S+, 0.5 \S+\)", said
    )
    assert [path.name for path in run.glob("*_mix*")] == ["checkpoint_mix.pt"]
    mixed, best, theirs = (
        tiny.load(path)["model"]
        for path in (run / "checkpoint_mix.pt", run / "checkpoint_best.pt", other)
    )
    for name, tensor in mixed.items():
        expected = (1 - float(share)) * best[name] + float(share) * theirs[name]
        assert torch.allclose(tensor, expected, atol=1e-7)


def test_the_largest_share_that_chance_allows():
    scores = {0.0: 80.0, 0.2: 81.0, 0.4: 78.0, 0.6: 60.0}
    assert choose_share(scores, 100) == 0.4  # a standard error is 3.9 points
    assert choose_share(scores, 10_000) == 0.2
    assert choose_share({0.0: 100.0, 0.5: 99.0, 1.0: 100.0}, 50) == 1.0


def test_bad_input_is_one_line(world, tmp_path, capsys):
    common = ["--data", str(world / "pairs"), "--results", str(tmp_path / "r.jsonl")]
    with pytest.raises(SystemExit, match="--rules first: none of best, last, mean"):
        main([str(world / "1"), *common, "--rules", "first"])
    with pytest.raises(SystemExit, match="--rules seeds: name best, last or mean"):
        main([str(world / "1"), *common, "--rules", "seeds"])
    with pytest.raises(SystemExit, match="--rules mix and mixes need --mix-with"):
        main([str(world / "1"), *common, "--rules", "mix"])
    mix = ["--rules", "mixes", "--mix-with", str(world / "2" / "checkpoint_best.pt")]
    with pytest.raises(SystemExit, match="--mixes 0.5,x: give numbers from 0 to 1"):
        main([str(world / "1"), *common, *mix, "--mixes", "0.5,x"])
    with pytest.raises(SystemExit, match="name a --save-dir of fairseq-train"):
        main([str(tmp_path), *common])
    for path in (world / "1").glob("checkpoint_last.pt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SystemExit, match="--rules oracle needs numbered checkpoints"):
        main([str(tmp_path), *common, "--rules", "oracle"])
    torn = tmp_path / "checkpoint_best.pt"
    torn.write_bytes((tmp_path / "checkpoint_last.pt").read_bytes()[:-9])
    with pytest.raises(
        SystemExit, match=f"checkpoint {torn}: not a checkpoint, or cut"
    ):
        main([str(tmp_path), *common, "--rules", "best"])
    torn.unlink()
    main([str(tmp_path), *common, "--rules", "last,mean", *FLAGS])
    assert "no mean, as there are not two numbered" in capsys.readouterr().err
