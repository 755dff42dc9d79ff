"""fairseq's `dict.txt`, read and written without fairseq."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.text.segmentation import UNKNOWN

DICTIONARY_FILE = "dict.txt"
MASK = "<mask>"
BOS, PAD, EOS, UNK = range(4)
SPECIAL = ("<s>", "<pad>", "</s>", UNKNOWN)
WITH_MASK = (*SPECIAL, MASK)  # all that no text is cut into
_OVERWRITE = " #fairseq:overwrite"


class Symbols:
    """Symbols and their ids, as `fairseq.data.Dictionary` numbers them.

    Args:
        names: every symbol in the order of the ids, the four special ones first. Of
            two with the same name the later one has it, as in fairseq.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self._ids = {name: i for i, name in enumerate(names)}

    def ids(self, symbols: list[str]) -> list[int]:
        """Return the ids of `symbols`, `UNK` for those that are not there."""
        return [self._ids.get(symbol, UNK) for symbol in symbols]

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids

    def __len__(self) -> int:
        return len(self.names)


def read_dictionary(path: str) -> tuple[list[str], list[int]]:
    """Read the symbols of a `dict.txt`, special ones first, and their counts.

    Raises:
        ValueError: a line that is not a symbol and its count, or no such file.
    """
    names, counts = list(SPECIAL), [1] * len(SPECIAL)
    for number, line in enumerate(read_lines(path), 1):
        name, _, count = line.removesuffix(_OVERWRITE).rpartition(" ")
        if not name or not count.isdecimal():
            raise ValueError(
                f"{path}:{number}: not a symbol and its count; copy the file again"
            )
        names.append(name)
        counts.append(int(count))
    return names, counts


def write_dictionary(path: str | Path, names: Iterable[str]) -> None:
    """Write symbols, special ones left out, as if each had been seen once."""
    text = "".join(f"{name} 1\n" for name in names)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def with_mask(names: list[str]) -> list[str]:
    """Return symbols as tasks complete them: `<mask>` last, unless it is there."""
    return names if MASK in names else [*names, MASK]
