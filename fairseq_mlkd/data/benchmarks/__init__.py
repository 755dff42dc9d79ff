"""Readers of the official benchmark files."""

from typing import Dict

from fairseq_mlkd.data.benchmarks.pairs import PairBenchmark
from fairseq_mlkd.data.benchmarks.pawsx import PAWSX
from fairseq_mlkd.data.benchmarks.xnli import XNLI

BENCHMARKS: Dict[str, PairBenchmark] = {"xnli": XNLI(), "pawsx": PAWSX()}

__all__ = ["BENCHMARKS", "PairBenchmark"]
