"""Japanese."""

from __future__ import annotations

import re

from fairseq_mlkd.text.spoken.characters import MARK
from fairseq_mlkd.text.spoken.language import Language

_PARTICLE = "を"
_HIRAGANA = "\u3041-\u3091\u3093-\u3096\u309d-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff"
_KANJI = "々〆〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# A long-vowel sign goes with the kana before it; marks go with what they follow.
_SCRIPT_RUNS = re.compile(
    rf"{_PARTICLE}{MARK}*"
    rf"|[{_HIRAGANA}](?:[{_HIRAGANA}ー]|{MARK})*"
    rf"|[{_KATAKANA}ー](?:[{_KATAKANA}ー]|{MARK})*"
    rf"|[{_KANJI}](?:[{_KANJI}]|{MARK})*"
    rf"|[^{_PARTICLE}{_HIRAGANA}{_KATAKANA}ー{_KANJI}\s]+"
)


def _segment(text: str) -> str:
    return " ".join(_SCRIPT_RUNS.findall(text))


LANGUAGE = Language(
    lang="ja",
    cardinals={"": "spellout-cardinal"},
    decimal_mark=".",
    decimal_word="点",
    minus="マイナス",
    until="から",
    group_marks=",",
    segment=_segment,
)
