"""The files that a run reads, settled before the first row is read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairseq_mlkd.prepare.labelled.reader import SPLITS, Reader
from fairseq_mlkd.prepare.labelled.rows import LabelledFile


@dataclass(frozen=True)
class Settings:
    """The user's choices.

    Attributes:
        langs: languages to prepare besides `source_lang`; all where empty.
        keep_placeholders: keep rows whose translation is missing.
        valid_fraction: share of the training file held out as validation data.
        seed: which share that is.
    """

    source_lang: str = "en"
    langs: tuple[str, ...] = ()
    keep_placeholders: bool = False
    valid_fraction: float = 0.0
    seed: int = 1


def select_files(
    reader: Reader[Any],
    folder: Path,
    found: Sequence[LabelledFile],
    settings: Settings,
    train: Path | None,
) -> list[LabelledFile]:
    """Return the files to read: training data in the source language, the rest in all.

    Args:
        found: by the reader in `folder`.
        train: a training file to use in place of the one in `folder`.
    Raises:
        ValueError: a file that is needed is missing or there are two of it.
    """
    source = settings.source_lang
    wanted = {*settings.langs, source} if settings.langs else None
    files = [
        file
        for file in found
        if (wanted is None or file.lang in wanted)
        and (file.split != "train" or (file.lang == source and train is None))
    ]
    if train is not None:
        files.insert(0, LabelledFile(train, "train", source))
    if settings.valid_fraction:
        if reader.one_file_for_all_splits:
            raise ValueError(
                f"{reader.name} has validation data; leave out --valid-fraction"
            )
        files = _without_source_valid(files, settings)
    expected = f"{folder}: {reader.expected}"
    paths = _one_file_each(files)
    _check_complete(paths, wanted, settings, expected)
    if not reader.one_file_for_all_splits:
        _check_apart(paths, settings)
    return sorted(
        files, key=lambda f: (SPLITS.index(f.split), f.lang != source, f.lang)
    )


def _without_source_valid(
    files: list[LabelledFile], settings: Settings
) -> list[LabelledFile]:
    """Leave out the dev file that itself serves as the training file."""
    trained_on = [file.path for file in files if file.split == "train"]
    kept = []
    for file in files:
        if (file.split, file.lang) != ("valid", settings.source_lang):
            kept.append(file)
        elif not any(os.path.samefile(file.path, path) for path in trained_on):
            raise ValueError(
                f"{file.path} is the validation file already; leave out"
                " --valid-fraction"
            )
    return kept


def _one_file_each(files: list[LabelledFile]) -> dict[tuple[str, str], Path]:
    """Return the file of each split and language; two of one are an error."""
    paths: dict[tuple[str, str], Path] = {}
    for path, split, lang in files:
        other = paths.setdefault((split, lang), path)
        if other != path:
            raise ValueError(
                f"{other} and {path} both hold {split}.{lang}; move one away"
            )
    return paths


def _check_complete(
    paths: dict[tuple[str, str], Path],
    wanted: set[str] | None,
    settings: Settings,
    expected: str,
) -> None:
    """Raise a `ValueError` if a subset that is needed has no file."""
    source = settings.source_lang
    if ("train", source) not in paths:
        raise ValueError(
            f"no training file for {source!r} (expected in {expected}); add it or name"
            " one with --train"
        )
    if ("valid", source) not in paths and not settings.valid_fraction:
        raise ValueError(
            f"no validation file for {source!r} (expected in {expected}); add it or"
            " use --valid-fraction"
        )
    missing = (wanted or set()) - {lang for _, lang in paths}
    if missing:
        raise ValueError(f"no file for {', '.join(sorted(missing))} in {expected}")


def _check_apart(paths: dict[tuple[str, str], Path], settings: Settings) -> None:
    """Raise a `ValueError` if a file is both trained and tested on."""
    source = settings.source_lang
    train = paths["train", source]
    for (split, lang), path in paths.items():
        if split != "train" and lang == source and os.path.samefile(path, train):
            raise ValueError(
                f"{path} would be both training and {split} data; choose another"
                " --train or, for a dev file, add --valid-fraction"
            )
