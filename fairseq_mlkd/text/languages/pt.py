"""Portuguese, read as in Brazil (dezesseis, bilhão)."""

from __future__ import annotations

from fairseq_mlkd.text.language import Language, Unit, Wiki, equals
from fairseq_mlkd.text.spoken.roman import iberian_numerals
from fairseq_mlkd.text.spoken.romance import (
    CARDINALS,
    FEMININE,
    MASCULINE,
    NUMBER_SIGNS,
    Numbers,
    agreement,
    clock,
    dates,
    english_numbers,
    ordinals,
    out_of,
    redundant_sign,
    square_kilometer,
    units,
    words,
)

_NUMBERS = Numbers("pt")
_MONTHS = words(
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro"
)
_KINGS = words(
    "Afonso Alberto Aleixo Alexandre Amadeu Anastácio Augusto Bento Bonifácio Carlos "
    "Celestino Clemente Constantino Cristiano Eduardo Estêvão Fernando Filipe "
    "Francisco Frederico Gregório Guilherme Gustavo Henrique Honório Inocêncio Jaime "
    "João Jorge José Júlio Leopoldo Leão Luís Manuel Maomé Miguel Napoleão Nicolau "
    "Otão Paulo Pedro Pio Ptolemeu Ramiro Ramsés Ricardo Roberto Sancho Sisto "
    "Teodósio Urbano Valdemar"
)
_QUEENS = words(
    "Ana Beatriz Catarina Cristina Isabel Joana Leonor Margarida Maria Vitória"
)
_ARTICLES = {
    **dict.fromkeys(("o", "ao", "do", "no"), MASCULINE),
    **dict.fromkeys(("a", "à", "da", "na"), FEMININE),
}
# Nouns that often follow a number in Wikipedia and news: "duas horas".
_FEMININE_NOUNS = (
    "casas cidades crianças edições empresas espécies famílias folhas horas? jardas "
    "lojas medalhas milhas mortes mulheres obras pessoas? páginas semanas? "
    "temporadas? toneladas unidades vagas vezes vez vitórias vítimas voltas"
)


def _read_clock(hour: int, minute: int) -> str:
    hours = _NUMBERS.cardinal(hour, FEMININE)
    return f"{hours} e {_NUMBERS.cardinal(minute)}" if minute else hours


def _read_hours(hour: int, minute: int) -> str:
    words = [_NUMBERS.cardinal(hour, FEMININE), "hora" if hour < 2 else "horas"]
    if minute:
        minutes = "minuto" if minute == 1 else "minutos"
        words += ["e", _NUMBERS.cardinal(minute), minutes]
    return " ".join(words)


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
        **dict.fromkeys(NUMBER_SIGNS, "número"),
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
        "vs.": "versus",
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
    letter_rules=(iberian_numerals(_NUMBERS, _KINGS, _QUEENS, _ARTICLES),),
    rules=(
        ordinals(_NUMBERS, r"\.? ?º"),
        ordinals(_NUMBERS, r"\.? ?ª", FEMININE),
        ordinals(_NUMBERS, _DEGREE_AS_ORDINAL),
        *dates(_MONTHS, "de", "primeiro"),
        clock(" ?h ?", _read_hours),
        clock(":", _read_clock),
        *english_numbers(),
        redundant_sign(r"R ?\$", r"(?:mil |milhões de )?reais"),
        out_of("de"),
        square_kilometer("quilômetro quadrado"),
        equals("igual a"),
        agreement(_NUMBERS, FEMININE, _FEMININE_NOUNS),
    ),
    wiki=Wiki(
        namespaces="ficheiro|arquivo|imagem|categoria",
        skipped_sections="referências|bibliografia|ligações externas|ver também|notas|"
        "notas e referências",
    ),
)
