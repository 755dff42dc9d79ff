"""Utterances of which each word may belong to a slot: what tagging and parsing label.

A meaning (a frame and the values of its slots) belongs to one split for good, drawn
from the meaning itself: no two splits share one, while one split may repeat it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from world.frames import FRAMES, PERSONS, Frame, Values, draw_values
from world.grammar import Language, Phrase, Span

SPLIT_SHARES = {"train": 0.6, "dev": 0.15, "test": 0.25}

# Japanese is cut where the script changes; elsewhere a word ends at a space, at a
# punctuation mark or after an apostrophe.
WORD = re.compile(
    r"[ぁ-ゖ]+|[ァ-ヺー]+|[々一-鿿]+|[^\s.,:?¿।。、？'ぁ-ヿ々一-鿿]+'?|\S"
)


@dataclass(frozen=True)
class Utterance:
    """Something to say, still without words.

    Args:
        frame: what it is about.
        kind: of the template: statement, claim, denial or request.
        values: of the frame's slots.
        listener: the person who is to be told it, if that is the request.
    """

    frame: Frame
    kind: str
    values: Values
    listener: str | None = None

    def split(self, seed: int) -> str:
        """Return the split that its meaning belongs to."""
        key = f"{seed} {self.frame.name} {sorted(self.values.items())}"
        (split,) = random.Random(key).choices(*zip(*SPLIT_SHARES.items()))
        return split


class Word(NamedTuple):
    """Characters `start` to `end`, end exclusive, and the spans that hold them."""

    text: str
    start: int
    end: int
    spans: tuple[Span, ...]

    def tag(self, labels: Mapping[str, str]) -> str:
        """Return its tag (B-, I- or O), if just the slots in `labels` count."""
        for span in self.spans:
            if span.slot in labels:
                return f"{'B' if span.start == self.start else 'I'}-{labels[span.slot]}"
        return "O"


def draw_utterances(
    language: Language,
    kinds: Sequence[str],
    split: str,
    count: int,
    *,
    told: float = 0.0,
    seed: int,
) -> list[Utterance]:
    """Draw utterances of one split; the share `told` is a statement to pass on."""
    rng = random.Random(f"{seed} {split} {' '.join(kinds)}")
    utterances: list[Utterance] = []
    while len(utterances) < count:
        nested = rng.random() < told
        utterance = _draw(language, ("statement",) if nested else kinds, nested, rng)
        if utterance.split(seed) == split:
            utterances.append(utterance)
    return utterances


def realise(
    language: Language, utterances: Sequence[Utterance], seed: str
) -> Iterator[tuple[Utterance, Phrase]]:
    """Yield the utterances with the sentences of one language."""
    rng = random.Random(f"{seed} {language.code}")
    for utterance in utterances:
        frame, values = utterance.frame.name, utterance.values
        clause = language.clause(frame, utterance.kind, values, rng=rng)
        if utterance.listener:
            template = rng.choice(language.templates["language", "told"])
            clause = language.tell(template, utterance.listener, clause)
        yield utterance, language.finish(clause)


def split_words(sentence: Phrase) -> list[Word]:
    """Cut a sentence into words; where a slot begins or ends, a word does as well."""
    edges = {edge for span in sentence.spans for edge in (span.start, span.end)}
    cuts = sorted({0, len(sentence.text), *edges})
    return [
        Word(match.group(), *match.span(), _around(sentence.spans, match.start()))
        for start, end in zip(cuts, cuts[1:])
        for match in WORD.finditer(sentence.text, start, end)
    ]


def _draw(
    language: Language, kinds: Sequence[str], nested: bool, rng: random.Random
) -> Utterance:
    choices: list[tuple[Frame, str]] = [
        (frame, kind)
        for frame in FRAMES
        for kind in kinds
        if (frame.name, kind) in language.templates
    ]
    frame, kind = rng.choice(choices)
    values = draw_values(rng.choice(language.slot_sets(frame.name, kind)), rng=rng)
    others = [person for person in PERSONS if person not in values.values()]
    return Utterance(frame, kind, values, rng.choice(others) if nested else None)


def _around(spans: Sequence[Span], position: int) -> tuple[Span, ...]:
    """Return the spans that hold a character, the widest first."""
    holding = [span for span in spans if span.start <= position < span.end]
    return tuple(sorted(holding, key=lambda span: span.start - span.end))
