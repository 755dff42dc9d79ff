"""PAWS-X (Yang et al., 2019): are two sentences with the same words paraphrases?"""

from collections.abc import Sequence

from fairseq_mlkd.prepare.labelled.reader import XTREME, Columns, PairReader
from fairseq_mlkd.prepare.origins import TFDS, Origin, official_file

# Rows left after the authors removed untranslated sentences: valid, test.
_KEPT = {
    "en": (2000, 2000),
    "fr": (1992, 1985),
    "es": (1962, 1999),
    "de": (1932, 1967),
    "zh": (1984, 1975),
    "ja": (1980, 1946),
    "ko": (1965, 1972),
}
ORIGIN = Origin(
    (
        official_file(
            "https://storage.googleapis.com/paws/pawsx/x-final.tar.gz",
            "pawsx",
            30_282_057,
            sha256="4146db499101d66e68ae4c8ed3cf9dadecd625f44b7d8cf3d4a0fe93afc4fd9f",
            origin=TFDS.format("text/paws_x_wiki/checksums.tsv"),
        ),
    ),
    {r"x-final/(?P<lang>[a-z]{2})/(?P<file>\w+\.tsv)": "x-final/{lang}/{file}"},
)


class PAWSX(PairReader):
    """Read PAWS-X's official files and XTREME's.

    Some of the files quote fields as CSV does and others do not; both kinds are
    read into the same text.
    """

    name = "pawsx"
    title = "PAWS-X"
    labels = ("0", "1")
    placeholder = "NS"
    layouts = (
        XTREME,
        r"(x-final/)?(?P<lang>[a-z]{2})/(?P<split>(translated_)?train|(dev|test)_2k)\.tsv",
    )
    origin = ORIGIN
    expected = (
        "x-final/LANG/{train,translated_train,dev_2k,test_2k}.tsv or"
        " {train,dev,test}-LANG.tsv with [id,] sentence1, sentence2, label"
    )
    counts = {lang: (49401, *kept) for lang, kept in _KEPT.items()}

    def columns(self, first_row: Sequence[str]) -> Columns | None:
        """Return the layout that a file's first row shows."""
        width = len(first_row)
        if width not in (3, 4):
            return None
        first, second, label = range(width - 3, width)
        header = list(first_row[-3:]) == ["sentence1", "sentence2", "label"]
        return Columns(first, second, label, width, header, quoted=True)
