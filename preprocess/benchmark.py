#!/usr/bin/env python3
"""Run `mlkd-benchmark` from a checkout."""

from fairseq_mlkd.cli.benchmark import main

if __name__ == "__main__":
    main()
