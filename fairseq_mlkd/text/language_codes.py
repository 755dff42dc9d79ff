"""Codes of languages that are none, or not those by which rules are found."""

from __future__ import annotations

from functools import cache


@cache
def describe_odd_code(lang: str) -> str | None:
    """Return in one line what is odd about a code; None: nothing.

    `ger` is `de` in ISO 639-1, `cz` is a country whose language is `cs`.
    """
    from langcodes import Language, standardize_tag  # takes a tenth of a second

    try:
        tag = standardize_tag(lang)
        is_language = Language.get(tag).is_valid()
    except ValueError:
        tag, is_language = lang, False
    if is_language:
        usual = tag.replace("-", "_") if "_" in lang else tag
        if usual.casefold() == lang.casefold():
            return None
        return f"{lang} is called {tag} here, by which the rules for its text are found"
    meant = _language_of_country(lang)
    hint = f"; {meant} is the language of that country" if meant else ""
    return f"{lang} is no code of ISO 639, so there are no rules for its text{hint}"


def _language_of_country(code: str) -> str | None:
    from langcodes import Language

    if len(code) != 2:
        return None
    found = Language.get(f"und-{code.upper()}").maximize().language
    return None if found in (None, "und", "en") else found
