"""MediaWiki's XML dumps (`pages-articles.xml`), page by page.

The format: https://www.mediawiki.org/wiki/Help:Export#Export_format. Expat is driven
directly because a page must be refused before it fills the memory, which a reader of
whole elements cannot do. Of a dump's `siteinfo` only the namespaces are read: its
language is what the user says it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from fairseq_mlkd.files.lines import refuse_zeros
from fairseq_mlkd.files.packed import open_packed
from fairseq_mlkd.prepare.corpus.readers.document import Document, refuse_large
from fairseq_mlkd.remedies import FETCH_AGAIN
from fairseq_mlkd.text.languages import all_languages

_BLOCK = 1 << 18
# The longest tag or comment that expat may have to hold.
_MAX_TOKEN = 1 << 20
# A dump has 5: mediawiki, page, revision, contributor, username.
_MAX_DEPTH = 32
_ARTICLES = "0"
# Old dumps have no <redirect>: "#REDIRECT [[", in the language of the wiki.
_NO_ARTICLES = re.compile(
    "|".join(each.wiki.page_namespaces for each in all_languages()), re.IGNORECASE
)
_REDIRECT = re.compile(r"\s*#[^\s#*\[]+\s*:?\s*\[\[")
_FIELDS = ("title", "ns", "model", "text", "namespace")


def read_mediawiki(path: str, counts: Counter[str]) -> Iterator[Document]:
    """Yield the wikitext of every article, the last revision where there are several.

    A page without <ns>, as in old dumps, is told by the prefix of its title, from the
    namespaces that the dump names or that the wikis of our languages have. Counts
    "pages", "characters", and "dropped_namespace" (no article),
    "dropped_redirect", "dropped_model" (no wikitext) and "dropped_empty".

    Raises:
        ValueError: the file is damaged, no dump, hostile, or a page is too large.
    """
    pages = _Pages(path, counts)
    with open_packed(path) as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            yield from pages.feed(block)
    yield from pages.feed(b"", last=True)


class _Pages:
    """Expat's handlers and what they have seen of the current page."""

    def __init__(self, path: str, counts: Counter[str]) -> None:
        self._path = path
        self._counts = counts
        self._documents: list[Document] = []
        self._page: dict[str, str] = {}
        self._namespaces: set[str] = set()  # in lower case, those of no articles
        self._characters: list[str] = []
        self._size = 0
        self._field: str | None = None
        self._is_redirect = False
        self._depth = 0
        self._fed = 0
        self._parser: Any = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.buffer_size = _BLOCK
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, block: bytes, last: bool = False) -> list[Document]:
        """Read on; return the articles that ended in this block."""
        refuse_zeros(block, self._where())
        self._fed += len(block)
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            raise ValueError(
                f"{self._where()}: not well-formed XML ({expat.ErrorString(error.code)}"
                f" in line {error.lineno}); the file is cut off, damaged, not UTF-8 or "
                f"no dump: {FETCH_AGAIN}"
            ) from None
        if not last and self._fed - self._parser.CurrentByteIndex > _MAX_TOKEN:
            raise ValueError(
                f"{self._where()}: a tag of more than {_MAX_TOKEN} bytes; no dump has "
                f"that: {FETCH_AGAIN}"
            )
        documents, self._documents = self._documents, []
        return documents

    def _where(self) -> str:
        return f"{self._path}: page {self._counts['pages'] + 1}"

    def _refuse_doctype(self, *_: Any) -> None:
        raise ValueError(
            f"{self._path}: declares a document type, as no MediaWiki dump does; its "
            f"entities could fill the memory: {FETCH_AGAIN}"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and name != "mediawiki":
            raise ValueError(
                f"{self._path}: begins with <{name}>, not with <mediawiki>; name a "
                "pages-articles dump"
            )
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(
                f"{self._where()}: elements nested {self._depth} deep, as in no dump; "
                f"{FETCH_AGAIN}"
            )
        if name == "page":
            self._page, self._is_redirect = {}, False
        elif name == "redirect":
            self._is_redirect = True
        elif name == "namespace" and attributes.get("key") == _ARTICLES:
            pass
        elif name in _FIELDS and (name != "text" or self._is_wanted()):
            self._field = name
            self._characters, self._size = [], 0
            self._parser.CharacterDataHandler = self._read

    def _read(self, characters: str) -> None:
        self._characters.append(characters)
        self._size += len(characters)
        refuse_large(self._size, self._where())

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == self._field:
            self._page[name] = "".join(self._characters)
            if name == "namespace":
                self._namespaces.add(self._page[name].lower())
            self._field = self._parser.CharacterDataHandler = None
        elif name == "page":
            self._end_page()

    def _is_wanted(self) -> bool:
        return self._is_article() and not self._is_redirect

    def _is_article(self) -> bool:
        if "ns" in self._page:
            return self._page["ns"] == _ARTICLES
        prefix, colon, _ = self._page.get("title", "").partition(":")
        prefix = prefix.replace("_", " ").strip().lower()
        is_other = prefix in self._namespaces or _NO_ARTICLES.fullmatch(prefix)
        return not (colon and is_other)

    def _end_page(self) -> None:
        text = self._page.get("text", "")
        self._counts["pages"] += 1
        self._counts["characters"] += len(text)
        if not self._is_article():
            self._counts["dropped_namespace"] += 1
        elif self._is_redirect or _REDIRECT.match(text):
            self._counts["dropped_redirect"] += 1
        elif self._page.get("model", "wikitext") != "wikitext":
            self._counts["dropped_model"] += 1
        elif not text.strip():
            self._counts["dropped_empty"] += 1
        else:
            self._documents.append(Document(text, "wikitext"))
