"""Roman numerals of rulers, centuries, wars, chapters and the like.

Whether XIV is a cardinal, an ordinal, or no number at all is decided by the words
around it, in each language by its own rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from re import Match
from typing import NamedTuple

from fairseq_mlkd.text.language import Rule, rule, words
from fairseq_mlkd.text.spoken.patterns import beginning_with_any_of
from fairseq_mlkd.text.spoken.romance import FEMININE, MASCULINE, Numbers

_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_TENS = ("", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX")
# Without C, D and M no word of these languages is taken for a number ("CD", "MIL").
ROMAN = {
    ten + one: 10 * tens + value
    for tens, ten in enumerate(_TENS)
    for value, one in enumerate(_ONES)
    if tens or value
}
_PARTS = re.compile('[ \u00a0("„“«-]+')
# Nouns that are counted off in Spanish and Portuguese: la II República, I Congreso.
_ORDERED_FEMININE = frozenset(
    words(
        "Guerra guerra República Internacional Bienal Bienal Edición Edição edición "
        "edição Dinastía Dinastia dinastía dinastia Olimpiada Olimpíada Cumbre "
        "Región Região Brigada Conferencia Conferência Copa Semana Jornada Feria "
        "Feira Asamblea"
    )
)
_ORDERED_MASCULINE = frozenset(
    words(
        "Congreso Congresso Concilio Concílio Festival Milenio milenio Milênio "
        "milênio Reich Imperio Império Encuentro Encontro Foro Fórum Salón Salão "
        "Campeonato Torneo Torneio Premio Prêmio Simposio Simpósio Plan Plano "
        "Ejército Exército Seminario Seminário Concurso"
    )
)
# Parts of books and the like, of which one letter is a number, too: tome V, acto I.
_COUNTED = frozenset(
    words(
        "acte acto ato scène escena cena scena chapitre capítulo tome tomo volume "
        "volumen livre libro livro article artículo artigo articolo titre título "
        "titolo partie parte section sección seção sezione figure figura planche "
        "tavola annexe anexo phase fase type tipo épisode episodio episódio numéro "
        "número numero page página pagina paragraphe párrafo parágrafo paragrafo "
        "chant fascicule fascículo fascicolo"
    )
)
_ANOTHER = re.compile(r"(?:y|e|a|al|ao) [IVX]+\b")
_WRITTEN = re.compile("[A-ZÀ-Þ.,;:]")
_ONE_MORE = re.compile("[IVX]+,")
_OF = ("de ", "d'", "del ", "da ", "do ")
_CENTURIES = ("siglo", "siglos", "século", "séculos")


class Numeral(NamedTuple):
    """A Roman numeral and what stands around it on the page.

    `preceding` and `after` are the text before it and after it, 40 characters at most;
    both may be empty. `words` are those before it, the last one first.
    """

    number: int
    written: str
    ending: str | None
    preceding: str
    words: list[str]
    after: str

    @property
    def before(self) -> str:
        """The word before it as written ("Louis", "dell'")."""
        return self.words[0]

    @property
    def follows_a_part(self) -> bool:
        """Whether it counts a part of a book, whose noun may be a plural: tomes I."""
        noun = self.before.lower().rpartition("'")[2]
        return noun in _COUNTED or noun.removesuffix("s") in _COUNTED

    @property
    def follows_a_name(self) -> bool:
        """Whether it looks like a sovereign's: Pacoro II de Partia."""
        return self.before.istitle() and self.after.startswith(_OF)


def numerals(
    read: Callable[[Numeral], str | None], endings: str = "(?!)", letters: str = "IVX"
) -> Rule:
    """Return the rule for Roman numerals from I to XXXIX, or LXXXIX with L.

    Args:
        read: the words of a numeral, or None to leave its letters alone.
        endings: pattern of what may be written right after it (the e of XIXe).
        letters: those that numerals are made of.
    """
    numeral = rf"(?P<written>[{letters}](?<![\w.][{letters}])[{letters}]*)"

    def replace(match: Match[str]) -> str | None:
        number = ROMAN.get(match["written"])
        if number is None:
            return None
        preceding = match.string[max(match.start() - 40, 0) : match.start()]
        after = match.string[match.end() : match.end() + 40].lstrip()
        written, ending = match.group("written", "ending")
        parts = _PARTS.split(preceding.rstrip(" \u00a0-"))[::-1]
        return read(Numeral(number, written, ending, preceding, parts, after))

    return rule(rf"{numeral}(?P<ending>{endings})?(?![\w'])", replace)


def parts(signs: Mapping[str, str]) -> Rule:
    """Return the rule for signs before Roman numerals: vol. II, cap. IV.

    Args:
        signs: before numbers -> their words.
    """
    said = {
        written: words_of
        for sign, words_of in signs.items()
        if sign.endswith(".")
        for written in {sign, sign.capitalize() if len(sign) > 2 else sign}
    }
    return rule(
        rf"(?P<sign>{beginning_with_any_of(said)})(?=[ \u00a0]?[IVX]+(?!\w))",
        lambda match: said[match["sign"]],
        re.compile("\\.[ \u00a0]?[IVX]"),
    )


def small_capitals(noun: str, centuries: str) -> Rule:
    """Return the rule for centuries in small letters, which are small capitals.

    Text that is spoken form already has neither capitals nor marks, and stays as it is.

    Args:
        noun: "siglo".
        centuries: pattern of numerals in their place (the xix of "siglo xix").
    """
    capitals = str.maketrans("ivx", "IVX")

    def read(match: Match[str]) -> str | None:
        is_written = _WRITTEN.search(match.string)
        return match.group().translate(capitals) if is_written else None

    return rule(centuries, read, noun)


def iberian_numerals(
    numbers: Numbers,
    kings: Sequence[str],
    queens: Sequence[str],
    articles: Mapping[str, str],
) -> Rule:
    """Return the rule for Roman numerals in Spanish and Portuguese.

    Centuries and sovereigns are ordinals up to the tenth and cardinals above; between
    an article and a capital (la II Guerra) stands an ordinal; all else is a cardinal.

    Args:
        numbers: the language's.
        kings: names; others are taken for sovereigns before "de" (Pacoro II de Partia).
        queens: names.
        articles: article -> form of the ordinal.
    """

    def read(numeral: Numeral) -> str | None:
        number, before, after = numeral.number, numeral.before, numeral.after
        is_sovereign = before in kings or numeral.follows_a_name
        if is_sovereign or before in queens or before.lower() in _CENTURIES:
            gender = FEMININE if before in queens else MASCULINE
            if number <= 10:
                return numbers.ordinal(number, gender)
            return numbers.cardinal(number)
        following = (after.split() or [""])[0].strip(",.;:)")
        if following in _ORDERED_FEMININE:
            return numbers.ordinal(number, FEMININE)
        if following in _ORDERED_MASCULINE:
            return numbers.ordinal(number, articles.get("el", MASCULINE))
        if before.lower() in articles and after[:1].isupper():
            return numbers.ordinal(number, articles[before.lower()])
        if _ANOTHER.match(after) or _ONE_MORE.fullmatch(before):
            return numbers.cardinal(number)
        is_letter = len(numeral.written) == 1 or not before.isalpha()
        if is_letter and not numeral.follows_a_part:
            return None
        return numbers.cardinal(number)

    return numerals(read)
