"""Subword segmentation behind one interface: a word goes in, dictionary symbols out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

_CACHED_WORDS = 1 << 18
_LONGEST_CACHED = 64  # characters: who asks could otherwise fill memory with long ones

UNKNOWN = "<unk>"  # the dictionary's symbol


class Subwords(ABC):
    """A way to cut words; each kind is one subclass and one line in `KINDS`."""

    kind: str

    def __init__(self) -> None:
        self._cached_pieces = lru_cache(maxsize=_CACHED_WORDS)(self.cut)

    def pieces(self, word: str) -> list[str]:
        """Return the symbols of one word (no white space), as `dict.txt` has them.

        The caller must not change the list. An empty word has no pieces.
        """
        if len(word) > _LONGEST_CACHED:
            return self.cut(word)
        return self._cached_pieces(word)

    def words(self, text: str) -> list[str]:
        """Return the words of a text: cut one by one they give what the text gives."""
        return text.split()

    @abstractmethod
    def cut(self, word: str) -> list[str]:
        """Return the pieces of one word, not cached."""

    def translator(self, translate: Callable[[str], bytes]) -> Callable[[str], bytes]:
        """Return a function from a word to what its pieces become, joined, not cached.

        Args:
            translate: gives the bytes of one piece, always the same.
        """
        return lambda word: b"".join(map(translate, self.cut(word)))

    @abstractmethod
    def save(self, folder: str) -> dict[str, Any]:
        """Write the files of this segmentation; return what `load` needs to know."""

    @classmethod
    @abstractmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> Subwords:
        """Read back what `save` wrote; a ValueError names what is missing or bad."""
