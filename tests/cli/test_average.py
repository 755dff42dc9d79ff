"""mlkd-average: the mean itself, the rule it names, and what it refuses."""

from pathlib import Path

import pytest
import tiny
import torch

from fairseq_mlkd.checkpoint import load_state
from fairseq_mlkd.cli.average import main
from fairseq_mlkd.metrics.results import read_results

NAME = "zero_shot_classification"
SUBSETS = {"train.en": 30, "valid.en": 13, "valid.fr": 9, "test.en": 8, "test.fr": 9}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny.write_pairs(tmp_path_factory.mktemp("data") / "pairs", SUBSETS)


def save(data: Path, path: Path, *, seed: int = 1, weights: int = 1, **changes) -> Path:
    """Save as training does, the cfg as far as runs are told apart."""
    torch.manual_seed(weights)
    task = tiny.make_task(NAME, data)
    path.parent.mkdir(exist_ok=True)
    tiny.save_model(path, tiny.build_model(task), task)
    state = load_state(str(path))
    state["cfg"]["task"]["_name"] = NAME
    state["cfg"]["common"] = {"seed": seed}
    state["cfg"]["optimizer"] = {"_name": "fused_adamw", "lr": [0.1]}
    for section, values in changes.items():
        state["cfg"][section].update(values)
    torch.save(state, path)
    return path


@pytest.fixture
def run_of_three(data, tmp_path):
    names = ("checkpoint_1_4.pt", "checkpoint1.pt", "checkpoint2.pt")
    return [save(data, tmp_path / "r" / n, weights=i) for i, n in enumerate(names)]


def mean_of(paths: list[Path]) -> dict[str, torch.Tensor]:
    models = [load_state(str(path))["model"] for path in paths]
    return {
        name: (sum(m[name].double() for m in models) / len(models)).float()
        for name in models[0]
    }


def test_the_newest_of_a_run(run_of_three, tmp_path, capsys):
    folder, out = run_of_three[0].parent, tmp_path / "mean.pt"
    save_twice = folder / "checkpoint_last.pt"
    save_twice.write_bytes(b"not read")
    main([str(out), str(folder), "--last", "2"])
    assert capsys.readouterr().out.startswith(f"{out}: mean-2, of ")
    state = load_state(str(out))
    for name, expected in mean_of(run_of_three[1:]).items():
        assert torch.equal(state["model"][name], expected)
    assert state["task_state"]["selection"] == "mean-2"
    assert state["last_optimizer_state"] is None
    with pytest.raises(SystemExit, match="exists already"):
        main([str(out), str(folder), "--last", "2"])


def test_half_precision_is_added_up_in_double(data, tmp_path):
    paths = [save(data, tmp_path / i / "checkpoint_best.pt", seed=i) for i in "123"]
    for path, value in zip(paths, (1.0, 2.0**-11, 2.0**-11)):
        state = load_state(str(path))
        state["model"] = {k: v.half().fill_(value) for k, v in state["model"].items()}
        torch.save(state, path)
    main([str(tmp_path / "mean.pt"), *map(str, paths)])
    tensor = next(iter(load_state(str(tmp_path / "mean.pt"))["model"].values()))
    assert tensor.dtype == torch.float16
    exact = torch.tensor((1 + 2.0**-10) / 3).half()
    # in float16 1 + 2**-11 is 1
    assert tensor.flatten()[0] == exact != torch.tensor(1 / 3).half()


def test_seeds_and_the_line_that_says_so(data, tmp_path, caplog):
    paths = [
        save(data, tmp_path / f"{i}" / "checkpoint_best.pt", seed=i, weights=i)
        for i in (1, 2, 3)
    ]
    out = tmp_path / "m" / "any_name.pt"
    main([str(out), *map(str, paths)])
    assert "each seed drew its own random head" in caplog.text
    flags = ["--task", NAME, "--path", out, "--valid-subset", "test.fr"]
    tiny.run("validate", data, *flags, "--batch-size", 4)
    results = read_results([str(tmp_path / "m" / "results.jsonl")])
    assert {r.selection for r in results} == {"seeds-3-of-best"}


