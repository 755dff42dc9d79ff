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

from fairseq_mlkd.text.language import Language, Needs, holds


class Rewrite(NamedTuple):
    """A pattern and what stands in its place; `needs` as in `Rule`."""

    pattern: Pattern[str]
    write: Callable[[Match[str]], str]
    needs: Needs = ()

    def apply(self, text: str) -> str:
        """Return `text` with all matches replaced, no space added."""
        if self.needs and not holds(text, self.needs):
            return text
        return self.pattern.sub(self.write, text)


# Nobody says the marks of footnotes: "the wall.[3][note 4]".
_FOOTNOTE = re.compile(
    "\\[(?:(?<=\\S\\[)|(?=\\d+\\]\u200b))(?:[^\\W\\d_-]{1,8}[ -]?){0,2}\\d{1,3}\\]"
)

_MINUS = re.compile(
    "(?P<dash>(?<=[\\d%°C]) ?[~-] ?)?\u2212(?P<space> ?)(?=[^\\w\\s]?\\d)"
)
_DASH_AFTER = re.compile(r"[\d%°)年月日時分] ?\Z")

# Groups of three digits; groups of two before the last one, as in India.
_SPACED = re.compile(
    r"[1-9](?<![^\W\u3040-\u9fff][1-9])(?<![.,:/-][1-9])(?<!\d[ \u00a0][1-9])\d{0,2}"
    r"(?:(?:[ \u00a0]\d{3})+|(?:[ \u00a0]\d{2})+[ \u00a0]\d{3})(?![ \u00a0]?\d)"
)
_LOWER_SPACE = re.compile("[a-z] ")
_SPACE_LOWER = re.compile(" [a-z]{2}")
_MAY_BE_SPACED = re.compile("[0-9][ \u00a0][0-9]{2}")
_SPACES = re.compile("[ \u00a0]")

_HALF = "[ap]\\.?m\\b\\.?|Uhr\\b|h\\b|बजे"
_CLOCK = rf"\d?(?:[:.h]\d\d)?(?: ?(?:{_HALF}))?"
_TIMES = re.compile(
    rf"(?P<first>\d(?<![\d.,:/-]\d){_CLOCK}) ?[~-] ?(?=(?P<last>\d{_CLOCK}))"
    r"(?=[\d:.h]+(?![\d:]| ?-))",
    re.IGNORECASE,
)
_MAY_BE_TIMES = re.compile(
    rf"[~-] ?\d{{1,2}}(?:[:.h]\d\d| ?(?:{_HALF}))", re.IGNORECASE
)
_IS_TIME = re.compile(rf"\d+(?::\d\d|h\d\d|.* ?(?:{_HALF}))", re.IGNORECASE)

_FIRST = r"\d(?<![\d.,/-]\d)(?<!\d:\d)"
_DIALLED = re.compile(rf"{_FIRST}(?:[\d()/\u00a0-]|[ .](?=\d))+\d")
_AREA = re.compile(r"\d[ )]\Z|\) \Z")
_MAY_BE_LOCAL = re.compile(r"-\d{3,8}(?!\d)")
_LOCAL = re.compile(
    rf"(?P<first>{_FIRST}\d{{1,4}})-(?P<last>\d{{3,8}})(?P<more>-\d{{3,4}})?"
    r"(?![\d-]|[.,]\d)"
)

_TILDE = re.compile(r"~(?<=\d~)(?=\d)")

# Pixels and the like, but not 4x4 or 0x10.
_TIMES_SIGN = re.compile(r"x(?:(?<=\d\dx)(?=\d\d)|(?<=\d x)(?= \d))")
_IP = re.compile(r"\d(?<![\d.,]\d)\d{0,2}(?:\.\d{1,3}){3}(?![\d]|\.\d)")
_MAY_BE_IP = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d")
# In front of them stands a name, behind them perhaps a path.
_SITE = (
    "com|org|net|edu|gov|info|int|tv|fm|io|eu|uk|de|fr|es|it|pt|br|in|jp|us|ca|mx|ar|"
    "cl|ch|at|nl|be|ru|cn|au"
)
MAY_BE_SITE = re.compile(r"\.[\w-]")
_INNER_DOT = re.compile(rf"\.(?<=\w\.)(?=(?:[\w-]+\.){{1,8}}(?:{_SITE})\b(?!\.\w))")
_LAST_DOT = re.compile(
    rf"\.(?<=\w[\w-]\.)(?P<site>{_SITE})(?P<path>(?:/[\w-]+)*)/?(?![\w@]|\.\w)"
)


