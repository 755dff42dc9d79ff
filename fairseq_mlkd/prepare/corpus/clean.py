"""Step 2: documents -> distinct sentences in spoken form, and a hash of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from fairseq_mlkd.prepare.corpus.chunks import read_chunk, write_packed
from fairseq_mlkd.prepare.corpus.readers import document_paragraphs
from fairseq_mlkd.prepare.corpus.sentence_encoder import load_tokenizer
from fairseq_mlkd.prepare.corpus.tasks import Result
from fairseq_mlkd.text.sentences import split_sentences
from fairseq_mlkd.text.spoken import to_spoken

SENTENCES = "sentences.zst"
HASHES = "hashes.npy"  # sorted, uint64
ORDER = "order.npy"  # the index of the sentence of each of them, uint32
LENGTHS = "lengths.npy"  # characters of each sentence, uint32
DROP_REASONS = ("empty", "short", "too_long", "duplicate", "incomplete")


@dataclass(frozen=True)
class CleaningRule:
    """The limits of sentences that are kept, measured in spoken form.

    Args:
        codes_from: folder whose normalisation replaces the spoken form.
        seed: of the hashes; the smallest hashes will be held out.
    """

    min_characters: int
    min_words: int
    max_characters: int
    codes_from: str | None
    seed: int

    def normaliser(self) -> Callable[[str, str], str]:
        if self.codes_from is None:
            return to_spoken
        return load_tokenizer(self.codes_from).normalise

    def hash(self, sentence: str) -> int:
        """Return 64 bits: of 500 million sentences, two meet once in 150 corpora."""
        salt = self.seed.to_bytes(blake2b.SALT_SIZE, "little")
        digest = blake2b(sentence.encode("utf-8"), digest_size=8, salt=salt).digest()
        return int.from_bytes(digest, "little")

    def reason_to_drop(self, sentence: str) -> str:
        """Return one of `DROP_REASONS`, or nothing."""
        if not sentence:
            return "empty"
        if len(sentence) > self.max_characters:
            return "too_long"
        if len(sentence) < self.min_characters:
            return "short"
        return "short" if sentence.count(" ") + 1 < self.min_words else ""


def clean_chunk(folder: str, path: str, lang: str, rule: CleaningRule) -> Result:
    """Write the sentences of a chunk of documents that differ from one another.

    Returns:
        `characters_in` of the documents with their markup; `sentences`, all of them,
        and their `characters_written` before normalisation; `dropped` and
        `dropped_characters` (after it) by reason; `kept`; `dropped_markup`, paragraphs
        of wikitext that cannot be read, if there are any. Sentences that templates or
        formulas leave incomplete have no characters: they are left out of the markup.
    """
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    dropped_characters: Counter[str] = Counter()
    hashes: list[int] = []
    lengths: list[int] = []
    seen: set[int] = set()
    normalise = rule.normaliser()
    with write_packed(os.path.join(folder, SENTENCES)) as kept:
        for written in _sentences(path, lang, counts):
            sentence = normalise(written, lang)
            counts["sentences"] += 1
            counts["characters_written"] += len(written)
            reason = rule.reason_to_drop(sentence)
            if not reason:
                digest = rule.hash(sentence)
                if digest not in seen:
                    seen.add(digest)
                    hashes.append(digest)
                    lengths.append(len(sentence))
                    kept.write(sentence + "\n")
                    continue
                reason = "duplicate"
            dropped[reason] += 1
            dropped_characters[reason] += len(sentence)
    _save_arrays(folder, hashes, lengths)
    incomplete = counts.pop("dropped_incomplete", 0)
    dropped["incomplete"] += incomplete
    counts["sentences"] += incomplete
    return {
        **counts,
        "kept": len(hashes),
        "dropped": dropped,
        "dropped_characters": dropped_characters,
    }


def _sentences(path: str, lang: str, counts: Counter[str]) -> Iterator[str]:
    for document in read_chunk(path):
        counts["characters_in"] += len(document.text)
        for paragraph in document_paragraphs(document, counts, lang):
            yield from split_sentences(paragraph, lang)


def _save_arrays(folder: str, hashes: list[int], lengths: list[int]) -> None:
    by_index = np.array(hashes, dtype=np.uint64)
    order = np.argsort(by_index).astype(np.uint32)
    np.save(os.path.join(folder, HASHES), by_index[order])
    np.save(os.path.join(folder, ORDER), order)
    np.save(os.path.join(folder, LENGTHS), np.array(lengths, dtype=np.uint32))
