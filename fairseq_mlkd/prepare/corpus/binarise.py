"""Steps 7 and 8: sentences -> ids in fairseq's binary format, chunk by chunk."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from fairseq_mlkd.data.binary import BinaryWriter, merge_binaries
from fairseq_mlkd.prepare.corpus.draw import CleanChunk, blocks
from fairseq_mlkd.prepare.corpus.sentence_encoder import load_encoder, read_dictionary
from fairseq_mlkd.prepare.corpus.tasks import Result

SPLITS = ("train", "valid")


def part_prefix(folder: str, split: str, shard: int) -> str:
    """Return the path, without extension, of what a chunk gives to a shard."""
    return os.path.join(folder, f"{split}{shard}")


def part_files(folder: str, shard: int) -> list[str]:
    """Return what a chunk gives to a shard."""
    splits = SPLITS[: 1 if shard else None]
    prefixes = [part_prefix(folder, split, shard) for split in splits]
    return [prefix + ext for prefix in prefixes for ext in (".bin", ".idx")]


def binarise_chunk(
    folder: str,
    chunk: CleanChunk,
    size: int,
    first: int,
    shards: int,
    tokenizer_folder: str,
    dictionary_folder: str,
) -> Result:
    """Write the ids of a chunk's sentences, training sentences dealt out to shards.

    Args:
        size: training sentences that are drawn.
        first: those that the chunks before give: the shards get equally many.
    Returns:
        `tokens` without ends of sentences, `unknown` ones among them, and `words`.
    """
    totals: Counter[str] = Counter()
    train = chunk.train(size, "written")
    shard_of = (first + np.arange(len(train))) % shards
    chunk.generator("shards").shuffle(shard_of)
    parts = [
        [train[i] for i in np.flatnonzero(shard_of == shard)] for shard in range(shards)
    ]
    folders = (tokenizer_folder, dictionary_folder)
    for shard, sentences in enumerate(parts):
        totals.update(_write(part_prefix(folder, "train", shard), sentences, *folders))
    totals.update(_write(part_prefix(folder, "valid", 0), chunk.valid(), *folders))
    return totals


def merge_parts(
    folder: str, lang: str, chunks: Sequence[str], shard: int, dictionary_folder: str
) -> Result:
    """Write `LANG/train`, and `LANG/valid` for the first shard, from those of chunks.

    Args:
        chunks: folders of `binarise_chunk`, all of the language, in order.
    """
    size = len(read_dictionary(dictionary_folder))
    for split in SPLITS[: 1 if shard else None]:
        parts = [part_prefix(chunk, split, shard) for chunk in chunks]
        merge_binaries(os.path.join(folder, lang, split), parts, size)
    return {}


def _write(
    prefix: str, sentences: list[str], tokenizer_folder: str, dictionary_folder: str
) -> Counter[str]:
    encoder, dictionary = load_encoder(tokenizer_folder, dictionary_folder)
    totals: Counter[str] = Counter(tokens=0, unknown=0, words=0)
    with BinaryWriter(prefix, len(dictionary)) as writer:
        for block in blocks(sentences):
            ids, sizes = encoder.encode(block)
            writer.add_block(ids, sizes)
            totals["tokens"] += len(ids) - len(sizes)
            totals["unknown"] += int((ids == dictionary.unk()).sum())
            totals["words"] += sum(sentence.count(" ") + 1 for sentence in block)
    return totals
