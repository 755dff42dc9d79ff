"""Parsing end to end: training, results, hypotheses, grammar, resuming."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from tiny import (
    STUDENT,
    USER_DIR,
    hydra_train,
    load,
    make_task,
    read_scores,
    run,
    shape_flags,
    train,
    write_mlm_data,
)
from tiny_parses import Row, make_parse, random_rows, spell, write_rows

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.parsing import PARSE_METRICS
from fairseq_mlkd.models.pointer_generator import PointerGeneratorModel
from fairseq_mlkd.tasks.zero_shot_parsing import ZeroShotParsingTask
from fairseq_mlkd.text.parse_tree import parse_tree

SUBSETS = {"train.en": 24, "valid.en": 13, "test.de": 4, "test.en": 11}
SHAPE = {"layers": 2, "embed_dim": 32, "ffn_embed_dim": 64, "attention_heads": 2}
NAME = "zero_shot_parsing"
TASK = ["--task", NAME]
SMALL = {**STUDENT, "embed_dim": 16}
ONE, TWO = (["--max-update", n, "--disable-validation"] for n in (1, 2))


def flags(shape: dict[str, int] = SHAPE) -> list[Any]:
    arch = ["--arch", "pointer_generator_lean_bert_tiny", *shape_flags(shape)[2:]]
    return [*TASK, "--criterion", "task_cross_entropy", *arch, "--init-std", 0.1]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """German test data are in part the training data."""
    subsets = {name: random_rows(n, i) for i, (name, n) in enumerate(SUBSETS.items())}
    subsets["test.de"] += subsets["train.en"][:5]
    return write_rows(tmp_path_factory.mktemp("world") / "parses", subsets)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    """Train a model that knows its training data by heart."""
    options = ["--dropout", 0, "--attention-dropout", 0, "--train-embeddings"]
    options += ["--lr", 0.003, "--max-update", 180, "--save-interval", 99]
    options.append("--disable-validation")
    return train(data, tmp_path_factory.mktemp("runs") / "m", *flags(), *options)


@pytest.fixture(scope="module")
def untrained(data, tmp_path_factory) -> Path:
    options = [*ONE, "--lr", 0, "--init-std", 0.5]
    return train(data, tmp_path_factory.mktemp("runs") / "u", *flags(SMALL), *options)


def restore(task: ZeroShotParsingTask, path: Path) -> PointerGeneratorModel:
    state = load(path)
    cfg = OmegaConf.create(state["cfg"]["model"])
    model = task.build_model(cfg, from_checkpoint=True).eval()
    model.load_state_dict(state["model"])
    return model


def batches(task: ZeroShotParsingTask, subset: str, size: int) -> list[dict[str, Any]]:
    task.load_dataset(subset)
    data = task.datasets[subset]
    rows = [data[i] for i in range(len(data))]
    return [data.collater(rows[i : i + size]) for i in range(0, len(rows), size)]


def generate(capsys: Any, data: Path, path: Path, *options: Any) -> dict[str, Any]:
    """Lines of fairseq-generate by id, and the last line as `score`."""
    capsys.readouterr()
    common = ["--path", path, "--batch-size", 7, "--scoring", "exact_match"]
    run("generate", data, *TASK, *common, *options)
    lines = capsys.readouterr().out.splitlines()
    fields = [line.split("\t") for line in lines if line[1:2] == "-"]
    return {**{f[0]: f[-1] for f in fields}, "score": lines[-1]}


# --- what it learns, and the two commands


@pytest.mark.parametrize("beam", [1, 5])
def test_overfits_and_prints_words(data, trained, capsys, beam):
    found = generate(capsys, data, trained, "--gen-subset", "train", "--beam", beam)
    assert found["score"].endswith("exact match 100.00 (24 sentences)")
    gold = [spell(row) for row in random_rows(24, 0)]
    assert [found[f"T-{i}"] for i in range(24)] == gold
    assert [found[f"H-{i}"] for i in range(24)] == gold
    assert found["S-0"].startswith("w")


def test_repeated_words_are_told_apart(data, trained):
    """The words at two positions are one word, their pointers are not."""
    task = make_task(NAME, data)
    model = restore(task, trained)
    rows = random_rows(24, 0)
    repeated = [any(row.words.count(w) > 1 for w in row.words[2:]) for row in rows]
    assert sum(repeated) > 3
    for sample in batches(task, "train", 24):
        logits, _ = model(**sample["net_input"])
        target = sample["pointer_target"]
        said = target.ne(1)
        assert torch.equal(logits.argmax(dim=-1)[said], target[said])


def test_validate_gives_the_exact_match_of_generate(data, trained, capsys, tmp_path):
    path = tmp_path / "results.jsonl"
    common = [*TASK, "--path", trained, "--results", path, "--batch-size", 4]
    run("validate", data, *common, "--valid-subset", "test,train")
    results = read_scores(path)
    assert [r.metric for r in results] == 3 * list(PARSE_METRICS.values())
    assert [(r.lang, r.examples) for r in results[::5]] == [
        ("en", 11),
        ("de", 9),
        ("en", 24),
    ]
    values = {(r.split, r.lang): r.value for r in results[::5]}
    assert values["train", "en"] == 100
    for lang in ("en", "de"):
        subset = ["--gen-subset", f"test.{lang}", "--beam", 1]
        score = generate(capsys, data, trained, *subset)["score"]
        assert f"exact match {values['test', lang]:.2f} " in score
    assert 50 < values["test", "de"] < 100


def test_every_symbol_that_can_be_said_counts_once(data):
    task = make_task(NAME, data)
    task.build_model(OmegaConf.create(model_cfg()))
    totals = set()
    for size in (1, 5, 24):
        supervisions = [task.supervise(s) for s in batches(task, "train", size)]
        totals.add(sum(s.targets["decoder"].numel() for s in supervisions))
    rows = random_rows(24, 0)
    assert totals == {sum(len(row.parse) + 1 for row in rows)}


def model_cfg(**options: Any) -> dict[str, Any]:
    cfg = {f"encoder_{key}": value for key, value in SMALL.items()}
    return {"_name": "pointer_generator", **cfg, **options}


def test_padding_changes_neither_loss_nor_parses(data, trained):
    task = make_task(NAME, data)
    model = restore(task, trained)
    criterion = task.build_criterion(OmegaConf.create({"_name": "task_cross_entropy"}))
    criterion.eval()
    found = []
    for size in (1, 5, 11):
        logs = [
            task.valid_step(sample, model, criterion)
            for sample in batches(task, "test.en", size)
        ]
        loss = sum(float(loss) for loss, _, _ in logs)
        counts = {
            k: sum(int(log[f"test.en/en/{k}"]) for _, _, log in logs)
            for k in PARSE_METRICS
        }
        found.append((pytest.approx(loss, rel=1e-5), counts))
    assert found[0][1] == found[1][1] == found[2][1]
    assert found[0][0].expected == found[1][0] and found[0][0].expected == found[2][0]


def test_unseen_symbols_and_lost_words_are_wrong_not_fatal(data, tmp_path, trained):
    """A model trained elsewhere, on test data with what it cannot say."""
    unseen = ["[IN:A", "[SL:UNSEEN", "@ptr_1", "]", "]"]
    rows = [Row([[4], [6]], unseen), Row([[4], [], [6]], make_parse(0, 2))]
    rows += [Row([[4], [6], []], make_parse(0, 2))]
    folder = write_rows(tmp_path / "odd", {"test.fr": rows})
    path = tmp_path / "results.jsonl"
    flags = [*TASK, "--path", trained, "--results", path, "--batch-size", 4]
    run("validate", folder, *flags, "--valid-subset", "test.fr")
    results = {r.metric: r.value for r in read_scores(path)}
    assert results["exact match (decoupled form)"] <= 100 / 3 + 0.01
    assert len(results) == 5


def test_generate_takes_the_grammar(data, trained, untrained, capsys):
    options = ["--grammar", "ontology", "--beam", 3]
    found = generate(capsys, data, trained, "--gen-subset", "train", *options)
    assert "exact match 100.00 " in found["score"]
    found = generate(capsys, data, untrained, "--gen-subset", "test.en", *options)
    parses = [text.split() for key, text in found.items() if key.startswith("H-")]
    assert len(parses) == 11 and all(parse_tree(parse) for parse in parses)


# --- training


def test_resuming_is_exact(data, tmp_path):
    options = [*flags(SMALL), "--dropout", 0.1, "--lr", 0.003, "--batch-size", 5]
    options.append("--disable-validation")
    straight = load(train(data, tmp_path / "a", *options, "--max-update", 10))
    train(data, tmp_path / "b", *options, "--max-update", 5)
    resumed = load(train(data, tmp_path / "b", *options, "--max-update", 10))
    for name, tensor in straight["model"].items():
        assert torch.equal(tensor, resumed["model"][name]), name
    moments = [s["last_optimizer_state"]["state"] for s in (straight, resumed)]
    assert moments[0].keys() == moments[1].keys()
    for key in moments[0]:
        for a, b in zip(moments[0][key].values(), moments[1][key].values()):
            assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))


def test_encoder_is_loaded_and_its_embeddings_stay(data, tmp_path):
    sentences = write_mlm_data(tmp_path / "sentences")
    mlm = ["--task", "multilingual_mlm", "--criterion", "task_cross_entropy"]
    mlm += [*shape_flags(SMALL), *ONE]
    encoder = train(sentences, tmp_path / "encoder", *mlm)
    pretrained = [*TASK, "--criterion", "task_cross_entropy", *TWO]
    pretrained += ["--arch", "pointer_generator_pretrained", "--encoder-path", encoder]
    tuned = load(train(data, tmp_path / "tuned", *pretrained))["model"]
    before = load(encoder)["model"]
    shared = [name for name in before if name.startswith("encoder.")]
    assert shared
    for name in shared:
        frozen = name.startswith("encoder.embeddings.")
        assert torch.equal(before[name], tuned[name]) is frozen, name
    assert not any(name.startswith("lm_head") for name in tuned)


def test_encoder_starts_from_layers_of_a_deeper_one(data, tmp_path):
    sentences = write_mlm_data(tmp_path / "sentences")
    mlm = ["--task", "multilingual_mlm", "--criterion", "task_cross_entropy"]
    mlm += [*shape_flags({**SMALL, "layers": 3}), *ONE]
    deep = train(sentences, tmp_path / "deep", *mlm)
    flags = [*TASK, "--criterion", "task_cross_entropy", "--arch", "pointer_generator"]
    for key, value in {**SMALL, "layers": 2}.items():
        flags += [f"--encoder-{key.replace('_', '-')}", value]
    flags += ["--encoder-path", deep, "--encoder-path-layers", "last", "--lr", 0]
    tuned = load(train(data, tmp_path / "tuned", *flags, *ONE))["model"]
    before = load(deep)["model"]
    for name in (name for name in tuned if name.startswith("encoder.")):
        theirs = name.replace("layers.1.", "layers.2.").replace(
            "layers.0.", "layers.1."
        )
        assert torch.equal(tuned[name], before[theirs]), name


def test_hydra_trains_as_the_command_line_does(data, tmp_path):
    model = {f"encoder_{key}": value for key, value in SMALL.items()}
    cfg = {
        "common": {"user_dir": USER_DIR},
        "task": {"_name": "zero_shot_parsing", "data": str(data), "valid_beam": 2},
        "criterion": {"_name": "task_cross_entropy"},
        "model": {"_name": "pointer_generator", "init_std": 0.1, **model},
        "optimizer": {"_name": "fused_adamw"},
        "lr_scheduler": {"_name": "fixed"},
        "optimization": {"max_update": 2, "lr": [0.01], "clip_norm": 1.0},
        "dataset": {"batch_size": 8, "disable_validation": True},
        "checkpoint": {"save_dir": str(tmp_path / "a"), "no_epoch_checkpoints": True},
    }
    config = tmp_path / "parsing.yaml"
    config.write_text("# @package _global_\n" + json.dumps(cfg))
    hydra_train(config, tmp_path / "job", {})
    hydras = load(tmp_path / "a" / "checkpoint_last.pt")
    ours = load(train(data, tmp_path / "b", *flags(SMALL), *TWO))
    assert hydras["cfg"]["task"]["valid_beam"] == 2
    assert all(map(torch.equal, ours["model"].values(), hydras["model"].values()))


# --- refusals


def test_models_and_tasks_that_do_not_fit_are_refused(data, tmp_path):
    encoder = [*TASK, "--criterion", "task_cross_entropy", *shape_flags(STUDENT)]
    with pytest.raises(UserError, match="pointer_generator_") as error:
        train(data, tmp_path, *encoder, "--max-update", 1)
    assert "\n" not in str(error.value)
    sentences = write_mlm_data(tmp_path / "sentences")
    with pytest.raises(UserError, match="zero_shot_parsing") as error:
        other = ["--task", "multilingual_mlm", *flags()[2:], "--max-update", 1]
        train(sentences, tmp_path, *other)
    assert "\n" not in str(error.value)


def test_other_searches_and_missing_files_are_refused(data, untrained, capsys):
    subset = ["--gen-subset", "train"]
    with pytest.raises(UserError, match="by beam search alone"):
        generate(capsys, data, untrained, *subset, "--sampling", "--nbest", 5)
    with pytest.raises(UserError, match="no labelled data"):
        generate(capsys, data / "input0", untrained, *subset)
    ontology = data / "target" / "ontology.txt"
    text = ontology.read_text()
    ontology.unlink()
    try:
        with pytest.raises(UserError, match="ontology.txt is missing"):
            generate(capsys, data, untrained, *subset, "--grammar", "ontology")
    finally:
        ontology.write_text(text)
