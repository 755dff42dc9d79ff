"""Subwords are learnt from the most frequent words, in memory that has a bound."""

from collections import Counter
from unittest import mock

import numpy as np
import pytest

from fairseq_mlkd.prepare.corpus import learn
from fairseq_mlkd.text.subwords import learn_codes

FREQUENT = 50


class Sentences:
    """A chunk whose sentences are given."""

    def __init__(self, sentences):
        self.sentences = sentences

    def train(self, size, use):
        return self.sentences[:size]


@pytest.fixture
def texts(seed):
    """Six texts: frequent words that all of them have, and as many rare ones each."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdefgh"), 5)) for _ in range(FREQUENT)]
    texts = []
    for i in range(6):
        lines = [" ".join(rng.permutation(words)) for _ in range(20)]
        texts.append([*lines, " ".join(f"{word}x{i}" for word in words)])
    return texts


def learn_from(texts, folder, n):
    counted = []
    for i, sentences in enumerate(texts):
        counted.append(str(folder / f"counted{i}"))
        (folder / f"counted{i}").mkdir()
        learn.count_words(counted[-1], Sentences(sentences), len(sentences))
    (folder / "learnt").mkdir()
    learn.learn_subwords(str(folder / "learnt"), counted, "bpe", n)
    return (folder / "learnt" / "codes").read_bytes()


def test_rare_words_are_left_out_once_the_table_is_full(texts, tmp_path):
    words = Counter(word for text in texts for line in text for word in line.split())
    frequent = dict(words.most_common(FREQUENT))
    for name, counts in [("frequent", frequent), ("all", words)]:
        learn_codes(counts, 400, str(tmp_path / name))
    expected = (tmp_path / "frequent").read_bytes()
    with mock.patch.object(learn, "MAX_WORDS", FREQUENT):
        assert learn_from(texts, tmp_path, 400) == expected
    assert expected != (tmp_path / "all").read_bytes()
