"""Imported encoders compute what `transformers` computes."""

import json
from pathlib import Path

import pytest
import torch
from huggingface import (
    SHAPES,
    TEXTS,
    check_parity,
    close,
    load_ours,
    run_import,
    save_encoder,
    transformers,
    write_sentencepiece,
    write_wordpiece,
)
from safetensors.torch import load_file, save_file

from fairseq_mlkd.cli.import_encoder import main
from fairseq_mlkd.convert.importer import import_encoder

# the name of a model's class there, and what its tokenizer is
KINDS = {
    "BertForMaskedLM": write_wordpiece,
    "BertModel": write_sentencepiece,
    "XLMRobertaForMaskedLM": write_sentencepiece,
    "XLMRobertaModel": write_sentencepiece,
}


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
@pytest.mark.parametrize("shape", SHAPES, ids=["wide", "narrow"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_import_computes_the_same(tmp_path, kind, shape, half):
    source = tmp_path / "source"
    save_encoder(source, kind, KINDS[kind](source), half=half, **shape)
    ours = run_import(source, tmp_path / "out")
    assert (ours.model.lm_head is None) == (not kind.endswith("MaskedLM"))
    assert ours.model.max_positions() == (128 if kind.startswith("XLM") else 130)
    check_parity(source, ours, kind, TEXTS)


@pytest.mark.parametrize("options", [{"do_lower_case": True}, {"strip_accents": True}])
def test_uncased_and_unaccented_vocabularies(tmp_path, options):
    source = tmp_path / "source"
    save_encoder(source, "BertModel", write_wordpiece(source, **options))
    check_parity(source, run_import(source, tmp_path / "out"), "BertModel", TEXTS)


def test_segments_are_those_of_the_pair(tmp_path):
    source = tmp_path / "source"
    save_encoder(source, "BertModel", write_wordpiece(source))
    ours = run_import(source, tmp_path / "out")
    theirs = transformers.BertModel.from_pretrained(source).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    batch = tokenizer("the a", "b c", return_tensors="pt")
    ids = [*ours.encode("the a"), *ours.encode("b c")[1:]]
    with torch.no_grad():
        states, _ = ours.model(
            torch.tensor([ids]), segments=batch["token_type_ids"], features_only=True
        )
        close(states, theirs(**batch).last_hidden_state)


@pytest.mark.parametrize("kind", ["BertForMaskedLM", "XLMRobertaForMaskedLM"])
def test_a_folder_with_tokenizer_json_alone(tmp_path, kind):
    source = tmp_path / "source"
    save_encoder(source, kind, KINDS[kind](source))
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(source)
    for name in ("vocab.txt", "sentencepiece.bpe.model"):
        if (source / name).exists():
            (source / name).unlink()
    assert (source / "tokenizer.json").exists()
    check_parity(source, run_import(source, tmp_path / "out"), kind, TEXTS)


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_every_kind_of_weight_file(tmp_path, name, shards):
    source = tmp_path / "source"
    save_encoder(source, "BertForMaskedLM", write_wordpiece(source))
    want = run_import(source, tmp_path / "want").model.state_dict()
    rewrite_weights(source, name, shards)
    found = run_import(source, tmp_path / "out").model.state_dict()
    assert found.keys() == want.keys()
    assert all(torch.equal(found[key], want[key]) for key in want)


def rewrite_weights(folder: Path, name: str, shards: bool) -> None:
    """Write the same weights to another file, or to two of them with an index."""
    tensors = load_file(str(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    save = save_file if name.endswith(".safetensors") else torch.save
    if not shards:
        save(tensors, str(folder / name))
        return
    weight_map = {key: f"{i % 2}-{name}" for i, key in enumerate(tensors)}
    for file in set(weight_map.values()):
        part = {k: t for k, t in tensors.items() if weight_map[k] == file}
        save(part, str(folder / file))
    index = json.dumps({"weight_map": weight_map})
    (folder / f"{name}.index.json").write_text(index)


def test_embeddings_that_no_symbol_has_are_cut_and_counted(tmp_path):
    source = tmp_path / "source"
    size = write_sentencepiece(source)
    save_encoder(source, "BertModel", size + 35)
    lines = import_encoder(source, tmp_path / "out")
    ours = load_ours(tmp_path / "out")
    assert len(ours.dictionary) == size
    assert "left out: 35 embeddings that no symbol belongs to" in lines
    assert any("pooler.dense.weight" in line for line in lines)
    check_parity(source, ours, "BertModel", TEXTS)


def test_the_command_says_what_it_did(tmp_path, capsys):
    source = tmp_path / "source"
    save_encoder(source, "BertForMaskedLM", write_wordpiece(source))
    main([str(source), str(tmp_path / "new" / "out")])
    assert capsys.readouterr().out.startswith(
        "encoder: 3 layers x 24, 2 heads, 130 positions, a masked-LM head\nvocabulary: "
    )
    names = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert names == {"model.pt", "dict.txt", "subwords.json", "vocab.txt"}
