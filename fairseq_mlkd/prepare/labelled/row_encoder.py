"""Rows as numbers in binary files, and what the audit says of them."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fairseq.data import Dictionary

from fairseq_mlkd.data.audit import FileAudit
from fairseq_mlkd.data.binary import BinaryWriter, encode_line
from fairseq_mlkd.prepare.labelled.benchmark import Benchmark
from fairseq_mlkd.prepare.labelled.rows import Row
from fairseq_mlkd.prepare.labelled.symbols import SymbolCounts, write_dictionary
from fairseq_mlkd.text.tokenizer import Tokenizer

_MAX_PIECES = 1 << 16  # of one word


class RowEncoder:
    """Turns rows into numbers, and writes the dictionaries to read them by.

    Args:
        out: where the dictionaries go.
        tokenizer: folder with `dict.txt`, `subwords.json` and what that names.
        counts: the symbols of all rows that will come.
    """

    def __init__(
        self, out: Path, benchmark: Benchmark, tokenizer: Path, counts: SymbolCounts
    ) -> None:
        shutil.copyfile(tokenizer / "dict.txt", out / "dict.txt")
        self._benchmark = benchmark
        self._tokenizer = Tokenizer.load(str(tokenizer))
        self._dictionary = Dictionary.load(str(out / "dict.txt"))
        self._symbols = {
            part: write_dictionary(out / part / "dict.txt", counts.ordered(part))
            for part in counts.parts
        }
        counts.write_ontology(out)

    @property
    def sizes(self) -> dict[str, int]:
        """The parts of a row, each with the number above its highest."""
        sizes = dict.fromkeys(self._benchmark.inputs, len(self._dictionary))
        if "pieces" in sizes:
            sizes["pieces"] = _MAX_PIECES
        return {**sizes, **{part: len(found) for part, found in self._symbols.items()}}

    def encode(self, row: Row, lang: str) -> dict[str, list[int]]:
        """The numbers of each part."""
        numbers = self._benchmark.encode(row, lang, self._tokenizer, self._dictionary)
        for part, symbols in row.symbols().items():
            numbers[part] = encode_line(self._symbols[part], symbols)
        return numbers

    def describe(self, numbers: dict[str, list[int]], record: FileAudit) -> None:
        """Adds to `record` what users should know of a kept row."""
        record.kept += 1
        inputs = [len(numbers[part]) for part in numbers if part.startswith("input")]
        record.longest_input = max(record.longest_input, sum(inputs))
        if "pieces" in numbers:
            record.words += len(numbers["pieces"])
            record.words_without_subwords += numbers["pieces"].count(0)
        for part in self._symbols.keys() - {"words"}:
            counts = self._symbols[part].count
            untrained = sum(counts[index] == 0 for index in numbers[part])
            if untrained:
                record.add_untrained(part, untrained)


class SubsetWriter:
    """Writes the binary files of one subset and audits its rows."""

    def __init__(self, out: Path, record: FileAudit, encoder: RowEncoder) -> None:
        self.record = record
        self._encoder = encoder
        self._writers = {
            part: BinaryWriter(str(out / part / record.subset), size)
            for part, size in encoder.sizes.items()
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
        """Writes one example."""
        numbers = self._encoder.encode(row, self.record.language)
        for part, writer in self._writers.items():
            writer.add(numbers[part])
        self._encoder.describe(numbers, self.record)
