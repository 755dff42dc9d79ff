"""Spanish. Digits are grouped by points, spaces or (in America) commas."""

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

_NUMBERS = Numbers("es")
_MONTHS = words(
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre"
)
_KINGS = words(
    "Alberto Alejandro Alfonso Amadeo Andrónico Antíoco Augusto Balduino Basilio "
    "Benedicto Bonifacio Carlos Clemente Constantino Cosme Cristián Eduardo Enrique "
    "Esteban Federico Felipe Fernando Francisco Gregorio Guillermo Gustavo Inocencio "
    "Jacobo Jaime Jerjes Jorge José Juan Julio León Leopoldo Luis Manuel Maximiliano "
    "Miguel Murad Napoleón Nicolás Otón Pablo Paulo Pedro Pío Ramiro Ramsés Ricardo "
    "Roberto Rodolfo Sancho Segismundo Sergio Sixto Teodosio Urbano Víctor"
)
_QUEENS = words(
    "Ana Beatriz Catalina Cristina Isabel Juana Leonor Margarita María Victoria"
)
_ARTICLES = {
    **dict.fromkeys(("el", "al", "del"), "masculine-adjective"),
    "la": FEMININE,
}
# Nouns that often follow a number in Wikipedia: "veintiuna horas", "veintiún años".
_FEMININE_NOUNS = (
    "asistencias canciones casas ciudades copias críticas entradas especies etapas "
    "familias habitaciones hectáreas horas? islas líneas libras medallas millas "
    "mujeres ocasiones páginas películas personas? plazas provincias rondas salas "
    "semanas? temporadas? toneladas unidades veces vez viviendas victorias"
)
_MASCULINE_NOUNS = (
    "acres años? asientos centímetros? días? diputados? dólar dólares episodios? "
    "euros? goles gol grados? habitantes? hogares hombres? kilómetros? libros? mes "
    "meses metros? miembros? mil millón millones minutos? países partidos? pasajeros? "
    "pies premios? puntos? segundos? títulos? votos?"
)


def _read_clock(hour: int, minute: int) -> str:
    hours = _NUMBERS.cardinal(hour, FEMININE)
    return f"{hours} {_NUMBERS.cardinal(minute)}" if minute else hours


def _read_hours(hour: int, minute: int) -> str:
    words = [_NUMBERS.cardinal(hour, FEMININE), "hora" if hour == 1 else "horas"]
    return " ".join([*words, _NUMBERS.cardinal(minute)] if minute else words)


# A degree sign stands for º before a word, unless that is a direction.
_DEGREE_AS_ORDINAL = (
    r" ?°(?= (?!norte|sur|este|oeste|latitud|longitud|respecto)[^\W\d_]{4})"
)
_UNITS = {
    "%": ("por ciento", "por ciento", ""),
    "‰": ("por mil", "por mil", ""),
    "°C": ("grado celsius", "grados celsius"),
    "° C": ("grado celsius", "grados celsius"),
    "°F": ("grado fahrenheit", "grados fahrenheit"),
    "° F": ("grado fahrenheit", "grados fahrenheit"),
    "°": ("grado", "grados"),
    "mm": ("milímetro", "milímetros"),
    "cm": ("centímetro", "centímetros"),
    "m": ("metro", "metros"),
    "km": ("kilómetro", "kilómetros"),
    "km/h": ("kilómetro por hora", "kilómetros por hora"),
    "km / h": ("kilómetro por hora", "kilómetros por hora"),
    "m/s": ("metro por segundo", "metros por segundo"),
    "m²": ("metro cuadrado", "metros cuadrados"),
    "km²": ("kilómetro cuadrado", "kilómetros cuadrados"),
    "m³": ("metro cúbico", "metros cúbicos"),
    "mg": ("miligramo", "miligramos"),
    "g": ("gramo", "gramos"),
    "kg": ("kilogramo", "kilogramos"),
    "t": ("tonelada", "toneladas", FEMININE),
    "ml": ("mililitro", "mililitros"),
    "l": ("litro", "litros"),
    "s": ("segundo", "segundos"),
    "min": ("minuto", "minutos"),
    "h": ("hora", "horas", FEMININE),
    "Hz": ("hercio", "hercios"),
    "kHz": ("kilohercio", "kilohercios"),
    "MHz": ("megahercio", "megahercios"),
    "GHz": ("gigahercio", "gigahercios"),
    "kW": ("kilovatio", "kilovatios"),
    "MW": ("megavatio", "megavatios"),
    "px": ("píxel", "píxeles"),
}
_CENTIMES = ("céntimo", "céntimos")
_CENTS = ("centavo", "centavos")
_CURRENCIES = {
    **dict.fromkeys(
        ("€", "EUR"), Unit("euro", "euros", MASCULINE, _CENTIMES, MASCULINE)
    ),
    "$": Unit("dólar", "dólares", MASCULINE, _CENTS, MASCULINE),
    **dict.fromkeys(
        ("US$", "US $", "USD", "USD$"),
        Unit("dólar estadounidense", "dólares estadounidenses", MASCULINE),
    ),
    **dict.fromkeys(
        ("£", "GBP"), Unit("libra esterlina", "libras esterlinas", FEMININE)
    ),
    **dict.fromkeys(("¥", "JPY"), Unit("yen", "yenes", MASCULINE)),
    "MXN": Unit("peso mexicano", "pesos mexicanos", MASCULINE),
}

