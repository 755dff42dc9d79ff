"""mlkd-evaluate: a line per rule and language, in this process."""

from collections import Counter

import pytest
import tiny

from fairseq_mlkd.cli.evaluate import main
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


def test_bad_input_is_one_line(world, tmp_path, capsys):
    common = ["--data", str(world / "pairs"), "--results", str(tmp_path / "r.jsonl")]
    with pytest.raises(SystemExit, match="--rules first: none of best, last, mean"):
        main([str(world / "1"), *common, "--rules", "first"])
    with pytest.raises(SystemExit, match="--rules seeds: name best, last or mean"):
        main([str(world / "1"), *common, "--rules", "seeds"])
    with pytest.raises(SystemExit, match="name a --save-dir of fairseq-train"):
        main([str(tmp_path), *common])
    for path in (world / "1").glob("checkpoint_last.pt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SystemExit, match="--rules oracle needs numbered checkpoints"):
        main([str(tmp_path), *common, "--rules", "oracle"])
    main([str(tmp_path), *common, "--rules", "last,mean", *FLAGS])
    assert "no mean, as there are not two numbered" in capsys.readouterr().err
