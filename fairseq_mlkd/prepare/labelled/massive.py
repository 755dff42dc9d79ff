"""MASSIVE (FitzGerald et al., 2022): intents and slots of requests to an assistant."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fairseq_mlkd.files.json_objects import parse_json
from fairseq_mlkd.prepare.labelled.reader import Wanted, WordReader
from fairseq_mlkd.prepare.labelled.rows import (
    Dropped,
    LabelledFile,
    WordRow,
    read_rows,
    row_error,
)
from fairseq_mlkd.prepare.origins import Origin, official_file
from fairseq_mlkd.remedies import FETCH_AGAIN

PARTITIONS = {"train": "train", "dev": "valid", "test": "test"}
FIELDS = ("locale", "partition", "intent", "utt", "annot_utt")
# Written without spaces; the authors' own code takes characters for words there.
LOCALES_OF_CHARACTERS = ("ja-JP", "zh-CN", "zh-TW")

_SLOT = re.compile(r"\[\s*([^\[\]:\s]+)\s*:([^\[\]]*)\]")


class Segment(NamedTuple):
    """A run of text without spaces, and the slot that it fills, if any."""

    text: str
    slot: str | None


ORIGIN = Origin(
    (
        official_file(
            "https://amazon-massive-nlu-dataset.s3.amazonaws.com/"
            "amazon-massive-dataset-1.1.tar.gz",
            "massive",
            40_251_390,
            sha256="4cba5faa11c71437928e17cb1b9b3d8b8e727e7ea363a3a9a8045e19c0491577",
            origin="several public projects that pin this archive",
        ),
    ),
    {
        r"1\.1/data/(?P<lang>[a-z]{2})-(?P<country>[A-Z]{2})\.jsonl": (
            "1.1/data/{lang}-{country}.jsonl"
        )
    },
)


class MASSIVE(WordReader):
    """Read the official JSON lines: one file per locale, which holds all splits.

    Slots stand in the text, `wake me up at [time : nine am]`, and become BIO tags of
    the words of `utt`.
    """

    name = "massive"
    title = "MASSIVE"
    task = "zero_shot_intent_slot"
    metric = "exact_match"
    layouts = (r"((1\.[01]/)?data/)?(?P<lang>[a-z]{2,3}-[A-Z]{2})\.jsonl",)
    origin = ORIGIN
    expected = "LOCALE.jsonl, such as en-US.jsonl, here or in data/ or 1.1/data/"
    counts = {"": (11514, 2033, 2974)}
    one_file_for_all_splits = True

    def find(self, folder: Path) -> list[LabelledFile]:
        """Return all files in `folder`, once for each split that they hold.

        A language is named by its code (`en`), or by its locale (`zh-CN`) where
        there are two of it.
        """
        found = super().find(folder)
        locales_of = Counter(map(_language, {file.lang for file in found}))
        files = []
        for path, _, locale in found:
            lang = _language(locale)
            lang = lang if locales_of[lang] == 1 else locale
            held = {_read_record(path, *row)["partition"] for row in read_rows(path)}
            splits = [split for name, split in PARTITIONS.items() if name in held]
            files += [LabelledFile(path, split, lang) for split in splits]
        return files

    def word_rows(self, path: Path, wanted: Wanted) -> Iterator[WordRow | Dropped]:
        for line, text in read_rows(path):
            record = _read_record(path, line, text)
            if wanted.split in (None, PARTITIONS[record["partition"]]):
                yield _row(path, line, record, wanted.predicted)


def _language(locale: str) -> str:
    return locale.partition("-")[0]


def _read_record(path: Path, line: int, text: str) -> dict[str, str]:
    """Return one line's object, with all fields that are needed."""
    advice = f"correct the line or {FETCH_AGAIN}"
    record = parse_json(text, f"{path}:{line}", advice)
    for name in FIELDS:
        if not isinstance(record.get(name), str):
            raise row_error(path, line, f"no text in field {name!r}", advice)
    if record["partition"] not in PARTITIONS:
        problem = f"unknown partition {record['partition']!r}"
        advice = f"expected one of {', '.join(PARTITIONS)}"
        raise row_error(path, line, problem, advice)
    return record


def _row(
    path: Path, line: int, record: dict[str, str], predicted: bool
) -> WordRow | Dropped:
    words = _cut(record["utt"], record["locale"] in LOCALES_OF_CHARACTERS)
    segments = _read_slots(record["annot_utt"])
    if segments is None and not predicted:
        problem = f"not [SLOT : WORDS] in {record['annot_utt']!r}"
        raise row_error(path, line, problem)
    misfit = _find_misfit(words, segments or [])
    if misfit is not None and not predicted:
        return Dropped(misfit, line)
    tags = [] if misfit is not None else _tag(words, segments or [])
    return WordRow(words, line, tags=tags, intent=record["intent"])


def _find_misfit(words: list[str], segments: list[Segment]) -> str | None:
    """Say why the annotated text gives no tags for the words, if it gives none."""
    if "".join(words) != "".join(segment.text for segment in segments):
        return "annot_utt has other words than utt"
    begins = sum(tag.startswith("B-") for tag in _tag(words, segments))
    if begins != sum(segment.slot is not None for segment in segments):
        return "a slot does not begin with a word"
    return None


def _cut(text: str, into_characters: bool) -> list[str]:
    """Return the words of a text; Latin ones stay whole among characters."""
    words = text.split()
    if not into_characters:
        return words
    return [part for word in words for part in ([word] if word.isascii() else word)]


def _read_slots(annotated: str) -> list[Segment] | None:
    """Return the text in runs, in and out of brackets; `None` if these are wrong."""
    parts = _SLOT.split(annotated)
    outside, names, inside = parts[::3], parts[1::3], parts[2::3]
    if any("[" in text or "]" in text for text in outside):
        return None
    segments = [Segment(_squeeze(outside[0]), None)]
    for name, text, rest in zip(names, inside, outside[1:]):
        segments += [Segment(_squeeze(text), name), Segment(_squeeze(rest), None)]
    return segments


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _tag(words: list[str], segments: list[Segment]) -> list[str]:
    """Return a BIO tag per word, by the segment in which its first character stands."""
    owners = [i for i, segment in enumerate(segments) for _ in segment.text]
    tags, position, previous = [], 0, None
    for word in words:
        owner = owners[position]
        slot = segments[owner].slot
        begins = "I" if owner == previous else "B"
        tags.append("O" if slot is None else f"{begins}-{slot}")
        position += len(word)
        previous = owner
    return tags
