"""What becomes of an imported encoder: evaluated, fine-tuned, a teacher, a head."""

from pathlib import Path

import pytest
import torch
from huggingface import (
    TEXTS,
    run_import,
    save_encoder,
    write_sentencepiece,
    write_wordpiece,
)
from tiny import CLASSES, STUDENT, load, run, shape_flags, train, write_sentences

from fairseq_mlkd.cli.import_encoder import main
from fairseq_mlkd.errors import UserError
from fairseq_mlkd.metrics.results import read_results
from fairseq_mlkd.modules.heads import MaskedLMHead

MLM = ["--task", "multilingual_mlm", "--criterion", "task_cross_entropy"]
DISTIL = ["--task", "multilingual_mlm", "--criterion", "tinybert"]
PAIRS = ["--task", "zero_shot_classification", "--criterion", "task_cross_entropy"]
NO_HEAD = (
    "fairseq_mlkd: {} has no masked-LM head: train one with --task multilingual_mlm "
    "--encoder-path MODEL --freeze-encoder"
)


class Imported:
    """An encoder and data in its dictionary."""

    def __init__(self, folder: Path, kind: str) -> None:
        source = folder / "source"
        write = write_sentencepiece if kind == "BertModel" else write_wordpiece
        save_encoder(source, kind, write(source))
        ours = run_import(source, folder / "encoder")
        self.path = folder / "encoder" / "model.pt"
        rows = [ours.encode(text)[1:] for text in TEXTS if text]
        self.data, self.pairs = folder / "data", folder / "pairs"
        for data in (self.data, self.pairs):
            data.mkdir()
            names = (folder / "encoder" / "dict.txt").read_bytes()
            (data / "dict.txt").write_bytes(names)
        size = len(ours.dictionary) - 1
        for split in ("train", "valid"):
            write_sentences(self.data / "en" / split, rows, size)
            for part in ("input0", "input1"):
                short = [[*row[:30], 2] for row in rows]
                write_sentences(self.pairs / part / f"{split}.en", short, size)
            labels = [[4 + i % CLASSES, 2] for i in range(len(rows))]
            write_sentences(self.pairs / "label" / f"{split}.en", labels, 4 + CLASSES)
        classes = "".join(f"class{i} 1\n" for i in range(CLASSES))
        (self.pairs / "label" / "dict.txt").write_text(classes)


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Imported:
    return Imported(tmp_path_factory.mktemp("bare"), "BertModel")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Imported:
    return Imported(tmp_path_factory.mktemp("whole"), "BertForMaskedLM")


def encoder_of(path: Path) -> dict[str, torch.Tensor]:
    weights = load(path)["model"]
    return {name: t for name, t in weights.items() if name.startswith("encoder.")}


def differing(path: Path, other: Path) -> int:
    ours, theirs = encoder_of(path), encoder_of(other)
    assert ours.keys() == theirs.keys()
    return sum(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_it_is_evaluated(whole, tmp_path):
    results = tmp_path / "results.jsonl"
    task = ["--task", "multilingual_mlm", "--path", whole.path, "--results", results]
    run("validate", whole.data, *task, "--batch-size", 4, "--model-name", "whole")
    (result,) = read_results([str(results)])
    assert result.metric == "masked-LM perplexity" and result.value > 1


def test_without_a_head_it_cannot_be(bare):
    task = ["--task", "multilingual_mlm", "--path", bare.path, "--batch-size", 4]
    with pytest.raises(UserError) as error:
        run("validate", bare.data, *task)
    assert str(error.value) == NO_HEAD.format(bare.path)


@pytest.mark.parametrize("kind", ["bare", "whole"])
def test_it_is_fine_tuned_with_frozen_embeddings(kind, tmp_path, request):
    encoder = request.getfixturevalue(kind)
    flags = [*PAIRS, "--arch", "pretrained", "--encoder-path", encoder.path]
    path = train(encoder.pairs, tmp_path, *flags, "--max-update", 2)
    assert load(path)["cfg"]["model"]["encoder_embed_dim"] == 24
    layers = sum(".layers." in name for name in encoder_of(path))
    assert differing(path, encoder.path) == layers


@pytest.mark.parametrize("kind, weight", [("bare", 0), ("whole", 1)])
def test_it_teaches(kind, weight, tmp_path, request):
    teacher = request.getfixturevalue(kind)
    flags = [*DISTIL, *shape_flags({**STUDENT, "layers": 3}), "--max-positions", 130]
    flags += ["--teacher-path", teacher.path, "--logits-weight", weight]
    path = train(teacher.data, tmp_path, *flags, "--max-update", 2)
    assert torch.isfinite(load(path)["model"]["lm_head.bias"]).all()


def test_without_a_head_it_teaches_no_logits(bare, tmp_path):
    flags = [*DISTIL, *shape_flags({**STUDENT, "layers": 3}), "--max-positions", 130]
    flags += ["--teacher-path", bare.path, "--max-update", 1]
    with pytest.raises(UserError) as error:
        train(bare.data, tmp_path, *flags)
    assert str(error.value) == NO_HEAD.format(f"--teacher-path {bare.path}")


def test_a_head_is_trained_and_nothing_else(bare, tmp_path):
    flags = [*MLM, "--arch", "pretrained", "--encoder-path", bare.path]
    flags += ["--freeze-encoder", "--lr", 0.003]
    path = train(bare.data, tmp_path / "short", *flags, "--max-update", 1)
    early = load(path)
    path = train(bare.data, tmp_path / "long", *flags, "--max-update", 12)
    late = load(path)
    assert differing(path, bare.path) == 0
    head = [name for name in late["model"] if name.startswith("lm_head.")]
    assert len(head) == 5
    for name in head:
        assert not torch.equal(early["model"][name], late["model"][name])
    assert len(late["last_optimizer_state"]["state"]) == len(head)
    best = [state["extra_state"]["best"] for state in (early, late)]
    assert float(best[1]) < float(best[0])
    # what was trained is whole
    task = ["--task", "multilingual_mlm", "--path", path, "--batch-size", 4]
    run("validate", bare.data, *task)


def test_a_frozen_encoder_builds_no_graph(bare, tmp_path, monkeypatch):
    needed = []
    forward = MaskedLMHead.forward

    def recording(self, features, project):
        needed.append((self.training, features.requires_grad))
        return forward(self, features, project)

    monkeypatch.setattr(MaskedLMHead, "forward", recording)
    flags = [*MLM, "--arch", "pretrained", "--encoder-path", bare.path]
    train(bare.data, tmp_path, *flags, "--freeze-encoder", "--max-update", 1)
    assert (True, False) in needed and (True, True) not in needed


def test_a_head_needs_an_encoder(bare, tmp_path):
    flags = [*MLM, *shape_flags(STUDENT), "--freeze-encoder", "--max-update", 1]
    with pytest.raises(UserError, match="--freeze-encoder needs --encoder-path"):
        train(bare.data, tmp_path, *flags)
    with pytest.raises(UserError, match="a model with --no-lm-head has no masked-LM"):
        train(bare.data, tmp_path, *MLM, *shape_flags(STUDENT), "--no-lm-head")


def test_a_refusal_of_the_command_is_one_line(tmp_path):
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "none"), str(tmp_path / "out")])
    message = str(stop.value)
    assert message.startswith("mlkd-import: ") and "\n" not in message
    assert message.endswith(f"{tmp_path / 'none'}: no such file or folder")