LANGUAGE = Language(
    lang="es",
    cardinals=CARDINALS,
    decimal_mark=",",
    decimal_word="coma",
    decimals_together=2,
    group_marks=". ",
    minus="menos",
    until="a",
    fractions={
        "1/2": "un medio",
        "1/3": "un tercio",
        "2/3": "dos tercios",
        "1/4": "un cuarto",
        "3/4": "tres cuartos",
        "1/5": "un quinto",
        "1/8": "un octavo",
        "1/10": "un décimo",
    },
    fraction_join="y",
    units={**units(_UNITS), **_CURRENCIES},
    currencies=tuple(_CURRENCIES),
    currency_join="con",
    magnitudes={
        "mil": "mil",
        "millón": "millón de",
        "millones": "millones de",
        "mil millones": "mil millones de",
        "billón": "billón de",
        "billones": "billones de",
        "M": "millones de",
    },
    magnitude_gender=MASCULINE,
    number_signs={
        **dict.fromkeys([*NUMBER_SIGNS, "núm."], "número"),
        "p.": "página",
        "pág.": "página",
        "págs.": "páginas",
        "pp.": "páginas",
        "art.": "artículo",
        "vol.": "volumen",
        "cap.": "capítulo",
        "§": "parágrafo",
    },
    abbreviations={
        "sr.": "señor",
        "sra.": "señora",
        "srta.": "señorita",
        "sres.": "señores",
        "dr.": "doctor",
        "dra.": "doctora",
        "prof.": "profesor",
        "profa.": "profesora",
        "Lic.": "licenciado",
        "Ing.": "ingeniero",
        "Gral.": "general",
        "ud.": "usted",
        "uds.": "ustedes",
        "Vd.": "usted",
        "Avda.": "avenida",
        "EE. UU.": "Estados Unidos",
        "JJ. OO.": "Juegos Olímpicos",
        "a. C.": "antes de Cristo",
        "d. C.": "después de Cristo",
        "p. ej.": "por ejemplo",
        "vs.": "versus",
        "etc.": "etcétera",
        "aprox.": "aproximadamente",
        "hab.": "habitantes",
        "Cía.": "compañía",
    },
    symbols={
        "&": "y",
        "@": "arroba",
        "+": "más",
        "%": "por ciento",
        "‰": "por mil",
        "€": "euro",
        "$": "dólar",
        "£": "libra",
    },
    letter_rules=(iberian_numerals(_NUMBERS, _KINGS, _QUEENS, _ARTICLES),),
    rules=(
        ordinals(_NUMBERS, r"\.?(?:er|ᵉʳ)", "masculine-adjective"),
        ordinals(_NUMBERS, r"\.? ?º|(?:ro|do|to|mo|vo|no)"),
        ordinals(_NUMBERS, r"\.? ?ª|(?:ra|da|ta|ma|va|na)", FEMININE),
        ordinals(_NUMBERS, _DEGREE_AS_ORDINAL),
        *dates(_MONTHS, "de", "uno"),
        clock(" ?h ?", _read_hours),
        clock(":", _read_clock),
        # 1,435 may be a decimal number, but of 40 such numbers of Wikipedia 39 are
        # American groups.
        *english_numbers(groups=r"(?:,\d{3})+"),
        redundant_sign(r"(?:US ?)?\$", r"(?:mil |millones de )?dólares"),
        out_of("sobre"),
        square_kilometer("kilómetro cuadrado"),
        equals("igual a"),
        agreement(_NUMBERS, FEMININE, _FEMININE_NOUNS),
        agreement(_NUMBERS, MASCULINE, _MASCULINE_NOUNS),
    ),
    wiki=Wiki(
        namespaces="archivo|imagen|categoría",
        skipped_sections="referencias|bibliografía|enlaces externos|véase también|"
        "notas|fuentes|notas y referencias",
        templates={"{0}": "cita", "{all}": "unidad", "siglo {0}": "siglo"},
    ),
)
