"""tokenizer.json cuts real text as training did."""

import pytest
from exported import KINDS, SENTENCES, write_subwords
from huggingface import TEXTS, save_encoder, write_byte_level
from real_text import read_text

from fairseq_mlkd.convert.importer import import_encoder
from fairseq_mlkd.convert.tokenizer_json import build_tokenizer, check_same_ids
from fairseq_mlkd.text.dictionary import read_dictionary, with_mask
from fairseq_mlkd.text.tokenizer import Tokenizer
from fairseq_mlkd.text.wordpiece import WordPiece, read_vocabulary

LANGS = ["de", "en", "es", "fr", "hi", "it", "ja", "pt"]


def open_tokenizer(folder):
    names, _ = read_dictionary(str(folder / "dict.txt"))
    return Tokenizer.load(str(folder)), with_mask(names)


@pytest.mark.parametrize("normalisation", ["spoken", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_ids_of_training(tmp_path, kind, normalisation):
    ours, symbols = open_tokenizer(write_subwords(tmp_path / "t", kind, normalisation))
    exported = build_tokenizer(ours, symbols)
    texts = [text for of in SENTENCES.values() for text in of]
    texts += ["a\u00a0b\u2003c", "d\te", "zzz ☃ z☃z", "<s>", "x" * 120]
    if normalisation == "spoken":
        texts = [ours.normalise(text, "en") for text in texts]
    check_same_ids(exported, ours, symbols, texts)


def test_another_cut_is_found(tmp_path):
    ours, symbols = open_tokenizer(write_subwords(tmp_path / "t", "codes"))
    exported = build_tokenizer(ours, symbols)
    others = [*symbols[:4], *reversed(symbols[4:])]
    with pytest.raises(ValueError, match="in another way"):
        check_same_ids(exported, ours, others, ["king"])


def test_codes_that_other_libraries_take_otherwise_are_refused(tmp_path):
    folder = write_subwords(tmp_path / "t", "codes")
    path = folder / "codes"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["#version: 0.1", *lines[1:]]) + "\n")
    with pytest.raises(ValueError, match="another way"):
        build_tokenizer(*open_tokenizer(folder))


@pytest.mark.parametrize("lines", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_real_sentencepieces(mlkd_data, tmp_path, lines):
    import_encoder(mlkd_data / "models" / "me5s_pruned", tmp_path / "out")
    ours, symbols = open_tokenizer(tmp_path / "out")
    exported = build_tokenizer(ours, symbols)
    for lang in LANGS:
        check_same_ids(exported, ours, symbols, read_text(mlkd_data, lang, lines))


@pytest.mark.parametrize("lines", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_real_wordpieces(mlkd_data, lines):
    path = mlkd_data / "models" / "mbert_vocab" / "vocab.txt"
    vocabulary = read_vocabulary(str(path))
    ours = Tokenizer(WordPiece(vocabulary, lowercase=False), "none")
    special = {"[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"}
    pieces = [piece for piece in vocabulary if piece not in special]
    symbols = ["<s>", "<pad>", "</s>", "<unk>", *pieces, "<mask>"]
    exported = build_tokenizer(ours, symbols)
    for lang in LANGS:
        check_same_ids(exported, ours, symbols, read_text(mlkd_data, lang, lines))


def test_a_tokenizer_of_another_kind_is_kept_whole(tmp_path):
    source = tmp_path / "source"
    size = write_byte_level(source)
    save_encoder(source, "RobertaModel", size)
    import_encoder(source, tmp_path / "out")
    ours, symbols = open_tokenizer(tmp_path / "out")
    assert ours.subwords.kind == "tokenizers"
    exported = build_tokenizer(ours, symbols)
    check_same_ids(exported, ours, symbols, TEXTS)
