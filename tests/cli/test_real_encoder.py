"""The real encoder and the public vocabularies, on real sentences of 8 languages."""

import pytest
from huggingface import check_parity, run_import, transformers
from real_text import read_text

from fairseq_mlkd.text.tokenizer import Tokenizer
from fairseq_mlkd.text.wordpiece import WordPiece, read_vocabulary

LANGS = ["de", "en", "es", "fr", "hi", "it", "ja", "pt"]


@pytest.mark.slow
def test_the_real_encoder(mlkd_data, tmp_path):
    source = mlkd_data / "models" / "me5s_pruned"
    ours = run_import(source, tmp_path / "out")
    assert ours.model.lm_head is None and len(ours.dictionary) == 40005
    theirs = transformers.AutoTokenizer.from_pretrained(source)
    for lang in LANGS:
        texts = read_text(mlkd_data, lang, 10_000)
        assert [ours.encode(text) for text in texts] == theirs(texts)["input_ids"]
        check_parity(source, ours, "BertModel", [text[:100] for text in texts[:300:60]])


@pytest.mark.parametrize(
    "lowercase, lines",
    [(False, 300), (True, 300), pytest.param(False, 10_000, marks=pytest.mark.slow)],
)
def test_the_vocabulary_of_public_mbert(mlkd_data, tmp_path, lowercase, lines):
    path = mlkd_data / "models" / "mbert_vocab" / "vocab.txt"
    vocabulary = read_vocabulary(str(path))
    ours = Tokenizer(WordPiece(vocabulary, lowercase=lowercase), "none")
    (tmp_path / "vocab.txt").write_bytes(path.read_bytes())
    theirs = transformers.BertTokenizerFast.from_pretrained(
        tmp_path, do_lower_case=lowercase
    )
    ids = {piece: i for i, piece in enumerate(vocabulary)}
    ids["<unk>"] = ids["[UNK]"]
    for lang in LANGS:
        texts = read_text(mlkd_data, lang, lines)
        found = [[ids[piece] for piece in ours.tokenize(t, lang)] for t in texts]
        assert found == theirs(texts, add_special_tokens=False)["input_ids"]
