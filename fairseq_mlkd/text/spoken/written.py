"""One way of writing for what has many, before a language's rules read it.

Digits parted by spaces, the minus sign, ranges of times, short telephone numbers, the
names of sites and the marks of footnotes look alike in all languages; only the words
that stand for them differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match, Pattern
from typing import NamedTuple

from fairseq_mlkd.text.language import Language


class Rewrite(NamedTuple):
    """A pattern and what stands in its place; `needs` is part of every match."""

    pattern: Pattern[str]
    write: Callable[[Match[str]], str]
    needs: str = ""

    def apply(self, text: str) -> str:
        """Return `text` with all matches replaced, no space added."""
        return self.pattern.sub(self.write, text) if self.needs in text else text


# Nobody says the marks of footnotes: "the wall.[3][note 4]".
_FOOTNOTE = re.compile(r"\[(?<=\S\[)(?:[^\W\d_-]{1,8}[ -]?){0,2}\d{1,3}\]")

_MINUS = re.compile(
    "(?P<dash>(?<=[\\d%°C]) ?[~-] ?)?\u2212(?P<space> ?)(?=[^\\w\\s]?\\d)"
)
_DASH_AFTER = re.compile(r"[\d%°)] ?\Z")

# Groups of three digits; groups of two before the last one, as in India.
_SPACED = (
    r"[1-9](?<![^\W\u3040-\u9fff][1-9])(?<![.,:/-][1-9])(?<!\d[ \u00a0][1-9])\d{0,2}"
)
_SPACED += r"(?:(?:[ \u00a0]\d{3})+|(?:[ \u00a0]\d{2})+[ \u00a0]\d{3})(?![ \u00a0]?\d)"
_SPACES = re.compile("[ \u00a0]")

_HALF = "[ap]\\.?m\\b\\.?|Uhr\\b|h\\b|बजे"
_CLOCK = rf"\d{{1,2}}(?:[:.h]\d\d)?(?: ?(?:{_HALF}))?"
_TIMES = re.compile(
    rf"(?<![\d.,:/-])(?P<first>(?=\d){_CLOCK}) ?[~-] ?(?=(?P<last>{_CLOCK}))"
    r"(?=[\d:.h]+(?![\d:]| ?-))",
    re.IGNORECASE,
)
_IS_TIME = re.compile(rf"\d+(?::\d\d|h\d\d|.* ?(?:{_HALF}))", re.IGNORECASE)

_DIALLED = re.compile(r"\d(?<![\d.,:/-]\d)(?:[\d()/\u00a0-]|[ .](?=\d))+\d")
_LOCAL = re.compile(r"(?P<first>\d{3,4})-(?P<last>\d{4})")

# Pixels and the like, but not 4x4 or 0x10.
_TIMES_SIGN = re.compile(r"(?<=[1-9]\d)x(?=\d\d)|(?<=\d) x (?=\d)")
_IP = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d)")
# In front of them stands a name, behind them perhaps a path.
_SITE = (
    "com|org|net|edu|gov|info|int|tv|fm|io|eu|uk|de|fr|es|it|pt|br|in|jp|us|ca|mx|ar|"
    "cl|ch|at|nl|be|ru|cn|au"
)
_INNER_DOT = re.compile(rf"\.(?<=\w\.)(?=(?:[\w-]+\.)+(?:{_SITE})\b(?!\.\w))")
_LAST_DOT = re.compile(
    rf"\.(?<=\w[\w-]\.)(?P<site>{_SITE})(?P<path>(?:/[\w-]+)*)/?(?![\w@]|\.\w)"
)


def rewrites(language: Language) -> list[Rewrite]:
    """Return what `language` does before its own rules, in this order."""
    dot, slash = language.dot, language.slash
    before = re.compile(rf"(?:{language.telephone or '(?!)'})[ :+(]*\Z")

    def write_number(match: Match[str]) -> str:
        written = match.group()
        context = match.string[max(match.start() - 24, 0) : match.start()]
        digits = re.sub(r"\D", "", written)
        if len(digits) >= 3 and before.search(context) or _is_local(written):
            return language.digits(digits).replace(" ", language.space)
        return written

    def write_groups(match: Match[str]) -> str:
        groups = _SPACES.split(match.group())
        in_pairs = any(len(group) == 2 for group in groups[1:])
        if in_pairs and language.group == r"\d{3}":
            return match.group()
        is_plain = " " in match.group() and " " not in language.group_marks
        if is_plain and len(groups) == 2 and groups[1][0] != "0":
            return match.group()
        return "\u00a0".join(groups)

    def write_times(match: Match[str]) -> str:
        first, last = match.group("first", "last")
        if not (_IS_TIME.match(first) or _IS_TIME.match(last)):
            return match.group()
        if "." in first and "Uhr" in last:
            first += " Uhr"
        return f"{first} {language.until} ".replace(" ", language.space)

    def write_path(match: Match[str]) -> str:
        path = match["path"].replace("/", f" {slash} ")
        return f" {dot} {match['site']}{path}"

    def write_minus(match: Match[str]) -> str:
        """Write the sign's name, or a hyphen where it is a dash: 1914\u221218."""
        if match["dash"]:
            return f" {language.until} {language.minus} ".replace(" ", language.space)
        before = match.string[max(match.start() - 2, 0) : match.start()]
        is_subtraction = before[-1:] in (" ", "\u00a0") and match["space"]
        if _DASH_AFTER.search(before) and not is_subtraction:
            return f"-{match['space']}"
        parted = "" if before[-1:] in ("", " ", "\u00a0") else " "
        return f"{parted}{language.minus} ".replace(" ", language.space)

    table: list[tuple[Pattern[str], Callable[[Match[str]], str], str]] = [
        (_FOOTNOTE, lambda match: "", "["),
        (_MINUS, write_minus, "\u2212"),
        (re.compile(_SPACED), write_groups, ""),
        (_TIMES, write_times, ""),
        (_TIMES_SIGN, lambda match: " × ", "x"),
        (_DIALLED, write_number, ""),
    ]
    if dot:
        table += [
            (_IP, lambda match: match.group().replace(".", f" {dot} "), "."),
            (_INNER_DOT, lambda match: f" {dot} ", "."),
            (_LAST_DOT, write_path, "."),
        ]
    return [Rewrite(*row) for row in table]


def _is_local(written: str) -> bool:
    """Whether 555-1234 is a telephone number: no range of years or round numbers."""
    match = _LOCAL.fullmatch(written)
    if match is None:
        return False
    first, last = int(match["first"]), int(match["last"])
    if len(match["first"]) == 4 and last <= 2100:
        return False
    return last % 50 != 0 and not 0 < last - first <= 300
