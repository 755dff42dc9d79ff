"""The text side of a corpus: clean sentences, a held-out part, samples of the rest."""

from __future__ import annotations

import heapq
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Callable, Iterator, List, Optional, Set

from tqdm import tqdm

from fairseq_mlkd.data.sampling import apportion, sampling_probabilities
from fairseq_mlkd.text.files import read_lines
from fairseq_mlkd.text.sentences import split_sentences

# Duplicates are looked for among so many sentences a language (about 1.3 GB of
# memory); later ones are kept unless they repeat one of these.
MAX_REMEMBERED = 1 << 24

DROP_REASONS = ("empty", "too_long", "duplicate")


@dataclass
class CleanText:
    """Clean sentences of one language, as two files and the counts of making them."""

    lang: str
    train_path: str
    valid_path: str
    lines: int = 0
    sentences: int = 0
    characters: int = 0
    train: int = 0
    valid: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def clean_text(
    lang: str,
    files: List[str],
    folder: str,
    normalise: Callable[[str, str], str],
    *,
    max_characters: int,
    valid: int,
    seed: int,
) -> CleanText:
    """Write the distinct sentences of `files` as `FOLDER/LANG.{train,valid}`.

    A sentence is held out if its seeded hash is among the `valid` smallest, so that no
    sentence is in both parts and the choice does not depend on the order of the files.

    Raises:
        ValueError: fewer than `valid` + 1 sentences are left, or a file is bad.
    """
    path = os.path.join(folder, lang)
    text = CleanText(lang, f"{path}.train", f"{path}.valid")
    seen: Set[int] = set()
    with open(path, "w", encoding="utf-8", newline="\n") as kept:
        for sentence in _sentences(text, files, normalise):
            digest = _digest(sentence, seed)
            reason = _reason_to_drop(sentence, digest, seen, max_characters)
            if reason:
                text.dropped[reason] += 1
                continue
            if len(seen) < MAX_REMEMBERED:
                seen.add(digest)
            text.characters += len(sentence)
            kept.write(sentence + "\n")
    if len(seen) <= valid:
        raise ValueError(
            f"language {lang}: only {len(seen)} sentences are left of "
            f"{', '.join(files)}, too few to hold out {valid}; give more text or "
            "a smaller --valid"
        )
    _hold_out(text, path, set(heapq.nsmallest(valid, seen)), seed)
    os.remove(path)
    return text


def read_sentences(path: str) -> Iterator[str]:
    """Yield the sentences of a file that `clean_text` wrote."""
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line[:-1]


def sample_sentences(path: str, population: int, size: int, seed: str) -> Iterator[str]:
    """Yield `size` of the `population` sentences of a file, in constant memory.

    A sample larger than the file is whole passes over it and a remainder that is drawn
    without replacement.
    """
    passes, needed = divmod(size, population)
    for _ in range(passes):
        yield from read_sentences(path)
    rng = random.Random(seed)
    for index, sentence in enumerate(read_sentences(path) if needed else ()):
        # selection sampling (Knuth, volume 2, algorithm S)
        if rng.random() * (population - index) < needed:
            needed -= 1
            yield sentence


class TrainingPlan:
    """How often each clean sentence is used: equation 1 applied to their counts.

    Args:
        texts: the clean text of all languages.
        alpha: exponent of equation 1.
        sample: most sentences that `learning_sentences` gives.
        sentences: how many `sentences` gives in all; None: every one once.
        seed: of the draws.
    Raises:
        ValueError: a language would get no training sentence.
    """

    def __init__(
        self,
        texts: List[CleanText],
        alpha: float,
        sample: int,
        sentences: Optional[int],
        seed: int,
    ) -> None:
        self.texts = texts
        self._seed = seed
        self._every_once = sentences is None
        langs = [text.lang for text in texts]
        counts = [text.train for text in texts]
        shares = sampling_probabilities(counts, alpha)
        self.share_before = dict(zip(langs, sampling_probabilities(counts, 1.0)))
        self.share_after = dict(zip(langs, shares))
        written = counts if sentences is None else apportion(sentences, shares)
        self.written = dict(zip(langs, written))
        learning = min(sample, sentences or sum(counts))
        self.learning = dict(zip(langs, apportion(learning, shares)))
        for lang, size in self.written.items():
            if not size:
                raise ValueError(
                    f"--sentences {sentences}: language {lang} gets none; ask for "
                    "more sentences or a smaller --alpha"
                )

    def sentences(self, text: CleanText) -> Iterator[str]:
        """Yield the training sentences of a language in the order they are written."""
        if self._every_once:
            return read_sentences(text.train_path)
        return self._sample(text, self.written[text.lang])

    def learning_sentences(self) -> Iterator[str]:
        """Yield the sample of all languages that subwords are learnt from."""
        for text in self.texts:
            yield from self._sample(text, self.learning[text.lang])

    def _sample(self, text: CleanText, size: int) -> Iterator[str]:
        seed = f"{self._seed} {text.lang}"
        return sample_sentences(text.train_path, text.train, size, seed)


def _sentences(
    text: CleanText, files: List[str], normalise: Callable[[str, str], str]
) -> Iterator[str]:
    with tqdm(desc=f"{text.lang}: clean", unit=" lines", disable=None) as progress:
        for file in files:
            for line in read_lines(file):
                progress.update()
                text.lines += 1
                for sentence in split_sentences(line, text.lang):
                    text.sentences += 1
                    yield normalise(sentence, text.lang)


def _digest(sentence: str, seed: int) -> int:
    salt = seed.to_bytes(blake2b.SALT_SIZE, "little")
    digest = blake2b(sentence.encode("utf-8"), digest_size=8, salt=salt).digest()
    return int.from_bytes(digest, "little")


def _reason_to_drop(
    sentence: str, digest: int, seen: Set[int], max_characters: int
) -> str:
    if not sentence:
        return "empty"
    if len(sentence) > max_characters:
        return "too_long"
    return "duplicate" if digest in seen else ""


def _hold_out(text: CleanText, path: str, held_out: Set[int], seed: int) -> None:
    with open(text.train_path, "w", encoding="utf-8", newline="\n") as train, open(
        text.valid_path, "w", encoding="utf-8", newline="\n"
    ) as valid:
        for sentence in read_sentences(path):
            if _digest(sentence, seed) in held_out:
                text.valid += 1
                valid.write(sentence + "\n")
            else:
                text.train += 1
                train.write(sentence + "\n")
