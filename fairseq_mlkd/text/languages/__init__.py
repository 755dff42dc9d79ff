"""One file per language, with all that the package knows about it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from fairseq_mlkd.text.language import Language


@cache
def find_language(lang: str) -> Language | None:
    """Return the language of an ISO 639-1 code, or None if it has no file here."""
    module = f"{__name__}.{lang}"
    if not lang.isalpha() or find_spec(module) is None:
        return None
    language = import_module(module).LANGUAGE
    assert isinstance(language, Language)
    return language


@cache
def all_languages() -> tuple[Language, ...]:
    """Return the languages that have a file here, in the order of their codes."""
    codes = sorted(module.name for module in iter_modules(__path__))
    return tuple(language for code in codes if (language := find_language(code)))
