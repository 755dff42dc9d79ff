from collections import Counter

import numpy as np
import pytest
from fairseq.data import Dictionary

from fairseq_mlkd.data.binary import encode_line
from fairseq_mlkd.prepare.corpus import sentence_encoder as encoding
from fairseq_mlkd.prepare.corpus.sentence_encoder import SentenceEncoder, SubwordCounter
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

SENTENCES = ["low lower", "", "x new </s> newer", "slow", "日 <pad> lowest new"]


@pytest.fixture
def tokenizer(tmp_path):
    path = str(tmp_path / "codes")
    learn_codes({"low": 5, "lower": 3, "newer": 2, "new": 9}, 6, path)
    return Tokenizer(BpeCodes(path), "none")


def build_dictionary(tokenizer, more=0) -> Dictionary:
    dictionary = Dictionary()
    for piece in tokenizer.segment("low lower new newest s"):
        dictionary.add_symbol(piece)
    for number in range(more):
        dictionary.add_symbol(f"more{number}")
    return dictionary


@pytest.mark.parametrize("more, dtype", [(0, np.uint16), (65500, np.uint32)])
@pytest.mark.parametrize("most_words", [2, 100])
def test_ids_are_those_of_single_lines(tokenizer, monkeypatch, more, dtype, most_words):
    monkeypatch.setattr(encoding, "_MOST_WORDS", most_words)
    dictionary = build_dictionary(tokenizer, more)
    encoder = SentenceEncoder(tokenizer, dictionary)
    expected = [encode_line(dictionary, tokenizer.segment(s)) for s in SENTENCES]
    for _ in range(2):
        ids, sizes = encoder.encode(SENTENCES)
        assert ids.dtype == dtype and sizes.dtype == np.int32
        assert ids.tolist() == sum(expected, [])
        assert sizes.tolist() == [len(line) for line in expected]
        assert len(encoder._words) <= most_words


def test_no_sentences_have_no_ids(tokenizer):
    ids, sizes = SentenceEncoder(tokenizer, Dictionary()).encode([])
    assert ids.shape == sizes.shape == (0,)


@pytest.mark.parametrize("most_words", [2, 100])
def test_counts_are_those_of_single_lines(tokenizer, monkeypatch, most_words):
    monkeypatch.setattr(encoding, "_MOST_WORDS", most_words)
    counter = SubwordCounter(tokenizer)
    for sentence in SENTENCES:
        counter.add([sentence, sentence])
        assert len(counter._uncut) <= most_words
    counter.finish()
    pieces = [piece for s in SENTENCES for piece in tokenizer.segment(s)]
    assert counter.symbols == Counter({p: 2 * n for p, n in Counter(pieces).items()})
    words = [word for s in SENTENCES for word in s.split()]
    whole = [word for word in words if len(tokenizer.segment(word)) == 1]
    assert (counter.words, counter.whole_words) == (2 * len(words), 2 * len(whole))
    assert 0 < len(whole) < len(words)
