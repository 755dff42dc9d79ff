"""Exported models load with transformers alone and compute what ours compute."""

import json
import shutil

import pytest
import torch
from exported import (
    CLASSIFICATION,
    INTENT_SLOT,
    INTENTS,
    KINDS,
    LABELS,
    MLM,
    PARSING,
    SENTENCES,
    TAGGING,
    TAGS,
    export,
    make,
    write_data,
    write_subwords,
)
from huggingface import transformers
from safetensors import safe_open
from tiny import STUDENT, load, run, shape_flags, train
from torch.testing import assert_close

from fairseq_mlkd import Predictor
from fairseq_mlkd.checkpoint import LABELS_KEY
from fairseq_mlkd.cli.export import main
from fairseq_mlkd.convert.importer import import_encoder
from fairseq_mlkd.text.tokenizer import Tokenizer

SPECIAL_TEXTS = ["</s> a <mask> <unk>", "[SEP] b [MASK]", ""]


def normalised(made, raw):
    """Return what to give an AutoTokenizer: the spoken form where training had it."""
    tokenizer = Tokenizer.load(str(made.tokenizer))
    if tokenizer.normalisation == "none":
        return tokenizer, raw
    return tokenizer, tokenizer.normalise(raw, "en")


@pytest.mark.parametrize("kind", KINDS)
def test_autotokenizer_gives_the_ids_of_training(tmp_path, kind):
    made = make(tmp_path, CLASSIFICATION, kind)
    folder = export(made, tmp_path / "out")
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    dictionary = made.task.source_dictionary
    texts = [text for of in SENTENCES.values() for text in of] + SPECIAL_TEXTS
    for raw, other in zip(texts, reversed(texts)):
        tokenizer, text = normalised(made, raw)
        _, second = normalised(made, other)
        cut = [tokenizer.normalise(raw, "en"), tokenizer.normalise(other, "en")]
        one, two = ([*map(dictionary.index, tokenizer.segment(x)), 2] for x in cut)
        single, pair = theirs(text), theirs([(text, second)])
        pair = {key: value[0] for key, value in pair.items()}
        unknown = len(dictionary)
        assert [i if i < unknown else 3 for i in single["input_ids"]] == [0, *one]
        assert [i if i < unknown else 3 for i in pair["input_ids"]] == [0, *one, *two]
        types = [0] * (1 + len(one)) + [1] * len(two)
        assert pair["token_type_ids"] == types


def our_logits(made, batch):
    """Of all heads at all tokens, or of the masked-LM head."""
    tokens = batch["input_ids"]
    segments = batch["token_type_ids"] if made.model.cfg.num_segments else None
    with torch.no_grad():
        out, _ = made.model(tokens, segments=segments, features_only=True)
        heads = made.model.classification_heads
        return out, {name: head(out) for name, head in heads.items()}


@pytest.mark.parametrize("segments", [0, 2])
@pytest.mark.parametrize(
    "task, kind, head, labels",
    [
        (MLM, "MaskedLM", None, None),
        (CLASSIFICATION, "SequenceClassification", "sentence_classification_head",
         LABELS),
        (TAGGING, "TokenClassification", "tagging_head", TAGS),
    ],
)  # fmt: skip
def test_transformers_computes_the_same(tmp_path, task, kind, head, labels, segments):
    made = make(tmp_path, task, model_num_segments=segments)
    folder = export(made, tmp_path / "out")
    auto = getattr(transformers, f"AutoModelFor{kind}")
    theirs, info = auto.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"]
    batch = _batch(folder)
    with torch.no_grad():
        found = theirs.eval()(**batch).logits
        encoded = transformers.AutoModel.from_pretrained(folder).eval()(**batch)
    real = batch["attention_mask"].bool()
    features, logits = our_logits(made, batch)
    # of three embeddings, theirs adds the segment's before the position's
    close = {"rtol": 0, "atol": 1e-5 if segments else 0}
    assert_close(encoded.last_hidden_state[real], features[real], **close)
    if head is None:
        wanted = made.model(batch["input_ids"], segments=_segments(made, batch))[0]
        assert_close(found[..., : wanted.size(-1)][real], wanted[real], **close)
        return
    assert list(theirs.config.id2label.values()) == list(labels)
    if task == CLASSIFICATION:
        assert_close(found, logits[head][:, 0], rtol=0, atol=1e-5)
    else:
        assert_close(found[real], logits[head][real], **close)


def _segments(made, batch):
    return batch["token_type_ids"] if made.model.cfg.num_segments else None


