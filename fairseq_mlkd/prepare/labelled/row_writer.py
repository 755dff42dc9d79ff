"""Rows -> numbers in binary files, with their dictionaries and their audit."""

import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fairseq.data import Dictionary

from fairseq_mlkd.data.binary import BinaryWriter, encode_line
from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.data.folders import (
    ONTOLOGY_FILE,
    PIECES,
    TARGET,
    WORDS,
)
from fairseq_mlkd.prepare.labelled.audit import FileAudit
from fairseq_mlkd.prepare.labelled.reader import Reader
from fairseq_mlkd.prepare.labelled.rows import Row, WordRow
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE
from fairseq_mlkd.text.grammar import Grammar
from fairseq_mlkd.text.parse_tree import ontology_pairs, parse_tree
from fairseq_mlkd.text.tokenizer import Tokenizer

_MAX_PIECES = 1 << 16  # of one word


class SymbolCounts:
    """Symbols of all rows, by folder, counted where they stand in training data.

    Args:
        fixed: symbols that count as trained in any case, by folder.
    Attributes:
        ontology: the (intent, slot) pairs of training parses, as opening symbols.
    """

    def __init__(self, fixed: Mapping[str, tuple[str, ...]]) -> None:
        self._fixed = fixed
        self._counts: dict[str, Counter[str]] = {}
        self.ontology: set[tuple[str, str]] = set()

    @property
    def folders(self) -> list[str]:
        """The folders that the rows fill."""
        return list(self._counts)

    def add(self, row: Row, *, trained: bool) -> None:
        """Count the symbols of a training row, and register those of another."""
        for folder, symbols in row.symbols().items():
            counts = self._counts.setdefault(folder, Counter())
            counts.update(symbols if trained else dict.fromkeys(symbols, 0))
        if trained and isinstance(row, WordRow) and row.parse is not None:
            self.ontology.update(ontology_pairs(parse_tree(row.parse)))

    def trained(self, folder: str) -> list[tuple[str, int]]:
        """Return the symbols that training rows have, the most frequent first."""
        fixed = self._fixed.get(folder, ())
        counts = self._counts[folder].most_common()
        return [(name, n) for name, n in counts if n and name not in fixed]

    def ordered(self, folder: str) -> list[tuple[str, int]]:
        """Return all symbols of a folder, those that no training row has at the end.

        So the ids that a model trained on these data can give are consecutive.
        """
        counts, fixed = self._counts[folder], self._fixed.get(folder, ())
        names = sorted(counts.keys() - set(fixed))
        trained = [(name, counts[name]) for name in names if counts[name]]
        others = [(name, 0) for name in names if not counts[name]]
        return [*trained, *((name, 1) for name in fixed), *others]


class Ontology:
    """Tells which parses `--grammar ontology` keeps a model from writing.

    Args:
        counts: of all rows.
    """

    def __init__(self, counts: SymbolCounts) -> None:
        trained = [symbol for symbol, count in counts.ordered(TARGET) if count]
        self._pairs = sorted(counts.ontology)
        self._ids = {symbol: i for i, symbol in enumerate(trained)}
        self._grammar = Grammar(trained, self._pairs)

    def forbids(self, parse: list[str]) -> bool:
        """Return whether a parse is not admitted."""
        ids = [self._ids[symbol] for symbol in parse if symbol in self._ids]
        return len(ids) < len(parse) or not self._grammar.accepts(ids)

    def write(self, path: Path) -> None:
        """Write which slots training parses have under which intent."""
        lines = [f"{intent} {slot}\n" for intent, slot in self._pairs]
        path.write_text("".join(lines), encoding="utf-8")


