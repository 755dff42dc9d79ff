"""A smaller vocabulary: the pieces that some languages or a corpus use.

Text that decided is cut as before, so its hidden states are the same to the bit:

- WordPiece takes the longest piece that fits, a unigram model the likeliest cut: what
  they never took is not missed.
- Byte-pair encoding applies merges by rank: those never applied are not missed, but the
  ones that lead to a kept piece are, so merges are kept as they were applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from fairseq_mlkd.convert.from_export import save_checkpoint
from fairseq_mlkd.convert.trained import TOKENS, Trained
from fairseq_mlkd.data.binary import load_part
from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.text.bpe_learner import WORD_END
from fairseq_mlkd.text.dictionary import (
    DICTIONARY_FILE,
    MASK,
    SPECIAL,
    UNK,
    write_dictionary,
)
from fairseq_mlkd.text.segmentation import Subwords
from fairseq_mlkd.text.sentencepieces import SentencePieces
from fairseq_mlkd.text.subwords import BpeCodes
from fairseq_mlkd.text.tokenizer import Tokenizer
from fairseq_mlkd.text.wordpiece import WordPiece

_BIAS = "lm_head.bias"
_HELD_OUT = 20  # every so many lines decide nothing and show what other text meets
_WORDPIECE_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class Trimmed(NamedTuple):
    """A vocabulary that has been cut down.

    Attributes:
        symbols: of the new dictionary, special ones and `<mask>` included.
        rows: the rows of the old embeddings that they had.
        tokenizer: cuts kept words as before.
    """

    symbols: list[str]
    rows: list[int]
    tokenizer: Tokenizer


class Texts(NamedTuple):
    """Different words of the texts that decide, and of lines that do not."""

    words: set[str]
    held_out: list[list[str]]


def read_texts(tokenizer: Tokenizer, files: Mapping[str, Iterable[str]]) -> Texts:
    """Read text files by language; every 20th line is held out."""
    texts = Texts(set(), [])
    for lang, paths in files.items():
        for path in paths:
            for number, line in enumerate(read_lines(path), 1):
                words = tokenizer.normalise(line, lang).split(" ")
                if number % _HELD_OUT:
                    texts.words.update(words)
                else:
                    texts.held_out.append(words)
    texts.words.discard("")
    return texts


def read_data(trained: Trained, langs: Iterable[str]) -> Texts:
    """Read the training data of some languages, whose pieces are joined to words.

    Raises:
        ValueError: a language has none.
    """
    texts = Texts(set(), [])
    for lang in langs:
        if not (trained.data / lang / "train.idx").is_file():
            raise ValueError(
                f"{trained.data}: no {lang}/train.idx; name the data, or give --text"
            )
        part = load_part(str(trained.data), lang, "train")
        for row in range(len(part)):
            pieces = [trained.symbols[i] for i in part[row].tolist()[:-1]]
            words = _join(pieces, trained.tokenizer.subwords)
            if (row + 1) % _HELD_OUT:
                texts.words.update(words)
            else:
                texts.held_out.append(words)
    return texts


def write_folder(folder: Path, trained: Trained, texts: Texts) -> list[str]:
    """Write the checkpoint that is left for some texts into an empty folder.

    Returns:
        Lines about it.
    Raises:
        ValueError: nothing would be left, or the subwords cannot be trimmed.
    """
    trimmed = trim(trained, texts.words)
    trimmed.tokenizer.save(str(folder))
    write_dictionary(folder / DICTIONARY_FILE, trimmed.symbols[len(SPECIAL) : -1])
    facts = replace(trained.facts, vocabulary=len(trimmed.symbols))
    weights = trim_weights(trained.weights, trimmed.rows)
    tensors = {name: torch.from_numpy(x) for name, x in weights.items()}
    save_checkpoint(folder, facts, tensors, trimmed.symbols)
    return [
        f"{len(trained.symbols):,} symbols -> {len(trimmed.symbols):,}, for "
        f"{len(texts.words):,} different words, which are cut as before",
        compare(trained, trimmed, texts.held_out),
    ]


def trim(trained: Trained, words: Iterable[str]) -> Trimmed:
    """Keep what the words use, special symbols and nothing else.

    Raises:
        ValueError: subwords of a kind that cannot be trimmed, or no word.
    """
    words = sorted(set(words))
    if not words:
        raise ValueError("the text has no words: nothing would be left")
    old = trained.tokenizer
    used = {piece for word in words for piece in old.subwords.pieces(word)}
    subwords = _trim_subwords(old.subwords, words, used)
    kept = [
        i
        for i, symbol in enumerate(trained.symbols)
        if i < len(SPECIAL) or symbol in used or symbol == MASK
    ]
    new = Tokenizer(subwords, old.normalisation)
    return Trimmed([trained.symbols[i] for i in kept], kept, new)


def trim_weights(
    weights: Mapping[str, np.ndarray], rows: list[int]
) -> dict[str, np.ndarray]:
    """Keep these rows of the embeddings and of the masked-LM head's bias."""
    return {
        name: x[rows] if name in (TOKENS, _BIAS) else x for name, x in weights.items()
    }


