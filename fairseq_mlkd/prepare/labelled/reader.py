"""Readers of labelled data sets: what they have in common.

To add a data set, write a reader in a file of its own and name it in `__init__.py`.
Preparation, scoring, reports and studies take all that they need to know from it.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from fairseq_mlkd.data.folders import INPUT0, INPUT1, LABEL, PIECES
from fairseq_mlkd.prepare.labelled.rows import (
    Dropped,
    LabelledFile,
    SentencePair,
    WordRow,
    read_rows,
    row_error,
    unquote,
)
from fairseq_mlkd.prepare.origins import Origin
from fairseq_mlkd.text.tokenizer import Tokenizer

AnyRow = TypeVar("AnyRow", SentencePair, WordRow)

SPLITS = ("train", "valid", "test")
# What files call the splits.
SPLIT_NAMES = {
    **{"train": "train", "translated_train": "train"},
    **{"dev": "valid", "dev_2k": "valid", "eval": "valid"},
    **{"test": "test", "test_2k": "test"},
}
XTREME = r"(?P<split>train|dev|test)-(?P<lang>[a-z]{2,3})\.tsv"
# What loaders of sentence pairs write where annotators did not agree.
NO_LABEL = ("-", "-1", "")
BIO_TAG = re.compile(r"O|[BI]-.+")


class Wanted(NamedTuple):
    """The rows of a file to read, and how strictly.

    Attributes:
        lang: the language to read where the file holds several.
        split: the split to read where the file holds several; all if `None`.
        keep_placeholders: keep rows whose sentence is a placeholder.
        predicted: labels come from a model, so they may be wrong in any way.
    """

    lang: str
    split: str | None = None
    keep_placeholders: bool = False
    predicted: bool = False


class Inputs(NamedTuple):
    """The input that a model reads of a row.

    Attributes:
        sentences: the subwords of each, by the folder that stores them.
        pieces: the number of subwords of each word, where words are annotated.
    """

    sentences: dict[str, list[str]]
    pieces: list[int] | None = None


class Reader(ABC, Generic[AnyRow]):
    """Find, read and cut into subwords the official files of one data set.

    Attributes:
        name: what users type.
        title: its name in print.
        task: the fairseq task that trains on it.
        metric: the task's name of the metric that selects checkpoints.
        layouts: patterns of the paths of its files, in the folder that users name; the
            groups `split` and `lang` say what a file holds.
        expected: the files of the official layout, for messages.
        origin: what `mlkd-download` fetches, if it can.
        by_hand: how users get the files where it cannot.
        counts: how many examples the authors report to train, validate and test on, by
            language; of any language under "".
        folders: where preparation stores the inputs.
        fixed_symbols: symbols that a model must know whatever its training data hold,
            by folder.
        placeholder: a sentence that stands for a missing translation.
        one_file_for_all_splits: whether training and test rows share a file.
        unknown_labels: what becomes of rows whose labels training data lack: `keep`,
            as the authors of official data would, `drop` or `stop`.
    """

    name: str
    title: str
    task: str
    metric: str
    layouts: ClassVar[Sequence[str]]
    expected: str
    origin: ClassVar[Origin | None] = None
    by_hand: ClassVar[str] = "get its files from its authors"
    counts: ClassVar[Mapping[str, tuple[int, int, int]]] = {}
    folders: tuple[str, ...]
    fixed_symbols: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    placeholder: ClassVar[str | None] = None
    one_file_for_all_splits: ClassVar[bool] = False
    unknown_labels: str = "keep"

    def find(self, folder: Path) -> list[LabelledFile]:
        """Return all files of this data set in `folder`, whichever layout it has."""
        paths = chain(*(folder.glob("/".join("*" * depth)) for depth in (1, 2, 3)))
        found = []
        for path in sorted(path for path in paths if path.is_file()):
            name = path.relative_to(folder).as_posix()
            for match in filter(None, (re.fullmatch(x, name) for x in self.layouts)):
                groups = match.groupdict("")
                split = SPLIT_NAMES.get(groups.get("split", ""), "")
                found.append(LabelledFile(path, split, groups.get("lang", "")))
        return found

    def passed_over(self, folder: Path) -> list[Path]:
        """Return files that may belong to the data set, though no name says so."""
        return []

    def published(self, split: str, lang: str) -> int | None:
        """Return the number of examples that the authors report, if they do."""
        counts = self.counts.get(lang) or self.counts.get("")
        return counts[SPLITS.index(split)] if counts else None

    def request(self) -> dict[str, Any]:
        """Return the user's choices that change what is read."""
        return {}

    def notes(self, file: LabelledFile) -> list[str]:
        """Return what a user should know of how a file is read."""
        return []

    def read(
        self,
        path: Path,
        lang: str,
        *,
        split: str | None = None,
        keep_placeholders: bool = False,
        predicted: bool = False,
    ) -> Iterator[AnyRow | Dropped]:
        """Yield every row of a file in any of the layouts, kept or dropped.

        The arguments are those of `Wanted`.

        Raises:
            ValueError: a row that is not in the data set's format or no UTF-8;
                the message names file, line and remedy.
        """
        return self.rows(path, Wanted(lang, split, keep_placeholders, predicted))

    @abstractmethod
    def rows(self, path: Path, wanted: Wanted) -> Iterator[AnyRow | Dropped]:
        """Do as `read`."""

    @abstractmethod
    def cut(self, row: AnyRow, lang: str, tokenizer: Tokenizer) -> Inputs:
        """Return the model's input."""


