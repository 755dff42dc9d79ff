"""Text for pretraining: sentences, two clauses about the same, and translations.

Real text of one language holds a little of others, translations among it, and that is
part of what aligns languages in a model (Blevins and Zettlemoyer, 2022; Briakou et al.,
2023). Here much is translated, since the model has minutes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from world.frames import (
    BRANDS,
    FRAMES,
    Frame,
    Values,
    draw_value,
    draw_values,
    slot_type,
    swap_values,
)
from world.grammar import KINDS, Language, Phrase, slots_of

MAX_CHARS = 256
WRAPPED_SHARE = 0.2  # of the statements: called fake news, or with a brand
TRANSLATED_SHARE = 0.6  # of the lines: a sentence, and the same in another language
ENGLISH_SHARE = 0.5  # of the translations: into English
COMPOUND_SHARE = 0.5  # of the lines; in them an entity recurs
# Shares of the compound lines: what follows from a fact, what it rules out, and what
# it leaves open.
JUDGED_SHARES = {"restated": 0.2, "corrected": 0.2, "open": 0.1}
SWAP_SHARE = 0.5  # of the corrections where two roles can change places
STORY_SHARE = 0.1  # of the compound lines
REASON_SHARE = 0.5  # of the lines about somebody who goes to a city
GLOSS_SHARE = 0.2  # of the lines, where the script is not Latin

# Types whose values are worth repeating in a second clause.
RECURRING = ("person", "city", "artist", "song", "day", "topic", "room")

Clause = tuple[Frame, Phrase, Values]


class Said(NamedTuple):
    """What a sentence says, in whatever language."""

    frame: str
    kind: str
    values: Values
    way: str  # of `Language.wrap`
    brand: str


def write_text(
    language: Language, languages: Sequence[Language], count: int, seed: int
) -> Iterator[str]:
    """Yield `count` lines of one of `languages`, drawn with a seed of its own."""
    rng = random.Random(f"{seed} text {language.code}")
    glossed = language.glossed()
    others = [other for other in languages if other is not language]
    english = [other for other in others if other.code == "en"]
    while count > 0:
        speaker = glossed if rng.random() < GLOSS_SHARE else language
        if rng.random() < TRANSLATED_SHARE:
            among = english if english and rng.random() < ENGLISH_SHARE else others
            text = _translated(speaker, rng.choice(among), rng)
        else:
            compound = rng.random() < COMPOUND_SHARE
            text = (_compound if compound else _simple)(speaker, rng)
        if len(text) <= MAX_CHARS:
            count -= 1
            yield text


def _simple(language: Language, rng: random.Random) -> str:
    return language.finish(_say(language, _draw(language, rng), rng)).text


def _translated(language: Language, other: Language, rng: random.Random) -> str:
    """Return a sentence, with the same in another language in brackets behind it."""
    said = _draw(language, rng)
    first, second = (_say(x, said, rng).text.strip("¿?？") for x in (language, other))
    return language.finish(Phrase(f"{first} ({second})")).text


def _draw(language: Language, rng: random.Random) -> Said:
    """Return what a sentence may say."""
    frame = rng.choice(FRAMES)
    kind = rng.choice([k for k in KINDS if (frame.name, k) in language.templates])
    template = rng.choice(language.templates[frame.name, kind])
    values = draw_values(slots_of(template), rng=rng)
    is_claim = kind in ("statement", "claim")
    way = (
        rng.choice(("denied", "detail"))
        if is_claim and rng.random() < WRAPPED_SHARE
        else ""
    )
    return Said(frame.name, kind, values, way, rng.choice(BRANDS))


def _say(language: Language, said: Said, rng: random.Random) -> Phrase:
    clause = language.clause(said.frame, said.kind, said.values, rng=rng)
    return language.wrap(said.way, clause, said.brand, rng=rng)


def _compound(language: Language, rng: random.Random) -> str:
    rest = 1 - STORY_SHARE - sum(JUDGED_SHARES.values())
    ways = {**JUDGED_SHARES, "story": STORY_SHARE, "plain": rest}
    (way,) = rng.choices(list(ways), list(ways.values()))
    if way in JUDGED_SHARES:
        return _judged(language, way, rng)
    if way == "story":
        story = rng.choice(language.templates["language", "story"])
        values = draw_values(slots_of(story), rng=rng)
        return language.finish(language.say(story, values)).text
    first = _clause(language, rng.choice(FRAMES), {}, rng)
    goal = first[2].get(first[0].goes_to or "")
    if goal and rng.random() < REASON_SHARE:
        key = "reason"
        frame = rng.choice([frame for frame in FRAMES if frame.is_reason])
        second = _clause(language, frame, {"city": goal}, rng)
    else:
        key = "plain"
        second = _related_clause(language, first, rng)
    joiner = rng.choice(language.templates["language", key])
    return language.finish(language.join(joiner, first[1], second[1])).text


def _judged(language: Language, key: str, rng: random.Random) -> str:
    """Return a statement and a second one that follows, is false or stays open."""
    is_open = key == "open"
    frames = [f for f in FRAMES if (f.name, "claim") in language.templates]
    frame = rng.choice(frames if is_open else FRAMES)
    first = rng.choice(language.templates[frame.name, "statement"])
    known = set(slots_of(first))
    again = [
        (kind, template)
        for kind in ("statement", "claim", "denial")
        for template in language.templates.get((frame.name, kind), ())
        if template != first and (set(slots_of(template)) <= known) != is_open
    ]
    values = draw_values(slots_of(first), rng=rng)
    kind, second = rng.choice(again)
    said = draw_values(slots_of(second), values, rng=rng)
    if not is_open and (kind == "denial") != (key == "corrected"):
        said = _change(frame, said, values, rng)
    joiner = rng.choice(language.templates["language", key])
    a, b = language.say(first, values), language.say(second, said)
    return language.finish(language.join(joiner, a, b)).text


def _change(frame: Frame, said: Values, known: Values, rng: random.Random) -> Values:
    """Swap the two roles that the frame can swap, or else change one value."""
    if frame.swap and set(frame.swap) <= set(said) and rng.random() < SWAP_SHARE:
        return swap_values(said, frame.swap)
    slot = rng.choice(sorted(said))
    return {**said, slot: draw_value(slot, list(known.values()), rng=rng)}


def _clause(
    language: Language, frame: Frame, given: Values, rng: random.Random
) -> Clause:
    """Return a statement with random values; it mentions every slot of `given`."""
    templates = [
        t
        for t in language.templates[frame.name, "statement"]
        if set(given) <= set(slots_of(t))
    ]
    template = rng.choice(templates)
    values = draw_values(slots_of(template), given, rng=rng)
    return frame, language.say(template, values), values


def _related_clause(language: Language, first: Clause, rng: random.Random) -> Clause:
    """Return a clause of another frame in which one value of `first` recurs."""
    shared = [
        (frame, slot, value)
        for frame in FRAMES
        for slot in frame.slots
        for known, value in sorted(first[2].items())
        if frame is not first[0]
        and slot_type(slot) == slot_type(known)
        and slot_type(slot) in RECURRING
    ]
    frame, slot, value = rng.choice(shared)
    return _clause(language, frame, {slot: value}, rng)
