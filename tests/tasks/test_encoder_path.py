"""`--encoder-path-layers`: a student that starts from layers of a deeper encoder."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import (
    build_model,
    flags_of,
    load,
    make_task,
    mlm_task,
    save_model,
    train,
    write_mlm_data,
    write_pairs,
)
from unlabelled import TASKS

from fairseq_mlkd.errors import UserError

DEEP = {"layers": 4, "embed_dim": 8, "ffn_embed_dim": 16, "attention_heads": 4}
STUDENT = {**DEEP, "layers": 2}
MLM, PAIRS = "multilingual_mlm", "zero_shot_classification"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_mlm_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    counts = {"train.en": 9, "valid.en": 5}
    return write_pairs(tmp_path_factory.mktemp("world") / "pairs", counts)


@pytest.fixture(scope="module")
def deep(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("deep")
    return train(data, folder, *flags_of(MLM, DEEP), "--max-update", 2)


def start(data: Path, encoder: Path, spec: str = "uniform", **shape: int) -> Any:
    options = {"encoder_path": str(encoder), "encoder_path_layers": spec}
    others = {key: shape.pop(key) for key in shape.keys() - STUDENT.keys()}
    return build_model(mlm_task(data, **options), {**STUDENT, **shape}, **others)


def untouched(model: dict[str, Any], deep: dict[str, Any], layers: list[int]) -> set:
    """Names of the model that do not equal what the map takes from `deep`."""
    source = {f"encoder.layers.{i}.": f"encoder.layers.{j - 1}." for i, j in layers}
    found = set()
    for name, tensor in model.items():
        prefix = name[: len("encoder.layers.0.")]
        theirs = deep.get(source.get(prefix, prefix) + name[len(prefix) :])
        if theirs is None or not torch.equal(tensor, theirs):
            found.add(name)
    return found


@pytest.mark.parametrize(
    "spec, layers", [("uniform", [2, 4]), ("last", [3, 4]), ("4,1", [4, 1])]
)
def test_every_weight_of_the_chosen_layers_is_taken(data, deep, spec, layers, caplog):
    caplog.set_level(logging.INFO)
    model = start(data, deep, spec)
    state, theirs = model.state_dict(), load(deep)["model"]
    assert untouched(state, theirs, list(enumerate(layers))) == set()
    assert untouched(state, theirs, [(0, 1), (1, 2)])
    for i, layer in enumerate(layers, start=1):
        assert f"encoder layer {i} <- layer {layer} of 4" in caplog.messages
    count = f"{sum(p.numel() for p in model.encoder.parameters()):,}"
    assert f"encoder: {count} of {count} parameters from {deep}" in caplog.messages
    assert f"masked-LM head: {deep}" in caplog.messages
    assert "cut into" not in caplog.text


def test_parts_of_another_shape_stay_random_and_are_said(data, deep, caplog):
    caplog.set_level(logging.INFO)
    model = start(data, deep, ffn_embed_dim=6)
    state, theirs = model.state_dict(), load(deep)["model"]
    random = {
        f"encoder.layers.{i}.{part}.{kind}"
        for i in (0, 1)
        for part in ("fc1", "fc2")
        for kind in ("weight", "bias")
    }
    assert untouched(state, theirs, [(0, 2), (1, 4)]) == random
    said = "encoder layer 2 <- layer 4 of 4; of another shape, so random: fc1, fc2"
    assert said in caplog.messages
    total = sum(p.numel() for p in model.encoder.parameters())
    taken = total - sum(state[name].numel() for name in random)
    assert 0 < taken < total
    expected = f"encoder: {taken:,} of {total:,} parameters from {deep}"
    assert expected in caplog.messages


def test_number_of_heads_may_differ(data, deep, caplog):
    caplog.set_level(logging.INFO)
    state = start(data, deep, attention_heads=2).state_dict()
    assert untouched(state, load(deep)["model"], [(0, 2), (1, 4)]) == set()
    assert "attention: weights of 4 heads, cut into 2" in caplog.messages


def test_encoder_without_a_masked_lm_head(data, deep, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    state = load(deep)
    state["model"] = {k: v for k, v in state["model"].items() if "lm_head" not in k}
    torch.save(state, str(tmp_path / "bare.pt"))
    start(data, tmp_path / "bare.pt")
    assert "masked-LM head: random" in caplog.messages


@pytest.mark.parametrize(
    "spec, shape, message",
    [
        ("uniform", {"embed_dim": 12}, r"\(35, 8\) there and \(35, 12\) .* same width"),
        ("uniform", {"max_positions": 100}, "positions.weight is .* same width"),
        ("uniform", {"num_segments": 2}, "lacks the parameter segments.weight"),
        ("uniform", {"layers": 5}, "--encoder-path-layers uniform .* from 1 to 4"),
        ("last", {"layers": 5}, "--encoder-path-layers last .* from 1 to 4"),
        (
            "uniform",
            {"embed_dim": 4, "ffn_embed_dim": 18},
            "--encoder-ffn-embed-dim 18: a narrower student takes them .* has 16",
        ),
        (
            "uniform",
            {"embed_dim": 4, "max_positions": 100},
            "positions.weight is .* needs the same vocabulary",
        ),
        ("uniform", {"embedding_rank": 8}, "--embedding-rank 8: give 0, or a number"),
        ("3,5", {}, "--encoder-path-layers 3,5 .* from 1 to the teacher's 4"),
        ("first", {}, "--encoder-path-layers first: give .* from 1 to 4"),
    ],
)
def test_misfit_is_refused_in_one_line(data, deep, spec, shape, message):
    with pytest.raises(UserError, match=message) as error:
        start(data, deep, spec, **shape)
    assert "\n" not in str(error.value)


def test_a_narrower_student_starts_from_the_layers_too(data, deep, caplog):
    caplog.set_level(logging.INFO)
    shape = {"embed_dim": 4, "ffn_embed_dim": 8, "attention_heads": 2}
    model = start(data, deep, "4,1", embedding_rank=3, **shape)
    assert "encoder layer 1 <- layer 4, narrowed" in caplog.messages
    assert "masked-LM head: random" in caplog.messages
    assert "encoder: width 8 -> 4, which holds" in caplog.text
    # of the same weights, whatever random ones came before
    torch.manual_seed(8)
    again = start(data, deep, "4,1", embedding_rank=3, **shape).encoder.state_dict()
    ours = model.encoder.state_dict()
    assert all(torch.equal(ours[name], again[name]) for name in ours)


def test_the_table_may_be_factorised(data, deep, caplog):
    caplog.set_level(logging.INFO)
    model = start(data, deep, embedding_rank=7)
    table = load(deep)["model"]["encoder.embeddings.tokens.weight"]
    found = model.encoder.embeddings
    near = found.tokens.weight @ found.up.weight.T
    assert 0 < (near - table).norm() < table.norm() / 4
    assert "token embeddings: of rank 7, the nearest" in caplog.messages


def test_another_vocabulary_is_refused(deep, tmp_path):
    larger = write_mlm_data(tmp_path / "data", words=31)
    with pytest.raises(UserError, match="another dictionary"):
        start(larger, deep)
    state = load(deep)
    del state["task_state"]  # as stock fairseq: the dictionary is not known
    torch.save(state, str(tmp_path / "unknown.pt"))
    with pytest.raises(UserError, match="tokens.weight is .* same width, vocabulary"):
        start(larger, tmp_path / "unknown.pt")


def test_missing_weight_is_refused(data, deep, tmp_path):
    state = load(deep)
    del state["model"]["encoder.layers.3.fc1.bias"]
    torch.save(state, str(tmp_path / "broken.pt"))
    with pytest.raises(UserError, match="broken.pt: lacks the parameter bias"):
        start(data, tmp_path / "broken.pt")


def test_layers_need_an_encoder(data):
    task = mlm_task(data, encoder_path_layers="uniform")
    with pytest.raises(UserError, match="--encoder-path-layers needs --encoder-path"):
        build_model(task, STUDENT)


@pytest.mark.parametrize("task, more", [(MLM, []), (PAIRS, ["--train-embeddings"])])
def test_commands_start_from_the_layers(data, pairs, deep, tmp_path, task, more):
    flags = [*flags_of(task, STUDENT), "--encoder-path", deep, "--lr", 0, *more]
    flags += ["--encoder-path-layers", "1,3", "--max-update", 1]
    trained = load(train(data if task == MLM else pairs, tmp_path, *flags))
    new = untouched(trained["model"], load(deep)["model"], [(0, 1), (1, 3)])
    heads = {name for name in trained["model"] if name.startswith("classification")}
    assert new == heads and bool(heads) is (task != MLM)


# --- heads of a fine-tuned teacher


def tuned(folder: Path, name: str, data: Path) -> Path:
    """Save a model of a task, of four layers."""
    task = make_task(f"zero_shot_{name}", data)
    model = build_model(task, DEEP, **decoder_of(name))
    return save_model(folder / "tuned.pt", model, task)


def decoder_of(name: str) -> dict[str, Any]:
    parses = {"_name": "pointer_generator", "decoder_layers": 2}
    return parses if name == "parsing" else {}


def start_tuned(name: str, data: Path, path: Path, **shape: Any) -> Any:
    options = {"encoder_path": str(path), "encoder_path_layers": "uniform"}
    task = make_task(f"zero_shot_{name}", data, encoder_path_heads=True, **options)
    others = {key: shape.pop(key) for key in shape.keys() - STUDENT.keys()}
    return build_model(task, {**STUDENT, **shape}, **decoder_of(name), **others)


@pytest.mark.parametrize("name", TASKS)
def test_heads_are_those_of_the_teacher(tmp_path, name):
    data = TASKS[name](tmp_path / "data", {"train.en": 12})
    path = tuned(tmp_path, name, data)
    torch.manual_seed(9)
    state, theirs = start_tuned(name, data, path).state_dict(), load(path)["model"]
    assert untouched(state, theirs, [(0, 2), (1, 4)]) == set()
    prefix = "decoder." if name == "parsing" else "classification_heads."
    assert any(key.startswith(prefix) for key in state)


@pytest.mark.parametrize(
    "shape, message",
    [
        ({"head_activation": "relu"}, "has --head-activation tanh, not relu: give it"),
        (
            {"embed_dim": 4, "ffn_embed_dim": 8, "attention_heads": 2},
            "needs the same task, labels, width",
        ),
    ],
)
def test_a_head_that_does_not_fit_is_refused(pairs, tmp_path, shape, message):
    path = tuned(tmp_path, "classification", pairs)
    with pytest.raises(UserError, match=f"--encoder-path-heads.* {message}") as error:
        start_tuned("classification", pairs, path, **shape)
    assert "\n" not in str(error.value)


def test_heads_of_other_labels_or_none_are_refused(pairs, deep, tmp_path):
    path = tuned(tmp_path, "classification", pairs)
    other = write_pairs(tmp_path / "other", {"train.en": 9}, classes=2)
    with pytest.raises(UserError, match="trained with other labels than this run's"):
        start_tuned("classification", other, path)
    torch.save({**load(path), "model": load(deep)["model"]}, str(tmp_path / "mlm.pt"))
    with pytest.raises(UserError, match="mlm.pt has no head of this task"):
        start_tuned("classification", pairs, tmp_path / "mlm.pt")
    task = make_task(PAIRS, pairs, encoder_path_heads=True)
    with pytest.raises(UserError, match="--encoder-path-heads needs --encoder-path"):
        build_model(task, STUDENT)
