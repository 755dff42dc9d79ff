"""Many requests leave memory flat, whatever words and lengths they have."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from exported import CLASSIFICATION, PARSING, TAGGING, export, make

from fairseq_mlkd import Predictor
from fairseq_mlkd.text.wordpiece import WordPiece

_PAGE = 4096


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def texts(number: int) -> Iterator[str]:
    """Yield texts of 1 to 25 words of a few thousand, the same each time."""
    chance = random.Random(1)
    for _ in range(number):
        length = chance.randint(1, 25)
        yield " ".join(f"w{chance.randrange(3000)}" for _ in range(length))


@pytest.mark.parametrize(
    "task, requests",
    [
        (TAGGING, 1000),
        pytest.param(TAGGING, 100_000, marks=pytest.mark.slow),
        pytest.param(CLASSIFICATION, 20_000, marks=pytest.mark.slow),
        pytest.param(PARSING, 1000, marks=pytest.mark.slow),
    ],
)
def test_requests_leave_memory_flat(tmp_path, task, requests):
    made = make(tmp_path, task, "wordpiece", model_max_positions=90,
                long_inputs="truncate")  # fmt: skip
    predictor = Predictor(export(made, tmp_path / "out", "--onnx"), beam=2)

    def growth(number):
        before = resident()
        for i, text in enumerate(texts(number)):
            predictor([text] * 8 if i % 50 == 0 else text)
        return resident() - before

    growth(min(requests, 20_000))  # the same texts: buffers reach their sizes
    # what leaks grows each time; an allocator that takes a few pages more, not
    assert any(growth(requests) < 3 << 20 for _ in range(3))


def test_long_words_are_not_kept():
    subwords = WordPiece(["[UNK]", "a", "##a"], lowercase=False)
    for i in range(100):
        subwords.pieces("a" * (i + 1))
    assert subwords._cached_pieces.cache_info().currsize == 64