class _Writer:
    """Writes what is said alike in all languages, in the words of one.

    Args:
        language: what numbers, minus and ranges are called there.
    """

    def __init__(self, language: Language) -> None:
        self._language = language
        cues = "|".join(map(re.escape, language.telephone.split())) or "(?!)"
        self._cue = re.compile(
            rf"(?<!\w)(?:{cues})\w*[.:]?(?: \w+)?[ :.+(]*\Z", re.IGNORECASE
        )

    def rewrites(self) -> list[Rewrite]:
        """Return the patterns and what is written for them, in this order."""
        rows = [
            Rewrite(_FOOTNOTE, lambda match: "", "["),
            Rewrite(_MINUS, self._write_minus, "\u2212"),
            Rewrite(_SPACED, self._write_groups, _MAY_BE_SPACED),
            Rewrite(_TIMES, self._write_times, _MAY_BE_TIMES),
            Rewrite(_TILDE, lambda match: "-", "~"),
            Rewrite(_TIMES_SIGN, lambda match: " × ", "x"),
            Rewrite(_LOCAL, self._write_local, _MAY_BE_LOCAL),
        ]
        cues = self._language.telephone.split()
        if cues:
            needs = [cue[1:] if len(cue) > 4 else cue for cue in cues]
            needs += [cue.capitalize() for cue in cues if len(cue) <= 4]
            rows.append(Rewrite(_DIALLED, self._write_dialled, needs))
        marks = re.escape(f"{self._language.group_marks}\u00a0".replace(" ", ""))
        # 1:50,000 is no time
        scale = rf"[:/](?<=\d[:/])(?=\d{{1,3}}(?:[{marks}]\d{{3}})+(?!\d|[:.,/]\d))"
        rows.append(Rewrite(re.compile(scale), lambda match: " ", (":", "/")))
        dot = self._language.dot
        if dot:
            rows.append(
                Rewrite(
                    _IP, lambda match: match[0].replace(".", f" {dot} "), _MAY_BE_IP
                )
            )
        return rows

    def _write_minus(self, match: Match[str]) -> str:
        """Write the sign's name, or a hyphen where it is a dash: 1914\u221218."""
        if match["dash"]:
            return f" {self._language.until} {self._language.minus} ".replace(
                " ", self._language.space
            )
        before = match.string[max(match.start() - 2, 0) : match.start()]
        is_subtraction = before[-1:] in (" ", "\u00a0") and match["space"]
        if _DASH_AFTER.search(before) and not is_subtraction:
            return f"-{match['space']}"
        parted = "" if before[-1:] in ("", " ", "\u00a0") else " "
        return f"{parted}{self._language.minus} ".replace(" ", self._language.space)

    def _write_groups(self, match: Match[str]) -> str:
        """Write one number where its digits are parted by spaces."""
        groups = _SPACES.split(match.group())
        in_pairs = any(len(group) == 2 for group in groups[1:])
        if in_pairs and self._language.group == r"\d{3}":
            return match.group()
        is_plain = " " in match.group() and " " not in self._language.group_marks
        if is_plain and len(groups) == 2 and groups[1][0] != "0":
            # 86 400 seconds, but Boeing 737 800
            before = match.string[max(match.start() - 2, 0) : match.start()]
            after = match.string[match.end() : match.end() + 3]
            if not (_LOWER_SPACE.match(before) and _SPACE_LOWER.match(after)):
                return match.group()
        return "\u00a0".join(groups)

    def _write_times(self, match: Match[str]) -> str:
        """Write the word between the two times of a range."""
        first, last = match.group("first", "last")
        if not (_IS_TIME.match(first) or _IS_TIME.match(last)):
            return match.group()
        if "." in first and "Uhr" in last:
            first += " Uhr"
        return f"{first} {self._language.until} ".replace(" ", self._language.space)

    def _write_digits(self, match: Match[str]) -> str:
        """Write a telephone number in words."""
        digits = re.sub(r"\D", "", match.group())
        return self._language.digits(digits).replace(" ", self._language.space)

    def _write_dialled(self, match: Match[str]) -> str:
        """Write a number as digits if a word such as "tel." stands before it."""
        context = match.string[max(match.start() - 24, 0) : match.start()]
        is_number = sum(map(str.isdigit, match.group())) >= 3 and self._cue.search(
            context
        )
        return self._write_digits(match) if is_number else match.group()

    def _write_local(self, match: Match[str]) -> str:
        """Write 555-1234 as digits if it is no range of years or round numbers."""
        first, last = int(match["first"]), int(match["last"])
        lengths = len(match["first"]), len(match["last"])
        if match["more"]:
            is_local = sum(lengths) >= 5 and lengths != (4, 4)
            return self._write_digits(match) if is_local else match.group()
        before = match.string[max(match.start() - 2, 0) : match.start()]
        if lengths == (3, 4) and _AREA.search(before):
            return match.group()  # the code before it belongs to the number
        is_range = last % 50 == 0 or 0 < last - first <= 300
        is_range = is_range or (first >= 1000 and last <= 2100)
        is_local = lengths in ((3, 4), (4, 4)) and not is_range
        if (
            is_local
            or lengths == (5, 5)
            or (lengths[0] == 3 and lengths[1] >= 6 and last % 50)
        ):
            return self._write_digits(match)
        return match.group()


def rewrites(language: Language) -> list[Rewrite]:
    """Return what is done to text with digits before the language's rules read it."""
    return _Writer(language).rewrites()


def sites(language: Language) -> list[Rewrite]:
    """Return what makes words of the full stops and slashes in addresses."""
    dot, slash = language.dot, language.slash

    def write_path(match: Match[str]) -> str:
        path = match["path"].replace("/", f" {slash} ")
        return f" {dot} {match['site']}{path}"

    if not dot:
        return []
    return [
        Rewrite(_INNER_DOT, lambda match: f" {dot} "),
        Rewrite(_LAST_DOT, write_path),
    ]
