"""A fine-tuned Hugging Face model keeps its head, and can teach."""

import json

import pytest
import torch
from huggingface import (
    SHAPES,
    run_import,
    save_encoder,
    transformers,
    write_sentencepiece,
    write_wordpiece,
)
from tiny import load
from torch.testing import assert_close

from fairseq_mlkd.checkpoint import LABELS_KEY, symbols_sha256
from fairseq_mlkd.convert.importer import import_encoder

LABELS = ["CONTRADICTION", "neutral", "Entailment"]
OURS = ["entailment", "neutral", "contradiction"]
WRITERS = {"Bert": write_wordpiece, "XLMRoberta": write_sentencepiece}


def save(folder, kind, task, labels=LABELS):
    size = WRITERS[kind](folder)
    names = dict(enumerate(labels))
    options = {"id2label": names, "label2id": {x: i for i, x in names.items()}}
    save_encoder(folder, f"{kind}For{task}", size, **options, **SHAPES[0])
    auto = getattr(transformers, f"AutoModelFor{task}")
    return auto.from_pretrained(folder).eval()


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "task, head, ours",
    [
        ("SequenceClassification", "sentence_classification_head",
         "zero_shot_classification"),
        ("TokenClassification", "tagging_head", "zero_shot_tagging"),
    ],
)  # fmt: skip
def test_a_fine_tuned_head_is_imported(tmp_path, kind, task, head, ours):
    source = tmp_path / "source"
    theirs = save(source, kind, task)
    import_encoder(source, tmp_path / "out")
    state = load(tmp_path / "out" / "model.pt")
    assert state["cfg"]["task"]["_name"] == ours
    assert state["task_state"][LABELS_KEY] == symbols_sha256(LABELS)
    text = (tmp_path / "out" / "label" / "dict.txt").read_text()
    assert [line.split()[0] for line in text.splitlines()] == LABELS
    model = run_import(source, tmp_path / "again")
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    batch = tokenizer(["the king"], return_tensors="pt")
    with torch.no_grad():
        wanted = theirs(**batch).logits[0]
        ids = torch.tensor([model.encode("the king")])
        features, _ = model.model(ids, features_only=True)
        found = model.model.classification_heads[head](features)[0]
    assert_close(found[0] if wanted.dim() == 1 else found, wanted, rtol=0, atol=1e-5)


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
