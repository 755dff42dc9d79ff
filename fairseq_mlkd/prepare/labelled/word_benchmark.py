"""What benchmarks of annotated words have in common."""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fairseq.data import Dictionary

from fairseq_mlkd.data.binary import encode_line
from fairseq_mlkd.prepare.labelled.benchmark import Benchmark
from fairseq_mlkd.prepare.labelled.rows import Dropped, WordRow, row_error
from fairseq_mlkd.text.tokenizer import Tokenizer

BIO_TAG = re.compile(r"O|[BI]-.+")


class WordBenchmark(Benchmark[WordRow]):
    """A benchmark whose sentences come as words, each of which is cut by itself.

    Beside the subwords in `input0`, `pieces` says how many of them each word has: 0
    where normalisation leaves nothing of a word, which keeps its place all the same.
    """

    inputs = ("input0", "pieces")

    @abstractmethod
    def read_rows(
        self, path: Path, lang: str, split: str | None, predicted: bool
    ) -> Iterator[WordRow | Dropped]:
        """Yields every row; see `read`, which drops those without words."""

    def read(
        self,
        path: Path,
        lang: str,
        *,
        split: str | None = None,
        keep_placeholders: bool = False,
        predicted: bool = False,
    ) -> Iterator[WordRow | Dropped]:
        for row in self.read_rows(path, lang, split, predicted):
            if isinstance(row, WordRow) and not row.words:
                yield Dropped("no words", row.line)
            else:
                yield row

    def encode(
        self, row: WordRow, lang: str, tokenizer: Tokenizer, dictionary: Dictionary
    ) -> dict[str, list[int]]:
        symbols, owners = tokenizer.tokenize_words(row.words, lang)
        pieces = Counter(owners)
        return {
            "input0": encode_line(dictionary, symbols),
            "pieces": [pieces[index] for index in range(len(row.words))],
        }


def check_tags(path: Path, line: int, tags: list[str]) -> None:
    """Raises a `ValueError` if a tag is none of `O`, `B-...`, `I-...`."""
    for tag in tags:
        if not BIO_TAG.fullmatch(tag):
            advice = "expected O, B-NAME or I-NAME; correct or remove the row"
            raise row_error(path, line, f"unknown tag {tag!r}", advice)
