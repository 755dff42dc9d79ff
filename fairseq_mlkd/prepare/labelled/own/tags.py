"""Ways to tag spans of words, all read as IOB2 (`B-NAME`, `I-NAME`, `O`)."""

import re
from collections.abc import Sequence

ANY_TAG = re.compile(r"O|[BIESLU]-.+")
_LAST = "ESLU"  # tags after which a span is over


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Return the same spans in IOB2.

    Args:
        tags: of a sentence, in IOB1 (`B-` only between two spans of a type), IOB2,
            BIOES or BILOU.
    """
    found, before = [], "O"
    for tag in tags:
        prefix, name = tag[:1], tag[2:]
        begins = prefix in "BSU" or name != before[2:] or before[:1] in _LAST
        found.append("O" if tag == "O" else f"{'B' if begins else 'I'}-{name}")
        before = tag
    return found


def name_scheme(tags: Sequence[str], converted: Sequence[str]) -> str | None:
    """Return the scheme of a sentence that is none of IOB2, `None` of one that is."""
    prefixes = {tag[:1] for tag in tags}
    if prefixes & {"L", "U"}:
        return "BILOU"
    if prefixes & {"E", "S"}:
        return "BIOES"
    return None if list(tags) == list(converted) else "IOB1"


def find_bad_tag(tags: Sequence[str]) -> str | None:
    """Return the first tag that no scheme has."""
    return next((tag for tag in tags if not ANY_TAG.fullmatch(tag)), None)
