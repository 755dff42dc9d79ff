"""The words that a template shows in the middle of a sentence.

The names of templates, and what they show, stand in `wiki` of each language's file;
here are the rules that several of them share. What each shows is described on its page
of the Wikipedia that has it, e.g. https://fr.wikipedia.org/wiki/Modèle:Unité.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from fairseq_mlkd.prepare.corpus.template_forms import FIELD, FUNCTIONS, Template, fill
from fairseq_mlkd.text.language import Wiki
from fairseq_mlkd.text.languages import all_languages, find_language

# Stands where words are missing. No XML file can hold this character.
LOST = "\x03"
_SILENT = "=silent"  # the form of a template that shows no words

_NAMED = re.compile(r"\s*([\w -]{1,30}?)\s*=(.*)", re.DOTALL)
_PREFIX = re.compile(
    r"\s*(?:(?:subst|safesubst|template|vorlage|modèle)\s*:)?\s*", re.I
)
# Templates that are called as what they show: {{1er|mai}}, {{XIXe siècle}}, {{½}}.
_SHOWS_NAME = re.compile(
    r"\d{1,3}(?:er|re|e|es|ère|nd|nde)(?: [a-zéû]+)?|\d{1,2} [a-zéû]+|"
    r"[IVX]{2,}|[IVX]+(?:er|e|re|es)|"
    r"années \d{4}|[IVXivx]+(?:er|e) (?:siècle|millénaire)(?: av\. J\.-C\.)?|"
    r"CO2|H2O|\d/\d+|[½⅓⅔¼¾⅛⅜⅝⅞€£¥₹$%°–—]|[a-z]{1,4}(?:²|³)"
)
_WORD = re.compile(r"[^\W\d_]{2}")
_ROMAN_DIGITS = frozenset("IVX")
_SHIP = re.compile(
    r"hms|hmas|hmcs|hmnzs|hmis|ins|uss|usns|uscgc|usat|uss|rms|ss|ssv|ms|mv|my|ts|"
    r"hnlms|hdms|hnoms|hswms|orp|smu|sms|css|rfa|rrs|arm|ara|bap|jds|js|roks|tcg|"
    r"lôtss|hmhs|hmt|rv|gts|tss|ps|mt",
)


def template_text(source: str, lang: str | None = None) -> str:
    """Return what a template shows in a sentence: words, "" or `LOST`.

    Args:
        source: what stands between the braces, without links.
        lang: of the wiki; None tries the names of all languages.
    """
    name, *arguments = source.split("|")
    name = _PREFIX.sub("", name, count=1).strip()
    function, colon, value = name.partition(":")
    if colon:
        name, arguments = function.strip(), [value, *arguments]
    if name[:1] in _ROMAN_DIGITS and _SHOWS_NAME.fullmatch(name):
        return name
    known = _find(name.lower().replace("_", " "), lang)
    if known and known[0][1] == _SILENT:
        return ""
    unnamed, named = _sort_arguments(arguments)
    for wiki, form in known:
        if form == _SILENT:
            return ""
        text = _show(form, Template(name, unnamed, named, lang, wiki))
        if text is not None:
            return text
    return _show_unknown(name, unnamed, named)


def _sort_arguments(arguments: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    unnamed: list[str] = []
    named: dict[str, str] = {}
    for argument in arguments:
        match = _NAMED.fullmatch(argument)
        if match is None:
            unnamed.append(argument.strip())
        else:
            named[match.group(1).strip().lower()] = match.group(2).strip()
    for place in range(1, 10):
        if len(unnamed) < place and str(place) in named:
            unnamed += [""] * (place - 1 - len(unnamed)) + [named.pop(str(place))]
    return unnamed, named


@lru_cache(maxsize=1 << 14)
def _find(key: str, lang: str | None) -> list[tuple[Wiki, str]]:
    """Return the forms of a template and, for each, in whose dates it is shown."""
    known: list[tuple[Wiki, str]] = []
    own = find_language(lang) if lang else None
    for wiki, forms, silent in _tables(lang):
        if key in forms:
            known.append((own.wiki if own else wiki, forms[key]))
        if silent.fullmatch(key):
            return [*known, (wiki, _SILENT)]
    return known


@cache
def _tables(lang: str | None) -> list[tuple[Wiki, dict[str, str], re.Pattern[str]]]:
    """Return the templates of each language, first of its own, then of English."""
    languages = sorted(
        all_languages(), key=lambda each: (each.lang != lang, each.lang != "en")
    )
    return [
        (
            each.wiki,
            {
                name: form
                for form, names in each.wiki.templates.items()
                if lang in (None, each.lang) or not _is_foreign(each.lang, form)
                for name in names.split("|")
            },
            re.compile(each.wiki.silent or r"(?!)"),
        )
        for each in languages
    ]


def _is_foreign(lang: str, form: str) -> bool:
    """Return whether a form shows words of its own that are not English."""
    is_text = lang != "en" and not form.startswith("=")
    return is_text and _WORD.search(FIELD.sub("", form)) is not None


def _show_unknown(name: str, unnamed: list[str], named: dict[str, str]) -> str:
    if _SHOWS_NAME.fullmatch(name):
        return " ".join([name, *filter(None, unnamed[:1])])
    if _SHIP.fullmatch(name.lower()) and unnamed and unnamed[0]:
        return f"{name.upper()} {unnamed[0]}"
    if named.keys() & {"date", "data", "fecha"}:  # of a complaint about the text
        if not unnamed:
            return ""
        if len(unnamed) == 1 and " " in unnamed[0]:
            return unnamed[0]
    return LOST


def _show(form: str, call: Template) -> str | None:
    if form[:1] != "=" or not form[1:]:
        return fill(form, call)
    try:
        return FUNCTIONS[form[1:]](call)
    except (ArithmeticError, ValueError):  # a number that no page means
        return None
