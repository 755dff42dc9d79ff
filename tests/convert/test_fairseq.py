"""Imported RoBERTas compute what fairseq computes."""

import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from fairseq import models
from fairseq.data import Dictionary
from fairseq.models.roberta import RobertaModel
from huggingface import TEXTS, close, run_import, transformers, write_sentencepiece

from fairseq_mlkd.convert.importer import import_encoder
from fairseq_mlkd.modules.states import Request


def save_roberta(folder: Path, **options: object) -> models.BaseFairseqModel:
    """Save a random RoBERTa of stock fairseq with XLM-R's files beside it."""
    size = write_sentencepiece(folder)
    write_dictionary(folder)
    dictionary = Dictionary.load(str(folder / "dict.txt"))
    mask = dictionary.add_symbol("<mask>")
    assert mask == size - 1
    shape = {
        "encoder_layers": 2,
        "encoder_embed_dim": 12,
        "encoder_ffn_embed_dim": 20,
        "encoder_attention_heads": 3,
    }
    args = Namespace(arch="roberta_base", max_positions=128, tokens_per_sample=128)
    vars(args).update(shape, **options)
    model = RobertaModel.build_model(
        args, type("T", (), {"source_dictionary": dictionary})
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    state = {
        "args": args,
        "model": model.state_dict(),
        "optimizer_history": [{"num_updates": 0, "lr_scheduler_state": {}}],
        "extra_state": {"epoch": 1, "train_iterator": {"epoch": 1}},
    }
    torch.save(state, str(folder / "model.pt"))
    return model.eval()


def write_dictionary(folder: Path) -> None:
    """Return the pieces in their order, as fairseq's XLM-R has them."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    symbols = tokenizer.convert_ids_to_tokens(range(4, len(tokenizer) - 1))
    lines = [f"{symbol} 1\n" for symbol in symbols]
    (folder / "dict.txt").write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("by_file", [False, True])
def test_a_roberta_of_fairseq_computes_the_same(tmp_path, by_file):
    source = tmp_path / "source"
    theirs = save_roberta(source)
    path = source / "model.pt" if by_file else source
    ours = run_import(path, tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    rows = [ours.encode(text) for text in TEXTS if len(ours.encode(text)) <= 128]
    assert rows == [
        tokenizer(t)["input_ids"] for t in TEXTS if len(ours.encode(t)) <= 128
    ]
    src_tokens = torch.full((len(rows), max(map(len, rows))), ours.dictionary.pad())
    for i, row in enumerate(rows):
        src_tokens[i, : len(row)] = torch.tensor(row)
    real = src_tokens.ne(ours.dictionary.pad())
    with torch.no_grad():
        want, extra = theirs(src_tokens, return_all_hiddens=True)
        logits, found = ours.model(src_tokens, request=Request(range(3)))
    for i, states in enumerate(extra["inner_states"]):
        close(found["hidden_states"][i][real], states.transpose(0, 1)[real])
    close(logits[real], want[real])


def test_a_roberta_without_dictionary_or_tokenizer_is_refused(tmp_path):
    for name in ("dict.txt", "sentencepiece.bpe.model"):
        source = tmp_path / "source"
        save_roberta(source)
        (source / name).unlink()
        with pytest.raises(ValueError, match=name):
            import_encoder(source, tmp_path / "out")
        shutil.rmtree(source)


@pytest.mark.parametrize(
    "options", [{"activation_fn": "relu"}, {"encoder_normalize_before": True}]
)
def test_a_roberta_of_another_kind_is_refused(tmp_path, options):
    save_roberta(tmp_path / "source", **options)
    (key,) = options
    with pytest.raises(ValueError, match=f"model.pt: {key} is "):
        import_encoder(tmp_path / "source", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_of_ours_is_named_as_such(tmp_path):
    save_roberta(tmp_path / "source")
    import_encoder(tmp_path / "source", tmp_path / "out")
    with pytest.raises(ValueError, match="model.pt: a model of ours already"):
        import_encoder(tmp_path / "out", tmp_path / "again")


def test_sizes_are_named_as_fairseq_names_them(tmp_path):
    save_roberta(tmp_path)
    state = torch.load(str(tmp_path / "model.pt"), weights_only=True)
    state["args"].encoder_layers = 10**9
    torch.save(state, str(tmp_path / "model.pt"))
    with pytest.raises(ValueError, match="encoder_layers is 1000000000, but the"):
        import_encoder(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_weights_alone_are_sent_to_their_folder(tmp_path, name):
    torch.save({"a": torch.ones(2)}, str(tmp_path / name))
    with pytest.raises(ValueError, match=f"{name}: .*name the folder"):
        import_encoder(tmp_path / name, tmp_path / "out")
