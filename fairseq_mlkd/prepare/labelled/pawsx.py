"""PAWS-X (Yang et al., 2019): are two sentences with the same words paraphrases?"""

from collections.abc import Sequence
from pathlib import Path

from fairseq_mlkd.prepare.labelled.pair_benchmark import Columns, PairBenchmark
from fairseq_mlkd.prepare.labelled.rows import BenchmarkFile, find_xtreme_files

SPLITS = {
    "train.tsv": "train",
    "translated_train.tsv": "train",
    "dev_2k.tsv": "valid",
    "test_2k.tsv": "test",
}
# Rows left after the authors removed untranslated sentences: valid, test.
PUBLISHED = {
    "en": (2000, 2000),
    "fr": (1992, 1985),
    "es": (1962, 1999),
    "de": (1932, 1967),
    "zh": (1984, 1975),
    "ja": (1980, 1946),
    "ko": (1965, 1972),
}
PUBLISHED_TRAIN = 49401


class PAWSX(PairBenchmark):
    """Reads PAWS-X's official files and XTREME's.

    Some of the files quote fields as CSV does and others do not; both kinds are
    read into the same text.
    """

    name = "pawsx"
    labels = ("0", "1")
    placeholder = "NS"
    expected = (
        "x-final/LANG/{train,translated_train,dev_2k,test_2k}.tsv or"
        " {train,dev,test}-LANG.tsv with [id,] sentence1, sentence2, label"
    )

    def find(self, folder: Path) -> list[BenchmarkFile]:
        """All PAWS-X files in `folder`, whichever layout it has."""
        files = find_xtreme_files(folder)
        for parent in ("", "x-final/"):
            for name, split in SPLITS.items():
                for path in sorted(folder.glob(f"{parent}[a-z][a-z]/{name}")):
                    files.append(BenchmarkFile(path, split, path.parent.name))
        return files

    def columns(self, first_row: Sequence[str]) -> Columns | None:
        """The layout that a file's first row shows."""
        width = len(first_row)
        if width not in (3, 4):
            return None
        first, second, label = range(width - 3, width)
        header = list(first_row[-3:]) == ["sentence1", "sentence2", "label"]
        return Columns(first, second, label, width, header, quoted=True)

    def published(self, split: str, lang: str) -> int | None:
        """The number of examples that the benchmark's authors report."""
        if split == "train":
            return PUBLISHED_TRAIN
        counts = PUBLISHED.get(lang)
        return counts[split == "test"] if counts else None
