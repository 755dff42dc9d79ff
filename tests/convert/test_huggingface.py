"""What cannot be imported is refused with one line, and nothing is written or run."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface import save_encoder, write_sentencepiece, write_wordpiece
from safetensors.torch import load_file, save_file
from traps import Malicious

from fairseq_mlkd.cli.import_encoder import main


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "source"
    save_encoder(folder, "BertForMaskedLM", write_wordpiece(folder))
    return folder


def refuse(source: Path) -> str:
    """Run the command, which must fail and leave nothing; return its message."""
    out = source.with_name("out")
    with pytest.raises(SystemExit) as error:
        main([str(source), str(out)])
    assert sorted(path.name for path in source.parent.iterdir()) == ["source"]
    message = str(error.value)
    assert message.startswith(f"mlkd-import: error: {source}") and "\n" not in message
    return message


def edit_json(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text())
    content.update(changes)
    content = {key: value for key, value in content.items() if value != "absent"}
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model_type": "gpt2"}, "config.json: model_type 'gpt2' is not supported"),
        ({"model_type": "absent"}, "model_type None is not supported"),
        ({"hidden_act": "gelu_new"}, "hidden_act is 'gelu_new'; only 'gelu'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"add_cross_attention": True}, "add_cross_attention is True"),
        ({"embedding_size": 12}, "embedding_size is 12; only 24 is supported"),
        ({"num_attention_heads": 5}, "num_attention_heads does not divide hidden_size"),
        ({"num_attention_heads": "2"}, "num_attention_heads is '2'; a whole number"),
        ({"num_hidden_layers": "absent"}, "num_hidden_layers is None"),
        ({"num_hidden_layers": 2}, "num_hidden_layers is 2, but the weights have 3 "),
        ({"num_hidden_layers": 4}, "num_hidden_layers is 4, but the weights have 3"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000, but the"),
        ({"hidden_size": 2**40}, "hidden_size is 1099511627776, but the weights"),
        ({"hidden_size": 26}, "hidden_size is 26, but the weights have 24"),
        ({"intermediate_size": 30}, "intermediate_size is 30, but the weights have 20"),
        ({"max_position_embeddings": 512}, "max_position_embeddings is 512, but the"),
        ({"type_vocab_size": 3}, "type_vocab_size is 3, but the weights have 2"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps is 'small'"),
    ],
)
def test_configurations_that_do_not_fit(source, changes, message):
    edit_json(source / "config.json", **changes)
    assert re.search(message, refuse(source))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"null"])
@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "tokenizer.json"]
)
def test_json_that_is_none(source, name, content):
    (source / name).write_bytes(content)
    message = refuse(source)
    assert re.search(f"{name}: (cannot be read|not JSON|holds no)", message)


@pytest.mark.parametrize("deep", [True, False])
def test_a_tokenizer_json_of_another_kind(source, deep):
    model = {"type": "BPE", "vocab": {}} if deep else "WordPiece"
    content = {"model": model, "added_tokens": [], "normalizer": None}
    (source / "tokenizer.json").write_text(json.dumps(content))
    message = refuse(source)
    assert "tokenizer.json: not a tokenizer" in message


@pytest.mark.parametrize(
    "name", ["config.json", "vocab.txt", "model.safetensors", "everything"]
)
def test_missing_files(source, name):
    for path in list(source.iterdir()):
        if name in (path.name, "everything"):
            path.unlink()
    expected = {
        "config.json": "neither config.json, of a Hugging Face model, nor model.pt",
        "everything": "neither config.json, of a Hugging Face model, nor model.pt",
        "vocab.txt": "no tokenizer.json, vocab.txt, sentencepiece.bpe.model or",
        "model.safetensors": "no model.safetensors or pytorch_model.bin",
    }
    assert expected[name] in refuse(source)


def test_vocabularies_that_do_not_fit(source):
    whole = (source / "vocab.txt").read_text(encoding="utf-8")
    for text, message in (
        (whole + "extra\n", "token embeddings, and the tokenizer's symbols need"),
        (whole.replace("[MASK]", "[mask]"), r"the vocabulary lacks \[MASK\]"),
        (whole.replace("unused1", "unused1]\n<mask>\n[x"), "holds <mask> as an ordin"),
    ):
        (source / "vocab.txt").write_text(text, encoding="utf-8")
        assert re.search(message, refuse(source))


def test_pieces_of_sentencepiece_under_an_unknown_tokenizer(tmp_path):
    source = tmp_path / "source"
    save_encoder(source, "BertModel", write_sentencepiece(source))
    edit_json(source / "tokenizer_config.json", tokenizer_class="AlbertTokenizer")
    message = "model: goes with the tokenizer AlbertTokenizer; only those of XLM-R"
    assert message in refuse(source)


# --- weights


def test_truncated_and_foreign_weights(source):
    path = source / "model.safetensors"
    whole = path.read_bytes()
    contents = [b"", b"no weights", whole[:7], whole[:200], whole[: len(whole) // 2]]
    for content in [*contents, whole[:-1]]:
        path.write_bytes(content)
        message = refuse(source)
        assert "model.safetensors: cannot be read as weights" in message
        assert message.endswith("; fetch the file again")


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_pointer_of_git_lfs(source, name):
    (source / "model.safetensors").unlink()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    (source / name).write_text(pointer)
    assert f"{name}: names weights and holds none: fetch them by git" in refuse(source)


def test_a_parameter_too_few_and_one_too_many(source):
    path = source / "model.safetensors"
    whole = load_file(str(path))
    name = "bert.encoder.layer.1.output.dense.bias"
    save_file({k: v for k, v in whole.items() if k != name}, str(path))
    assert "lacks the parameter encoder.layers.1.fc2.bias" in refuse(source)
    save_file({**whole, name.replace("dense", "adapter"): torch.ones(2)}, str(path))
    assert "layer.1.output.adapter.bias, which this package cannot" in refuse(source)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_runs_nothing(source, tmp_path_factory, zipped):
    (source / "model.safetensors").unlink()
    trap = tmp_path_factory.mktemp("trap") / "executed"
    path = source / "pytorch_model.bin"
    state = {"x": Malicious(trap)}
    torch.save(state, str(path), _use_new_zipfile_serialization=zipped)
    assert "pytorch_model.bin: not a checkpoint: it holds more than" in refuse(source)
    assert not trap.exists()
    pickle.loads(pickle.dumps(state))  # the trap works
    assert trap.exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"a": {"b": torch.ones(1)}}])
def test_pickles_of_something_else(source, content):
    (source / "model.safetensors").unlink()
    torch.save(content, str(source / "pytorch_model.bin"))
    assert re.search("model.bin: (holds no tensors|.* it holds a list)", refuse(source))


@pytest.mark.parametrize(
    "weight_map, message",
    [
        ({"a": "../model.safetensors"}, "does not name files of this folder"),
        ({"a": 1}, "does not name files of this folder"),
        ([], "does not name files of this folder"),
        ({"a": "missing.safetensors"}, "missing.safetensors: cannot be read as"),
        ({"a": "part.safetensors"}, "index.json: a is in none of its files"),
    ],
)
def test_an_index_that_does_not_fit(source, weight_map, message):
    (source / "model.safetensors").rename(source / "part.safetensors")
    index = source / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert message in refuse(source)


# --- the output folder


def test_an_output_folder_is_never_overwritten(source, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    with pytest.raises(SystemExit, match="out exists already"):
        main([str(source), str(out)])
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").unlink()
    main([str(source), str(out)])
    assert (out / "model.pt").is_file()


def test_a_failure_while_writing_leaves_nothing(source, tmp_path, monkeypatch):
    def fail(*arguments: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fail)
    assert "no space left" in str(refuse_any(source, tmp_path / "out"))
    assert not list(tmp_path.glob("out*"))


def refuse_any(source: Path, out: Path) -> SystemExit:
    with pytest.raises(SystemExit) as error:
        main([str(source), str(out)])
    return error.value
