"""The content of `report.json`, and whether a folder holds that corpus."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fairseq_mlkd.data.folders import REPORT_FILE
from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.prepare.corpus.clean import DROP_REASONS
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.corpus.tasks import Result
from fairseq_mlkd.remedies import OTHER_FOLDER
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE

ARGUMENTS_FILE = "arguments.json"
PARTIAL = ".partial"  # the folder in OUT where a corpus is until it is complete


def existing_report(out: str, options: CorpusOptions) -> dict[str, Any] | None:
    """Return the report of a complete corpus in `out`.

    None means that `build_corpus` may write there: the folder is free, or holds what an
    interrupted run of the same options left.

    Raises:
        ValueError: `out` holds something else, so nothing may be written there.
    """
    if os.path.isfile(out):
        raise ValueError(f"{out}: a file; {OTHER_FOLDER}")
    if not os.path.isdir(out):
        return None
    partial, arguments = os.path.join(out, PARTIAL), options.describe()
    report = _read_json(os.path.join(out, REPORT_FILE))
    if report.get("arguments") == arguments and _is_complete(out, options):
        shutil.rmtree(partial, ignore_errors=True)
        return report
    begun = _read_json(os.path.join(partial, ARGUMENTS_FILE))
    if begun == arguments or not (begun or set(os.listdir(out)) - {PARTIAL}):
        return None
    what = "something else than the corpus of these arguments and inputs"
    if begun:
        what = "an unfinished corpus of other arguments or inputs"
    raise ValueError(f"{out}: holds {what}; {OTHER_FOLDER}")


def describe_language(
    files: Mapping[str, Result],
    cleaned: Sequence[Result],
    parted: Sequence[Result],
    counted: Sequence[Result],
    encoded: Sequence[Result],
    *,
    share_before: float,
    share_after: float,
    train: int,
    symbols: int,
) -> dict[str, Any]:
    """Return the entry of a language in the report.

    Args:
        files: what reading each file returned.
        cleaned, parted, counted, encoded: what these steps returned for each chunk.
        share_before, share_after: of the language, by counts and by equation 1.
        train: sentences that are written to train on; repeats count.
        symbols: of the dictionary, those that occur in the language.
    """
    clean, part = _add(cleaned), _add(parted)
    words, ids = _add(counted), _add(encoded)
    dropped = _add(result["dropped"] for result in cleaned)
    dropped["duplicate"] += part["duplicate"]
    characters = _add(result["dropped_characters"] for result in cleaned)
    characters["duplicate"] += part["duplicate_characters"]
    return {
        "files": {path: file["counts"] for path, file in files.items()},
        "documents": sum(file["documents"] for file in files.values()),
        "characters_in": clean["characters_in"],
        "unreadable_lines": clean["dropped_markup"],
        "sentences": clean["sentences"],
        "characters_written": clean["characters_written"],
        "dropped": {reason: dropped[reason] for reason in DROP_REASONS},
        "dropped_characters": {reason: characters[reason] for reason in DROP_REASONS},
        "characters": part["characters"],
        "train": train,
        "valid": part["valid"],
        "share_before": round(share_before, 6),
        "share_after": round(share_after, 6),
        "words": ids["words"],
        "tokens": ids["tokens"],
        "unknown_rate": round(ids["unknown"] / ids["tokens"], 6),
        "subwords_per_word": round(ids["tokens"] / ids["words"], 4),
        "whole_words": round(words["whole_words"] / words["words"], 6),
        "symbols": symbols,
    }


def characters_by_fate(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return what became of the characters read; the numbers add up to `characters_in`.

    Besides those kept and those dropped by reason: `normalisation` is the punctuation,
    less what numbers that are read out and spaces between words add, so it can be below
    0; `markup` stood outside of sentences, tables and white space included.
    """
    dropped = entry["dropped_characters"]
    in_sentences = entry["characters"] + sum(dropped.values())
    return {
        "kept": entry["characters"],
        **dropped,
        "normalisation": entry["characters_written"] - in_sentences,
        "markup": entry["characters_in"] - entry["characters_written"],
    }


def _add(results: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Return sums of the numbers in results of one kind."""
    total: Counter[str] = Counter()
    for result in results:
        total.update({k: n for k, n in result.items() if isinstance(n, int)})
    return total


def _is_complete(out: str, options: CorpusOptions) -> bool:
    shards = options.shard_folders()
    names = [DICTIONARY_FILE, SETTINGS_FILE]
    for lang in options.files:
        prefixes = [os.path.join(shard, lang, "train") for shard in shards]
        prefixes.append(os.path.join(shards[0], lang, "valid"))
        names += [prefix + ext for prefix in prefixes for ext in (".bin", ".idx")]
    return all(os.path.exists(os.path.join(out, name)) for name in names)


def _read_json(path: str) -> dict[str, Any]:
    """Return what a file holds, nothing if it is missing or damaged."""
    try:
        return read_json(path, "")
    except ValueError:
        return {}
