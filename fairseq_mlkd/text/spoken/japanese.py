"""Japanese text -> words: UniDic's short units, cut by MeCab.

Short units are the words of the Corpus of Spontaneous Japanese, by which Japanese
recognisers are built and scored, and of the Japanese Universal Dependencies treebanks.
The dictionary is unidic-lite by name, whatever else is installed. Its PyPI package
holds it (UniDic 2.1.2) and has not changed since 2021, so that the same text gives the
same words on every machine. It is mapped into memory, so that processes share it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import chain
from re import Match
from typing import TYPE_CHECKING

from fairseq_mlkd.remedies import needed_for
from fairseq_mlkd.text.spoken.characters import MARK

if TYPE_CHECKING:
    import fugashi

_NUMERALS = "〇一二三四五六七八九十百千万億兆"
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_KANJI = "々〆〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
JAPANESE = f"[{_KANA}{_KANJI}]"  # a pattern of one character
# What MeCab sees at once is bounded: its memory grows with the length.
_RUNS = re.compile(
    rf"({JAPANESE}(?:{JAPANESE}|{MARK}){{0,999}}{MARK}*)"
    rf"|(?:(?!{JAPANESE})\S)+"
)
# A mark or a long-vowel sign begins no word, and a number is one word.
_SEAMS = re.compile(rf" (?=ー|{MARK})|(?<!\S)[{_NUMERALS}]+(?: [{_NUMERALS}]+)+(?!\S)")


def split_words(text: str) -> str:
    """Return `text` with one space between words; splitting it again changes nothing.

    Spaces of `text` part words as well, and so does a change between Japanese and any
    other script. What stands between two spaces is judged by itself: it is one word
    if the dictionary holds it. So a word found in its context is cut further only if
    it is in no dictionary and falls apart when seen alone: names in katakana mostly,
    one word of real text in a thousand.

    Args:
        text: lower case, NFKC, without punctuation.
    """
    words: list[str] = []
    for run in _RUNS.finditer(text):
        words += _split(run.group()) if run.group(1) else [run.group()]
    return " ".join(words)


def _split(run: str) -> tuple[str, ...]:
    if _is_known(run):
        return (run,)
    words = tuple(_SEAMS.sub(_close, _segmenter().parse(run)).split())
    if len(words) == 1:
        return words
    return tuple(chain.from_iterable(map(_split_again, words)))


_split_again = lru_cache(maxsize=1 << 16)(_split)


def _close(seam: Match[str]) -> str:
    return seam.group().replace(" ", "")


def _is_known(run: str) -> bool:
    """Tell whether the dictionary holds all of `run` as one word."""
    return bool(_dictionary().parse(f"{run}\t*") == "known")


@cache
def _segmenter() -> fugashi.GenericTagger:
    return _open_mecab("-Owakati")


@cache
def _dictionary() -> fugashi.GenericTagger:
    """Open a MeCab that takes "WORD TAB *" for a word (-p) and says if it is known."""
    return _open_mecab('-O "" -p -F known -U unknown -E ""')


def _open_mecab(options: str) -> fugashi.GenericTagger:
    with needed_for("Japanese words"):
        import fugashi
        import unidic_lite
    folder = unidic_lite.DICDIR
    return fugashi.GenericTagger(f'-r "{folder}/mecabrc" -d "{folder}" {options}')
