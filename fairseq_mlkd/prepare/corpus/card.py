"""The data card: what a corpus holds, from its `report.json` alone, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.markdown import Rows, align
from fairseq_mlkd.files.writing import write_text
from fairseq_mlkd.prepare.corpus.report import characters_by_fate
from fairseq_mlkd.remedies import needed_for

ABSENT = "–"
_UNITS = ("pages", "lines")
_STEPS = """\
1. Documents are read out of the files; redirects and pages that are no articles are
   left out, and of wikitext only the running text is kept.
2. The text is split into sentences and normalised. Of equal sentences of a language
   the first one stays; empty, too short, too long and incomplete ones (some of whose
   words a template or a formula sets) are left out.
3. The sentences to hold out are drawn by a hash of their text.
4. Training sentences are drawn by equation 1: a language with the share p of all
   sentences gets a share that is proportional to p^alpha.
5. The subwords are learned on a sample drawn in the same way, unless they were taken
   over from another folder; the dictionary counts the training sentences.

The same arguments and files give the same bytes, whatever the number of workers."""


def render_card(report: Mapping[str, Any], pictures: str) -> str:
    """Return the card as Markdown.

    Args:
        report: what `report.json` holds.
        pictures: the Markdown that stands where the pictures belong.
    """
    languages = report["languages"]
    sections = [
        ("Data card", _summary(report)),
        ("Sizes", align(_sizes(languages))),
        ("What was left out", _left_out(languages)),
        ("Language shares", _shares(report)),
        ("Vocabulary", _vocabulary(report)),
        ("Pictures", pictures),
        ("Sources", align(_sources(languages))),
        ("How it was made", f"{_STEPS}\n\n{align(_arguments(report['arguments']))}"),
    ]
    first, *others = (f"{title}\n\n{text}\n" for title, text in sections)
    return f"# {first}\n" + "\n".join(f"## {section}" for section in others)


def _summary(report: Mapping[str, Any]) -> str:
    languages = report["languages"]
    train = sum(entry["train"] for entry in languages.values())
    valid = sum(entry["valid"] for entry in languages.values())
    shards = f" in {report['shards']} shards" if report["shards"] > 1 else ""
    return (
        f"Languages: {', '.join(languages)}. {train:,} training sentences{shards}, "
        f"{valid:,} held out, {report['dictionary_size']:,} symbols in the dictionary. "
        f"Train with `--sampling-alpha {report['training_alpha']:g}`."
    )


def _sizes(languages: Mapping[str, Any]) -> Rows:
    names = ("documents", "characters_in", "sentences", "kept", "train", "valid")
    rows = [["language", *(name.replace("_", " ") for name in names)]]
    totals: Counter[str] = Counter()
    for lang, entry in languages.items():
        numbers = {**entry, "kept": _kept(entry)}
        rows.append([lang, *(f"{numbers[name]:,}" for name in names)])
        totals.update({name: numbers[name] for name in names})
    if len(languages) > 1:
        rows.append(["all", *(f"{totals[name]:,}" for name in names)])
    return rows


def _left_out(languages: Mapping[str, Any]) -> str:
    unreadable = sum(entry["unreadable_lines"] for entry in languages.values())
    sentences, characters = {}, {}
    for lang, entry in languages.items():
        sentences[lang] = {"kept": _kept(entry), **entry["dropped"]}
        characters[lang] = characters_by_fate(entry)
    return (
        f"In percent of the sentences:\n\n{align(_percentages(sentences))}\n\n"
        f"In percent of the characters read:\n\n{align(_percentages(characters))}\n\n"
        "Normalisation: punctuation, less what numbers that are read out and spaces "
        "between words add. Markup: all that stands outside of sentences, among it "
        f"{unreadable:,} paragraphs of wikitext that cannot be read."
    )


def _percentages(numbers: Mapping[str, Mapping[str, int]]) -> Rows:
    """Return one row per language, in percent of its sum."""
    names = list(dict.fromkeys(name for row in numbers.values() for name in row))
    rows = [["language", *(name.replace("_", " ") for name in names)]]
    for lang, row in numbers.items():
        total = sum(row.values())
        rows.append([lang, *(_percent(row.get(name, 0), total) for name in names)])
    return rows


def _shares(report: Mapping[str, Any]) -> str:
    rows = [["language", "before sampling", "after sampling", "times each sentence"]]
    for lang, entry in report["languages"].items():
        before, after = entry["share_before"], entry["share_after"]
        distinct = _kept(entry) - entry["valid"]
        times = f"{entry['train'] / distinct:.2f}" if distinct else ABSENT
        rows.append([lang, _percent(before, 1), _percent(after, 1), times])
    note = "The data hold the shares after sampling."
    if report["training_alpha"] != 1:
        note = "The data hold every sentence once; training draws by the later shares."
    return f"{align(rows)}\n\n{note}"


def _vocabulary(report: Mapping[str, Any]) -> str:
    header = "words,subwords,subwords per word,whole words,unknown,symbols used"
    rows = [["language", *header.split(",")]]
    for lang, entry in report["languages"].items():
        used = _percent(entry["symbols"], report["dictionary_size"])
        row = [lang, f"{entry['words']:,}", f"{entry['tokens']:,}"]
        row += [f"{entry['subwords_per_word']:.3f}", _percent(entry["whole_words"], 1)]
        row += [_percent(entry["unknown_rate"], 1, digits=4)]
        rows.append([*row, f"{entry['symbols']:,} ({used})"])
    return (
        f"{align(rows)}\n\nWhole words: words that are one subword, in percent of the "
        "running words. Unknown: subwords that the dictionary lacks, in percent of the "
        f"subwords. Symbols used: of the {report['dictionary_size']:,} in the "
        "dictionary, those that occur in the language."
    )


def _sources(languages: Mapping[str, Any]) -> Rows:
    """Return one row per language; a dump has dozens of files."""
    rows = [["language", "files", "read", "left out while reading"]]
    for lang, entry in languages.items():
        read: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        for file in entry["files"].values():
            read.update({unit: file[unit] for unit in _UNITS if unit in file})
            dropped.update(file["dropped"])
        names = _name_files(list(entry["files"]))
        rows.append([lang, names, _counts(read), _counts(dropped)])
    return rows


def _name_files(paths: Sequence[str]) -> str:
    ends = " … ".join(f"`{path}`" for path in dict.fromkeys([paths[0], paths[-1]]))
    return ends if len(paths) < 3 else f"{ends} ({len(paths)} files)"


def _arguments(arguments: Mapping[str, Any]) -> Rows:
    """Return all but the files and their sizes, which are among the sources."""
    rows = [["argument", "value"]]
    for name, value in arguments.items():
        if not isinstance(value, Mapping):
            text = f"{value:,}" if isinstance(value, int) else str(value)
            rows.append([name, ABSENT if value is None else text])
    return rows


def _kept(entry: Mapping[str, Any]) -> int:
    dropped: dict[str, int] = entry["dropped"]
    return int(entry["sentences"]) - sum(dropped.values())


def _counts(numbers: Mapping[str, int]) -> str:
    """Return `1,234 pages, 5 lines`; what is 0 is not named."""
    named = [f"{n:,} {name.replace('_', ' ')}" for name, n in numbers.items() if n]
    return ", ".join(named) or ABSENT


def _percent(part: float, whole: float, digits: int = 2) -> str:
    return f"{100 * part / whole:.{digits}f}%" if whole else ABSENT


CARD_FILE = "card.md"


def write_card(report: Mapping[str, Any], folder: str) -> None:
    """Write `card.md` and, where matplotlib is installed, the pictures it shows.

    Args:
        report: what `report.json` holds.
        folder: an existing folder.
    """
    try:
        with needed_for("No pictures"):
            from fairseq_mlkd.prepare.corpus.card_pictures import draw_pictures
    except ValueError as error:
        pictures = str(error)
    else:
        titles = draw_pictures(report["languages"], folder)
        pictures = "\n\n".join(f"![{title}]({name})" for name, title in titles.items())
    write_text(Path(folder, CARD_FILE), render_card(report, pictures))
