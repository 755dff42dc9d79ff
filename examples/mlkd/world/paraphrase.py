"""Paraphrase pairs in PAWS-X's layout.

The second sentence is always another phrasing with the very same words in its slots.
In a paraphrase they keep their roles, in the other half two of them change places
(who called whom, from where to where), so only the roles decide. In most pairs the two
stand in the same order in both sentences, so that the phrasing tells their roles;
hence only slots count that can be said in the same order and in another one.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from world.frames import (
    FRAMES,
    Frame,
    Values,
    draw_new,
    draw_splits,
    draw_values,
    key_of,
    swap_values,
)
from world.grammar import Language, find_english
from world.inference import write_tsv

SAME_ORDER_SHARE = 0.8  # of the pairs
PLAIN_SHARE = 0.8  # of the pairs: the first sentence has its slots in the usual order


@dataclass(frozen=True)
class Pair:
    """Two readings of one frame, still without words; label 1 if they are equal."""

    frame: Frame
    first: Values
    second: Values

    @property
    def label(self) -> int:
        return int(self.first == self.second)


def write_pawsx(
    folder: Path, languages: Sequence[Language], counts: Sequence[int], seed: int
) -> None:
    """Write training (English), dev and test files; `counts` are their rows."""
    english = find_english(languages)
    train, dev, test = draw_pairs(english, counts, seed)
    for language in languages:
        target = folder / "x-final" / language.code
        target.mkdir(parents=True)
        if language is english:
            _write_split(target / "train.tsv", language, train, seed)
        _write_split(target / "dev_2k.tsv", language, dev, seed)
        _write_split(target / "test_2k.tsv", language, test, seed)


def _realise(
    language: Language, pairs: Sequence[Pair], seed: str
) -> Iterator[tuple[str, str]]:
    rng = random.Random(f"{seed} {language.code}")
    for pair in pairs:
        templates = language.phrasings(
            pair.frame.name, "statement", tuple(sorted(pair.first))
        )
        choices = list(itertools.permutations(templates, 2))
        if rng.random() < PLAIN_SHARE:
            choices = [c for c in choices if _order(c[0], pair.frame)]
        in_order = [c for c in choices if _keeps_order(pair, *c)]
        if in_order and rng.random() < SAME_ORDER_SHARE:
            choices = in_order
        sentences = zip(rng.choice(choices), (pair.first, pair.second))
        first, second = [language.finish(language.say(t, v)).text for t, v in sentences]
        yield first, second


def draw_pairs(english: Language, counts: Sequence[int], seed: int) -> list[list[Pair]]:
    """Draw one list per split, half of it paraphrases; no two share a sentence."""
    return draw_splits(partial(_draw_split, english), counts, f"{seed} paraphrase")


def _draw_split(
    language: Language, count: int, seen: set[tuple], rng: random.Random
) -> list[Pair]:
    pairs: list[Pair] = []
    while len(pairs) < count:
        frame, first = draw_new(partial(_draw, language, rng), seen, "--paraphrases")
        swapped = swap_values(first, frame.swap)
        seen.add(key_of(frame, swapped))
        pairs.append(Pair(frame, first, swapped if len(pairs) % 2 else first))
    rng.shuffle(pairs)
    return pairs


def _draw(language: Language, rng: random.Random) -> tuple[Frame, Values]:
    frame = rng.choice([frame for frame in FRAMES if frame.swap])
    about = frame.name, "statement"
    slots = [
        slots
        for slots in language.slot_sets(*about)
        if set(frame.swap) <= set(slots)
        and len({_order(t, frame) for t in language.phrasings(*about, slots)}) == 2
        and len(language.phrasings(*about, slots)) > 2
    ]
    return frame, draw_values(rng.choice(slots), rng=rng)


def _keeps_order(pair: Pair, first: str, second: str) -> bool:
    """Return whether the words that could change places come in the same order."""
    same_phrase_order = _order(first, pair.frame) == _order(second, pair.frame)
    return same_phrase_order == bool(pair.label)


def _order(template: str, frame: Frame) -> bool:
    """Return whether the first of the two slots that could swap comes first."""
    first, second = (template.index(f"{{{slot}}}") for slot in frame.swap)
    return first < second


def _write_split(
    path: Path, language: Language, pairs: Sequence[Pair], seed: int
) -> None:
    sentences = _realise(language, pairs, f"{seed} {path.stem}")
    rows = [
        (str(number), first, second, str(pair.label))
        for number, (pair, (first, second)) in enumerate(zip(pairs, sentences), start=1)
    ]
    write_tsv(path, ("id", "sentence1", "sentence2", "label"), rows)
