"""The few templates that stand for words inside a sentence.

A template is dropped, but a sentence whose numbers, dates or foreign words are set by
one would be left with holes. What each shows is described on its page of the Wikipedia
that has it, e.g. https://fr.wikipedia.org/wiki/Modèle:Unité.
"""

from __future__ import annotations

import re

# "{0}" is the first unnamed argument, "{all}" all of them with spaces between.
_FORMATS: dict[str, str] = {
    name: form
    for form, names in {
        "{0}": "nowrap|nobr|small|abbr|abréviation|lien|ill|interlanguage link|"
        "仮リンク|ruby|読み仮名|vanchor|visible anchor|citation|cita|latin|"
        "formatnum|fmtn",
        "{1}": "lang|langue|en langue|transl",
        "{0} {1}": "convert|cvt|tmp|currency",
        "{all}": "unité|nombre|nb|date|date-|date de naissance|date de décès|val|"
        "unidad",
        "{0}e siècle": "s|s-|siècle",
        "{0}e et {1}e siècles": "s2|s2-",
        "„{0}“": '"',
        "– {0} –": "incise",
        "siglo {0}": "siglo",
        "{0} h {1}": "heure",
        "{0} euros": "euro",
        "{0} m": "höhe",
        "1er": "1er|ier",
        "'": "'|apostrophe",
        "'s": "'s",
    }.items()
    for name in names.split("|")
}
_NAMED_BY_TEXT = re.compile(r"\d{1,3}(?:er|re|e)|[ivx]+e siècle", re.IGNORECASE)


def template_text(source: str) -> str:
    """What a template shows in the middle of a sentence; "" for all others.

    Args:
        source: what stands between the braces, without markup that has pipes.
    """
    name, *arguments = source.split("|")
    function, colon, value = name.partition(":")
    if colon:
        name, arguments = function, [value]
    name = name.strip()
    unnamed = [argument.strip() for argument in arguments if "=" not in argument]
    if _NAMED_BY_TEXT.fullmatch(name):
        return " ".join([name, *unnamed])
    form = _FORMATS.get(name.lower().replace("_", " "), "")
    if "{" in form and not unnamed:
        return ""
    return form.format(*unnamed, "", all=" ".join(unnamed)).strip()