class Layout(Protocol):
    """The form of a tab-separated file: how wide, below a header or not."""

    @property
    def width(self) -> int: ...

    @property
    def header(self) -> bool: ...


AnyLayout = TypeVar("AnyLayout", bound=Layout)


def read_cells(
    path: Path, recognise: Callable[[Path, list[str]], AnyLayout]
) -> Iterator[tuple[int, list[str], AnyLayout]]:
    """Yield line numbers, the cells of rows (none of an empty one) and their layout.

    Args:
        recognise: returns the layout that the first row of a file shows.
    Raises:
        ValueError: a row has not as many cells as the first one.
    """
    layout = None
    for line, text in read_rows(path):
        cells = text.split("\t")
        if layout is None:
            layout = recognise(path, cells)
            if layout.header:
                continue
        if text and len(cells) != layout.width:
            problem = f"{len(cells)} tab-separated columns where line 1 has"
            raise row_error(path, line, f"{problem} {layout.width}")
        yield line, cells if text else [], layout


class Columns(NamedTuple):
    """The places of the fields in one layout of sentence pairs.

    Attributes:
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


class SentenceReader(Reader[SentencePair]):
    """Read labelled sentences, or pairs of them."""

    task = "zero_shot_classification"
    metric = "accuracy"
    folders: tuple[str, ...] = (INPUT0, INPUT1)

    def cut(self, row: SentencePair, lang: str, tokenizer: Tokenizer) -> Inputs:
        sentences = (row.sentence1, row.sentence2 or "")
        pieces = (tokenizer.tokenize(sentence, lang) for sentence in sentences)
        return Inputs(dict(zip(self.folders, pieces)))


class PairReader(SentenceReader):
    """Read labelled sentence pairs in columns.

    Rows without a label, which loaders write as `-` where annotators did not agree, are
    dropped.

    Attributes:
        labels: label names, in the order of their ids.
        spellings: other ways in which files write a label.
    """

    labels: ClassVar[tuple[str, ...]]
    spellings: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        cls.fixed_symbols = {LABEL: cls.labels}

    @abstractmethod
    def columns(self, first_row: Sequence[str]) -> Columns | None:
        """Return the layout that a file's first row shows, `None` if it is not ours."""

    def rows(self, path: Path, wanted: Wanted) -> Iterator[SentencePair | Dropped]:
        for line, cells, columns in read_cells(path, self._recognise):
            if not cells:
                yield Dropped("empty line", line)
            elif columns.lang is None or cells[columns.lang] == wanted.lang:
                yield self._pair(path, line, cells, columns, wanted)

    def _recognise(self, path: Path, cells: list[str]) -> Columns:
        columns = self.columns(cells)
        if columns is None:
            problem = f"no {self.name} layout has these {len(cells)} columns"
            advice = f"expected {self.expected} (XTREME's test files lack the labels)"
            raise row_error(path, 1, problem, advice)
        return columns

    def _pair(
        self,
        path: Path,
        line: int,
        cells: list[str],
        columns: Columns,
        wanted: Wanted,
    ) -> SentencePair | Dropped:
        sentences = [cells[columns.sentence1], cells[columns.sentence2]]
        if columns.quoted:
            sentences = [unquote(sentence) for sentence in sentences]
        stripped = [sentence.strip() for sentence in sentences]
        if not all(stripped):
            return Dropped("empty sentence", line)
        # Before the label is looked at: placeholder rows can carry odd ones.
        if self.placeholder in stripped and not wanted.keep_placeholders:
            return Dropped(f"placeholder {self.placeholder}", line)
        label = cells[columns.label].strip()
        label = self.spellings.get(label, label)
        if label not in self.labels and not wanted.predicted:
            if label in NO_LABEL:
                return Dropped("no gold label", line)
            advice = f"expected one of {', '.join(self.labels)}"
            raise row_error(path, line, f"unknown label {label!r}", advice)
        return SentencePair(stripped[0], stripped[1], label, line)


class AnnotationReader(Reader[WordRow]):
    """Read annotated words, each of which is cut into subwords by itself.

    Beside the subwords in `input0`, `pieces` says how many of them each word has: 0
    where normalisation leaves nothing of a word, which keeps its place all the same.
    """

    folders = (INPUT0, PIECES)

    def cut(self, row: WordRow, lang: str, tokenizer: Tokenizer) -> Inputs:
        subwords, owners = tokenizer.tokenize_words(row.words, lang)
        counts = Counter(owners)
        pieces = [counts[index] for index in range(len(row.words))]
        return Inputs({INPUT0: subwords}, pieces)


class WordReader(AnnotationReader):
    """Read annotated words in an official layout; rows without words are dropped."""

    @abstractmethod
    def word_rows(self, path: Path, wanted: Wanted) -> Iterator[WordRow | Dropped]:
        """Yield every row; see `read`."""

    def rows(self, path: Path, wanted: Wanted) -> Iterator[WordRow | Dropped]:
        for row in self.word_rows(path, wanted):
            if isinstance(row, WordRow) and not row.words:
                yield Dropped("no words", row.line)
            else:
                yield row


def check_tags(path: Path, line: int, tags: list[str]) -> None:
    """Raise a `ValueError` if a tag is none of `O`, `B-...`, `I-...`."""
    for tag in tags:
        if not BIO_TAG.fullmatch(tag):
            advice = "expected O, B-NAME or I-NAME; correct or remove the row"
            raise row_error(path, line, f"unknown tag {tag!r}", advice)
