"""MediaWiki dumps made around given text, as the official ones are made."""

from __future__ import annotations

import bz2
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

_HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" \
xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>enwiki</dbname>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="10" case="first-letter">Template</namespace>
    </namespaces>
  </siteinfo>
"""
_TAIL = "</mediawiki>\n"
_PAGE = """  <page>
    <title>{title}</title>
    <ns>{namespace}</ns>
    <id>{number}</id>{redirect}
    <revision>
      <id>{number}</id>
      <timestamp>2021-04-27T13:53:16Z</timestamp>
      <contributor>
        <username>A &amp; B</username>
        <id>1</id>
      </contributor>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{size}" xml:space="preserve">{text}</text>
    </revision>
  </page>
"""
_LEAD = """{{{{Infobox settlement
| name = {title}
| area = {{{{convert|30|km2|abbr=on}}}}
| leader = [[Somebody Unread|Somebody]]<ref>{{{{cite web |url=http://e.org/{number} \
|title=Unread}}}}</ref>
}}}}
<!-- unread -->[[File:Map {number}.svg|thumb|A map with [[unread]] names]]
"""
_TABLE = """{| class="wikitable"
! Year !! Unread
|-
| 1990 || {{formatnum:123456}}
|}
"""
_END = """
== See also ==
* [[Unread list of things]]

== References ==
{{{{Reflist}}}}

[[Category:Unread {number}]]
"""
Page = tuple[str, list[str]]


def write_dump(
    path: str | Path,
    pages: Iterable[Page],
    multistream: int = 0,
    redirects: bool = True,
) -> None:
    """Write `pages` (a title and its paragraphs of plain text) as an XML dump.

    What surrounds and interrupts the paragraphs (infobox, table, references, links,
    lists, a redirect and a template page after every tenth article) is not prose: the
    paragraphs are what a reader should find.

    Args:
        path: packed if it ends in .bz2.
        pages: any number of pages; they are written as they come.
        multistream: pages a bz2 stream, as in the official multistream dumps; 0: one.
        redirects: whether to add redirects and template pages.
    """
    texts = _page_texts(pages, redirects)
    with open(path, "wb") as file:
        if not str(path).endswith(".bz2"):
            file.writelines(text.encode() for text in _whole(texts))
        elif multistream:
            file.write(bz2.compress(_HEAD.encode()))
            for block in iter(lambda: "".join(islice(texts, multistream)), ""):
                file.write(bz2.compress(block.encode()))
            file.write(bz2.compress(_TAIL.encode()))
        else:
            packer = bz2.BZ2Compressor()
            file.writelines(packer.compress(text.encode()) for text in _whole(texts))
            file.write(packer.flush())


def page_xml(title: str, text: str, number: int = 1, namespace: int = 0) -> str:
    """Return one <page> of a dump."""
    is_redirect = text.startswith("#REDIRECT")
    return _PAGE.format(
        title=escape(title),
        namespace=namespace,
        number=number,
        redirect='\n    <redirect title="Elsewhere" />' if is_redirect else "",
        size=len(text.encode()),
        text=escape(text),
    )


def dump_xml(pages_xml: str) -> str:
    """Return a whole dump around some pages."""
    return _HEAD + pages_xml + _TAIL


def _whole(texts: Iterator[str]) -> Iterator[str]:
    yield _HEAD
    yield from texts
    yield _TAIL


def _page_texts(pages: Iterable[Page], redirects: bool) -> Iterator[str]:
    for number, (title, paragraphs) in enumerate(pages, 1):
        yield page_xml(title, _article(title, paragraphs, number), number)
        if redirects and number % 10 == 0:
            yield page_xml(f"Old {title}", f"#REDIRECT [[{title}]]", number)
            yield page_xml(f"Template:T {number}", "{{{1}}} unread.", number, 10)


def _article(title: str, paragraphs: list[str], number: int) -> str:
    body = []
    for index, paragraph in enumerate(paragraphs):
        if index and index % 4 == 0:
            body.append(f"== Part {index // 4} ==\n{_TABLE}")
        body.append(_marked_up(paragraph))
    lead = _LEAD.format(title=title, number=number)
    return lead + "\n\n".join(body) + _END.format(number=number)


def _marked_up(paragraph: str) -> str:
    """Link every eleventh word, set the first in bold, put a reference at the end."""
    words = escape(paragraph).split(" ")
    for index in range(5, len(words), 11):
        word = words[index]
        if word.isalpha():
            words[index] = f"[[{word}]]" if index % 2 else f"[[Unread|{word}]]"
    if words[0].isalpha():
        words[0] = f"'''{words[0]}'''"
    return " ".join(words) + "<ref name=a>Unread, p. 5.</ref>"