def _batch(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    firsts = ["the king", "wake me at seven thirty in the house of the king"]
    batch = tokenizer(firsts, ["a", "b"], padding=True, return_tensors="pt")
    assert not batch["attention_mask"].all()
    return batch


def test_two_heads_load_from_subfolders_over_one_encoder(tmp_path):
    made = make(tmp_path, INTENT_SLOT)
    folder = export(made, tmp_path / "out")
    batch = _batch(folder)
    real = batch["attention_mask"].bool()
    features, logits = our_logits(made, batch)
    for name, kind, labels in (
        ("intent_head", "Sequence", INTENTS),
        ("slot_head", "Token", TAGS),
    ):
        auto = getattr(transformers, f"AutoModelFor{kind}Classification")
        theirs, info = auto.from_pretrained(
            folder, subfolder=name, output_loading_info=True
        )
        assert not info["missing_keys"] and not info["unexpected_keys"]
        assert list(theirs.config.id2label.values()) == list(labels)
        with torch.no_grad():
            found = theirs.eval()(**batch).logits
        wanted = logits[name][:, 0] if kind == "Sequence" else logits[name]
        where = slice(None) if kind == "Sequence" else real
        assert_close(found[where], wanted[where], rtol=0, atol=1e-5)
    weights = (folder / "model.safetensors").stat().st_size
    heads = [(folder / name / "head.safetensors").stat().st_size
             for name in ("intent_head", "slot_head")]  # fmt: skip
    assert max(heads) < weights / 4


def test_a_server_that_runs_as_another_user_reads_every_file(tmp_path):
    folder = export(make(tmp_path, INTENT_SLOT), tmp_path / "out")
    (tmp_path / "new").touch()
    usual = (tmp_path / "new").stat().st_mode
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".json", ".safetensors"}
    assert all(path.stat().st_mode == usual for path in files)


@pytest.mark.parametrize(
    "task, kind",
    [
        (MLM, "codes"),
        (CLASSIFICATION, "wordpiece"),
        (TAGGING, "sentencepiece"),
        (INTENT_SLOT, "codes"),
        (PARSING, "wordpiece"),
    ],
)
def test_importing_an_export_gives_the_checkpoint_back(tmp_path, task, kind):
    options = {"long_inputs": "truncate"} if task != MLM else {}
    made = make(tmp_path, task, kind, **options)
    folder = export(made, tmp_path / "out")
    import_encoder(folder, tmp_path / "back")
    before, after = load(made.path), load(tmp_path / "back" / "model.pt")
    assert before["model"].keys() == after["model"].keys()
    for name, tensor in before["model"].items():
        assert torch.equal(tensor, after["model"][name]), name
    assert before["task_state"] == after["task_state"]
    ours, theirs = before["cfg"]["model"], after["cfg"]["model"]
    assert all(ours[key] == value for key, value in theirs.items() if key in ours
               and key != "no_lm_head")  # fmt: skip
    for file in (made.tokenizer / "dict.txt", *made.tokenizer.glob("*.json")):
        assert (tmp_path / "back" / file.name).read_bytes() == file.read_bytes()
    # and it can be exported again, with the labels that lie beside it
    again = export(made._replace(path=tmp_path / "back" / "model.pt"), tmp_path / "2")
    first, second = (
        json.loads((x / "mlkd/facts.json").read_text()) for x in (folder, again)
    )
    assert first["heads"] == second["heads"] and first["outputs"] == second["outputs"]
    assert first["files"]["model.safetensors"] == second["files"]["model.safetensors"]


def test_the_card_tells_scores_teacher_and_the_spoken_form(tmp_path):
    made = make(tmp_path, TAGGING)
    line = {"dataset": "wikiann", "model": "m", "lang": "de", "metric": "entity F1"}
    line.update(value=61.25, examples=100, dropped=7, checkpoint="x/model.pt")
    (tmp_path / "results.jsonl").write_text(json.dumps(line) + "\n")
    folder = export(made, tmp_path / "out", "--licence", "CC-BY-SA 4.0")
    card = (folder / "README.md").read_text()
    assert "| test | de | entity F1 | 61.25 | 100 | 7 |" in card
    assert "CC-BY-SA 4.0" in card and "expects the spoken form" in card
    total = sum(x.numel() for x in made.model.state_dict().values())
    assert f"{total:,} parameters" in card
    assert (
        "spoken form"
        in json.loads((folder / "tokenizer_config.json").read_text())["expects"]
    )


def test_the_card_has_the_scores_of_this_checkpoint_alone(tmp_path):
    made = make(tmp_path, TAGGING)
    line = {"dataset": "wikiann", "lang": "de", "metric": "entity F1", "examples": 9}
    scores = {"teacher": 70.5, "student": 58.5}
    lines = [
        {
            **line,
            "model": model,
            "value": value,
            "checkpoint": f"{model}/{made.path.name}",
        }
        for model, value in scores.items()
    ]
    results = tmp_path / "all.jsonl"
    results.write_text("".join(f"{json.dumps(x)}\n" for x in lines))
    with pytest.raises(SystemExit, match="of its name are of teacher and student"):
        export(made, tmp_path / "out", "--results", str(results))
    lines[0]["checkpoint"] = str(made.path)
    results.write_text("".join(f"{json.dumps(x)}\n" for x in lines))
    folder = export(made, tmp_path / "out", "--results", str(results))
    assert json.loads((folder / "mlkd/facts.json").read_text())["scores"] == {
        "de": 70.5
    }
    assert "58.5" not in (folder / "README.md").read_text()


