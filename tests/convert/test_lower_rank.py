"""Token embeddings of a rank: every engine computes with them, and nothing is lost."""

import numpy as np
import pytest
import torch
from exported import MLM, PARSING, TAGGING, export, make
from huggingface import transformers
from tiny import load
from torch.testing import assert_close

from fairseq_mlkd import Predictor
from fairseq_mlkd.cli.trim import main as trim
from fairseq_mlkd.convert import gate
from fairseq_mlkd.convert.importer import import_encoder
from fairseq_mlkd.convert.trained import TOKENS, UP, read_trained
from fairseq_mlkd.serve.inputs import pad

RANK = 5


@pytest.mark.parametrize("task", [MLM, TAGGING])
def test_engines_and_transformers_compute_with_factors(tmp_path, task):
    made = make(tmp_path, task, model_embedding_rank=RANK, model_max_positions=90)
    folder = export(made, tmp_path / "out", "--onnx", "--int8", "--force")
    trained = read_trained(made.path, data=made.data, tokenizer=made.tokenizer)
    assert trained.weights[TOKENS].shape[1] == RANK
    texts = gate.calibration_texts(gate.read_dev_sets(trained, 3), 3)
    batch = pad([t.rows[0] for t in texts], [t.first[0] for t in texts])
    real = batch["attention_mask"].astype(bool)
    ids = torch.from_numpy(batch["input_ids"])
    auto = getattr(
        transformers,
        f"AutoModelFor{'MaskedLM' if task == MLM else 'TokenClassification'}",
    )
    with torch.no_grad():
        features, _ = made.model(ids, features_only=True)
        wanted = (
            made.model(ids)[0]
            if task == MLM
            else made.model.classification_heads["tagging_head"](features)
        ).numpy()
        theirs = auto.from_pretrained(folder).eval()(
            input_ids=ids, attention_mask=torch.from_numpy(batch["attention_mask"])
        )
    theirs = theirs.logits.numpy()[..., : wanted.shape[-1]]
    np.testing.assert_allclose(theirs[real], wanted[real], rtol=0, atol=1e-4)
    for engine, off in (("torch", 1e-5), ("onnx", 1e-4), ("int8", None)):
        (found,) = Predictor(folder, engine=engine)._engine.run(batch).values()
        error = np.abs(found[real] - wanted[real]).max()
        assert error < (off or 0.2 * np.abs(wanted[real]).max()), engine
    assert f"of rank {RANK}" in (folder / "README.md").read_text()
    import_encoder(folder, tmp_path / "back")
    before, after = load(made.path), load(tmp_path / "back" / "model.pt")
    assert before["model"].keys() == after["model"].keys()
    assert all(torch.equal(x, after["model"][k]) for k, x in before["model"].items())
    assert after["cfg"]["model"]["embedding_rank"] == RANK


def test_a_parser_parses_the_same_with_factors(tmp_path):
    made = make(tmp_path, PARSING, model_embedding_rank=RANK, long_inputs="truncate")
    folder = export(made, tmp_path / "out", "--onnx")
    asked = {"words": ["wake", "me", "at", "seven"]}
    one, other = (Predictor(folder, engine=x)(asked) for x in ("onnx", "torch"))
    assert one["parse"] == other["parse"]


@pytest.mark.parametrize("task", [MLM, TAGGING])
def test_the_command_factorises_and_says_what_is_lost(tmp_path, capsys, task):
    made = make(tmp_path, task, model_max_positions=90)
    given = ["--tokenizer", str(made.tokenizer), "--data", str(made.data)]
    trim([str(made.path), str(tmp_path / "out"), "--embedding-rank", "12", *given])
    out = capsys.readouterr().out
    assert "train the model further" in out and "ja: agreement" in out
    before, after = (load(x)["model"] for x in (made.path, tmp_path / "out/model.pt"))
    table = before[TOKENS]
    lost = torch.linalg.svdvals(table)[12:].square().sum().sqrt()
    assert_close((after[TOKENS] @ after[UP].T - table).norm(), lost)
    same = before.keys() - {TOKENS}
    assert all(torch.equal(before[name], after[name]) for name in same)
    with pytest.raises(SystemExit, match="these are of rank 12"):
        path = str(tmp_path / "out" / "model.pt")
        trim([path, str(tmp_path / "no"), "--embedding-rank", "4", *given])
    assert not (tmp_path / "no").exists()
