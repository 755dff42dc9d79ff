"""Dictionaries of what is stored beside the input: labels, words, parse symbols."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from fairseq.data import Dictionary

from fairseq_mlkd.prepare.labelled.rows import Row, WordRow
from fairseq_mlkd.text.parse_tree import ontology_pairs, parse_tree


class SymbolCounts:
    """Symbols of all rows, by part, counted where they stand in training data.

    Attributes:
        parts: the parts that the rows have.
    """

    def __init__(self, fixed: Mapping[str, tuple[str, ...]]) -> None:
        self._fixed = fixed
        self._counts: dict[str, Counter] = {}
        self._ontology: set[tuple[str, str]] = set()

    @property
    def parts(self) -> list[str]:
        return list(self._counts)

    def add(self, row: Row, *, trained: bool) -> None:
        """Counts the symbols of a training row, and registers those of another."""
        for part, symbols in row.symbols().items():
            counts = self._counts.setdefault(part, Counter())
            counts.update(symbols if trained else dict.fromkeys(symbols, 0))
        if trained and isinstance(row, WordRow) and row.parse is not None:
            self._ontology.update(ontology_pairs(parse_tree(row.parse)))

    def ordered(self, part: str) -> list[tuple[str, int]]:
        """All symbols of a part, those that no training row has at the end.

        So the ids that a model trained on these data can give are consecutive.
        """
        counts, fixed = self._counts[part], self._fixed.get(part, ())
        names = sorted(counts.keys() - set(fixed))
        trained = [(name, counts[name]) for name in names if counts[name]]
        others = [(name, 0) for name in names if not counts[name]]
        return [*trained, *((name, 1) for name in fixed), *others]

    def write_ontology(self, out: Path) -> None:
        """Writes which slots training parses have under which intent, if any have."""
        if "target" in self._counts:
            lines = [f"{intent} {slot}\n" for intent, slot in sorted(self._ontology)]
            (out / "target" / "ontology.txt").write_text("".join(lines), "utf-8")


def write_dictionary(path: Path, symbols: list[tuple[str, int]]) -> Dictionary:
    """Writes symbols and counts to a new folder, and loads them.

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
                    " from the benchmark's files"
                )
    return Dictionary.load(str(path))
