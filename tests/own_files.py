"""A user's own labelled files of every kind, each in another form."""

import json
from collections.abc import Sequence
from pathlib import Path

from labelled_files import write_rows

KINDS = ["classification", "pairs", "tagging", "intent_slot", "parsing"]
TASKS = {
    "classification": "zero_shot_classification",
    "pairs": "zero_shot_classification",
    "tagging": "zero_shot_tagging",
    "intent_slot": "zero_shot_intent_slot",
    "parsing": "zero_shot_parsing",
}
WORDS = {
    "en": ["pay", "my", "bill", "call", "Anna", "now"],
    "de": ["zahle", "meine", "Rechnung", "rufe", "Anna", "jetzt"],
}
# what the files call their columns, where it is not what they are looked for by
COLUMNS = {"classification": ["--columns", "text=Satz", "label=Klasse"]}


def write_own(folder: Path, kind: str, rows: int = 8) -> Path:
    """Write train and dev in English and test in both languages."""
    for split, langs in {"train": ["en"], "dev": ["en"], "test": ["en", "de"]}.items():
        for lang in langs:
            _WRITERS[kind](folder, f"{split}.{lang}", WORDS[lang], rows)
    return folder


def _sentence(words: Sequence[str], number: int) -> list[str]:
    pays = number % 2 == 0
    return [*(words[:3] if pays else words[3:5]), words[5]] * (1 + number % 3 // 2)


def _csv(folder: Path, name: str, words: Sequence[str], rows: int) -> None:
    """Write what Excel does in Germany: BOM, CRLF, semicolons, quotes."""
    cells = [
        f'{i};"{" ".join(_sentence(words, i))}; ""{i}""";{("pay", "call")[i % 2]}'
        for i in range(rows)
    ]
    lines = ["\ufeffNr;Satz;Klasse", *cells]
    write_rows(folder / f"{name}.csv", *lines, end="\r\n")


def _pairs(folder: Path, name: str, words: Sequence[str], rows: int) -> None:
    found = [
        {
            "premise": " ".join(_sentence(words, i)),
            "hypothesis": " ".join(_sentence(words, i // 2)),
            "label": i % 2,
        }
        for i in range(rows)
    ]
    _write_json(folder / f"{name}.jsonl", found)


def _tags(sentence: Sequence[str], words: Sequence[str]) -> list[str]:
    names = {words[1]: "B-WHAT", words[2]: "I-WHAT", words[4]: "B-MISC"}
    return [names.get(word, "O") for word in sentence]


def _conll(folder: Path, name: str, words: Sequence[str], rows: int) -> None:
    lines = []
    for i in range(rows):
        sentence = _sentence(words, i)
        tags = zip(sentence, _tags(sentence, words))
        lines += [f"# {i}", *(f"{w} X {tag}" for w, tag in tags), ""]
    write_rows(folder / f"{name}.conll", *lines)


def _intents(folder: Path, name: str, words: Sequence[str], rows: int) -> None:
    found = [
        {
            "tokens": _sentence(words, i),
            "slots": _tags(_sentence(words, i), words),
            "intent": ("pay bill", "call")[i % 2],
        }
        for i in range(rows)
    ]
    _write_json(folder / f"{name}.jsonl", found)


def _parses(folder: Path, name: str, words: Sequence[str], rows: int) -> None:
    """Write parses with the words of intents in them, as TOP has them."""
    lines = ["utterance\tsemantic_parse"]
    for i in range(rows):
        sentence = _sentence(words, i)
        slot = "[SL:WHO Anna ]" if words[4] in sentence else f"[SL:WHAT {words[2]} ]"
        lines.append(
            f"{' '.join(sentence)}\t[IN:{'CALL' if i % 2 else 'PAY'} x {slot} ]"
        )
    write_rows(folder / f"{name}.tsv", *lines)


def _write_json(path: Path, rows: Sequence[object]) -> None:
    write_rows(path, *(json.dumps(row, ensure_ascii=False) for row in rows))


_WRITERS = {
    "classification": _csv,
    "pairs": _pairs,
    "tagging": _conll,
    "intent_slot": _intents,
    "parsing": _parses,
}
