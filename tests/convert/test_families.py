"""BERT's kin compute what `transformers` computes; the others are refused by name."""

import json

import pytest
import torch
from huggingface import (
    TEXTS,
    check_parity,
    run_import,
    save_encoder,
    transformers,
    write_source,
    write_wordpiece,
)
from safetensors.torch import save_model

from fairseq_mlkd.convert.importer import import_encoder

KIN = ("DistilBert", "Electra", "Camembert", "Roberta")


@pytest.mark.parametrize("json_alone", [False, True], ids=["files", "tokenizer.json"])
@pytest.mark.parametrize("family", KIN)
def test_kin_of_bert_compute_the_same(tmp_path, family, json_alone):
    source, kind = tmp_path / "source", f"{family}ForMaskedLM"
    write_source(source, kind)
    if json_alone:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        for name in ("vocab.txt", "vocab.json", "merges.txt"):
            (source / name).unlink(missing_ok=True)
        (source / "sentencepiece.bpe.model").unlink(missing_ok=True)
        tokenizer.save_pretrained(source)
    ours = run_import(source, tmp_path / "out")
    assert ours.model.lm_head is not None
    check_parity(source, ours, kind, TEXTS)


def test_a_discriminator_has_an_encoder(tmp_path):
    write_source(tmp_path / "source", "ElectraForPreTraining")
    ours = run_import(tmp_path / "source", tmp_path / "out")
    assert ours.model.lm_head is None


@pytest.mark.parametrize(
    "model_type, reason",
    [
        ("albert", "its layers share parameters"),
        ("mpnet", "its attention is to relative positions"),
        ("deberta-v2", "its attention is to relative positions"),
        ("modernbert", "its positions are rotary"),
        ("xlm-roberta-xl", "its layer norms come first"),
        ("gpt2", "bert, distilbert, electra, xlm-roberta, roberta, camembert are"),
    ],
)
def test_other_families_are_refused_by_name(tmp_path, model_type, reason):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    with pytest.raises(
        ValueError, match=f"model_type {model_type!r} is not .*{reason}"
    ):
        import_encoder(tmp_path, tmp_path / "out")


def test_narrow_embeddings_are_refused(tmp_path):
    size = write_wordpiece(tmp_path, tokenizer_class="ElectraTokenizer")
    save_encoder(tmp_path, "ElectraModel", size, embedding_size=12)
    with pytest.raises(ValueError, match="embedding_size is 12; only 24 is supported"):
        import_encoder(tmp_path, tmp_path / "out")


def test_one_segment_is_none(tmp_path):
    source = tmp_path / "source"
    save_encoder(source, "BertModel", write_wordpiece(source), type_vocab_size=1)
    ours = run_import(source, tmp_path / "out")
    assert ours.model.cfg.num_segments == 0
    check_parity(source, ours, "BertModel", TEXTS)


def test_tensors_that_share_their_memory(tmp_path):
    source = tmp_path / "source"
    size = write_wordpiece(source)
    save_encoder(source, "BertForMaskedLM", size)
    want = run_import(source, tmp_path / "want").model.state_dict()
    model = transformers.BertForMaskedLM.from_pretrained(source)
    layers = model.bert.encoder.layer
    layers[1].output.dense.weight = layers[0].output.dense.weight
    save_model(model, str(source / "model.safetensors"))
    found = run_import(source, tmp_path / "out").model.state_dict()
    want["encoder.layers.1.fc2.weight"] = want["encoder.layers.0.fc2.weight"]
    assert all(torch.equal(found[name], want[name]) for name in want)


def test_an_untied_head_is_left_out_and_named(tmp_path):
    source = tmp_path / "source"
    size = write_wordpiece(source)
    save_encoder(source, "BertForMaskedLM", size, tie_word_embeddings=False)
    lines = import_encoder(source, tmp_path / "out")
    assert any(line.startswith("left out: the masked-LM head: ") for line in lines)


def test_swapped_arguments_are_named(tmp_path):
    source = tmp_path / "source"
    save_encoder(source, "BertModel", write_wordpiece(source))
    with pytest.raises(ValueError, match="the order is mlkd-import SOURCE OUT"):
        import_encoder(tmp_path / "new", source)
    with pytest.raises(ValueError) as error:
        import_encoder(source, source)
    assert "remove" not in str(error.value) and "delete" not in str(error.value)


def test_a_folder_that_a_user_made_is_kept(tmp_path):
    source, partial = tmp_path / "source", tmp_path / "out.partial"
    save_encoder(source, "BertModel", write_wordpiece(source))
    partial.mkdir()
    (partial / "mine.txt").write_text("kept")
    import_encoder(source, tmp_path / "out")
    assert (partial / "mine.txt").read_text() == "kept"
