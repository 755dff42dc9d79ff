"""Rows of language, wikitext (\\n is a line break) and what is said, " | " between.

Right values were written before the rules, from what the templates' own pages say.
"""

from pathlib import Path

import pytest

from fairseq_mlkd.prepare.corpus.wikitext import article_paragraphs
from fairseq_mlkd.text.sentences import split_sentences
from fairseq_mlkd.text.spoken import to_spoken

ROWS = [
    row.split("\t")
    for path in sorted(Path(__file__).with_name("spoken_templates").glob("*.tsv"))
    for row in path.read_text(encoding="utf-8").splitlines()
]


def speak(markup, lang, wiki):
    """Return all sentences' spoken form; `wiki` is what the reader is told of it."""
    paragraphs = article_paragraphs(markup.replace("\\n", "\n"), lang=wiki)
    sentences = (s for text in paragraphs for s in split_sentences(text, lang))
    return " | ".join(to_spoken(sentence, lang) for sentence in sentences)


@pytest.mark.parametrize("lang, markup, said", ROWS)
def test_templates_are_read_out(lang, markup, said):
    assert speak(markup, lang, lang) == said


@pytest.mark.parametrize("lang, markup, said", ROWS)
def test_the_language_of_a_wiki_can_be_guessed(lang, markup, said):
    assert speak(markup, lang, None) == said
