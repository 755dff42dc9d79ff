"""Codes of languages: which are none, and which are called otherwise."""

import pytest

from fairseq_mlkd.text.language_codes import describe_odd_code


@pytest.mark.parametrize("lang", ["de", "zh-TW", "pt_BR", "swh", "yue", "fil", "no"])
def test_nothing_is_odd(lang):
    assert describe_odd_code(lang) is None


@pytest.mark.parametrize(
    "lang, part",
    [
        ("ger", "ger is called de here"),
        ("eng", "eng is called en here"),
        ("iw", "iw is called he here"),
        ("jp", "ja is the language of that country"),
        ("gr", "el is the language of that country"),
        ("xx", "xx is no code of ISO 639, so there are no rules for its text"),
        ("english", "english is no code of ISO 639"),
    ],
)
def test_what_is_odd_is_said(lang, part):
    assert part in describe_odd_code(lang)
