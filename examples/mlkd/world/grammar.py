"""The words of one language, and how a template with its slots becomes a sentence."""

from __future__ import annotations

import configparser
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from world.frames import FRAMES, PERSONS, VALUES, WORDS, Slots, Values, slot_type

# `{city}` stands for a value, `{city:a|b|c}` for the form that agrees with it.
PLACEHOLDER = re.compile(r"{(\w+)(?::([^}]*))?}")

# Position of the agreeing form: masculine, feminine, and a third one, which is the
# neuter or the form before a vowel, whichever the language has.
CLASSES = {"m": 0, "f": 1, "n": 2, "v": 2}
VOWELS = "aeiouyàâéèêîôû"

KINDS = ("statement", "claim", "denial", "request")

GLOSSED = ("person", "city")  # types whose Latin spelling may stand in parentheses


@dataclass(frozen=True)
class Span:
    """A slot's value in a sentence: characters `start` to `end`, end exclusive."""

    slot: str
    start: int
    end: int

    def shift(self, offset: int) -> Span:
        """Return the same span `offset` characters further on."""
        return Span(self.slot, self.start + offset, self.end + offset)


@dataclass(frozen=True)
class Phrase:
    """A piece of text that knows where its slots are."""

    text: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Language:
    """Lexicon and templates of one language.

    Args:
        code: ISO 639-1, the name of the file.
        stop: what ends a sentence that does not end in a question mark.
        elisions: word -> its form before a vowel.
        lexicon: type -> value -> (spelling, agreement class).
        templates: (frame or "language", kind) -> templates.
    """

    code: str
    stop: str
    elisions: Mapping[str, str]
    lexicon: Mapping[str, Mapping[str, tuple[str, int]]]
    templates: Mapping[tuple[str, str], Sequence[str]] = field(repr=False)

    def slot_sets(self, frame: str, kind: str) -> list[Slots]:
        """Return the sets of slots, sorted, that the templates of this kind mention."""
        return sorted({slots_of(t) for t in self.templates[frame, kind]})

    def phrasings(self, frame: str, kind: str, slots: Slots) -> list[str]:
        """Return the templates that mention exactly these slots."""
        return [t for t in self.templates[frame, kind] if slots_of(t) == slots]

    def glossed(self) -> Language:
        """Return it with Latin spellings after the names that it writes differently.

        News and encyclopedias write foreign names like this.
        """
        lexicon = {
            kind: {
                value: (f"{text} ({value})" if _needs_gloss(kind, text) else text, cls)
                for value, (text, cls) in words.items()
            }
            for kind, words in self.lexicon.items()
        }
        return replace(self, lexicon=lexicon)

    def say(self, template: str, values: Values) -> Phrase:
        """Fill a template: a clause without capital and full stop."""
        words = {s: self.lexicon[slot_type(s)][v] for s, v in values.items()}
        pieces = {
            slot: Phrase(text, (Span(slot, 0, len(text)),))
            for slot, (text, _) in words.items()
        }
        return self._fill(template, pieces, {s: cls for s, (_, cls) in words.items()})

    def join(self, joiner: str, a: Phrase, b: Phrase) -> Phrase:
        """Return two clauses as one; a joiner has the placeholders `{a}` and `{b}`."""
        return self._fill(joiner, {"a": a, "b": b}, {})

    def wrap(
        self, way: str, clause: Phrase, brand: str, *, rng: random.Random
    ) -> Phrase:
        """Return a clause `denied`, or with the `detail` of a brand; "": as it is."""
        if not way:
            return clause
        template = rng.choice(self.templates["language", way])
        return self.join(template, clause, Phrase(brand))

    def finish(self, clause: Phrase) -> Phrase:
        """Give a clause its capital letter and its full stop."""
        start = re.search(r"\w", clause.text).start()  # after "¿"
        head, rest = clause.text[: start + 1], clause.text[start + 1 :]
        stop = "" if rest[-1] in "?？" else self.stop
        return Phrase(head.upper() + rest + stop, clause.spans)

    def tell(self, template: str, person: str, fact: Phrase) -> Phrase:
        """Return a request to tell `person` a clause `{a}`, the slot `fact`."""
        name, cls = self.lexicon["person"][person]
        pieces = {
            "person": Phrase(name, (Span("person", 0, len(name)),)),
            "a": Phrase(fact.text, (Span("fact", 0, len(fact.text)), *fact.spans)),
        }
        return self._fill(template, pieces, {"person": cls})

    def clause(
        self, frame: str, kind: str, values: Values, *, rng: random.Random
    ) -> Phrase:
        """Return a clause by any template that mentions exactly the slots given."""
        template = rng.choice(self.phrasings(frame, kind, tuple(sorted(values))))
        return self.say(template, values)

    def sentence(
        self, frame: str, kind: str, values: Values, *, rng: random.Random
    ) -> str:
        """Return the text of such a clause as a whole sentence."""
        return self.finish(self.clause(frame, kind, values, rng=rng)).text

    def _fill(
        self, template: str, pieces: Mapping[str, Phrase], classes: Mapping[str, int]
    ) -> Phrase:
        text, spans, position = "", [], 0
        for match in PLACEHOLDER.finditer(template):
            slot, forms = match.groups()
            text += template[position : match.start()]
            position = match.end()
            if forms is not None:
                text += forms.split("|")[classes[slot]]
                continue
            text = self._elide(text, pieces[slot].text)
            spans += [span.shift(len(text)) for span in pieces[slot].spans]
            text += pieces[slot].text
        return Phrase(text + template[position:], tuple(spans))

    def _elide(self, text: str, following: str) -> str:
        last = text.rsplit(" ", 2)[-2:]  # the last word and "", if a space follows it
        if last[-1] or last[0] not in self.elisions:
            return text
        if following[0].lower() not in VOWELS:
            return text
        return text[: -len(last[0]) - 1] + self.elisions[last[0]]


