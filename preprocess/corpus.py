#!/usr/bin/env python3
"""Run `mlkd-corpus` from a checkout."""

from fairseq_mlkd.cli.corpus import main

if __name__ == "__main__":
    main()
