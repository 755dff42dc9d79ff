#!/usr/bin/env python3
"""Run `mlkd-download` from a checkout."""

from fairseq_mlkd.cli.download import main

if __name__ == "__main__":
    main()
