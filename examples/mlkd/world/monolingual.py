"""Monolingual text for pretraining: plain sentences, and two clauses about the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

from world.frames import (
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
COMPOUND_SHARE = 0.75  # of the lines; in them an entity recurs
RESTATED_SHARE = 0.35  # of the compound lines: one fact, said twice
CORRECTED_SHARE = 0.35  # of the compound lines: a fact, and what it rules out
SWAP_SHARE = 0.5  # of the corrections where two roles can change places
STORY_SHARE = 0.1  # of the compound lines
REASON_SHARE = 0.5  # of the lines about somebody who goes to a city

# Types whose values are worth repeating in a second clause.
RECURRING = ("person", "city", "artist", "song", "day", "topic", "language", "room")

Clause = tuple[Frame, Phrase, Values]


def write_text(language: Language, count: int, seed: int) -> Iterator[str]:
    """Yield `count` sentences of one language, drawn with a seed of its own."""
    rng = random.Random(f"{seed} text {language.code}")
    while count > 0:
        compound = rng.random() < COMPOUND_SHARE
        text = (_compound if compound else _simple)(language, rng)
        if len(text) <= MAX_CHARS:
            count -= 1
            yield text


def _simple(language: Language, rng: random.Random) -> str:
    frame = rng.choice(FRAMES)
    kind = rng.choice([k for k in KINDS if (frame.name, k) in language.templates])
    template = rng.choice(language.templates[frame.name, kind])
    values = draw_values(slots_of(template), rng=rng)
    return language.finish(language.say(template, values)).text


def _compound(language: Language, rng: random.Random) -> str:
    way = rng.random()
    if way < RESTATED_SHARE + CORRECTED_SHARE:
        return _judged(language, rng, corrected=way < CORRECTED_SHARE)
    if way < RESTATED_SHARE + CORRECTED_SHARE + STORY_SHARE:
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


def _judged(language: Language, rng: random.Random, *, corrected: bool) -> str:
    """Return a statement, and what it says in other words or shows to be false."""
    frame = rng.choice(FRAMES)
    first = rng.choice(language.templates[frame.name, "statement"])
    known = set(slots_of(first))
    again = [
        template
        for kind in ("statement", "claim")
        for template in language.templates.get((frame.name, kind), ())
        if template != first and set(slots_of(template)) <= known
    ]
    values = draw_values(slots_of(first), rng=rng)
    second = rng.choice(again)
    said = {slot: values[slot] for slot in slots_of(second)}
    if corrected:
        said = _change(frame, said, values, rng)
    key = "corrected" if corrected else "restated"
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
