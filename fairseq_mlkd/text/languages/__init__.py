"""One file per language, with all that the package knows about it."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from fairseq_mlkd.text.language import Language

_REGION = re.compile(r"[-_].*", re.DOTALL)


def find_language(lang: str) -> Language | None:
    """Return the language of a code, or None if it has no file here.

    Args:
        lang: ISO 639-1 code; a region may follow it (`pt-BR`, `pt_BR`).
    """
    code = _REGION.sub("", lang).lower()
    return _load(code) if code in _codes() else None


@cache
def all_languages() -> tuple[Language, ...]:
    """Return the languages that have a file here, in the order of their codes."""
    return tuple(_load(code) for code in sorted(_codes()))


@cache
def _codes() -> frozenset[str]:
    return frozenset(module.name for module in iter_modules(__path__))


@cache
def _load(code: str) -> Language:
    language = import_module(f"{__name__}.{code}").LANGUAGE
    assert isinstance(language, Language)
    return language