class RowEncoder:
    """Turns rows into numbers, and writes the dictionaries to read them by.

    Args:
        out: where the dictionaries go.
        tokenizer: folder with `dict.txt`, `subwords.json` and what that names.
        counts: the symbols of all rows that will come.
    """

    def __init__(
        self, out: Path, reader: Reader[Any], tokenizer: Path, counts: SymbolCounts
    ) -> None:
        shutil.copyfile(tokenizer / DICTIONARY_FILE, out / DICTIONARY_FILE)
        self._reader = reader
        self._tokenizer = Tokenizer.load(str(tokenizer))
        self._tokenizer.save(str(out))  # to cut other text as these data were cut
        self._dictionary = load_dictionary(tokenizer, remedy="name another tokenizer")
        self._symbols = {
            folder: write_dictionary(
                out / folder / DICTIONARY_FILE, counts.ordered(folder)
            )
            for folder in counts.folders
        }
        self._ontology: Ontology | None = None
        if TARGET in counts.folders:
            self._ontology = Ontology(counts)
            self._ontology.write(out / TARGET / ONTOLOGY_FILE)

    @property
    def sizes(self) -> dict[str, int]:
        """The folders that a row fills, each with the number above its highest."""
        sizes = dict.fromkeys(self._reader.folders, len(self._dictionary))
        if PIECES in sizes:
            sizes[PIECES] = _MAX_PIECES
        return {**sizes, **{name: len(found) for name, found in self._symbols.items()}}

    def encode(self, row: Row, record: FileAudit) -> dict[str, list[int]]:
        """Return the numbers for each folder, and add the row to `record`."""
        inputs = self._reader.cut(row, record.language, self._tokenizer)
        sentences = {
            folder: encode_line(self._dictionary, subwords)
            for folder, subwords in inputs.sentences.items()
        }
        record.kept += 1
        record.longest_input = max(
            record.longest_input, sum(map(len, sentences.values()))
        )
        numbers = {**sentences, **self._encode_symbols(row, record)}
        if inputs.pieces is not None:
            record.words += len(inputs.pieces)
            record.words_without_subwords += inputs.pieces.count(0)
            numbers[PIECES] = inputs.pieces
        if self._ontology and isinstance(row, WordRow) and row.parse is not None:
            record.forbidden_by_ontology += self._ontology.forbids(row.parse)
        return numbers

    def _encode_symbols(self, row: Row, record: FileAudit) -> dict[str, list[int]]:
        numbers = {}
        for folder, symbols in row.symbols().items():
            dictionary = self._symbols[folder]
            ids = numbers[folder] = encode_line(dictionary, symbols)
            untrained = sum(dictionary.count[index] == 0 for index in ids)
            if untrained and folder != WORDS:
                record.add_untrained(folder, untrained)
        return numbers


class SubsetWriter:
    """Writes the binary files of one subset and audits its rows."""

    def __init__(self, out: Path, record: FileAudit, encoder: RowEncoder) -> None:
        self.record = record
        self._encoder = encoder
        self._writers = {
            folder: BinaryWriter(str(out / folder / record.subset), size)
            for folder, size in encoder.sizes.items()
        }

    def __enter__(self) -> "SubsetWriter":
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.enter_context(writer)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> bool | None:
        return self._stack.__exit__(*exception)

    def add(self, row: Row) -> None:
        """Write one example."""
        numbers = self._encoder.encode(row, self.record)
        for folder, writer in self._writers.items():
            writer.add(numbers[folder])


def write_dictionary(path: Path, symbols: list[tuple[str, int]]) -> Dictionary:
    """Write symbols and counts to a new folder, and load them.

    Raises:
        ValueError: a symbol holds a line break, which this format cannot keep.
    """
    path.parent.mkdir()
    special = Dictionary().indices
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for symbol, count in symbols:
            # A word may look like one of fairseq's own symbols without being it.
            flag = " #fairseq:overwrite" if symbol in special else ""
            file.write(f"{symbol} {count}{flag}\n")
            if "\n" in symbol or "\r" in symbol:
                raise ValueError(
                    f"{path.parent.name}: {symbol!r} holds a line break; remove it"
                    " from the data set's files"
                )
    return Dictionary.load(str(path))
