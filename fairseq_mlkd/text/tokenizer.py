"""Text -> dictionary symbols, the same way in preprocessing, training and serving."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.hashing import file_sha256
from fairseq_mlkd.files.json_objects import read_json, write_json
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE
from fairseq_mlkd.text.segmentation import Subwords
from fairseq_mlkd.text.spoken import spoken_words, to_spoken
from fairseq_mlkd.text.subwords import KINDS

SETTINGS_FILE = "subwords.json"
FORMAT_VERSION = 1
NORMALISATIONS = ("spoken", "none")


class Tokenizer:
    """Normalisation and subword segmentation, kept together in one folder.

    Args:
        subwords: how words are cut.
        normalisation: "spoken" (see `text/spoken/`) or "none".
    """

    def __init__(self, subwords: Subwords, normalisation: str = "spoken") -> None:
        if normalisation not in NORMALISATIONS:
            raise ValueError(
                f"normalisation {normalisation!r} is none of "
                f"{', '.join(NORMALISATIONS)}"
            )
        self.subwords = subwords
        self.normalisation = normalisation

    def normalise(self, text: str, lang: str) -> str:
        """Return the text whose words `segment` cuts, one space between words."""
        if self.normalisation == "spoken":
            return to_spoken(text, lang)
        return " ".join(self.subwords.words(text))

    def segment(self, normalised: str) -> list[str]:
        """Return the pieces of text that `normalise` returned."""
        pieces = self.subwords.pieces
        return [piece for word in normalised.split(" ") for piece in pieces(word)]

    def tokenize(self, text: str, lang: str) -> list[str]:
        """Return the pieces of any text."""
        return self.segment(self.normalise(text, lang))

    def tokenize_words(
        self, words: list[str], lang: str
    ) -> tuple[list[str], list[int]]:
        """Return all pieces and, for each, the index in `words` of its word.

        A word that normalisation empties has no pieces and so no entry.
        """
        if self.normalisation == "spoken":
            words = spoken_words(words, lang)
        else:
            # a word of a list stands within a text, which some kinds cut otherwise
            words = [self.normalise(f" {word}", lang) if word else "" for word in words]
        by_word = [self.segment(word) for word in words]
        owners = [index for index, of_word in enumerate(by_word) for _ in of_word]
        return [piece for of_word in by_word for piece in of_word], owners

    def save(self, folder: str) -> None:
        """Write `subwords.json` and the segmentation's own files into `folder`."""
        os.makedirs(folder, exist_ok=True)
        settings = {
            "format": FORMAT_VERSION,
            "kind": self.subwords.kind,
            "normalisation": self.normalisation,
            **self.subwords.save(folder),
        }
        write_json(settings, os.path.join(folder, SETTINGS_FILE))

    @classmethod
    def load(cls, folder: str) -> Tokenizer:
        """Read what `save` wrote.

        Raises:
            ValueError: naming the file that is missing or damaged.
        """
        path = os.path.join(folder, SETTINGS_FILE)
        settings = _read_settings(path)
        try:
            subwords = KINDS[settings["kind"]].load(folder, settings)
            return cls(subwords, settings["normalisation"])
        except (KeyError, TypeError) as error:
            reason = f"{error.args[0]!r} is missing or unknown"
            if isinstance(error, TypeError):
                reason = f"damaged ({error})"
            raise ValueError(
                f"{path}: {reason}; write the folder again with mlkd-corpus or "
                "mlkd-import"
            ) from None


def tokenizer_fingerprint(folder: Path) -> str:
    """Return one SHA-256 over everything in a tokenizer folder that decides the ids.

    That is `dict.txt`, `subwords.json` and the files which the latter names.
    """
    names = {DICTIONARY_FILE, SETTINGS_FILE}
    settings = folder / SETTINGS_FILE
    if settings.exists():
        values = read_json(settings, "write the folder again").values()
        names |= {value for value in values if isinstance(value, str)}
    present = [name for name in sorted(names) if name and (folder / name).is_file()]
    lines = (f"{name} {file_sha256(folder / name)}\n" for name in present)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _read_settings(path: str) -> dict[str, Any]:
    remedy = "name a folder that mlkd-corpus or mlkd-import wrote"
    settings = read_json(path, remedy)
    if settings.get("format") != FORMAT_VERSION:
        raise ValueError(
            f"{path}: not in format {FORMAT_VERSION}; write the folder again with "
            "this version of the package"
        )
    return settings
