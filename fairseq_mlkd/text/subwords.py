"""The kinds of subwords, and byte-pair encoding learnt from text."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, Type

from subword_nmt.apply_bpe import BPE
from subword_nmt.learn_bpe import learn_bpe

from fairseq_mlkd.text.files import read_lines, replace_on_success
from fairseq_mlkd.text.segmentation import Subwords, copy_file
from fairseq_mlkd.text.sentencepieces import SentencePieces
from fairseq_mlkd.text.wordpiece import WordPiece


class BpeCodes(Subwords):
    """Byte-pair encoding from a subword-nmt codes file; the last piece has no `@@`."""

    kind = "subword-nmt"

    def __init__(self, path: str) -> None:
        super().__init__()
        _check_codes(path)
        self.path = path
        with open(path, encoding="utf-8", newline="\n") as codes:
            self._bpe = BPE(codes)

    def cut(self, word: str) -> List[str]:
        self._bpe.cache.clear()  # it would grow without bound; ours is bounded
        return self._bpe.segment_tokens([word])

    def save(self, folder: str) -> Dict[str, Any]:
        copy_file(self.path, os.path.join(folder, "codes"))
        return {"codes": "codes"}

    @classmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> BpeCodes:
        return cls(os.path.join(folder, settings["codes"]))


KINDS: Dict[str, Type[Subwords]] = {
    kind.kind: kind for kind in (BpeCodes, WordPiece, SentencePieces)
}


def learn_codes(word_counts: Mapping[str, int], n: int, path: str) -> None:
    """Learn at most `n` merges with subword-nmt and write its codes file to `path`.

    Raises:
        ValueError: no pair of characters occurs twice, so there is nothing to learn.
    """
    lines = [f"{word} {count}" for word, count in sorted(word_counts.items())]
    with replace_on_success(path) as partial:
        with open(partial, "w", encoding="utf-8", newline="\n") as codes:
            if any(len(word) > 1 for word in word_counts):
                learn_bpe(lines, codes, n, is_dict=True)
            learnt = codes.tell() > len("#version: 0.2\n")
        if not learnt:
            raise ValueError(
                "too little text to learn subwords from: no pair of characters "
                "occurs twice; give more text"
            )


def _check_codes(path: str) -> None:
    """Refuse what subword-nmt would answer with an exit or read in a wrong way."""
    lines = read_lines(path)
    first = next(lines, "")
    if not re.match(r"#version: 0\.[12]\b", first):
        raise ValueError(
            f"{path}:1: not a subword-nmt codes file, '#version: 0.2' expected; "
            "learn or copy the codes again"
        )
    number = 1
    for number, line in enumerate(lines, 2):
        if len(line.split(" ")) != 2 or not all(line.split(" ")):
            raise ValueError(
                f"{path}:{number}: two symbols expected, found {line[:40]!r}; "
                "the file is damaged, copy it again"
            )
    if number == 1:
        raise ValueError(f"{path}: holds no merges; learn or copy the codes again")
