"""Numbers, money, times, rulers, addresses and the like in all languages.

`kinds.tsv` holds language, written text and spoken form, each line read by a person;
`LANG.tsv` holds written text and spoken form of one language, below the sources of its
rules.
"""

from pathlib import Path

import pytest

from fairseq_mlkd.text.language import Language, table
from fairseq_mlkd.text.languages import find_language
from fairseq_mlkd.text.spoken import to_spoken
from fairseq_mlkd.text.spoken.speaker import Speaker

HERE = Path(__file__).parent
LANGS = ["es", "fr", "it", "pt"]


def read_rows(name: str) -> list[list[str]]:
    """Return a table's cells; a line that begins with # says something of the next."""
    lines = HERE.joinpath(name).read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line and line[0] != "#"]


ROWS = read_rows("kinds.tsv")
ROWS += [[lang, *row] for lang in LANGS for row in read_rows(f"{lang}.tsv")]


@pytest.mark.parametrize("lang, written, spoken", ROWS)
def test_kinds(lang, written, spoken):
    assert to_spoken(written, lang) == spoken
    assert to_spoken(spoken, lang) == spoken


def test_a_language_needs_few_lines():
    dutch = Speaker(
        Language(
            lang="nl",
            decimal_word="komma",
            minus="min",
            until="tot",
            abbreviations=table("dhr. = de heer; d. w. z. = dat wil zeggen"),
        )
    )
    read = dutch.read("dhr. Jansen heeft 1.234,5 d.w.z. \u22125 tot 10-12").split()
    assert " ".join(read) == (
        "de heer Jansen heeft duizendtweehonderdvierendertig komma "
        "vijf dat wil zeggen min vijf tot tien tot twaalf"
    )
    assert find_language("nl") is None
