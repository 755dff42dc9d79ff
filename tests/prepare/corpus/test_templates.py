"""Rows of language, wikitext (\\n is a line break) and what is said, " | " between.

Right values were written before the rules, from what the templates' own pages say.
"""

from pathlib import Path

import numpy as np
import pytest

from fairseq_mlkd.prepare.corpus.templates import LOST, template_text
from fairseq_mlkd.prepare.corpus.wikitext import article_paragraphs
from fairseq_mlkd.text.languages import all_languages
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


def test_no_words_of_another_language_are_shown_but_english_ones():
    assert template_text("fra", "ja") == "フランス"
    assert template_text("FRA", "de") == LOST
    assert template_text("us$|5", "de") == "US$5"
    assert template_text("unité|5|km", "de") == "5 km"


def test_no_arguments_of_any_template_end_the_run():
    names = {
        name
        for language in all_languages()
        for of_form in language.wiki.templates.values()
        for name in of_form.split("|")
    }
    odd = ["", "0", "-1", "1/0", "1e99", "1e999", "9" * 400, "२५", "²", "x", "km", "in"]
    odd += ["ft", "to", "-", "C", "e6", "/", "km/", "a=b", "disp=flip", "order=flip"]
    odd += ["sigfig=999", "round=0", "adj=mid", "e=99", "u=", "13", "{}", "{1}", "\n"]
    odd += ["1950-13-45", "\x02\x03", "=", "1=", "%s", "\\1", ".", ",", "1,,2", "½"]
    generator = np.random.default_rng(1)
    for name in sorted(names) * 8:
        arguments = generator.choice(odd, generator.integers(0, 7)).tolist()
        for lang in (None, "en", "ja", "fr"):
            assert isinstance(template_text("|".join([name, *arguments]), lang), str)


@pytest.mark.parametrize(
    "source",
    [
        "convert|5|" + "m/" * 3000 + "m",
        "convert|5|" + "sq" * 3000 + "m",
        "convert|5|cu" + "e15" * 9 + "m",
        "convert|5|m|ft|order=flip|sigfig=" + "9" * 5000,
        "date|1|" + "1" * 5000 + "|2000",
    ],
)
def test_numbers_and_units_without_bounds_are_no_words(source):
    assert template_text(source, "en") == LOST