def _needs_gloss(kind: str, text: str) -> bool:
    return kind in GLOSSED and not re.search("[A-Za-z]", text)


def slots_of(template: str) -> Slots:
    """Return the slots that a template mentions, sorted."""
    return tuple(sorted({slot for slot, _ in PLACEHOLDER.findall(template)}))


def load_language(path: Path) -> Language:
    """Read a language file.

    Raises:
        ValueError: naming the file and the section, if something is missing there.
    """
    ini = configparser.ConfigParser(
        delimiters="=", comment_prefixes="#", interpolation=None
    )
    ini.optionxform = str  # keys are case-sensitive
    try:
        ini.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except configparser.Error as error:
        raise ValueError(f"{path}: {error}".replace("\n", " ")) from error
    templates = {
        (section, kind): [line for line in text.splitlines() if line]
        for section in ini.sections()
        for kind, text in ini[section].items()
    }
    language = Language(
        code=path.stem,
        stop=ini.get("language", "stop", fallback=""),
        elisions=dict(ini["elision"]) if "elision" in ini else {},
        lexicon={kind: _read_words(ini, kind, path) for kind in VALUES},
        templates=templates,
    )
    _check_words(language, path)
    _check_slots(language, path)
    return language


def find_english(languages: Sequence[Language]) -> Language:
    """Return the one that all others are compared with."""
    return next(language for language in languages if language.code == "en")


def load_languages(folder: Path) -> list[Language]:
    """Return all languages of a folder, sorted by code; they must say the same things.

    Raises:
        ValueError: if a language lacks what English has, or the other way round.
    """
    paths = sorted(folder.glob("*.ini"))
    languages = [load_language(path) for path in paths]
    english = find_english(languages)
    for language, path in zip(languages, paths):
        for frame in FRAMES:
            for kind in KINDS:
                _compare(language, english, frame.name, kind, path)
    return languages


def _read_words(
    ini: configparser.ConfigParser, kind: str, source: Path
) -> dict[str, tuple[str, int]]:
    section = f"slot {kind}"
    written = dict(ini[section]) if section in ini else {}
    words = {}
    for value in VALUES[kind]:
        text, _, gender = written.get(value, value).partition("/")
        gender = gender or PERSONS.get(value, "m")
        if gender not in CLASSES:
            raise ValueError(
                f"{source}: [{section}] {value} has the unknown gender {gender};"
                f" use one of {', '.join(CLASSES)}"
            )
        words[value] = text, CLASSES[gender]
    return words


def _check_words(language: Language, path: Path) -> None:
    for kind, values in WORDS.items():
        for value in values:
            if (f"slot {kind}", value) not in language.templates:
                raise ValueError(f"{path}: [slot {kind}] lacks {value}; add it")
    joiners = ("plain", "reason", "restated", "corrected", "open")
    for key in ("stop", *joiners, "denied", "detail", "story", "told"):
        if ("language", key) not in language.templates:
            raise ValueError(f"{path}: [language] lacks {key}; add it")


def _check_slots(language: Language, path: Path) -> None:
    known = {frame.name: set(frame.slots) for frame in FRAMES}
    for (section, kind), templates in language.templates.items():
        if section not in known:
            continue
        for template in templates:
            unknown = set(slots_of(template)) - known[section]
            if unknown:
                raise ValueError(
                    f"{path}: [{section}] {kind} has the unknown slots"
                    f" {sorted(unknown)}: {template}"
                )


def _compare(
    language: Language, english: Language, frame: str, kind: str, path: Path
) -> None:
    sets = [
        {slots_of(t) for t in lang.templates.get((frame, kind), ())}
        for lang in (language, english)
    ]
    difference = sorted(sets[0] ^ sets[1])
    if difference:
        raise ValueError(
            f"{path}: [{frame}] {kind} differs from en.ini: one of them lacks a"
            f" template with the slots {', '.join(difference[0])}; add it"
        )
