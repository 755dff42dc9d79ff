"""XNLI (Conneau et al., 2018): does the first sentence imply the second?"""

from collections.abc import Sequence
from pathlib import Path

from fairseq_mlkd.prepare.labelled.pair_benchmark import Columns, PairBenchmark
from fairseq_mlkd.prepare.labelled.rows import (
    BenchmarkFile,
    find_xtreme_files,
    read_rows,
    row_error,
)

# Header names of sentence 1, sentence 2 and the label; whether fields may be quoted.
HEADERS = (
    (("sentence1", "sentence2", "gold_label"), False),  # XNLI-1.0
    (("premise", "hypo", "label"), False),  # XNLI-MT-1.0
    (("premise", "hypothesis", "label"), True),  # MultiNLI exports
)
PUBLISHED = {"train": 392702, "valid": 2490, "test": 5010}


class XNLI(PairBenchmark):
    """Reads XNLI's official files, XTREME's, and MultiNLI with a header."""

    name = "xnli"
    labels = ("contradiction", "entailment", "neutral")
    spellings = {"contradictory": "contradiction"}
    expected = (
        "XNLI-1.0/xnli.{dev,test}.tsv and XNLI-MT-1.0/multinli/multinli.train.LANG.tsv"
        " or {train,dev,test}-LANG.tsv with premise, hypothesis, label"
    )

    def find(self, folder: Path) -> list[BenchmarkFile]:
        """All XNLI files in `folder`, whichever layout it has."""
        files = find_xtreme_files(folder)
        for name, split in (("xnli.dev.tsv", "valid"), ("xnli.test.tsv", "test")):
            for path in (folder / name, folder / "XNLI-1.0" / name):
                if path.exists():
                    langs = _languages(path)
                    files += [BenchmarkFile(path, split, lang) for lang in langs]
        for parent in ("", "multinli/", "XNLI-MT-1.0/multinli/"):
            for path in sorted(folder.glob(f"{parent}multinli.train.*.tsv")):
                files.append(BenchmarkFile(path, "train", path.name.split(".")[2]))
        return files

    def columns(self, first_row: Sequence[str]) -> Columns | None:
        """The layout that a file's first row shows."""
        width = len(first_row)
        for names, quoted in HEADERS:
            if set(names) <= set(first_row):
                first, second, label = (first_row.index(name) for name in names)
                lang = first_row.index("language") if "language" in first_row else None
                return Columns(first, second, label, width, True, quoted, lang)
        if width == 3:
            return Columns(0, 1, 2, width, header=False, quoted=False)
        return None

    def published(self, split: str, lang: str) -> int | None:
        """The number of examples that the benchmark's authors report."""
        return PUBLISHED[split]


def _languages(path: Path) -> list[str]:
    """Languages of a file that holds all of them, in order of appearance."""
    rows = read_rows(path)
    header = next(rows)[1].split("\t")
    if "language" not in header:
        advice = "this file needs its official header; download it again"
        raise row_error(path, 1, "no column `language`", advice)
    column = header.index("language")
    seen = (text.split("\t")[: column + 1] for _, text in rows if text)
    # A dict keeps the order; short rows are reported when the file is read.
    return list(dict.fromkeys(cells[column] for cells in seen if len(cells) > column))
