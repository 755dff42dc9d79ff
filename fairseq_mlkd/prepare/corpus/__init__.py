"""Text and dumps of many languages -> one folder of binary training data."""

from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.corpus.report import existing_report
from fairseq_mlkd.prepare.corpus.tasks import WorkerLost
from fairseq_mlkd.prepare.corpus.workers import Workers

__all__ = ["CorpusOptions", "WorkerLost", "Workers", "build_corpus", "existing_report"]
