"""Steps 7 and 8: sentences -> ids in fairseq's binary format, piece by piece."""

from __future__ import annotations

import os
from collections import Counter
from typing import List, Sequence

import numpy as np

from fairseq_mlkd.data.binary import BinaryWriter, encode_line, merge_binaries
from fairseq_mlkd.data.corpus.draw import CleanPiece
from fairseq_mlkd.data.corpus.learn import load_dictionary, load_tokenizer
from fairseq_mlkd.data.corpus.tasks import Result

SPLITS = ("train", "valid")


def part_prefix(folder: str, split: str, shard: int) -> str:
    """Path, without extension, of what a piece gives to a shard."""
    return os.path.join(folder, f"{split}{shard}")


def part_files(folder: str, shard: int) -> List[str]:
    """What a piece gives to a shard."""
    splits = SPLITS[: 1 if shard else None]
    prefixes = [part_prefix(folder, split, shard) for split in splits]
    return [prefix + ext for prefix in prefixes for ext in (".bin", ".idx")]


def binarise_piece(
    folder: str,
    piece: CleanPiece,
    size: int,
    first: int,
    shards: int,
    tokenizer_folder: str,
    dictionary_folder: str,
) -> Result:
    """Write the ids of a piece's sentences, training sentences dealt out to shards.

    Args:
        size: training sentences that are drawn.
        first: those that the pieces before give: the shards get equally many.
    Returns:
        `tokens` without ends of sentences, `unknown` ones among them, and `words`.
    """
    totals: Counter[str] = Counter(tokens=0, unknown=0, words=0)
    train = piece.train(size, "written")
    shard_of = (first + np.arange(len(train))) % shards
    piece.generator("shards").shuffle(shard_of)
    parts = [
        [train[i] for i in np.flatnonzero(shard_of == shard)] for shard in range(shards)
    ]
    folders = (tokenizer_folder, dictionary_folder)
    for shard, sentences in enumerate(parts):
        prefix = part_prefix(folder, "train", shard)
        totals.update(_write_part(prefix, sentences, *folders))
    prefix = part_prefix(folder, "valid", 0)
    totals.update(_write_part(prefix, piece.valid(), *folders))
    return totals


def merge_parts(
    folder: str, lang: str, pieces: Sequence[str], shard: int, dictionary_folder: str
) -> Result:
    """Write `LANG/train`, and `LANG/valid` for the first shard, from those of pieces.

    Args:
        pieces: folders of `binarise_piece`, all of the language, in order.
    """
    size = len(load_dictionary(dictionary_folder))
    for split in SPLITS[: 1 if shard else None]:
        parts = [part_prefix(piece, split, shard) for piece in pieces]
        merge_binaries(os.path.join(folder, lang, split), parts, size)
    return {}


def _write_part(
    prefix: str, sentences: List[str], tokenizer_folder: str, dictionary_folder: str
) -> Counter[str]:
    tokenizer = load_tokenizer(tokenizer_folder)
    dictionary = load_dictionary(dictionary_folder)
    totals: Counter[str] = Counter()
    with BinaryWriter(prefix, len(dictionary)) as writer:
        for sentence in sentences:
            ids = encode_line(dictionary, tokenizer.segment(sentence))
            writer.add(ids)
            totals["tokens"] += len(ids) - 1
            totals["unknown"] += ids.count(dictionary.unk())
            totals["words"] += sentence.count(" ") + 1
    return totals
