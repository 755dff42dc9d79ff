"""Requests with their parse, in mTOP's layout.

The intent is the frame, the slots are the frame's. Now and then a slot holds an intent
of its own: somebody is to be told a statement.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from world.grammar import Language, Phrase
from world.tagging import split_languages
from world.utterances import Utterance, Word, draw_utterances, realise, split_words

TOLD_SHARE = 0.1  # of the requests
NAMES = {"train": "train", "dev": "eval", "test": "test"}  # split -> file


def write_mtop(
    folder: Path, languages: Sequence[Language], counts: dict[str, int], seed: int
) -> None:
    """Write training (English), eval and test files; `counts` are their rows."""
    for split, count in counts.items():
        for language in split_languages(languages, split):
            target = folder / language.code / f"{NAMES[split]}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            utterances = draw_utterances(
                language, ["request"], split, count, told=TOLD_SHARE, seed=seed
            )
            rows = _rows(
                language, realise(language, utterances, f"{seed} mtop {split}")
            )
            with target.open("w", encoding="utf-8", newline="\n") as stream:
                stream.writelines("\t".join(row) + "\n" for row in rows)


def _rows(
    language: Language, sentences: Iterator[tuple[Utterance, Phrase]]
) -> Iterator[tuple[str, ...]]:
    comma = "，" if language.code == "ja" else ","  # as some official files have it
    for number, (utterance, sentence) in enumerate(sentences, start=1):
        words = split_words(sentence)
        parse = write_parse(utterance, words)
        top = dict.fromkeys(word.spans[0] for word in words if word.spans)
        slots = [f"{x.start}:{x.end}:{_symbol('SL', x.slot)}" for x in top]
        about = utterance.frame.domain, f"{language.code}_XX"
        intent = parse[1:].split()[0]
        yield (
            *(str(number), intent, comma.join(slots), sentence.text, *about),
            *(parse, _write_tokens(words)),
        )


def write_parse(utterance: Utterance, words: Sequence[Word]) -> str:
    """Return the decoupled form: the intent, its slots in order, and their words."""
    frame = utterance.frame.name
    return _write_intent("tell" if utterance.listener else frame, frame, words, 0)


def _write_intent(intent: str, fact: str, words: Sequence[Word], depth: int) -> str:
    """Return the bracketed intent of some words; `fact` is the intent in that slot."""
    inside = [word for word in words if len(word.spans) > depth]
    parts = [f"[{_symbol('IN', intent)}"]
    for span, group in itertools.groupby(inside, lambda word: word.spans[depth]):
        own = list(group)
        content = " ".join(word.text for word in own)
        if span.slot == "fact":
            content = _write_intent(fact, fact, own, depth + 1)
        parts.append(f"[{_symbol('SL', span.slot)} {content} ]")
    return " ".join([*parts, "]"])


def _symbol(kind: str, name: str) -> str:
    return f"{kind}:{name.upper()}"


def _write_tokens(words: Sequence[Word]) -> str:
    spans = [{"start": word.start, "length": len(word.text)} for word in words]
    tokens = {"tokens": [word.text for word in words], "tokenSpans": spans}
    return json.dumps(tokens, ensure_ascii=False, separators=(",", ":"))
