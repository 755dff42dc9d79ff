from collections import Counter

import pytest

from fairseq_mlkd.prepare.corpus import wikitext
from fairseq_mlkd.prepare.corpus.readers import document_paragraphs, read_documents
from fairseq_mlkd.prepare.corpus.wikitext import article_paragraphs


def paragraphs(text):
    return list(article_paragraphs(text))


@pytest.mark.parametrize(
    "markup, text",
    [
        ("A [[link]] and [[Target|its label]]s.", "A link and its labels."),
        ("[[Star Trek: Voyager]] ran.", "Star Trek: Voyager ran."),
        ("See [[:Category:Cities]] [[fr:Paris]]x.", "See x."),
        ("'''Bold''', ''italic'', '''''both'''''.", "Bold, italic, both."),
        ("C'est l'''Aurore'' et '''L'Équipe'''.", "C'est l'Aurore et L'Équipe."),
        ("l{{'}}''Histoire''", "l'Histoire"),
        ("A [http://a.org/b?c=d site] and http://b.org.", "A site and http://b.org."),
        ("5&nbsp;km &lt;b&gt; &amp; x<sup>2</sup>", "5 km <b> & x²"),
        ("One<br />two<!-- three -->", "One two"),
        ("Text.<ref>A note.</ref><ref name=a /> More.", "Text. More."),
        ("Text.<ref name='x'>{{cite|a=[[b]]}}</ref>", "Text."),
        ("Has {{convert|5|km|abbr=on}} of coast.", "Has 5 km of coast."),
        ("Au {{s|XIX}}, {{unité|12|km}}.", "Au XIXe siècle, 12 km."),
        ("El {{siglo|XIX}} y más.", "El siglo XIX y más."),
        ("Le {{84e|[[congrès mondial|congrès]]}} dit.", "Le 84e congrès dit."),
        ("{{lang|de|[[Haus|das Haus]]}} is a house.", "das Haus is a house."),
        (
            "Berlin ({{IPA|bɛɐ̯}}; {{audio|x.ogg}}; born 1237) is.",
            "Berlin (born 1237) is.",
        ),
        ("Autriche (en allemand : {{MSAPI|a}}) est.", "Autriche est."),
        ("The end {{citation needed}}.", "The end."),
        ("__NOTOC__Text. <math>a^{{b}} [[c</math> is. More.", "Text. More."),
        ("[[File:A.jpg|thumb|A [[dog]] runs.]]Text.", "Text."),
        ("[[Datei:A.jpg|mini|Ein Hund.]]Text.", "Text."),
        ("[[Xyz:A.jpg|left|100px|In any language.]]Text.", "Text."),
        ("A [[House|\nhouse]] stands.", "A house stands."),
        ("A forgotten {{ brace and [[ bracket.", "A forgotten brace and bracket."),
        ("<nowiki>a ''b''</nowiki>", "a b"),
    ],
)
def test_inline_markup(markup, text):
    assert [" ".join(p.split()) for p in paragraphs(markup)] == [text]


@pytest.mark.parametrize(
    "markup",
    [
        "{{Infobox\n| name = {{nested|x}}\n| text = It is [[text]].\n}}",
        '{| class="wikitable"\n! It is.\n|-\n| One. || {{Two}}.\n|}',
        ":{|\n| One.\n{|\n| Nested.\n|}\n|}",
        "{{Box|\n{|\n| One.\n|}}}",
        "{{Box\n|}}",
        "<gallery>\nFile:A.jpg|It is a text.\n</gallery>",
        '<syntaxhighlight lang="c">\nint i; It is.\n</syntaxhighlight>',
        "[[Category:Cities]]\n[[Kategorie:Städte|Berlin]]\n[[de:Berlin]]",
        "== Heading ==",
        "<!-- It is a comment\n\nthat goes on. -->",
        "----",
        "* [[A link]]\n* [[Another]], a link\n* [[One.]]\n# 1990",
        "* A. Author: ''The long title of a book.'' Press, Town, ISBN 3-406-40956-3.",
        "__NOTOC__",
    ],
)
def test_what_holds_no_prose_is_dropped(markup):
    assert paragraphs(f"Before.\n\n{markup}\n\nAfter.") == ["Before.", "After."]


