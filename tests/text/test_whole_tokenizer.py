"""Byte-level BPE, which tells the beginning of a text from what follows a space."""

import json

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers, trainers

from fairseq_mlkd.text.tokenizer import Tokenizer
from fairseq_mlkd.text.whole_tokenizer import WholeTokenizer

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TEXTS = [
    "the king is walking, slowly; isn't he?",
    " a  b   c ",
    "Ġunju \u3000x\ty\nz \x1cq",
    "日本語 यह \u00a0 é",
    "",
    " ",
]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "prefixed"])
def library(request) -> Library:
    tokenizer = Library(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=request.param)
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 9, trainer)
    return tokenizer


@pytest.fixture
def whole(library) -> WholeTokenizer:
    return WholeTokenizer(json.loads(library.to_str()), SPECIAL)


@pytest.mark.parametrize("text", TEXTS)
def test_word_by_word_is_what_the_text_gives(library, whole, text):
    tokenizer = Tokenizer(whole, "none")
    want = library.encode(text, add_special_tokens=False).tokens
    assert tokenizer.tokenize(text, "en") == want
    assert tokenizer.segment(tokenizer.normalise(text, "en")) == want


def test_words_of_a_list_follow_a_space(library, whole):
    pieces, owners = Tokenizer(whole, "none").tokenize_words(["the", "king", ""], "en")
    assert pieces == library.encode(" the king", add_special_tokens=False).tokens
    assert owners == sorted(owners) and set(owners) == {0, 1}


def test_what_looks_like_a_special_symbol_is_text(whole):
    pieces = Tokenizer(whole, "none").tokenize("the <mask> </s>", "en")
    assert "".join(pieces).endswith("theĠ<mask>Ġ</s>") and "<mask>" not in pieces


def test_a_model_that_draws_at_random_is_refused(library):
    content = json.loads(library.to_str())
    content["model"]["dropout"] = 0.1
    with pytest.raises(ValueError, match="draws at random"):
        WholeTokenizer(content, SPECIAL)
