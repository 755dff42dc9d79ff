import io
import lzma
import random
from collections import Counter

import pytest
from subword_nmt import learn_bpe

from fairseq_mlkd.text import bpe_learner
from fairseq_mlkd.text.bpe_learner import learn_merges
from fairseq_mlkd.text.spoken import to_spoken
from fairseq_mlkd.text.subwords import learn_codes

ALPHABETS = ["a", "ab", "abc", "abcdefgh", "aé\u0301\U0001f600\uffff日क्", "\\.*|^$<w/"]


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setattr(learn_bpe, "tqdm", lambda numbers: numbers)


def reference(word_counts: dict[str, int], n: int) -> str:
    lines = [f"{word} {count}" for word, count in word_counts.items()]
    codes = io.StringIO()
    learn_bpe.learn_bpe(lines, codes, n, is_dict=True)
    return codes.getvalue()


def ours(word_counts: dict[str, int], n: int) -> str:
    merges = "".join(f"{a} {b}\n" for a, b in learn_merges(word_counts, n))
    return "#version: 0.2\n" + merges


def random_counts(seed: int) -> dict[str, int]:
    """Words over few letters, so that symbols repeat and are spelled in many ways."""
    rng = random.Random(seed)
    letters, longest = rng.choice(ALPHABETS), rng.choice([3, 8, 20])
    words = {"ab", "b"}
    for _ in range(rng.choice([3, 30, 120])):
        words.add("".join(rng.choices(letters, k=rng.randint(1, longest))))
    return {word: rng.choice([1, 2, 3, 10, rng.randint(1, 999)]) for word in words}


def different(seeds: range, n: int = 150) -> int:
    """Return the number of random vocabularies whose merges are not subword-nmt's."""
    cases = map(random_counts, seeds)
    return sum(ours(counts, n) != reference(counts, n) for counts in cases)


@pytest.mark.parametrize("few", [0, 4, 1000])
def test_merges_are_those_of_subword_nmt(monkeypatch, few):
    monkeypatch.setattr(bpe_learner, "_FEW", few)
    assert different(range(few, few + 80)) == 0


def test_other_ties_would_give_other_merges(monkeypatch):
    monkeypatch.setattr(bpe_learner, "_invert", str.encode)
    assert different(range(20)) > 0


@pytest.mark.parametrize(
    "odd", ["a\u00a0b", "x\u2028", "</w>", "a</w>b", "\0a", "\x1cb"]
)
def test_codes_of_odd_words_are_those_of_subword_nmt(tmp_path, odd):
    counts = {"ab": 5, odd: 9, odd + "ab": 3, "aba": 4}
    path = tmp_path / "codes"
    learn_codes(counts, 20, str(path))
    assert path.read_bytes().decode() == reference(counts, 20)


@pytest.mark.slow
def test_codes_of_real_text_are_those_of_subword_nmt(mlkd_data, tmp_path):
    counts: Counter = Counter()
    for lang in ("en", "de", "ja", "hi"):
        for path in sorted((mlkd_data / "text" / lang).glob("*.xz"))[:3]:
            with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
                for line, _ in zip(file, range(100)):
                    counts.update(to_spoken(line, lang).split())
    learn_codes(counts, 2000, str(tmp_path / "codes"))
    expected = reference(counts, 2000)
    assert expected.count("\n") == 2001
    assert (tmp_path / "codes").read_bytes().decode() == expected
