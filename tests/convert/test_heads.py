"""A fine-tuned Hugging Face model keeps its head, and can teach."""

import json

import numpy as np
import pytest
import torch
from huggingface import run_import, transformers, write_source
from tiny import load
from torch.testing import assert_close

from fairseq_mlkd import Predictor
from fairseq_mlkd.checkpoint import LABELS_KEY, symbols_sha256
from fairseq_mlkd.cli.export import main as export
from fairseq_mlkd.convert.importer import import_encoder

LABELS = ["CONTRADICTION", "neutral", "Entailment"]
OURS = ["entailment", "neutral", "contradiction"]
FAMILIES = ("Bert", "DistilBert", "Electra", "Roberta", "Camembert", "XLMRoberta")
TASKS = {
    "SequenceClassification": (
        "zero_shot_classification",
        "sentence_classification_head",
    ),
    "TokenClassification": ("zero_shot_tagging", "tagging_head"),
}


def save(folder, kind, task, labels=LABELS):
    names = dict(enumerate(labels))
    options = {"id2label": names, "label2id": {x: i for i, x in names.items()}}
    write_source(folder, f"{kind}For{task}", **options)
    auto = getattr(transformers, f"AutoModelFor{task}")
    return auto.from_pretrained(folder).eval()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_fine_tuned_head_is_imported_and_exported(tmp_path, kind, task):
    source, (ours, head) = tmp_path / "source", TASKS[task]
    theirs = save(source, kind, task)
    model = run_import(source, tmp_path / "in")
    state = load(tmp_path / "in" / "model.pt")
    assert state["cfg"]["task"]["_name"] == ours
    assert state["task_state"][LABELS_KEY] == symbols_sha256(LABELS)
    text = (tmp_path / "in" / "label" / "dict.txt").read_text()
    assert [line.split()[0] for line in text.splitlines()] == LABELS
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    batch = tokenizer(["the king"], return_tensors="pt")
    ids = torch.tensor([model.encode("the king")])
    with torch.no_grad():
        wanted = theirs(**batch).logits[0]
        features, _ = model.model(ids, features_only=True)
        found = model.model.classification_heads[head](features)[0]
    assert_close(found[0] if wanted.dim() == 1 else found, wanted, rtol=0, atol=1e-5)

    out = tmp_path / "out"
    export([str(tmp_path / "in" / "model.pt"), str(out), "--onnx"])
    auto = getattr(transformers, f"AutoModelFor{task}")
    again, info = auto.from_pretrained(out, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert list(again.config.id2label.values()) == LABELS
    with torch.no_grad():
        assert_close(again.eval()(ids).logits[0], wanted, rtol=0, atol=1e-5)
    batch = {"input_ids": ids.numpy(), "attention_mask": np.ones_like(ids)}
    batch["token_type_ids"] = np.zeros_like(ids)
    for engine in ("onnx", "torch"):
        (logits,) = Predictor(out, engine=engine)._engine.run(batch).values()
        np.testing.assert_allclose(logits[0], wanted, rtol=0, atol=1e-4)
    import_encoder(out, tmp_path / "back")
    back = load(tmp_path / "back" / "model.pt")
    assert back["model"].keys() == state["model"].keys()
    assert all(torch.equal(x, back["model"][k]) for k, x in state["model"].items())
    for key, value in state["cfg"]["model"].items():
        assert back["cfg"]["model"].get(key, value) == value


def test_a_head_that_no_model_of_theirs_has_is_refused(tmp_path):
    save(tmp_path / "source", "DistilBert", "SequenceClassification")
    import_encoder(tmp_path / "source", tmp_path / "in")
    state = load(tmp_path / "in" / "model.pt")
    state["cfg"]["model"]["layer_norm_eps"] = 1e-5
    torch.save(state, tmp_path / "in" / "model.pt")
    with pytest.raises(SystemExit, match="DistilBert alone has classifiers with relu"):
        export([str(tmp_path / "in" / "model.pt"), str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_the_order_of_labels_is_that_of_the_data(tmp_path):
    source, data = tmp_path / "source", tmp_path / "data" / "label"
    save(source, "Bert", "SequenceClassification")
    data.mkdir(parents=True)
    (data / "dict.txt").write_text("".join(f"{x} 1\n" for x in OURS) + "seldom 0\n")
    import_encoder(source, tmp_path / "as_is")
    import_encoder(source, tmp_path / "ordered", data=data.parent)
    name = "classification_heads.sentence_classification_head.out_proj.bias"
    before, after = (load(tmp_path / x / "model.pt") for x in ("as_is", "ordered"))
    assert torch.equal(after["model"][name], before["model"][name].flip(0))
    assert after["task_state"][LABELS_KEY] == symbols_sha256(OURS)


def test_other_labels_than_those_of_the_data_are_refused(tmp_path):
    source, data = tmp_path / "source", tmp_path / "data" / "label"
    save(source, "Bert", "SequenceClassification", ["LABEL_0", "LABEL_1", "LABEL_2"])
    data.mkdir(parents=True)
    (data / "dict.txt").write_text("".join(f"{x} 1\n" for x in OURS))
    with pytest.raises(ValueError, match="LABEL_0.*rename them in id2label"):
        import_encoder(source, tmp_path / "out", data=data.parent)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"problem_type": "multi_label_classification"},
        {"id2label": {"0": "a", "5": "b", "2": "c"}},
        {"id2label": {"0": "a", "1": "a", "2": "c"}},
        {"id2label": {"0": "LABEL_0"}},
    ],
)
def test_heads_that_ours_cannot_be_are_refused(tmp_path, change):
    source = tmp_path / "source"
    save(source, "Bert", "SequenceClassification")
    path = source / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError) as refusal:
        import_encoder(source, tmp_path / "out")
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)
