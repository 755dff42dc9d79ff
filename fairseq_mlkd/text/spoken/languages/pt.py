"""Portuguese, read as in Brazil (dezesseis, bilhão)."""

from __future__ import annotations

import re
from typing import Optional

from fairseq_mlkd.text.spoken.language import Language, Rule, Unit, spell
from fairseq_mlkd.text.spoken.romance import (
    CARDINALS,
    FEMININE,
    MASCULINE,
    Numeral,
    agreement,
    clock,
    dates,
    english_decimals,
    equals,
    numerals,
    ordinals,
    units,
)

_MONTHS = (
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro"
).split()
_KINGS = frozenset(
    (
        "Afonso Alberto Aleixo Alexandre Amadeu Anastácio Augusto Bento Bonifácio Carlos "
        "Celestino Clemente Constantino Cristiano Eduardo Estêvão Fernando Filipe "
        "Francisco Frederico Gregório Guilherme Gustavo Henrique Honório Inocêncio Jaime "
        "João Jorge José Júlio Leopoldo Leão Luís Manuel Maomé Miguel Napoleão Nicolau "
        "Otão Paulo Pedro Pio Ptolemeu Ramiro Ramsés Ricardo Roberto Sancho Sisto "
        "Teodósio Urbano Valdemar"
    ).split()
)
_QUEENS = frozenset(
    "Ana Beatriz Catarina Cristina Isabel Joana Leonor Margarida Maria Vitória".split()
)
# Nouns that often follow a number in Wikipedia and news: "duas horas".
_FEMININE_NOUNS = (
    "casas cidades crianças edições empresas espécies famílias folhas horas? jardas "
    "lojas medalhas milhas mortes mulheres obras pessoas? páginas semanas? "
    "temporadas? toneladas unidades vagas vezes vez vitórias vítimas voltas"
)


def _cardinal(number: int, gender: str = MASCULINE) -> str:
    return spell("pt", CARDINALS[gender], number)


def _ordinal(number: int, form: str = MASCULINE) -> str:
    return spell("pt", f"spellout-ordinal-{form}", number)


def _read_feminine_ordinal(number: int) -> str:
    return _ordinal(number, FEMININE)


def _read_numeral(numeral: Numeral) -> Optional[str]:
    """Centuries and sovereigns are ordinals up to ten, cardinals above."""
    number, before = numeral.number, numeral.before
    if before.lower() in ("século", "séculos") or before in _KINGS | _QUEENS:
        gender = FEMININE if before in _QUEENS else MASCULINE
        return _ordinal(number, gender) if number <= 10 else _cardinal(number)
    if len(numeral.written) == 1 or not before.isalpha():
        return None
    if numeral.after[:1].isupper():
        if before in ("a", "A", "da", "na", "à"):
            return _ordinal(number, FEMININE)
        if before in ("o", "O", "do", "no", "ao"):
            return _ordinal(number)
    return _cardinal(number)


def _read_clock(hour: int, minute: int) -> str:
    words = _cardinal(hour, FEMININE)
    return f"{words} e {_cardinal(minute)}" if minute else words


def _read_hours(hour: int, minute: int) -> str:
    words = f"{_cardinal(hour, FEMININE)} {'hora' if hour < 2 else 'horas'}"
    if not minute:
        return words
    return f"{words} e {_cardinal(minute)} {'minuto' if minute == 1 else 'minutos'}"


