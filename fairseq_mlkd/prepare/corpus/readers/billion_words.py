"""The Google Billion Words tarball (Chelba et al., 2013), statmt.org/lm-benchmark.

`1-billion-word-language-modeling-benchmark-r13output.tar.gz` holds one tokenised
sentence a line in 99 training members; its held-out members stay what they are, held
out. Its text is tokenised by a Moses script (`won 't`, `$ 2,900`); only of this tarball
that is known, so a plain file is taken as its owner wrote it.
"""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO, cast

from fairseq_mlkd.files.lines import decode_lines
from fairseq_mlkd.files.packed import open_packed
from fairseq_mlkd.files.tarballs import ShortHeaders
from fairseq_mlkd.prepare.corpus.readers.document import Document
from fairseq_mlkd.prepare.corpus.readers.lines import gather_lines
from fairseq_mlkd.remedies import FETCH_AGAIN, needed_for

_TRAINING = re.compile(
    r"(?:[^/.][^/]*/)?training-monolingual\.tokenized\.shuffled/news\.en-\d+-of-\d+"
)


def read_billion_words(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield the training sentences of the tarball, marked as tokenised.

    Counts "lines", "characters", and "dropped_member" for other files, links and
    names that lead out of the archive; nothing is unpacked to the disk.

    Raises:
        ValueError: the archive is damaged or cut off.
    """
    try:
        with (
            open_packed(path) as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=ShortHeaders) as tar,
        ):
            for member in tar:
                if member.isdir():
                    continue
                if not member.isfile() or not _TRAINING.fullmatch(member.name):
                    counts["dropped_member"] += 1
                    continue
                file = cast(BinaryIO, tar.extractfile(member))
                lines = decode_lines(file, f"{path}: {member.name}")
                yield from gather_lines(lines, counts, markup="tokenised")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(
            f"{path}: no whole tar archive ({error}); {FETCH_AGAIN}"
        ) from None


def undo_tokenisation(sentence: str) -> str:
    """Return text as it was before Moses' tokeniser split it at spaces."""
    return str(_detokenizer().detokenize(sentence.split(" ")))


@cache
def _detokenizer() -> Any:
    with needed_for("the Billion Words"):
        from sacremoses import MosesDetokenizer
    return MosesDetokenizer("en")
