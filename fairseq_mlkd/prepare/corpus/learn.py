"""Steps 5 and 6: subwords learnt from a sample, and the dictionary of all used."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from fairseq.data import Dictionary

from fairseq_mlkd.prepare.corpus.chunks import read_packed, write_packed
from fairseq_mlkd.prepare.corpus.draw import CleanChunk, blocks
from fairseq_mlkd.prepare.corpus.sentence_encoder import (
    SubwordCounter,
    load_tokenizer,
    read_dictionary,
)
from fairseq_mlkd.prepare.corpus.tasks import Result
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE
from fairseq_mlkd.text.segmentation import Subwords
from fairseq_mlkd.text.sentencepieces import (
    MODEL_FILE,
    SentencePieces,
    learn_sentencepieces,
    read_model,
)
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

MAX_WORDS = 1 << 19  # subwords are learnt from so many most frequent words: 200 MB
_COUNTS = "counts.zst"

# how each of `options.SUBWORDS` is learnt and read, and its file
_LEARNERS: dict[str, tuple[Callable[..., None], Callable[[str], Subwords], str]] = {
    "bpe": (learn_codes, BpeCodes, "codes"),
    "sentencepiece": (
        learn_sentencepieces,
        lambda path: SentencePieces(read_model(path)),
        MODEL_FILE,
    ),
}


def count_words(folder: str, chunk: CleanChunk, size: int) -> Result:
    """Count the words of `size` of a chunk's sentences."""
    words: Counter[str] = Counter()
    for block in blocks(chunk.train(size, "learning")):
        words.update(" ".join(block).split(" "))
    _write_counts(folder, words)
    return {}


def learn_subwords(folder: str, counted: Sequence[str], kind: str, n: int) -> Result:
    """Write a tokenizer of spoken form.

    Args:
        counted: folders of `count_words`.
        kind: one of `options.SUBWORDS`.
        n: merges to learn, or pieces.
    Raises:
        ValueError: the text is too little.
    """
    learn, load, name = _LEARNERS[kind]
    path = os.path.join(folder, name)
    learn(_add_counts(counted, MAX_WORDS), n, path)
    Tokenizer(load(path), "spoken").save(folder)
    return {}


def take_subwords(folder: str, source: str) -> Result:
    """Write the tokenizer of another folder."""
    Tokenizer.load(source).save(folder)
    return {}


def count_subwords(
    folder: str, chunk: CleanChunk, size: int, tokenizer_folder: str
) -> Result:
    """Count the subwords of the training sentences that are drawn of a chunk.

    Returns:
        `words`, running ones, and `whole_words`, those that are one subword.
    """
    counter = SubwordCounter(load_tokenizer(tokenizer_folder))
    for block in blocks(chunk.train(size, "written")):
        counter.add(block)
    counter.finish()
    _write_counts(folder, counter.symbols)
    return {"words": counter.words, "whole_words": counter.whole_words}


def build_dictionary(
    folder: str, counted: Mapping[str, Sequence[str]], source: str | None
) -> Result:
    """Write `dict.txt`: all subwords that were counted, or what `source` has.

    Args:
        counted: folders of `count_subwords` of each language.
    Returns:
        `size` and, by language, the `symbols` of it that occur there.
    """
    by_lang = {lang: _add_counts(folders) for lang, folders in counted.items()}
    if source is None:
        dictionary = Dictionary()
        for counts in by_lang.values():
            for symbol, n in counts.items():
                dictionary.add_symbol(symbol, n)
        dictionary.finalize()
    else:
        dictionary = read_dictionary(source)
    dictionary.save(os.path.join(folder, DICTIONARY_FILE))
    symbols = {
        lang: sum(symbol in dictionary for symbol in counts)
        for lang, counts in by_lang.items()
    }
    return {"size": len(dictionary), "symbols": symbols}


def _write_counts(folder: str, counts: Mapping[str, int]) -> None:
    with write_packed(os.path.join(folder, _COUNTS)) as file:
        file.writelines(f"{symbol} {n}\n" for symbol, n in counts.items())


def _add_counts(folders: Iterable[str], most: int = sys.maxsize) -> Counter[str]:
    """Return the sum of counts; of more than `most`, about the most frequent.

    The table is cut back whenever it is a quarter larger, so that rare words can lose
    what was counted before.
    """
    total: Counter[str] = Counter()
    for folder in folders:
        for line in read_packed(os.path.join(folder, _COUNTS)):
            symbol, n = line.split(" ")
            total[symbol] += int(n)
        if len(total) > most + most // 4:
            _cut_back(total, most)
    _cut_back(total, most)
    return total


def _cut_back(counts: Counter[str], most: int) -> None:
    if len(counts) > most:
        for symbol, _ in counts.most_common()[most:]:
            del counts[symbol]
