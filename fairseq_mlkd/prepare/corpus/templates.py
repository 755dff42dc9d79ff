"""The few templates that stand for words inside a sentence.

A template is dropped, but a sentence whose numbers, dates or foreign words are set by
one would be left with holes. What each shows is described on its page of the Wikipedia
that has it, e.g. https://fr.wikipedia.org/wiki/Modèle:Unité.
"""

from __future__ import annotations

import re

from fairseq_mlkd.text.languages import all_languages

_FORMATS = {
    name: form
    for language in all_languages()
    for form, names in language.wiki.templates.items()
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