def test_seeds_may_start_from_the_same_weights(data, tmp_path, caplog):
    heads = []
    for seed, init in ((1, 5), (2, 5), (2, None)):
        flags = [*tiny.flags_of(NAME), "--seed", seed, "--max-update", 1, "--lr", 0]
        flags += ["--disable-validation"] + (["--init-seed", init] if init else [])
        path = tiny.train(data, tmp_path / f"{seed}{init}", *flags)
        heads.append(load_state(str(path))["model"])
    same = [torch.equal(heads[0][name], heads[1][name]) for name in heads[0]]
    assert all(same)
    name = "classification_heads.sentence_classification_head.dense.weight"
    assert not torch.equal(heads[1][name], heads[2][name])
    paths = [str(tmp_path / f"{i}5" / "checkpoint_last.pt") for i in (1, 2)]
    main([str(tmp_path / "mean.pt"), *paths])
    assert "random head" not in caplog.text


def test_each_seed_may_have_a_teacher_of_its_own(data, tmp_path):
    paths = []
    for seed in (1, 2):
        teacher = {"teacher_path": f"ft/of_10/teacher-seed{seed}/checkpoint_best.pt"}
        path = tmp_path / f"{seed}" / "checkpoint_best.pt"
        paths.append(save(data, path, seed=seed, weights=seed, optimizer=teacher))
    main([str(tmp_path / "mean.pt"), *map(str, paths)])
    mean = load_state(str(tmp_path / "mean.pt"))["model"]
    assert all(torch.equal(mean[name], x) for name, x in mean_of(paths).items())


@pytest.mark.parametrize(
    "second, complaint",
    [
        ({"weights": 2}, "the same checkpoint twice"),
        (
            {"seed": 2, "optimizer": {"teacher_path": "teacher-seed1"}},
            "runs: optimizer.teacher_path",
        ),
        (
            {"seed": 2, "model": {"encoder_path": "x"}},
            "runs: model.encoder_path",
        ),
        (
            {"seed": 2, "task": {"source_lang": "de"}},
            "runs: task.source_lang",
        ),
        (
            {"seed": 2, "optimizer": {"lr": [0.2]}},
            r"lr is \[0.1\] and \[0.2\]",
        ),
        (
            {"seed": 2, "name": "checkpoint_last.pt"},
            "rule: here are best, last",
        ),
    ],
)
def test_different_runs_are_refused_in_one_line(data, tmp_path, second, complaint):
    name = second.pop("name", "checkpoint_best.pt")
    first = save(data, tmp_path / "a" / "checkpoint_best.pt")
    other = save(data, tmp_path / "b" / name, **second)
    with pytest.raises(SystemExit, match=complaint) as error:
        main([str(tmp_path / "mean.pt"), str(first), str(other)])
    assert "\n" not in str(error.value)
    assert not (tmp_path / "mean.pt").exists()


def test_weights_of_another_toolkit_are_refused(run_of_three, tmp_path):
    torch.save({"layer.weight": torch.ones(2)}, tmp_path / "pytorch_model.bin")
    paths = [str(run_of_three[0]), str(tmp_path / "pytorch_model.bin")]
    with pytest.raises(SystemExit, match="pytorch_model.bin: weights without a config"):
        main([str(tmp_path / "mean.pt"), *paths])


def test_other_labels_dictionaries_weights_and_too_few_are_refused(
    run_of_three, tmp_path, data
):
    out, first = str(tmp_path / "mean.pt"), str(run_of_three[0])
    for key, what in (("dictionary_sha256", "dictionary"), ("labels_sha256", "labels")):
        state = load_state(str(run_of_three[1]))
        state["task_state"][key] = "other"
        torch.save(state, tmp_path / "other.pt")
        with pytest.raises(SystemExit, match=f"do not have the same {what}"):
            main([out, first, str(tmp_path / "other.pt")])
    state = load_state(str(run_of_three[1]))
    state["model"] = {k: v.half() for k, v in state["model"].items()}
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(SystemExit, match="different models: .*torch.float16"):
        main([out, first, str(tmp_path / "other.pt")])
    folder = run_of_three[0].parent
    with pytest.raises(SystemExit, match="there are 3: train with --keep-last-ep"):
        main([out, str(folder), "--last", "4"])
    with pytest.raises(SystemExit, match="not a checkpoint"):
        (tmp_path / "other.pt").write_bytes(b"junk")
        main([out, first, str(tmp_path / "other.pt")])