def compare(trained: Trained, trimmed: Trimmed, lines: Iterable[list[str]]) -> str:
    """Say what lines that decided nothing meet."""
    old, new = (
        {x: i for i, x in enumerate(s)} for s in (trained.symbols, trimmed.symbols)
    )
    total = changed = pieces = unknown = 0
    for words in lines:
        before, after = (
            [piece for word in words for piece in tokenizer.subwords.pieces(word)]
            for tokenizer in (trained.tokenizer, trimmed.tokenizer)
        )
        total, changed = total + 1, changed + (before != after)
        pieces += len(after)
        unknown += sum(new.get(x, UNK) == UNK for x in after)
        unknown -= sum(old.get(x, UNK) == UNK for x in before)
    return (
        f"other text: {changed} of {total} lines are cut in another way, "
        f"{100 * unknown / max(pieces, 1):.2f}% more of their pieces are unknown"
    )


def applied_merges(
    merges: Iterable[tuple[str, str]], words: Iterable[str]
) -> list[tuple[str, str]]:
    """Return the merges that cutting these words applies, in their order."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    applied: set[tuple[str, str]] = set()
    for word in words:
        symbols = [*word[:-1], word[-1] + WORD_END]
        while len(symbols) > 1:
            pairs = list(zip(symbols, symbols[1:]))
            best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
            if best not in ranks:
                break
            applied.add(best)
            symbols = _merge(symbols, best)
    return sorted(applied, key=ranks.__getitem__)


def _merge(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    i = 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append("".join(pair))
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def _trim_subwords(subwords: Subwords, words: list[str], used: set[str]) -> Subwords:
    if isinstance(subwords, BpeCodes):
        merges = applied_merges(subwords.merges, words)
        if not merges:
            raise ValueError("the text uses no merges at all: give more of it")
        return subwords.with_merges(merges)
    if isinstance(subwords, WordPiece):
        kept = [x for x in subwords.vocabulary if x in used or x in _WORDPIECE_SPECIAL]
        settings: dict[str, Any] = subwords.settings
        return WordPiece(kept, **settings)
    if isinstance(subwords, SentencePieces):
        model = type(subwords.model)()
        model.CopyFrom(subwords.model)
        del model.pieces[:]
        scored = subwords.scores()
        for piece in subwords.model.pieces:
            if piece.piece in used or piece.piece not in scored:
                model.pieces.add().CopyFrom(piece)
        return SentencePieces(model)
    raise ValueError(f"subwords of kind {subwords.kind} cannot be trimmed")


def _join(pieces: list[str], subwords: Subwords) -> list[str]:
    """Return the words of a sentence's pieces; `<unk>` belongs to none."""
    if isinstance(subwords, BpeCodes):
        text = "".join(
            x.removesuffix("@@") if x.endswith("@@") else f"{x} " for x in pieces
        )
    elif isinstance(subwords, SentencePieces):
        text = "".join(pieces).replace("\u2581", " ")
    else:
        text = "".join(x[2:] if x.startswith("##") else f" {x}" for x in pieces)
    return [word for word in text.split() if SPECIAL[UNK] not in word]
