"""WordPiece (Devlin et al., 2019), cased and uncased, by the library `tokenizers`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer, models
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.files.writing import replace_on_success
from fairseq_mlkd.remedies import FETCH_AGAIN
from fairseq_mlkd.text.segmentation import UNKNOWN, Subwords

VOCABULARY_FILE = "vocab.txt"
_UNKNOWN = "[UNK]"
LONGEST_WORD = 100  # in characters; BERT has no pieces for what is longer


class WordPiece(Subwords):
    """A vocabulary of word starts and of continuations, which begin with `##`.

    Text that looks like a special symbol (`[SEP]`) is text like any other.

    Args:
        vocabulary: the pieces; `[UNK]` is one of them.
        lowercase: whether the vocabulary is uncased.
        strip_accents: whether accents are removed; None: if uncased.
        split_chinese: whether each Chinese character is a word.
    """

    kind = "wordpiece"

    def __init__(
        self,
        vocabulary: list[str],
        *,
        lowercase: bool,
        strip_accents: bool | None = None,
        split_chinese: bool = True,
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.settings = {
            "lowercase": lowercase,
            "strip_accents": strip_accents,
            "split_chinese": split_chinese,
        }
        ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._tokenizer = Tokenizer(
            models.WordPiece(
                ids, unk_token=_UNKNOWN, max_input_chars_per_word=LONGEST_WORD
            )
        )
        self.normaliser = BertNormalizer(
            clean_text=True,
            handle_chinese_chars=split_chinese,
            strip_accents=strip_accents,
            lowercase=lowercase,
        )
        self._tokenizer.normalizer = self.normaliser
        self._tokenizer.pre_tokenizer = BertPreTokenizer()
        # control characters vanish, so those that Python splits at part no words
        self._cleaner = BertNormalizer(
            clean_text=True,
            handle_chinese_chars=False,
            strip_accents=False,
            lowercase=False,
        )

    def words(self, text: str) -> list[str]:
        return self._cleaner.normalize_str(text).split()

    def cut(self, word: str) -> list[str]:
        pieces = self._tokenizer.encode(word, add_special_tokens=False).tokens
        return [UNKNOWN if piece == _UNKNOWN else piece for piece in pieces]

    def describe(self) -> dict[str, Any]:
        """Return it as the library `tokenizers` writes it to `tokenizer.json`."""
        content: dict[str, Any] = json.loads(self._tokenizer.to_str())
        return content

    def save(self, folder: str) -> dict[str, Any]:
        path = os.path.join(folder, VOCABULARY_FILE)
        with (
            replace_on_success(path) as partial,
            open(partial, "w", encoding="utf-8", newline="\n") as file,
        ):
            file.writelines(f"{piece}\n" for piece in self.vocabulary)
        return {"vocabulary": VOCABULARY_FILE, **self.settings}

    @classmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> WordPiece:
        path = os.path.join(folder, settings["vocabulary"])
        names = ("lowercase", "strip_accents", "split_chinese")
        return cls(read_vocabulary(path), **{name: settings[name] for name in names})


def read_vocabulary(path: str) -> list[str]:
    """Read a `vocab.txt`, one piece per line.

    Raises:
        ValueError: no vocabulary of WordPiece, or a piece stands there twice.
    """
    vocabulary = list(read_lines(path))
    if _UNKNOWN not in vocabulary:
        raise ValueError(
            f"{path}: not a WordPiece vocabulary, {_UNKNOWN} is missing; {FETCH_AGAIN}"
        )
    lines: dict[str, int] = {}
    for number, piece in enumerate(vocabulary, 1):
        if lines.setdefault(piece, number) != number:
            raise ValueError(
                f"{path}:{number}: {piece!r} stands in line {lines[piece]} already; "
                f"{FETCH_AGAIN}"
            )
    return vocabulary
