"""Text and dumps of many languages -> one folder of binary training data."""

from fairseq_mlkd.data.corpus.build import build_corpus
from fairseq_mlkd.data.corpus.options import CorpusOptions
from fairseq_mlkd.data.corpus.report import existing_report
from fairseq_mlkd.data.corpus.tasks import WorkerLost
from fairseq_mlkd.data.corpus.workers import Workers

__all__ = ["CorpusOptions", "WorkerLost", "Workers", "build_corpus", "existing_report"]
