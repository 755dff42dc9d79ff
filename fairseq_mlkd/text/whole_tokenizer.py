"""Tokenizers of other kinds, byte-level BPE for one, whole, by `tokenizers`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tokenizers import Tokenizer

from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.files.writing import replace_on_success
from fairseq_mlkd.text.segmentation import UNKNOWN, Subwords

_T = TypeVar("_T")

TOKENIZER_FILE = "tokenizer.json"
# a word with the white space before it; the library's notion, less than Python's
_SPACE, _OTHER = r"[^\S\x1c-\x1f]", r"[\S\x1c-\x1f]"
_CHUNK = re.compile(f"{_SPACE}*{_OTHER}+|{_SPACE}+")
_WHITE = re.compile(_SPACE)
# Unicode's noncharacters, which no text holds: what follows is not preceded by a space,
# and a space within a word
_NO_SPACE, _SPACE_WITHIN = "\uffff", "\ufffe"
_UNWANTED = {ord(_NO_SPACE): None, ord(_SPACE_WITHIN): None}
# what is done here, or changes from call to call
_PARTS_LEFT_OUT = ("truncation", "padding", "post_processor", "decoder")


class WholeTokenizer(Subwords):
    """A tokenizer that the library `tokenizers` describes in one JSON file.

    It may tell a word at the beginning of a text from one after a space, as byte-level
    BPE does. Text that looks like a special symbol (`</s>`) is text like any other;
    other added tokens are found in it.

    Args:
        content: `tokenizer.json`.
        special: its symbols for `<s> <pad> </s> <unk> <mask>`.
    Raises:
        ValueError: the library does not understand it, or it draws at random.
    """

    kind = "tokenizers"

    def __init__(self, content: Mapping[str, Any], special: Sequence[str]) -> None:
        super().__init__()
        self.special = list(special)
        self.content = {**content, **dict.fromkeys(_PARTS_LEFT_OUT)}
        self.content["added_tokens"] = [
            {**token, "special": token.get("content") in special}
            for token in content.get("added_tokens") or []
        ]
        if (content.get("model") or {}).get("dropout"):
            raise ValueError("its tokenizer draws at random (dropout is not 0)")
        text = json.dumps(self.content)
        self._tokenizer = guarded(lambda: Tokenizer.from_str(text))
        self._tokenizer.encode_special_tokens = True
        self._unknown = {self._tokenizer.token_to_id(symbol) for symbol in special}

    @property
    def ids(self) -> dict[str, int]:
        """Symbol -> its number in the file, added tokens included."""
        return self._tokenizer.get_vocab(with_added_tokens=True)

    def words(self, text: str) -> list[str]:
        return [_name(chunk) for chunk in _CHUNK.findall(text.translate(_UNWANTED))]

    def cut(self, word: str) -> list[str]:
        if not word:
            return []
        text = f" {word}"
        if word.startswith(_NO_SPACE):
            text = word[1:].replace(_SPACE_WITHIN, " ")
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            UNKNOWN if i in self._unknown else piece
            for i, piece in zip(found.ids, found.tokens)
        ]

    def save(self, folder: str) -> dict[str, Any]:
        with replace_on_success(os.path.join(folder, TOKENIZER_FILE)) as partial:
            text = json.dumps(self.content, ensure_ascii=False)
            Path(partial).write_text(text, encoding="utf-8")
        return {"tokenizer": TOKENIZER_FILE, "special": self.special}

    @classmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> WholeTokenizer:
        remedy = "import the encoder again with mlkd-import"
        path = os.path.join(folder, settings["tokenizer"])
        try:
            return cls(read_json(path, remedy), settings["special"])
        except ValueError as error:
            text = str(error)
            raise ValueError(
                text if path in text else f"{path}: {text}; {remedy}"
            ) from None


def guarded(call: Callable[[], _T]) -> _T:
    """Return what a call of the library gives.

    Raises:
        ValueError: it refuses, or it panics, which is no Exception.
    """
    try:
        return call()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"not a tokenizer ({reason})") from None


def _name(chunk: str) -> str:
    """Return a word and the white space before it as one string without spaces."""
    if chunk[0] == " " and len(chunk) > 1 and not _WHITE.search(chunk, 1):
        return chunk[1:]
    return _NO_SPACE + chunk.replace(" ", _SPACE_WITHIN)