# --- weights of their own


@pytest.fixture
def stages(data, tmp_path) -> tuple[Path, Path]:
    """Return a model of stage 1, and one fine-tuned: other heads, another run."""
    path, tuned = tmp_path / "stage1.pt", tmp_path / "b" / "checkpoint_best.pt"
    pretraining = tiny.mlm_task(data_of_sentences(data, tmp_path))
    torch.manual_seed(7)
    tiny.save_model(path, tiny.build_model(pretraining), pretraining)
    return path, save(data, tuned, weights=3)


def data_of_sentences(data: Path, folder: Path) -> Path:
    """Return sentences in the symbols of `data`."""
    sentences = tiny.write_mlm_data(folder / "sentences")
    assert (sentences / "dict.txt").read_text() == (data / "dict.txt").read_text()
    return sentences


def mix(out: Path, paths: tuple[Path, ...], *shares: float) -> dict[str, torch.Tensor]:
    out.unlink(missing_ok=True)
    main([str(out), *map(str, paths), "--weights", *map(str, shares)])
    return load_state(str(out))["model"]


def test_weights_mix_what_both_stages_have(stages, tmp_path, capsys):
    out = tmp_path / "mix.pt"
    first, last = (load_state(str(path))["model"] for path in stages)
    for share in (0.0, 0.25, 1.0):
        found = mix(out, stages, share, 1 - share)
        assert found.keys() == last.keys()
        for name, tensor in found.items():
            own = last[name].double()
            theirs = first.get(name, own).double()
            expected = (share * theirs + (1 - share) * own).float()
            assert torch.equal(tensor, expected)
    assert any(name not in first for name in last)
    assert capsys.readouterr().out.count(": mix-") == 3
    mix(out, stages, 0.25, 0.75)
    state = load_state(str(out))
    assert state["task_state"]["selection"] == "mix-0.25-0.75"
    assert state["cfg"]["task"]["_name"] == NAME


def test_equal_weights_are_the_mean(run_of_three, tmp_path):
    paths = tuple(run_of_three[:2])
    for name, tensor in mix(tmp_path / "m.pt", paths, 0.5, 0.5).items():
        assert torch.equal(tensor, mean_of(list(paths))[name])


@pytest.mark.parametrize("shares", [[0.5, 0.6], [-0.5, 1.5], [1.0], ["nan", 1.0]])
def test_weights_are_shares_of_each(stages, tmp_path, shares):
    with pytest.raises(SystemExit, match="weights .*their sum is 1|1 weights for 2"):
        mix(tmp_path / "mix.pt", stages, *shares)
    assert not (tmp_path / "mix.pt").exists()


def test_models_that_cannot_be_mixed(stages, data, tmp_path):
    first, last = stages
    changes = {
        "model.encoder_attention_heads is 2 and 4": lambda s: s["cfg"]["model"].update(
            encoder_attention_heads=4
        ),
        "same dictionary": lambda s: s["task_state"].update(dictionary_sha256="x"),
        "same labels": lambda s: s["task_state"].update(labels_sha256="x"),
        "encoder.layers.1.fc1.bias is .* and None": lambda s: s["model"].pop(
            "encoder.layers.1.fc1.bias"
        ),
    }
    for complaint, change in changes.items():
        state = load_state(str(first))
        change(state)
        torch.save(state, tmp_path / "other.pt")
        with pytest.raises(SystemExit, match=complaint) as error:
            mix(tmp_path / "mix.pt", (tmp_path / "other.pt", last), 0.5, 0.5)
        assert "\n" not in str(error.value)
