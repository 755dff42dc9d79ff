"""The kinds of subwords, and byte-pair encoding learnt from text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from subword_nmt.apply_bpe import BPE
from subword_nmt.learn_bpe import learn_bpe
from tokenizers import Token, models

from fairseq_mlkd.files.lines import read_lines
from fairseq_mlkd.files.writing import replace_on_success
from fairseq_mlkd.remedies import FETCH_AGAIN
from fairseq_mlkd.text.bpe_learner import WORD_END, learn_merges
from fairseq_mlkd.text.segmentation import Subwords
from fairseq_mlkd.text.sentencepieces import SentencePieces
from fairseq_mlkd.text.whole_tokenizer import WholeTokenizer
from fairseq_mlkd.text.wordpiece import WordPiece

_VERSION = "#version: 0.2"
# words that `learn_merges` does not take
_ODD_WORD = re.compile(rf"\s|\0|{WORD_END}")
_NO_SYMBOL = " "  # as long as the one character that it stands for; parts symbols


class BpeCodes(Subwords):
    """Byte-pair encoding from a subword-nmt codes file; the last piece has no `@@`.

    The library `tokenizers` cuts words, subword-nmt those few for which the two might
    differ, so the pieces are always subword-nmt's.
    """

    kind = "subword-nmt"

    def __init__(self, path: str) -> None:
        super().__init__()
        _check_codes(path)
        self.path = path
        self._content = Path(path).read_bytes()
        with open(path, encoding="utf-8", newline="\n") as codes:
            self._bpe = BPE(codes)
        merges = sorted(self._bpe.bpe_codes, key=self._bpe.bpe_codes.__getitem__)
        self.merges = merges
        self._symbols = _fast_symbols(merges)
        self._model = _fast_model(self._symbols, merges)
        self._is_doubtful = _doubtful_words(merges, self._bpe.version)

    @property
    def symbols(self) -> list[str]:
        """All symbols that merges can meet or make, `</w>` at the end of words.

        Raises:
            ValueError: the merges are such that the library `tokenizers` might take
                them in another order.
        """
        if self._is_doubtful:
            raise ValueError(
                f"{self.path}: a merge makes what an earlier one uses, or the file is "
                "of version 0.1: other libraries would cut words in another way"
            )
        return [symbol for symbol in self._symbols if symbol != _NO_SYMBOL]

    def with_merges(self, merges: Sequence[tuple[str, str]]) -> BpeCodes:
        """Return the same with these merges alone."""
        lines = "".join(f"{left} {right}\n" for left, right in merges)
        with TemporaryDirectory() as folder:
            path = os.path.join(folder, "codes")
            with open(path, "w", encoding="utf-8", newline="\n") as codes:
                codes.write(f"{_VERSION}\n{lines}")
            return BpeCodes(path)

    def cut(self, word: str) -> list[str]:
        tokens = self._fast_tokens(word)
        if tokens is None:
            return self._cut_by_subword_nmt(word)
        return _name_pieces(tokens, word)

    def translator(self, translate: Callable[[str], bytes]) -> Callable[[str], bytes]:
        translate_slowly = super().translator(translate)
        if self._is_doubtful:
            return translate_slowly
        translations = [translate(_piece(symbol)) for symbol in self._symbols]
        unknown = self._symbols.index(_NO_SYMBOL)
        tokenize = self._model.tokenize

        def translate_word(word: str) -> bytes:  # `cut`, written out for speed
            if WORD_END in word:
                return translate_slowly(word)
            try:
                tokens = tokenize(word)
            except UnicodeEncodeError:
                return translate_slowly(word)
            ids = [token.id for token in tokens]
            if unknown in ids:
                return b"".join(map(translate, _name_pieces(tokens, word)))
            return b"".join([translations[i] for i in ids])

        return translate_word

    def _fast_tokens(self, word: str) -> list[Token] | None:
        """Return what `tokenizers` makes of a word, None where it is not to be used."""
        if WORD_END in word or (self._is_doubtful and self._is_doubtful(word)):
            return None
        try:
            return self._model.tokenize(word) or None
        except UnicodeEncodeError:  # half a surrogate pair
            return None

    def _cut_by_subword_nmt(self, word: str) -> list[str]:
        self._bpe.cache.clear()  # it would grow without bound; ours is bounded
        pieces: list[str] = self._bpe.segment_tokens([word])
        return pieces

    def save(self, folder: str) -> dict[str, Any]:
        with replace_on_success(os.path.join(folder, "codes")) as partial:
            Path(partial).write_bytes(self._content)
        return {"codes": "codes"}

    @classmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> BpeCodes:
        return cls(os.path.join(folder, settings["codes"]))


KINDS: dict[str, type[Subwords]] = {
    kind.kind: kind for kind in (BpeCodes, WordPiece, SentencePieces, WholeTokenizer)
}


def learn_codes(word_counts: Mapping[str, int], n: int, path: str) -> None:
    """Learn at most `n` merges and write the codes file that subword-nmt would write.

    Raises:
        ValueError: no pair of characters occurs twice, so there is nothing to learn.
    """
    with replace_on_success(path) as partial:
        with open(partial, "w", encoding="utf-8", newline="\n") as codes:
            if any(map(_ODD_WORD.search, word_counts)):
                lines = [
                    f"{word} {count}" for word, count in word_counts.items() if word
                ]
                learn_bpe(lines, codes, n, is_dict=True)
            else:
                codes.write(f"{_VERSION}\n")
                merges = learn_merges(word_counts, n)
                codes.writelines(f"{left} {right}\n" for left, right in merges)
            learnt = codes.tell() > len(f"{_VERSION}\n")
        if not learnt:
            raise ValueError(
                "too little text to learn subwords from: no pair of characters "
                "occurs twice; give more text"
            )


def _name_pieces(tokens: list[Token], word: str) -> list[str]:
    """Return the pieces that tokens stand for.

    Characters of which the codes know nothing are read from the word.
    """
    pieces = [token.value for token in tokens]
    if _NO_SYMBOL in pieces:
        start = 0
        for index, piece in enumerate(pieces):
            if piece == _NO_SYMBOL:
                pieces[index] = word[start]
            start += len(piece)
    last = pieces.pop()
    return [*[piece + "@@" for piece in pieces], last.replace(WORD_END, "")]


def _piece(symbol: str) -> str:
    if symbol.endswith(WORD_END):
        return symbol[: -len(WORD_END)]
    return symbol + "@@"


def _fast_symbols(merges: list[tuple[str, str]]) -> list[str]:
    """Return all symbols that merges can meet or make; others become `_NO_SYMBOL`."""
    symbols = {_NO_SYMBOL: None}
    for left, right in merges:
        for character in re.sub(f"{WORD_END}$", "", left) + right:
            symbols.update({character: None, character + WORD_END: None})
        symbols.update({left: None, right: None, left + right: None})
    return list(symbols)


def _fast_model(symbols: list[str], merges: list[tuple[str, str]]) -> models.BPE:
    return models.BPE(
        {symbol: index for index, symbol in enumerate(symbols)},
        merges,
        unk_token=_NO_SYMBOL,
        end_of_word_suffix=WORD_END,
        fuse_unk=False,
    )


def _doubtful_words(
    merges: list[tuple[str, str]], version: tuple[int, ...]
) -> Callable[[str], object] | None:
    """Return what is true of each word that `tokenizers` may cut in another way.

    It takes the places of one merge from left to right, and between two of them an
    earlier merge that the first made possible; subword-nmt takes all places at once.
    That differs only if a merge makes a symbol that an earlier one uses, and the word
    holds that symbol twice. No such merge is ever learnt, but a file may have one.
    """
    if version != (0, 2):
        return bool
    first_use: dict[str, int] = {}
    for rank, pair in enumerate(merges):
        for symbol in pair:
            first_use.setdefault(symbol, rank)
    late = [
        len(left + right)
        for rank, (left, right) in enumerate(merges)
        if first_use.get(left + right, rank) < rank
    ]
    if not late:
        return None
    return re.compile(rf"(.{{{min(late)}}}).*\1", re.DOTALL).search


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
                f"the file is damaged, {FETCH_AGAIN}"
            )
    if number == 1:
        raise ValueError(f"{path}: holds no merges; learn or copy the codes again")
