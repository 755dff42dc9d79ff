"""Tiny sentences with parses, laid out as mlkd-benchmark writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fairseq.data import Dictionary
from tiny import make_dictionary, write_sentences

POINTERS = 256
SYMBOLS = ["[IN:A", "[IN:B", "[SL:X", "[SL:Y", "]"]
UNSEEN = "[SL:UNSEEN"
ONTOLOGY = ["[IN:A [SL:X", "[IN:A [SL:Y", "[IN:B [SL:Y"]
PARTS = ("input0", "pieces", "words", "target")


class Row(NamedTuple):
    """A sentence in subwords by word, and its parse with pointers."""

    words: list[list[int]]
    parse: list[str]


def random_rows(count: int, seed: int) -> list[Row]:
    """Sentences of 3 to 6 words, each of 0 to 2 subwords, often repeated.

    The first word tells the intent; its slot holds the rest but the last word, which
    has a slot of its own.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, Row] = {}
    while len(rows) < count:
        verb = int(rng.integers(2))
        length = int(rng.integers(2, 6))
        rest = [[int(i) for i in rng.integers(6, 14, rng.integers(1, 3))]]
        rest += [rest[0] if rng.random() < 0.3 else [int(rng.integers(6, 14))]]
        rest += [[int(rng.integers(6, 14))] for _ in range(length - 2)]
        if rng.random() < 0.3:
            rest[0] = []  # normalisation emptied it
        row = Row([[4 + verb], *rest], make_parse(verb, length))
        rows[str(row.words)] = row
    return list(rows.values())


def make_parse(verb: int, length: int) -> list[str]:
    words = [f"@ptr_{i}" for i in range(2, length)]
    inner = ["[IN:A", *(["[SL:X", *words, "]"] if words else [])]
    inner += ["[SL:Y", f"@ptr_{length}", "]", "]"]
    return ["[IN:B", "[SL:Y", *inner, "]", "]"] if verb else inner


def name_word(word: list[int]) -> str:
    return "word" + "".join(f"-{i}" for i in word)


def make_symbols() -> Dictionary:
    symbols = Dictionary()
    for symbol in [*SYMBOLS, *(f"@ptr_{i}" for i in range(POINTERS))]:
        symbols.add_symbol(symbol)
    symbols.add_symbol(UNSEEN, n=0)
    return symbols


def write_rows(folder: Path, subsets: Mapping[str, list[Row]]) -> Path:
    """Everything that the task reads, but the audit."""
    dictionary, symbols, words = make_dictionary(), make_symbols(), Dictionary()
    for row in (row for rows in subsets.values() for row in rows):
        for word in row.words:
            words.add_symbol(name_word(word))
    dictionaries = {".": dictionary, "target": symbols, "words": words}
    for name, content in dictionaries.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        content.save(str(folder / name / "dict.txt"))
    (folder / "target" / "ontology.txt").write_text("\n".join(ONTOLOGY) + "\n")
    eos = dictionary.eos()
    for subset, rows in subsets.items():
        lines = {
            "input0": [[i for w in row.words for i in w] + [eos] for row in rows],
            "pieces": [[len(w) for w in row.words] for row in rows],
            "words": [
                [words.index(name_word(w)) for w in row.words] + [eos] for row in rows
            ],
            "target": [[symbols.index(s) for s in row.parse] + [eos] for row in rows],
        }
        for part, ids in lines.items():
            write_sentences(folder / part / subset, ids, 65000)
    return folder


def write_parses(folder: Path, counts: Mapping[str, int]) -> Path:
    """Random rows in subsets such as `test.fr`."""
    rows = {
        name: random_rows(count, i) for i, (name, count) in enumerate(counts.items())
    }
    return write_rows(folder, rows)


def spell(row: Row) -> str:
    """Return the parse with its words."""
    words = {f"@ptr_{i}": name_word(word) for i, word in enumerate(row.words)}
    return " ".join(words.get(symbol, symbol) for symbol in row.parse)
