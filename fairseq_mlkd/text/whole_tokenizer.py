"""Tokenizers of other kinds, byte-level BPE for one, whole, by `tokenizers`."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tokenizers import Tokenizer

from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.files.writing import write_text
from fairseq_mlkd.text.segmentation import UNKNOWN, Subwords
from fairseq_mlkd.text.sentencepieces import check_charsmap

_T = TypeVar("_T")

TOKENIZER_FILE = "tokenizer.json"
# a lone space between two words; white space in the library's sense, not Python's
_BLACK = r"[\S\x1c-\x1f]"
_GAP = re.compile(f"(?<={_BLACK}) (?={_BLACK})")
_AFTER_A_SPACE = re.compile(f" {_BLACK}")
# Unicode's noncharacters, which no text holds, stand for the beginning of a text and
# for other spaces
_BEGINNING, _SPACE = "\uffff", "\ufffe"
_UNWANTED = {ord(_BEGINNING): None, ord(_SPACE): None}
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
        list(charsmaps(self.content.get("normalizer")))
        text = json.dumps(self.content)
        self._tokenizer = guarded(lambda: Tokenizer.from_str(text))
        self._tokenizer.encode_special_tokens = True
        self._unknown = {self._tokenizer.token_to_id(symbol) for symbol in special}

    @property
    def ids(self) -> dict[str, int]:
        """Symbol -> its number in the file, added tokens included."""
        return self._tokenizer.get_vocab(with_added_tokens=True)

    def words(self, text: str) -> list[str]:
        text = text.translate(_UNWANTED)
        if not text:
            return []
        first, *others = _GAP.split(text)
        begins = not _AFTER_A_SPACE.match(first)
        first = _BEGINNING + first if begins else first[1:]
        return [word.replace(" ", _SPACE) for word in (first, *others)]

    def cut(self, word: str) -> list[str]:
        if not word:
            return []
        begins = word.startswith(_BEGINNING)
        text = (word[1:] if begins else f" {word}").replace(_SPACE, " ")
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            UNKNOWN if i in self._unknown else piece
            for i, piece in zip(found.ids, found.tokens)
        ]

    def save(self, folder: str) -> dict[str, Any]:
        text = json.dumps(self.content, ensure_ascii=False)
        write_text(os.path.join(folder, TOKENIZER_FILE), text)
        return {"tokenizer": TOKENIZER_FILE, "special": self.special}

    @classmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> WholeTokenizer:
        remedy = "import the encoder again with mlkd-import"
        path = os.path.join(folder, settings["tokenizer"])
        try:
            return cls(read_json(path, remedy), settings["special"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            text = str(error)
            raise ValueError(
                text if path in text else f"{path}: {text}; {remedy}"
            ) from None


def charsmaps(normaliser: Any) -> Iterator[bytes]:
    """Yield the tables of a `tokenizer.json`'s normaliser, checked."""
    if normaliser and normaliser["type"] == "Sequence":
        for step in normaliser["normalizers"]:
            yield from charsmaps(step)
    elif normaliser and normaliser["type"] == "Precompiled":
        charsmap = base64.b64decode(normaliser["precompiled_charsmap"])
        check_charsmap(charsmap)
        yield charsmap


def guarded(call: Callable[[], _T]) -> _T:
    """Return what a call of the library gives.

    Raises:
        ValueError: it refuses, or it panics, which is no Exception.
    """
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, ValueError):
        raise
    except BaseException as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"not a tokenizer ({reason})") from None
