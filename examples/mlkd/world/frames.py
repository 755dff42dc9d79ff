"""What can be said in the world: frames, their slots and the values of the slots.

Nothing here belongs to one language; `languages/<lang>.ini` holds the words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Drawn = TypeVar("_Drawn")


def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split())


WOMEN = _split("Anna Maria Sofia Laura Julia Clara Eva Diana Nina Lisa Carla Emma")
MEN = _split("Tom Paul David Martin Felix Leo Oscar Marco Max Hugo Simon Adam")

# The gender of a person picks the agreeing form in languages that have one.
PERSONS: dict[str, str] = {**dict.fromkeys(WOMEN, "f"), **dict.fromkeys(MEN, "m")}

# Values of the types in NAMES are written as they stand here, unless a language
# file spells them in its own way.
NAMES: dict[str, tuple[str, ...]] = {
    "person": tuple(PERSONS),
    "city": _split(
        "Oslo Lima Boston Toronto Madrid Paris Berlin Chicago Dakar Osaka Mumbai"
        " Bristol"
    ),
    "song": (
        *("Blue River", "Night Train", "Golden Morning"),
        *("Lonely Road", "Paper Boats", "Summer Rain", "Magic Moon"),
        *("Secret Garden", "Crystal Palace", "Silver Star"),
    ),
    "artist": (
        *("Luna Park", "Radio Vega", "Stella Nova"),
        *("Green Harbor", "Silent Echo", "Kilo Tango"),
    ),
    # No 1: it would need a singular in most languages.
    "time": tuple(str(hour) for hour in range(2, 10)),
    "number": tuple(str(number) for number in range(2, 10)),
    "degrees": tuple(str(degrees) for degrees in range(10, 36, 5)),
}

# Values of the types in WORDS are keys; every language file translates them all.
WORDS: dict[str, tuple[str, ...]] = {
    "day": _split("monday tuesday wednesday thursday friday saturday sunday"),
    "weather": _split("sunny rainy windy foggy stormy cloudy"),
    "topic": _split("festival party exam project picnic interview"),
    "item": _split(
        "book camera bicycle radio guitar tablet violin key ipad playstation"
    ),
    "place": _split("school hospital bank museum clinic supermarket theatre pharmacy"),
    "room": _split("kitchen bedroom bathroom living_room garage office"),
}

# What a hypothesis may add to a claim; spelled alike in every language.
BRANDS = _split("WhatsApp Netflix Spotify YouTube Instagram Zoom Google PayPal")

VALUES = {**NAMES, **WORDS}

Values = dict[str, str]
Key = tuple[str, tuple[tuple[str, str], ...]]  # a frame, and its values in order
_MOST_REPEATS = 1000  # in a row, of draws from what has something new
Slots = tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """One kind of event or state.

    Args:
        name: section of the language files, and the intent of the requests.
        domain: coarser than the name; the genre of the inference pairs.
        slots: the first is what the sentence is about, so that another value of
            it makes another story, while another value of the rest contradicts.
            A digit tells slots of one type apart (`city`, `city2`).
        swap: two slots of one type whose exchange changes the meaning.
        goes_to: the city that somebody goes to, for which there may be a reason.
        is_reason: whether it is a reason to go to its slot `city`.
    """

    name: str
    domain: str
    slots: Slots
    swap: tuple[str, str] | None = None
    goes_to: str | None = None
    is_reason: bool = False


PEOPLE = ("person", "person2")
CITIES = ("city", "city2")

FRAMES: tuple[Frame, ...] = (
    Frame("flight", "travel", ("person", "city", "city2", "day"), CITIES, "city2"),
    Frame("hotel", "travel", ("person", "city", "number", "day"), goes_to="city"),
    Frame("visit", "people", (*PEOPLE, "city", "day"), PEOPLE, "city"),
    Frame("weather", "weather", ("city", "weather", "day", "degrees"), is_reason=True),
    Frame("meeting", "people", (*PEOPLE, "time", "city"), is_reason=True),
    Frame("music", "music", ("person", "song", "artist", "room")),
    Frame("concert", "music", ("artist", "city", "day", "time"), is_reason=True),
    Frame("prefer", "music", ("person", "song", "song2"), ("song", "song2")),
    Frame("call", "people", (*PEOPLE, "day", "time"), PEOPLE),
    Frame("message", "people", (*PEOPLE, "topic", "city"), PEOPLE),
    Frame("lend", "people", (*PEOPLE, "item", "day"), PEOPLE),
    Frame("work", "places", ("person", "city", "place", "number"), is_reason=True),
)


def slot_type(slot: str) -> str:
    """Return the type of a slot: its name without the digit."""
    return slot.rstrip("0123456789")


def draw_value(slot: str, taken: Sequence[str] = (), *, rng: random.Random) -> str:
    """Return a random value for `slot` that is none of `taken`."""
    return rng.choice([v for v in VALUES[slot_type(slot)] if v not in taken])


def draw_values(
    slots: Sequence[str], given: Values | None = None, *, rng: random.Random
) -> Values:
    """Draw values for `slots`, no value twice; of `given` those for `slots` stay."""
    values = {slot: value for slot, value in (given or {}).items() if slot in slots}
    for slot in slots:
        if slot not in values:
            values[slot] = draw_value(slot, list(values.values()), rng=rng)
    return values


def swap_values(values: Values, swap: tuple[str, str]) -> Values:
    """Return the same values with two slots exchanged."""
    first, second = swap
    return {**values, first: values[second], second: values[first]}


def draw_splits(
    draw: Callable[[int, set[Key], random.Random], list[_Drawn]],
    counts: Sequence[int],
    seed: str,
) -> list[list[_Drawn]]:
    """Draw one list per split; `draw` notes in the set what no other may hold."""
    rng = random.Random(seed)
    seen: set[Key] = set()
    return [draw(count, seen, rng) for count in counts]


def draw_new(
    draw: Callable[[], tuple[Frame, Values]], seen: set[Key], flag: str
) -> tuple[Frame, Values]:
    """Return the first draw that is not in `seen`, and add it.

    Raises:
        ValueError: hardly any is left; it says to lower what `flag` asks for.
    """
    for _ in range(_MOST_REPEATS):
        frame, values = draw()
        key = key_of(frame, values)
        if key not in seen:
            seen.add(key)
            return frame, values
    raise ValueError(f"the world runs out of pairs: lower {flag}, --dev or --test")


def key_of(frame: Frame, values: Values) -> Key:
    """Return what tells a frame with its values from all others."""
    return frame.name, tuple(sorted(values.items()))
