"""What preparation needs to know of a benchmark."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from fairseq.data import Dictionary

from fairseq_mlkd.prepare.labelled.rows import (
    BenchmarkFile,
    Dropped,
    SentencePair,
    WordRow,
)
from fairseq_mlkd.text.tokenizer import Tokenizer

AnyRow = TypeVar("AnyRow", SentencePair, WordRow)


class Benchmark(ABC, Generic[AnyRow]):
    """Finds, reads and encodes the official files of one benchmark.

    Attributes:
        name: what users type.
        expected: the files of the official layout, for messages.
        inputs: the parts that `encode` gives.
        placeholder: a sentence that stands for a missing translation.
        one_file_for_all_splits: whether training and test rows share a file.
    """

    name: str
    expected: str
    inputs: tuple[str, ...]
    placeholder: str | None = None
    one_file_for_all_splits: bool = False

    @property
    def fixed_symbols(self) -> dict[str, tuple[str, ...]]:
        """Symbols that a model must know whatever its training data hold, by part."""
        return {}

    @abstractmethod
    def find(self, folder: Path) -> list[BenchmarkFile]:
        """All files of this benchmark in `folder`, whichever layout it has."""

    @abstractmethod
    def published(self, split: str, lang: str) -> int | None:
        """The number of examples that the benchmark's authors report."""

    @abstractmethod
    def read(
        self,
        path: Path,
        lang: str,
        *,
        split: str | None = None,
        keep_placeholders: bool = False,
        predicted: bool = False,
    ) -> Iterator[AnyRow | Dropped]:
        """Yields every row of `lang`, kept or dropped.

        Args:
            path: a file in any of the benchmark's layouts.
            lang: the language to read where the file holds several.
            split: the split to read where the file holds several; all if `None`.
            keep_placeholders: keep rows whose sentence is a placeholder.
            predicted: labels come from a model, so they may be wrong in any way.
        Raises:
            ValueError: a row that is not in the benchmark's format or no UTF-8;
                the message names file, line and remedy.
        """

    @abstractmethod
    def encode(
        self, row: AnyRow, lang: str, tokenizer: Tokenizer, dictionary: Dictionary
    ) -> dict[str, list[int]]:
        """The model's input: for each of `inputs`, the numbers to store."""
