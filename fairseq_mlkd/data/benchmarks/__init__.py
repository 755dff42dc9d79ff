"""Readers of the official benchmark files."""

from typing import Dict

from fairseq_mlkd.data.benchmarks.benchmark import Benchmark
from fairseq_mlkd.data.benchmarks.massive import MASSIVE
from fairseq_mlkd.data.benchmarks.mtop import MTOP
from fairseq_mlkd.data.benchmarks.multiatis import MultiATIS
from fairseq_mlkd.data.benchmarks.pawsx import PAWSX
from fairseq_mlkd.data.benchmarks.wikiann import WikiAnn
from fairseq_mlkd.data.benchmarks.xnli import XNLI

BENCHMARKS: Dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (XNLI(), PAWSX(), WikiAnn(), MultiATIS(), MASSIVE(), MTOP())
}

__all__ = ["BENCHMARKS", "Benchmark"]
