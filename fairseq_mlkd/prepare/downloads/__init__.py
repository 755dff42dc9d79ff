"""Fetching the official files of corpora and benchmarks."""

from fairseq_mlkd.prepare.downloads.downloader import Downloader
from fairseq_mlkd.prepare.downloads.fetching import SOURCE_NAMES, Fetched, fetch

__all__ = ["SOURCE_NAMES", "Downloader", "Fetched", "fetch"]
