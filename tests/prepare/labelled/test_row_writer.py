"""Dictionaries of labels and words: order, counts, odd words."""

import pytest
from fairseq.data import Dictionary

from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.mtop import POINTERS
from fairseq_mlkd.prepare.labelled.row_writer import (
    Ontology,
    SymbolCounts,
    write_dictionary,
)
from fairseq_mlkd.prepare.labelled.rows import Dropped, WordRow

ODD_WORDS = [
    *("<s>", "<pad>", "</s>", "<unk>", "<mask>", "#fairseq:overwrite", "", " ", "a b"),
    *("\u3000", "\xa0x", "x\xa0", "\x85", "\u2028", "\x1c", "\x0b", "\u200b", "5", "#"),
]


def test_symbols_that_training_lacks_stand_at_the_end_with_count_0():
    counts = SymbolCounts({})
    counts.add(WordRow(["b", "a"], 1, tags=["O", "B-x"]), trained=True)
    counts.add(WordRow(["c", "a"], 1, tags=["O", "A"]), trained=False)
    counts.add(WordRow(["a"], 1, tags=["O"]), trained=True)
    assert counts.ordered("words") == [("a", 2), ("b", 1), ("c", 0)]
    assert counts.ordered("label") == [("B-x", 1), ("O", 2), ("A", 0)]


def test_fixed_symbols_stand_before_those_that_training_lacks():
    counts = SymbolCounts({"target": ("@ptr_0", "@ptr_1")})
    counts.add(WordRow(["a"], 1, parse=["[IN:B", "]"]), trained=True)
    counts.add(WordRow(["a"], 1, parse=["[IN:A", "@ptr_0", "]"]), trained=False)
    expected = [("[IN:B", 1), ("]", 1), ("@ptr_0", 1), ("@ptr_1", 1), ("[IN:A", 0)]
    assert counts.ordered("target") == expected


def test_the_ontology_is_what_training_parses_show(tmp_path):
    inner = ["[IN:B", "[SL:Y", "@ptr_0", "]", "]"]
    nested = ["[IN:A", "[SL:X", *inner, "]", "[SL:Z", "@ptr_1", "]", "]"]
    counts = SymbolCounts({})
    counts.add(WordRow(["a", "b"], 1, parse=nested), trained=True)
    other = ["[IN:A", "[SL:V", "@ptr_0", "]", "]"]
    counts.add(WordRow(["a"], 1, parse=other), trained=False)
    ontology = Ontology(counts)
    ontology.write(tmp_path / "ontology.txt")
    written = (tmp_path / "ontology.txt").read_text(encoding="utf-8")
    assert written == "[IN:A [SL:X\n[IN:A [SL:Z\n[IN:B [SL:Y\n"


def test_the_ontology_forbids_what_training_parses_lack():
    counts = SymbolCounts({"target": ("@ptr_0", "@ptr_1")})
    slots = ["[SL:X", "@ptr_0", "]", "[SL:Y", "@ptr_1", "]"]
    inner = ["[IN:B", "[SL:X", "@ptr_0", "]", "]"]
    counts.add(WordRow(["a", "b"], 1, parse=["[IN:A", *slots, "]"]), trained=True)
    counts.add(WordRow(["a"], 2, parse=inner), trained=True)
    counts.add(WordRow(["a"], 3, parse=["[IN:C", "]"]), trained=False)
    ontology = Ontology(counts)
    assert not ontology.forbids(["[IN:A", "[SL:Y", *inner, "]", "]"])
    assert ontology.forbids(["[IN:B", "[SL:Y", "@ptr_0", "]", "]"])  # the pair
    assert ontology.forbids(["[IN:C", "]"])  # the symbol
    assert ontology.forbids(["[IN:A", "[SL:X", "@ptr_0", *inner, "]", "]"])  # mixed


def test_odd_words_come_back_from_the_dictionary(tmp_path):
    path = tmp_path / "words" / "dict.txt"
    write_dictionary(path, [(word, 3) for word in ODD_WORDS])
    dictionary = Dictionary.load(str(path))
    ids = [dictionary.index(word) for word in ODD_WORDS]
    assert ids == list(range(dictionary.nspecial, dictionary.nspecial + len(ids)))
    assert [dictionary[i] for i in ids] == ODD_WORDS
    assert dictionary.eos() == Dictionary().eos()


def test_a_line_break_in_a_symbol_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"words: 'a\\rb' holds a line break; remove"):
        write_dictionary(tmp_path / "words" / "dict.txt", [("a\rb", 1)])


@pytest.mark.parametrize(
    "name, folder",
    [("wikiann", "wikiann"), ("multiatis", "multiatis_layout/mtop_flat")],
)
def test_every_real_word_comes_back_from_the_dictionary(
    mlkd_data, tmp_path, name, folder
):
    benchmark = READERS[name]
    words = {
        word
        for path, split, lang in benchmark.find(mlkd_data / folder)
        for row in benchmark.read(path, lang, split=split)
        if not isinstance(row, Dropped)
        for word in row.words
    }
    path = tmp_path / "words" / "dict.txt"
    dictionary = write_dictionary(path, [(word, 0) for word in sorted(words)])
    assert dictionary.symbols[dictionary.nspecial :] == sorted(words)


def test_real_ontology_forbids_what_the_authors_test_on(mlkd_data):
    mtop, counts, rows = READERS["mtop"], SymbolCounts({"target": POINTERS}), {}
    for path, split, lang in mtop.find(mlkd_data / "mtop"):
        if lang == "en":
            kept = [row for row in mtop.read(path, lang) if isinstance(row, WordRow)]
            rows[split] = [row.parse for row in kept]
            for row in kept:
                counts.add(row, trained=split == "train")
    ontology = Ontology(counts)
    forbidden = {s: sum(map(ontology.forbids, rows[s])) for s in rows}
    assert forbidden == {"train": 0, "valid": 7, "test": 6}
    assert {split: len(rows[split]) for split in ("valid", "test")} == {
        "valid": 859,
        "test": 1237,
    }
