"""Users' own labelled data: a reader per kind of label, a file per form."""

from typing import Any

from fairseq_mlkd.prepare.labelled.own.forms import Form
from fairseq_mlkd.prepare.labelled.own.readers import (
    OwnIntents,
    OwnPairs,
    OwnParses,
    OwnReader,
    OwnSentences,
    OwnWords,
)

OWN_READERS: dict[str, type[OwnReader[Any]]] = {
    reader.kind: reader
    for reader in (OwnSentences, OwnPairs, OwnWords, OwnIntents, OwnParses)
}

__all__ = ["OWN_READERS", "Form", "OwnReader"]
