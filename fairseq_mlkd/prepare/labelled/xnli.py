"""XNLI (Conneau et al., 2018): does the first sentence imply the second?"""

from collections.abc import Sequence
from pathlib import Path

from fairseq_mlkd.prepare.labelled.reader import XTREME, Columns, PairReader
from fairseq_mlkd.prepare.labelled.rows import LabelledFile, read_rows, row_error
from fairseq_mlkd.prepare.origins import HUGGING_FACE, Origin, official_file
from fairseq_mlkd.remedies import FETCH_AGAIN

# Header names of sentence 1, sentence 2 and the label; whether fields may be quoted.
HEADERS = (
    (("sentence1", "sentence2", "gold_label"), False),  # XNLI-1.0
    (("premise", "hypo", "label"), False),  # XNLI-MT-1.0
    (("premise", "hypothesis", "label"), True),  # MultiNLI exports
)
ORIGIN = Origin(
    (
        official_file(
            "https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
            "xnli",
            17_865_352,
            sha256="4ba1d5e1afdb7161f0f23c66dc787802ccfa8a25a3ddd3b165a35e50df346ab1",
            origin=HUGGING_FACE.format("xnli"),
        ),
        official_file(
            "https://dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip",
            "xnli",
            466_098_360,
            sha256="f732517ba2fb1d550e9f3c2aabaef6017c91ee2dcec90e878f138764d224db05",
            origin=HUGGING_FACE.format("xnli"),
        ),
    ),
    {
        r"XNLI-1\.0/(?P<file>xnli\.(dev|test)\.tsv)": "XNLI-1.0/{file}",
        r"XNLI-MT-1\.0/multinli/multinli\.train\.(?P<lang>[a-z]{2})\.tsv": (
            "XNLI-MT-1.0/multinli/multinli.train.{lang}.tsv"
        ),
    },
)


class XNLI(PairReader):
    """Read XNLI's official files, XTREME's, and SNLI or MultiNLI with a header."""

    name = "xnli"
    title = "XNLI"
    labels = ("contradiction", "entailment", "neutral")
    spellings = {"contradictory": "contradiction"}
    layouts = (
        XTREME,
        r"(XNLI-1\.0/)?xnli\.(?P<split>dev|test)\.tsv",
        r"((XNLI-MT-1\.0/)?multinli/)?multinli\.(?P<split>train)\.(?P<lang>[^.]+)\.tsv",
    )
    origin = ORIGIN
    expected = (
        "XNLI-1.0/xnli.{dev,test}.tsv and XNLI-MT-1.0/multinli/multinli.train.LANG.tsv"
        " or {train,dev,test}-LANG.tsv with premise, hypothesis, label"
    )
    counts = {"": (392702, 2490, 5010)}

    def find(self, folder: Path) -> list[LabelledFile]:
        """Return all files in `folder`; one of all languages counts once for each."""
        return [
            LabelledFile(path, split, lang)
            for path, split, found in super().find(folder)
            for lang in ([found] if found else _languages(path))
        ]

    def columns(self, first_row: Sequence[str]) -> Columns | None:
        """Return the layout that a file's first row shows."""
        width = len(first_row)
        for names, quoted in HEADERS:
            if set(names) <= set(first_row):
                first, second, label = (first_row.index(name) for name in names)
                lang = first_row.index("language") if "language" in first_row else None
                return Columns(first, second, label, width, True, quoted, lang)
        if width == 3:
            return Columns(0, 1, 2, width, header=False, quoted=False)
        return None


def _languages(path: Path) -> list[str]:
    """Return the languages of a file that holds all, in order of appearance."""
    rows = read_rows(path)
    header = next(rows)[1].split("\t")
    if "language" not in header:
        advice = f"this file needs its official header; {FETCH_AGAIN}"
        raise row_error(path, 1, "no column `language`", advice)
    column = header.index("language")
    seen = (text.split("\t")[: column + 1] for _, text in rows if text)
    # A dict keeps the order; short rows are reported when the file is read.
    return list(dict.fromkeys(cells[column] for cells in seen if len(cells) > column))
