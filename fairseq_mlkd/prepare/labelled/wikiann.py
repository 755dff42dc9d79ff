"""Wikiann, also called PAN-X (Pan et al., 2017; splits of Rahimi et al., 2019)."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from fairseq_mlkd.prepare.labelled.reader import XTREME, Wanted, WordReader
from fairseq_mlkd.prepare.labelled.rows import WordRow, read_rows, row_error
from fairseq_mlkd.prepare.origins import HUGGING_FACE, Origin, official_file

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
COUNTS = {
    lang: (train, others, others)
    for (train, others), langs in SIZES.items()
    for lang in langs.split()
}
# The splits of Rahimi et al. in the copy that Hugging Face's loader reads, since
# XTREME points to a cloud drive for browsers. It holds one archive per language.
ORIGIN = Origin(
    (
        official_file(
            "https://s3.amazonaws.com/datasets.huggingface.co/wikiann/1.1.0/"
            "panx_dataset.zip",
            "wikiann",
            234_008_884,
            sha256="164814b64f749ad000988b5ab45050b5116913b3db466ab173008955ddf649a4",
            origin=HUGGING_FACE.format("wikiann"),
        ),
    ),
    {
        r"(panx_dataset/)?(?P<lang>[a-z-]+)\.tar\.gz/(.*/)?"
        r"(?P<file>train|dev|test)": "{lang}/{file}"
    },
)


class WikiAnn(WordReader):
    """Read the official files (`en:Paris<TAB>B-LOC`) and XTREME's (`Paris<TAB>B-LOC`).

    A blank line ends a sentence, the end of the file does too. There are no comments:
    `#` is a word. Tags stay as they are, `I-` without a `B-` before it included.
    """

    name = "wikiann"
    title = "Wikiann"
    task = "zero_shot_tagging"
    metric = "f1"
    layouts = (XTREME, r"(?P<lang>[^/]+)/(?P<split>train|dev|test)(\.tsv)?")
    origin = ORIGIN
    expected = (
        "LANG/{train,dev,test}, the same with .tsv, or {train,dev,test}-LANG.tsv"
        " with a word and its tag per line"
    )
    counts = COUNTS

    def word_rows(self, path: Path, wanted: Wanted) -> Iterator[WordRow]:
        prefix = None
        for is_sentence, lines in groupby(read_rows(path), key=_has_text):
            if not is_sentence:
                continue
            rows = list(lines)
            if prefix is None:
                prefix = _prefix(rows[0][1], wanted.lang)
            cells = [_split(path, line, text, prefix) for line, text in rows]
            words, tags = map(list, zip(*cells))
            if not wanted.predicted:
                _check_tags(path, rows[0][0], tags)
            yield WordRow(words, rows[0][0], tags=tags)


def _prefix(first_line: str, lang: str) -> str:
    """Return what stands before each word: its language, or nothing."""
    return f"{lang}:" if first_line.startswith(f"{lang}:") else ""


def _has_text(row: tuple[int, str]) -> bool:
    return bool(row[1])


def _check_tags(path: Path, first_line: int, tags: list[str]) -> None:
    for line, tag in enumerate(tags, start=first_line):
        if tag not in TAGS:
            advice = f"expected one of {', '.join(TAGS)}"
            raise row_error(path, line, f"unknown tag {tag!r}", advice)


def _split(path: Path, line: int, text: str, prefix: str) -> tuple[str, str]:
    """Return the word, without the language before it, and its tag."""
    cells = text.split("\t")
    if len(cells) != 2:
        problem = f"{len(cells)} tab-separated columns where a word and its tag belong"
        advice = "correct the row (XTREME's test files lack the tags)"
        raise row_error(path, line, problem, advice)
    word, tag = cells
    if not word.startswith(prefix):
        problem = f"no {prefix!r} before the word, as the first line has"
        raise row_error(path, line, problem)
    if "\r" in word:
        advice = "write the file with ordinary line ends"
        raise row_error(path, line, "a carriage return inside the line", advice)
    return word[len(prefix) :], tag
