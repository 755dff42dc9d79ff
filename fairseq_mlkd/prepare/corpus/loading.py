"""Folders that one task after the other reads: a process reads each of them once."""

from __future__ import annotations

import os
from functools import lru_cache

from fairseq.data import Dictionary

from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.prepare.corpus.sentence_encoder import SentenceEncoder
from fairseq_mlkd.text.tokenizer import Tokenizer


def load_tokenizer(folder: str) -> Tokenizer:
    """As `Tokenizer.load`."""
    return _load_tokenizer(folder, _version(folder))


def load_encoder(tokenizer: str, dictionary: str) -> tuple[SentenceEncoder, Dictionary]:
    """The encoder of two folders, and its dictionary."""
    return _load_encoder(tokenizer, dictionary, _version(tokenizer))


def read_dictionary(folder: str) -> Dictionary:
    """Read the `dict.txt` of a folder, as `load_dictionary`."""
    return load_dictionary(
        folder,
        remedy="--codes-from needs a folder that preprocess/corpus.py or mlkd-import "
        "wrote",
    )


def _version(folder: str) -> tuple[int, ...]:
    """Tells a folder from one that had its name before."""
    if not os.path.isdir(folder):
        return ()
    status = os.stat(folder)
    return status.st_ino, status.st_mtime_ns


@lru_cache(maxsize=1)
def _load_tokenizer(folder: str, version: tuple[int, ...]) -> Tokenizer:
    return Tokenizer.load(folder)


@lru_cache(maxsize=1)
def _load_encoder(
    tokenizer: str, dictionary: str, version: tuple[int, ...]
) -> tuple[SentenceEncoder, Dictionary]:
    symbols = read_dictionary(dictionary)
    return SentenceEncoder(Tokenizer.load(tokenizer), symbols), symbols
