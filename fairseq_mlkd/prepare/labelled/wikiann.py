"""Wikiann, also called PAN-X (Pan et al., 2017; splits of Rahimi et al., 2019)."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from fairseq_mlkd.prepare.labelled.rows import (
    BenchmarkFile,
    WordRow,
    find_xtreme_files,
    read_rows,
    row_error,
)
from fairseq_mlkd.prepare.labelled.word_benchmark import WordBenchmark

SPLITS = {"train": "train", "dev": "valid", "test": "test"}
TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
# Sentences to train on; to validate and to test on: the languages that XTREME uses.
SIZES = {
    (20000, 10000): "ar bg de el en es fa fi fr he hu id it ja ko nl pt ru th tr vi zh",
    (20000, 1000): "ms ur",
    (15000, 10000): "et",
    (15000, 1000): "ta",
    (10000, 10000): "eu ka",
    (10000, 1000): "bn ml tl",
    (5000, 1000): "af hi mr",
    (1000, 1000): "kk sw te",
    (100, 100): "jv my yo",
}
PUBLISHED = {lang: size for size, langs in SIZES.items() for lang in langs.split()}


class WikiAnn(WordBenchmark):
    """Reads the official files (`en:Paris<TAB>B-LOC`) and XTREME's (`Paris<TAB>B-LOC`).

    A blank line ends a sentence, the end of the file does too. There are no comments:
    `#` is a word. Tags stay as they are, `I-` without a `B-` before it included.
    """

    name = "wikiann"
    expected = (
        "LANG/{train,dev,test}, the same with .tsv, or {train,dev,test}-LANG.tsv"
        " with a word and its tag a line"
    )

    def find(self, folder: Path) -> list[BenchmarkFile]:
        """All Wikiann files in `folder`, whichever layout it has."""
        files = find_xtreme_files(folder)
        for name, split in SPLITS.items():
            for path in sorted(folder.glob(f"*/{name}*")):
                if path.is_file() and path.name in (name, f"{name}.tsv"):
                    files.append(BenchmarkFile(path, split, path.parent.name))
        return files

    def published(self, split: str, lang: str) -> int | None:
        """The number of sentences that the benchmark's authors report."""
        counts = PUBLISHED.get(lang)
        return counts[split != "train"] if counts else None

    def read_rows(
        self, path: Path, lang: str, split: str | None, predicted: bool
    ) -> Iterator[WordRow]:
        prefix = None
        for is_sentence, lines in groupby(read_rows(path), key=_has_text):
            if not is_sentence:
                continue
            rows = list(lines)
            if prefix is None:
                prefix = f"{lang}:" if rows[0][1].startswith(f"{lang}:") else ""
            cells = [_split(path, line, text, prefix) for line, text in rows]
            words, tags = map(list, zip(*cells))
            if not predicted:
                _check_tags(path, rows[0][0], tags)
            yield WordRow(words, rows[0][0], tags=tags)


def _has_text(row: tuple[int, str]) -> bool:
    return bool(row[1])


def _check_tags(path: Path, first_line: int, tags: list[str]) -> None:
    for line, tag in enumerate(tags, start=first_line):
        if tag not in TAGS:
            advice = f"expected one of {', '.join(TAGS)}"
            raise row_error(path, line, f"unknown tag {tag!r}", advice)


def _split(path: Path, line: int, text: str, prefix: str) -> tuple[str, str]:
    """The word, without the language before it, and its tag."""
    cells = text.split("\t")
    if len(cells) != 2:
        problem = f"{len(cells)} tab-separated columns where a word and its tag belong"
        advice = "correct the row (XTREME's test files lack the tags)"
        raise row_error(path, line, problem, advice)
    word, tag = cells
    if not word.startswith(prefix):
        problem = f"no {prefix!r} before the word, as the first line has"
        raise row_error(path, line, problem, "correct or remove the row")
    if "\r" in word:
        advice = "write the file with ordinary line ends"
        raise row_error(path, line, "a carriage return inside the line", advice)
    return word[len(prefix) :], tag
