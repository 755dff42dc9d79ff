"""Sentences -> ids in bulk: each word is cut once, then whole blocks are joined.

A block of sentences is one list of words, and its ids are the joined bytes of what the
cache holds of each word, so nothing is done in Python for a word that is known. This is
exact, since no kind of subwords looks beyond a word.

Tasks name the folders of tokenizer and dictionary; a process reads each of them once.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from fairseq.data import Dictionary

from fairseq_mlkd.data.binary import id_dtype
from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.text.tokenizer import Tokenizer

_MOST_WORDS = 1 << 19  # kept in memory; about 80 MB
_END = "\n"  # stands for the end of a sentence among words


class SentenceEncoder:
    """Encode blocks of sentences with a bounded cache of words.

    Args:
        tokenizer: its normalisation has been applied to the sentences already.
        dictionary: symbols that it lacks become `unk`.
    """

    def __init__(self, tokenizer: Tokenizer, dictionary: Dictionary) -> None:
        self._dtype = id_dtype(len(dictionary))
        self._eos = dictionary.eos()
        # no id is that high, whereas a text may spell </s>
        self._mark = np.iinfo(self._dtype).max
        end = array(self._dtype.char, [self._mark]).tobytes()

        def pack(piece: str) -> bytes:
            return array(self._dtype.char, [dictionary.index(piece)]).tobytes()

        pack_word = tokenizer.subwords.translator(pack)
        self._words = _PackedWords(
            lambda word: end if word == _END else pack_word(word)
        )

    def encode(self, sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return what `BinaryWriter.add_block` takes.

        Args:
            sentences: as `Tokenizer.normalise` returns them, one space between words.
        Returns:
            Ids of all sentences, each ended by `eos`, in fairseq's integer type, and
            `(sentences,)` sizes, int32.
        """
        words = f" {_END} ".join([*sentences, ""]).split(" ")
        packed = bytearray().join(map(self._words.__getitem__, words))
        ids = np.frombuffer(packed, self._dtype)
        ends = np.flatnonzero(ids == self._mark)
        assert len(ends) == len(sentences), "a sentence holds a line break"
        ids[ends] = self._eos
        return ids, np.diff(ends, prepend=-1).astype(np.int32)


class SubwordCounter:
    """Count the subwords of sentences, in memory bounded by the subwords' number.

    Attributes:
        symbols: how often each subword occurs; call `finish` before reading.
        words: running words that have subwords.
        whole_words: those among them that are one subword.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.symbols: Counter[str] = Counter()
        self.words = 0
        self.whole_words = 0
        self._cut = tokenizer.subwords.cut
        self._uncut: Counter[str] = Counter()

    def add(self, sentences: Sequence[str]) -> None:
        """Count a block of sentences as `Tokenizer.normalise` returns them."""
        self._uncut.update(" ".join(sentences).split(" "))
        if len(self._uncut) > _MOST_WORDS:
            self.finish()

    def finish(self) -> None:
        """Bring the attributes up to date; `add` may follow."""
        for word, count in self._uncut.items():
            pieces = self._cut(word)
            for piece in pieces:
                self.symbols[piece] += count
            self.words += count if pieces else 0
            self.whole_words += count if len(pieces) == 1 else 0
        self._uncut.clear()


class _PackedWords(dict[str, bytes]):
    """Words -> bytes; a full cache starts anew, which costs less than keeping order."""

    def __init__(self, pack: Callable[[str], bytes]) -> None:
        super().__init__()
        self._pack = pack

    def __missing__(self, word: str) -> bytes:
        if len(self) >= _MOST_WORDS:
            self.clear()
        packed = self[word] = self._pack(word)
        return packed


def load_tokenizer(folder: str) -> Tokenizer:
    """Do as `Tokenizer.load`."""
    return _load_tokenizer(folder, _version(folder))


def load_encoder(tokenizer: str, dictionary: str) -> tuple[SentenceEncoder, Dictionary]:
    """Return the encoder of two folders, and its dictionary."""
    return _load_encoder(tokenizer, dictionary, _version(tokenizer))


def read_dictionary(folder: str) -> Dictionary:
    """Read the `dict.txt` of a folder, as `load_dictionary`."""
    return load_dictionary(
        folder,
        remedy="--codes-from needs a folder that mlkd-corpus or mlkd-import wrote",
    )


def _version(folder: str) -> tuple[int, ...]:
    """Tell a folder from one that had its name before."""
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
