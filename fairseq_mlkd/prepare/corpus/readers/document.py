"""The documents that every reader yields, and the limits that all of them keep."""

from __future__ import annotations

from dataclasses import dataclass

# MediaWiki itself refuses to save more than 2 MiB ($wgMaxArticleSize).
MAX_PAGE_CHARACTERS = 1 << 22


@dataclass
class Document:
    """One page, row or run of lines.

    Args:
        text: as it stands in the file.
        markup: "wikitext"; "tokenised", lines that Moses' tokeniser split; or "",
            lines that are paragraphs or sentences as they are.
    """

    text: str
    markup: str = ""


def refuse_large(characters: int, where: str) -> None:
    """Raise a `ValueError` that begins with `where` if no page is that large."""
    if characters > MAX_PAGE_CHARACTERS:
        raise ValueError(
            f"{where}: more than {MAX_PAGE_CHARACTERS} characters of text, twice what "
            "MediaWiki lets a page have; remove it or check that the file is undamaged"
        )
