"""Inference pairs in XNLI's layout.

A premise mentions some slots of its frame and a hypothesis others. What both say
decides the label:

* entailment: the premise mentions every slot of the hypothesis, with equal values
  (for a negated hypothesis: with one value changed);
* contradiction: the other way round;
* neutral: the hypothesis mentions a slot that the premise leaves open, or a brand.

How they say it decides nothing, but hints at it, as in real data: most contradictions
are denied, and only what is neutral names a brand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from world.frames import (
    BRANDS,
    FRAMES,
    Frame,
    Values,
    draw_new,
    draw_splits,
    draw_value,
    draw_values,
)
from world.grammar import Language, find_english

LABELS = ("neutral", "contradiction", "entailment")

# How often a hypothesis of each label is negated. As in real inference data, negation
# hints at contradiction (Gururangan et al., 2018) without settling it.
DENIAL_SHARES = {"neutral": 0.15, "contradiction": 0.6, "entailment": 0.1}
QUOTED_SHARE = 0.5  # of the denials: a claim that is called fake news
DETAIL_SHARE = 0.5  # of the neutral hypotheses: a claim that follows, and a brand

# The training file of XNLI spells one label in another way.
TRAIN_LABELS = {**{label: label for label in LABELS}, "contradiction": "contradictory"}

COLUMNS = (
    *("language", "gold_label", "sentence1_binary_parse", "sentence2_binary_parse"),
    *("sentence1_parse", "sentence2_parse", "sentence1", "sentence2", "promptID"),
    *("pairID", "genre", "label1", "label2", "label3", "label4", "label5"),
    *("sentence1_tokenized", "sentence2_tokenized", "match"),
)


@dataclass(frozen=True)
class Pair:
    """A premise and a hypothesis, still without words."""

    frame: Frame
    premise: Values
    hypothesis: Values
    kind: str  # of the hypothesis: claim or denial
    label: str
    prompt: int
    way: str  # what is done to the hypothesis (`Language.wrap`)
    brand: str


def draw_pairs(english: Language, counts: Sequence[int], seed: int) -> list[list[Pair]]:
    """Draw one list per split; three pairs share a premise, no two splits share one."""
    return draw_splits(partial(_draw_split, english), counts, f"{seed} inference")


def write_xnli(
    folder: Path, languages: Sequence[Language], counts: Sequence[int], seed: int
) -> None:
    """Write training, dev and test files; `counts` are their rows per language."""
    english = find_english(languages)
    train, dev, test = draw_pairs(english, counts, seed)
    target = folder / "XNLI-MT-1.0" / "multinli" / "multinli.train.en.tsv"
    target.parent.mkdir(parents=True)
    rows = [
        (premise, hypothesis, TRAIN_LABELS[pair.label])
        for pair, premise, hypothesis in _realise(english, train, f"{seed} train")
    ]
    write_tsv(target, ("premise", "hypo", "label"), rows)
    (folder / "XNLI-1.0").mkdir()
    for split, pairs in ("dev", dev), ("test", test):
        rows = [
            row
            for language in languages
            for row in _xnli_rows(language, pairs, f"{seed} {split}")
        ]
        write_tsv(folder / "XNLI-1.0" / f"xnli.{split}.tsv", COLUMNS, rows)


def write_tsv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows, separated by tabs, without any quoting."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines("\t".join(row) + "\n" for row in (header, *rows))


def _draw_split(
    language: Language, count: int, seen: set[tuple], rng: random.Random
) -> list[Pair]:
    pairs: list[Pair] = []
    while len(pairs) < count:
        frame, premise = draw_new(
            partial(_draw_premise, language, rng), seen, "--train"
        )
        prompt = len(pairs) // len(LABELS) + 1
        for label in LABELS:
            pairs.append(_draw_pair(language, frame, premise, label, prompt, rng))
    return pairs[:count]


def _draw_premise(language: Language, rng: random.Random) -> tuple[Frame, Values]:
    frames = [f for f in FRAMES if (f.name, "claim") in language.templates]
    frame = rng.choice(frames)
    slots = rng.choice(language.slot_sets(frame.name, "statement"))
    return frame, draw_values(slots, rng=rng)


def _draw_pair(
    language: Language,
    frame: Frame,
    premise: Values,
    label: str,
    prompt: int,
    rng: random.Random,
) -> Pair:
    is_denied = rng.random() < DENIAL_SHARES[label]
    way = ""
    if is_denied:
        way = "denied" if rng.random() < QUOTED_SHARE else ""
    elif label == "neutral" and rng.random() < DETAIL_SHARE:
        way = "detail"
    kind = "denial" if is_denied and not way else "claim"
    is_open = label == "neutral" and way != "detail"
    slots = rng.choice(
        [
            slots
            for slots in language.slot_sets(frame.name, kind)
            if (set(slots) <= set(premise)) != is_open
        ]
    )
    hypothesis = draw_values(slots, premise, rng=rng)
    if label == ("entailment" if is_denied else "contradiction"):
        slot = rng.choice([s for s in slots if s != frame.slots[0]])
        hypothesis[slot] = draw_value(slot, list(premise.values()), rng=rng)
    brand = rng.choice(BRANDS)
    return Pair(frame, premise, hypothesis, kind, label, prompt, way, brand)


def _realise(
    language: Language, pairs: Sequence[Pair], seed: str
) -> Iterator[tuple[Pair, str, str]]:
    """Yield the pairs with their sentences; those of one prompt share the premise."""
    rng = random.Random(f"{seed} {language.code}")
    premises: dict[int, str] = {}
    for pair in pairs:
        name = pair.frame.name
        if pair.prompt not in premises:
            premises[pair.prompt] = language.sentence(
                name, "statement", pair.premise, rng=rng
            )
        clause = language.clause(name, pair.kind, pair.hypothesis, rng=rng)
        hypothesis = language.wrap(pair.way, clause, pair.brand, rng=rng)
        yield pair, premises[pair.prompt], language.finish(hypothesis).text


def _xnli_rows(
    language: Language, pairs: Sequence[Pair], seed: str
) -> Iterator[tuple[str, ...]]:
    for number, (pair, premise, hypothesis) in enumerate(
        _realise(language, pairs, seed), start=1
    ):
        yield (
            *(language.code, pair.label, "", "", "", "", premise, hypothesis),
            *(str(pair.prompt), str(number), pair.frame.domain, *[pair.label] * 5),
            *(tokenize(premise), tokenize(hypothesis), "True"),
        )


def tokenize(sentence: str) -> str:
    """Set punctuation apart by spaces."""
    for mark in ".,?¿।。、？":
        sentence = sentence.replace(mark, f" {mark} ")
    return " ".join(sentence.split())
