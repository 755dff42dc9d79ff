"""Checkpoints in Python: a model and its task, or an exception that says what to do."""

import pytest
import torch
from fairseq import checkpoint_utils
from huggingface import run_import, save_encoder, write_wordpiece
from tiny import STUDENT, load, shape_flags, train, write_mlm_data, write_pairs

import fairseq_mlkd
from fairseq_mlkd.errors import UserError

HARD = ["--criterion", "task_cross_entropy"]
TRAINED = {
    "multilingual_mlm": lambda folder: write_mlm_data(folder),
    "zero_shot_classification": lambda folder: write_pairs(
        folder, {"train.en": 9, "valid.en": 5}
    ),
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    save_encoder(folder / "source", "BertModel", write_wordpiece(folder / "source"))
    run_import(folder / "source", folder / "out")
    return folder / "out"


@pytest.mark.parametrize("task", TRAINED)
def test_a_trained_model_is_loaded(tmp_path, task):
    data = TRAINED[task](tmp_path / "data")
    flags = ["--task", task, *HARD, *shape_flags(STUDENT), "--max-update", 1]
    path = train(data, tmp_path / "save", *flags)
    with pytest.raises(UserError, match=r"no dict.txt beside it: .*load\(path, data="):
        fairseq_mlkd.load(path)
    loaded = fairseq_mlkd.load(path, data=str(data))
    weights = load(path)["model"]
    assert all(torch.equal(weights[k], v) for k, v in loaded.model.state_dict().items())
    assert not loaded.model.training
    assert loaded.task.cfg._name == task
    assert len(loaded.task.source_dictionary) == len(weights[EMBEDDINGS])


EMBEDDINGS = "encoder.embeddings.tokens.weight"


@pytest.mark.parametrize("name", [".", "model.pt"])
def test_an_imported_encoder_is_loaded(imported, name):
    model, task = fairseq_mlkd.load(imported / name)
    tokens = torch.tensor(
        [[task.source_dictionary.bos(), task.source_dictionary.eos()]]
    )
    features, _ = model(tokens, features_only=True)
    assert features.shape == (1, 2, 24)


def test_a_file_is_read_once(imported, monkeypatch):
    files, read = [], torch.load
    monkeypatch.setattr(
        torch, "load", lambda path, **how: files.append(path) or read(path, **how)
    )
    fairseq_mlkd.load(imported)
    assert files == [str(imported / "model.pt")]


def test_fairseqs_own_way_ends_in_an_exception_or_in_a_model(imported, tmp_path):
    path = str(imported / "model.pt")
    with pytest.raises(UserError, match="the checkpoint's model has no masked-LM head"):
        checkpoint_utils.load_model_ensemble_and_task([path])
    source = tmp_path / "source"
    save_encoder(source, "BertForMaskedLM", write_wordpiece(source))
    run_import(source, tmp_path / "out")
    path = str(tmp_path / "out" / "model.pt")
    (model,), _, _ = checkpoint_utils.load_model_ensemble_and_task([path])
    assert model.lm_head is not None
    (tmp_path / "out" / "dict.txt").unlink()
    with pytest.raises(UserError, match="no folder of data is named"):
        checkpoint_utils.load_model_ensemble_and_task([path])