@pytest.mark.parametrize(
    "markup, texts",
    [
        ("It was\nbuilt.", ["It was built."]),
        ("It was\n built.", ["It was", "built."]),  # MediaWiki sets it as it stands
        ("It was\r\nbuilt.\r\n\r\nIt burnt.", ["It was built.", "It burnt."]),
        ("It was\nbuilt\nby two.\nIt burnt.", ["It was built by two. It burnt."]),
        ("It was built.\n\n\nIt burnt.", ["It was built.", "It burnt."]),
        ("== Mill ==\nIt was\nbuilt.\n=== Fire ===\nIt\nburnt.", None),
        ("It was\nbuilt.\n* It is an item that is a sentence.\nIt\nburnt.", None),
        ("It was\nbuilt.\n:It is an item that is a sentence.\n\nIt\nburnt.", None),
        ("It was\nbuilt.\n----\nIt\nburnt.", ["It was built.", "It burnt."]),
        ("It was\nbuilt.\n{|\n| a\n|}\nIt\nburnt.", ["It was built.", "It burnt."]),
        ("It was\n<!-- so it was -->\nbuilt.", ["It was built."]),
        ("It was\n[[File:A.jpg|thumb|A mill]]\nbuilt.", ["It was built."]),
        ("It was built.<ref>A\nnote.</ref>\nIt burnt.", ["It was built. It burnt."]),
        ("It was<br>\nbuilt.", ["It was built."]),
        ("'''It''' was\n[[Build|built]].", ["It was built."]),
        ("{{Short description|A mill}}\nIt was\nbuilt.", ["It was built."]),
        ("It was built.\n{{Unheard of|a}}\nIt burnt.", ["It was built.", "It burnt."]),
        ("東京は日本の\n首都である。", ["東京は日本の首都である。"]),
        ("यह नदी पुराने\nशहर में है।", ["यह नदी पुराने शहर में है।"]),
        ("Le moulin fut\nbâti l'an\n1950.", ["Le moulin fut bâti l'an 1950."]),
    ],
)
def test_lines_of_a_paragraph_are_joined(markup, texts):
    item = "It is an item that is a sentence."
    if texts is None:
        texts = ["It was built.", *([item] if item in markup else []), "It burnt."]
    assert paragraphs(markup) == texts


def test_sentences_that_lack_words_are_dropped_and_counted():
    text = "It is old. It has {{unheard of|a}} doors. It is <math>x</math> high. Good."
    counts = Counter()
    assert list(article_paragraphs(text, counts)) == ["It is old. Good."]
    assert counts == {"dropped_incomplete": 2}


def test_list_items_that_are_sentences_stay():
    text = "* An '''item''' that is a sentence too.\n* 東京は日本の首都である。\n:No."
    expected = ["An item that is a sentence too.", "東京は日本の首都である。"]
    assert paragraphs(text) == expected


@pytest.mark.parametrize(
    "heading",
    ["See also", "References", "Einzelnachweise", "Liens externes", "脚注"]
    + ["Véase também".replace("também", "también"), "Voci correlate", "Ver também"]
    + ["इन्हें भी देखें", "''EXTERNAL links''", "注釈・出典", "脚注と参考文献"]
    + ["सन्दर्भ सूची", "ये भी देखें"],
)
def test_sections_of_lists_are_dropped_with_their_subsections(heading):
    text = f"A.\n== {heading} ==\nB.\n=== Sub ===\nC.\n==Next==\nD."
    assert paragraphs(text) == ["A.", "D."]


@pytest.mark.parametrize(
    "unit", ["{{", "[[", "<ref>", "{|\n", "[[a|", "( {{a}} ", "<b ", "{{lang|a|", "[//"]
)
def test_hostile_nesting_is_read_in_one_pass(unit, monkeypatch):
    """The parser, whose time may grow with the square, never sees such a line."""
    parsed = []

    def parse(line, **kwargs):
        parsed.append(len(line))
        return original(line, **kwargs)

    original = wikitext.mwparserfromhell.parse
    monkeypatch.setattr(wikitext.mwparserfromhell, "parse", parse)
    counts = Counter()
    found = list(article_paragraphs(unit * 100_000 + "\nAfter.", counts))
    assert found[-1] == "After."
    assert sum(parsed) < 1 << 14
    assert counts["dropped_markup"] == (unit in ("[[", "[[a|", "<b ", "[//"))


@pytest.mark.parametrize("lang, least", [("en", 1000), ("fr", 150), ("de", 250)])
def test_real_pages_leave_prose_without_markup(mlkd_data, lang, least):
    path = str(mlkd_data / "wikidump" / lang / "wiki.xml.bz2")
    documents = read_documents(path, Counter())
    found = [text for document in documents for text in document_paragraphs(document)]
    assert len(found) > least
    for text in found:
        assert text == text.strip() and "\n" not in text
        for mark in (
            "{{",
            "}}",
            "[[",
            "]]",
            "''",
            "{|",
            "|}",
            "<ref",
            "&nbsp;",
            "\x02",
        ):
            assert mark not in text
