"""Sentences with a tag for each word, in the layouts of WikiAnn and MultiATIS++.

WikiAnn's entities are the persons, cities and artists of any sentence. MultiATIS++'s
intents are the frames of the requests, and its tags name all of their slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from world.frames import FRAMES
from world.grammar import KINDS, Language
from world.inference import write_tsv
from world.utterances import draw_utterances, realise, split_words

ENTITIES = {"person": "PER", "person2": "PER", "artist": "ORG"}
ENTITIES.update(city="LOC", city2="LOC")
SLOTS = {slot: slot for frame in FRAMES for slot in frame.slots}

HEADER = ("id", "utterance", "slot_labels", "intent")


def write_wikiann(
    folder: Path, languages: Sequence[Language], counts: dict[str, int], seed: int
) -> None:
    """Write training (English), dev and test files; `counts` are their sentences."""
    for split, count in counts.items():
        for language in split_languages(languages, split):
            target = folder / language.code / split
            target.parent.mkdir(parents=True, exist_ok=True)
            utterances = draw_utterances(language, KINDS, split, count, seed=seed)
            with target.open("w", encoding="utf-8", newline="\n") as stream:
                for _, sentence in realise(language, utterances, f"{seed} {split}"):
                    for word in split_words(sentence):
                        tag = word.tag(ENTITIES)
                        stream.write(f"{language.code}:{word.text}\t{tag}\n")
                    stream.write("\n")


def write_multiatis(
    folder: Path, languages: Sequence[Language], counts: dict[str, int], seed: int
) -> None:
    """Write training (English), dev and test files; `counts` are their utterances."""
    folder.mkdir(parents=True)
    for split, count in counts.items():
        for language in split_languages(languages, split):
            utterances = draw_utterances(language, ["request"], split, count, seed=seed)
            sentences = realise(language, utterances, f"{seed} {split}")
            rows = []
            for number, (utterance, sentence) in enumerate(sentences, start=1):
                words = split_words(sentence)
                text = " ".join(word.text for word in words)
                tags = " ".join(word.tag(SLOTS) for word in words)
                rows.append((str(number), text, tags, utterance.frame.name))
            target = folder / f"{split}_{language.code.upper()}.tsv"
            write_tsv(target, HEADER, rows)


def split_languages(languages: Sequence[Language], split: str) -> Sequence[Language]:
    """Return the languages that have a split: English alone has training data."""
    return [x for x in languages if split != "train" or x.code == "en"]
