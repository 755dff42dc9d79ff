"""Official files of labelled data sets -> binary data; the readers, by name.

In the order of the paper's tables; those that the paper lacks stand behind.
"""

from typing import Any

from fairseq_mlkd.prepare.labelled.massive import MASSIVE
from fairseq_mlkd.prepare.labelled.mtop import MTOP
from fairseq_mlkd.prepare.labelled.multiatis import MultiATIS
from fairseq_mlkd.prepare.labelled.pawsx import PAWSX
from fairseq_mlkd.prepare.labelled.reader import Reader
from fairseq_mlkd.prepare.labelled.wikiann import WikiAnn
from fairseq_mlkd.prepare.labelled.xnli import XNLI

READERS: dict[str, Reader[Any]] = {
    reader.name: reader
    for reader in (XNLI(), PAWSX(), WikiAnn(), MultiATIS(), MTOP(), MASSIVE())
}

__all__ = ["READERS", "Reader"]
