"""Readers of the official benchmark files."""

from fairseq_mlkd.prepare.labelled.benchmark import Benchmark
from fairseq_mlkd.prepare.labelled.massive import MASSIVE
from fairseq_mlkd.prepare.labelled.mtop import MTOP
from fairseq_mlkd.prepare.labelled.multiatis import MultiATIS
from fairseq_mlkd.prepare.labelled.pawsx import PAWSX
from fairseq_mlkd.prepare.labelled.wikiann import WikiAnn
from fairseq_mlkd.prepare.labelled.xnli import XNLI

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (XNLI(), PAWSX(), WikiAnn(), MultiATIS(), MASSIVE(), MTOP())
}

__all__ = ["BENCHMARKS", "Benchmark"]
