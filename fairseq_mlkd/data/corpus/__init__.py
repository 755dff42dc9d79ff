"""Text and dumps of many languages -> one folder of binary training data."""

from fairseq_mlkd.data.corpus.build import (
    CorpusOptions,
    build_corpus,
    existing_report,
)

__all__ = ["CorpusOptions", "build_corpus", "existing_report"]
