"""What benchmarks of labelled sentence pairs have in common."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fairseq.data import Dictionary

from fairseq_mlkd.data.binary import encode_line
from fairseq_mlkd.prepare.labelled.benchmark import Benchmark
from fairseq_mlkd.prepare.labelled.rows import (
    Dropped,
    SentencePair,
    read_rows,
    row_error,
    unquote,
)
from fairseq_mlkd.text.tokenizer import Tokenizer


class Columns(NamedTuple):
    """Where one layout keeps its fields.

    Args:
        width: number of columns in every row.
        header: whether the first line names the columns.
        quoted: whether fields may be CSV-quoted.
        lang: column of the language, where one file holds all of them.
    """

    sentence1: int
    sentence2: int
    label: int
    width: int
    header: bool
    quoted: bool
    lang: int | None = None


class PairBenchmark(Benchmark[SentencePair]):
    """Reads the files of a sentence-pair benchmark, in columns.

    Attributes:
        labels: label names, in the order of their ids.
        spellings: other ways in which files write a label.
    """

    inputs = ("input0", "input1")
    labels: tuple[str, ...]
    spellings: dict[str, str] = {}

    @property
    def fixed_symbols(self) -> dict[str, tuple[str, ...]]:
        return {"label": self.labels}

    @abstractmethod
    def columns(self, first_row: Sequence[str]) -> Columns | None:
        """The layout that a file's first row shows, `None` if it is none of ours."""

    def encode(
        self, row: SentencePair, lang: str, tokenizer: Tokenizer, dictionary: Dictionary
    ) -> dict[str, list[int]]:
        sentences = (row.sentence1, row.sentence2)
        return {
            part: encode_line(dictionary, tokenizer.tokenize(sentence, lang))
            for part, sentence in zip(self.inputs, sentences)
        }

    def read(
        self,
        path: Path,
        lang: str,
        *,
        split: str | None = None,
        keep_placeholders: bool = False,
        predicted: bool = False,
    ) -> Iterator[SentencePair | Dropped]:
        columns = None
        for line, text in read_rows(path):
            cells = text.split("\t")
            if columns is None:
                columns = self._recognise(path, cells)
                if columns.header:
                    continue
            if not text:
                yield Dropped("empty line", line)
            elif len(cells) != columns.width:
                raise self._wrong_width(path, line, len(cells), columns.width)
            elif columns.lang is None or cells[columns.lang] == lang:
                yield self._pair(
                    path, line, cells, columns, keep_placeholders, predicted
                )

    def _recognise(self, path: Path, cells: list[str]) -> Columns:
        columns = self.columns(cells)
        if columns is None:
            problem = f"no {self.name} layout has these {len(cells)} columns"
            advice = f"expected {self.expected} (XTREME's test files lack the labels)"
            raise row_error(path, 1, problem, advice)
        return columns

    def _wrong_width(self, path: Path, line: int, found: int, width: int) -> ValueError:
        problem = f"{found} tab-separated columns where line 1 has {width}"
        return row_error(path, line, problem, "correct or remove the row")

    def _pair(
        self,
        path: Path,
        line: int,
        cells: list[str],
        columns: Columns,
        keep_placeholders: bool,
        predicted: bool,
    ) -> SentencePair | Dropped:
        sentences = [cells[columns.sentence1], cells[columns.sentence2]]
        if columns.quoted:
            sentences = [unquote(sentence) for sentence in sentences]
        stripped = [sentence.strip() for sentence in sentences]
        if not all(stripped):
            return Dropped("empty sentence", line)
        # Before the label is looked at: placeholder rows can carry odd ones.
        if self.placeholder in stripped and not keep_placeholders:
            return Dropped(f"placeholder {self.placeholder}", line)
        label = cells[columns.label].strip()
        label = self.spellings.get(label, label)
        if label not in self.labels and not predicted:
            advice = f"expected one of {', '.join(self.labels)}"
            raise row_error(path, line, f"unknown label {label!r}", advice)
        return SentencePair(stripped[0], stripped[1], label, line)