# A degree sign stands for º before a word, unless that is a direction.
_DEGREE_AS_ORDINAL = r" ?°(?= (?!norte|sul|leste|oeste|latitude|longitude)[^\W\d_]{4})"
_UNITS = {
    "%": ("por cento", "por cento"),
    "‰": ("por mil", "por mil"),
    "°C": ("grau celsius", "graus celsius"),
    "° C": ("grau celsius", "graus celsius"),
    "°F": ("grau fahrenheit", "graus fahrenheit"),
    "°": ("grau", "graus"),
    "mm": ("milímetro", "milímetros"),
    "cm": ("centímetro", "centímetros"),
    "m": ("metro", "metros"),
    "km": ("quilômetro", "quilômetros"),
    "km/h": ("quilômetro por hora", "quilômetros por hora"),
    "km / h": ("quilômetro por hora", "quilômetros por hora"),
    "m/s": ("metro por segundo", "metros por segundo"),
    "m²": ("metro quadrado", "metros quadrados"),
    "km²": ("quilômetro quadrado", "quilômetros quadrados"),
    "m³": ("metro cúbico", "metros cúbicos"),
    "ha": ("hectare", "hectares"),
    "mg": ("miligrama", "miligramas"),
    "g": ("grama", "gramas"),
    "kg": ("quilograma", "quilogramas"),
    "t": ("tonelada", "toneladas", FEMININE),
    "ml": ("mililitro", "mililitros"),
    "l": ("litro", "litros"),
    "s": ("segundo", "segundos"),
    "min": ("minuto", "minutos"),
    "h": ("hora", "horas", FEMININE),
    "Hz": ("hertz", "hertz"),
    "kHz": ("quilohertz", "quilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "kW": ("quilowatt", "quilowatts"),
    "MW": ("megawatt", "megawatts"),
    "px": ("pixel", "pixels"),
}
_CENTS = ("centavo", "centavos")
_CENTIMES = ("cêntimo", "cêntimos")
_CURRENCIES = {
    **dict.fromkeys(
        ("R$", "R $", "BRL"), Unit("real", "reais", MASCULINE, _CENTS, MASCULINE)
    ),
    **dict.fromkeys(
        ("€", "EUR"), Unit("euro", "euros", MASCULINE, _CENTIMES, MASCULINE)
    ),
    **dict.fromkeys(
        ("$", "US$", "US $"), Unit("dólar", "dólares", MASCULINE, _CENTS, MASCULINE)
    ),
    "USD": Unit("dólar americano", "dólares americanos", MASCULINE),
    **dict.fromkeys(
        ("£", "GBP"), Unit("libra esterlina", "libras esterlinas", FEMININE)
    ),
    **dict.fromkeys(("¥", "JPY"), Unit("iene", "ienes", MASCULINE)),
}

LANGUAGE = Language(
    lang="pt",
    cardinals=CARDINALS,
    decimal_mark=",",
    decimal_word="vírgula",
    decimals_together=2,
    group_marks=". ",
    minus="menos",
    until="a",
    singular_below_two=True,
    fractions={
        "1/2": "um meio",
        "1/3": "um terço",
        "2/3": "dois terços",
        "1/4": "um quarto",
        "3/4": "três quartos",
        "1/5": "um quinto",
        "1/8": "um oitavo",
        "1/10": "um décimo",
    },
    fraction_join="e",
    units={**units(_UNITS), **_CURRENCIES},
    currencies=tuple(_CURRENCIES),
    currency_join="e",
    magnitudes={
        "mil": "mil",
        "milhão": "milhão de",
        "milhões": "milhões de",
        "mi": "milhões de",
        "bilhão": "bilhão de",
        "bilhões": "bilhões de",
        "bi": "bilhões de",
        "trilhão": "trilhão de",
        "trilhões": "trilhões de",
    },
    number_signs={
        **dict.fromkeys(
            ("n.º", "nº", "n°", "n º", "nº.", "N.º", "Nº", "N°", "N º", "Nº.", "№"),
            "número",
        ),
        "p.": "página",
        "pág.": "página",
        "págs.": "páginas",
        "pp.": "páginas",
        "vol.": "volume",
        "cap.": "capítulo",
        "tel.": "telefone",
        "§": "parágrafo",
    },
    abbreviations={
        "sr.": "senhor",
        "sra.": "senhora",
        "srs.": "senhores",
        "dr.": "doutor",
        "dra.": "doutora",
        "prof.": "professor",
        "profa.": "professora",
        "Eng.": "engenheiro",
        "Gen.": "general",
        "Av.": "avenida",
        "art.": "artigo",
        "a. C.": "antes de Cristo",
        "d. C.": "depois de Cristo",
        "séc.": "século",
        "sécs.": "séculos",
        "p. ex.": "por exemplo",
        "etc.": "et cetera",
        "aprox.": "aproximadamente",
        "hab.": "habitantes",
        "Ltda.": "limitada",
        "Cia.": "companhia",
    },
    symbols={
        "&": "e",
        "@": "arroba",
        "+": "mais",
        "%": "por cento",
        "‰": "por mil",
        "€": "euro",
        "$": "dólar",
        "£": "libra",
    },
    letter_rules=(numerals(_read_numeral),),
    rules=(
        ordinals(r"\.? ?º", _ordinal),
        ordinals(r"\.? ?ª", _read_feminine_ordinal),
        ordinals(_DEGREE_AS_ORDINAL, _ordinal),
        *dates(_MONTHS, "de", "primeiro"),
        clock(" ?h ?", _read_hours),
        clock(":", _read_clock),
        english_decimals(),
        equals("igual a"),
        agreement("pt", FEMININE, _FEMININE_NOUNS),
    ),
)