def test_the_card_tells_where_the_weights_began(tmp_path):
    made = make(tmp_path, TAGGING)
    state = load(made.path)
    state["cfg"]["task"]["encoder_path"] = "/home/me/stage1/checkpoint_last.pt"
    state["cfg"]["criterion"]["teacher_path"] = "/home/me/ner/teacher/best.pt"
    torch.save(state, made.path)
    card = (export(made, tmp_path / "out") / "README.md").read_text()
    assert "| began with | stage1/checkpoint_last.pt |" in card
    assert "| teacher of this training | teacher/best.pt |" in card
    assert "/home/me" not in card
    del state["cfg"]["task"]["encoder_path"]
    torch.save(state, made.path)
    (tmp_path / "source.json").write_text('{"hub": "a/b", "revision": "c0ffee"}')
    card = (export(made, tmp_path / "again") / "README.md").read_text()
    assert "| began with | a/b at c0ffee |" in card


def test_projections_and_an_unused_masked_lm_head_are_left_out(tmp_path):
    made = make(tmp_path, CLASSIFICATION)
    state = load(made.path)
    state["model"]["lm_head.bias"] = torch.zeros(3)
    state["criterion"] = {"projections.0.weight": torch.zeros(3)}
    torch.save(state, made.path)
    folder = export(made, tmp_path / "out")
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert all(name.startswith(("bert.", "classifier.")) for name in file.keys())  # noqa: SIM118


@pytest.mark.parametrize("fault", ["tokenizer", "data", "labels", "dictionary", "out"])
def test_what_does_not_belong_together_is_refused(tmp_path, fault):
    made = make(tmp_path, TAGGING)
    arguments = []
    if fault == "tokenizer":
        made = made._replace(tokenizer=tmp_path)
    elif fault == "data":
        arguments = ["--data", tmp_path / "none"]
    elif fault == "labels":
        path = made.data / "label" / "dict.txt"
        path.write_text(path.read_text().replace("B-PER", "B-ORG"))
    elif fault == "dictionary":
        path = made.tokenizer / "dict.txt"
        path.write_text("new 1\n" + path.read_text())
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").touch()
    with pytest.raises(SystemExit) as refusal:
        export(made, tmp_path / "out", *arguments)
    message = str(refusal.value)
    assert message.startswith("mlkd-export: error:") and "\n" not in message
    assert not (tmp_path / "out" / "config.json").exists()


def test_a_parser_exports_its_encoder(tmp_path):
    made = make(tmp_path, PARSING)
    folder = export(made, tmp_path / "out")
    batch = _batch(folder)
    with torch.no_grad():
        found = transformers.AutoModel.from_pretrained(folder).eval()(**batch)
        wanted, _ = made.model(batch["input_ids"])
    real = batch["attention_mask"].bool()
    assert torch.equal(found.last_hidden_state[real], wanted[real])


def test_a_trained_checkpoint_needs_no_flags(tmp_path):
    """What benchmark.py, fairseq-train and fairseq-validate leave is enough."""
    tokenizer = write_subwords(tmp_path / "tokenizer", "sentencepiece")
    data = write_data(tmp_path / "data", TAGGING, tokenizer, split="train")
    for path in [*data.rglob("train.*")]:
        for split in ("valid", "test"):
            copy = path.with_name(path.name.replace("train", split))
            copy.write_bytes(path.read_bytes())
    for path in tokenizer.iterdir():
        shutil.copy(path, data)
    task = ["--task", TAGGING, "--criterion", "task_cross_entropy"]
    shape = [*shape_flags(STUDENT), "--max-positions", 90]
    checkpoint = train(data, tmp_path / "save", *task, *shape, "--max-update", 2)
    run("validate", data, "--task", TAGGING, "--path", checkpoint, "--valid-subset",
        "test", "--batch-size", 4)  # fmt: skip
    main([str(checkpoint), str(tmp_path / "out"), "--onnx"])
    assert "| test | ja |" in (tmp_path / "out" / "README.md").read_text()
    told = json.loads((tmp_path / "out" / "mlkd/facts.json").read_text())
    assert set(told["scores"]) == set(SENTENCES)
    one, other = (Predictor(tmp_path / "out", engine=x) for x in ("onnx", "torch"))
    asked = [{"words": text.split()} for text in SENTENCES["ja"]]
    assert [x["tags"] for x in one(asked)] == [x["tags"] for x in other(asked)]


def test_a_folder_that_a_checkpoint_names_is_read_only_if_it_proves_right(tmp_path):
    made = make(tmp_path, TAGGING)
    state = load(made.path)
    del state["task_state"][LABELS_KEY]
    torch.save(state, made.path)
    with pytest.raises(SystemExit, match="by --data"):
        export(made, tmp_path / "out")
    export(made, tmp_path / "out", "--data", made.data)
