"""Spanish as it is spoken. Sources of the rules:

- numbers, ordinals: Unicode CLDR, `common/rbnf/es.xml`;
- "veintiún años", "primer premio", centuries and sovereigns (ordinals up to the tenth,
  cardinals from the eleventh on): Real Academia Española, Diccionario panhispánico de
  dudas, "cardinales" and "ordinales"; Ortografía de la lengua española (2010), VIII;
- groups of digits with a point, a comma (Mexico, Central America) or a space: the
  Diccionario, "números"; times and dates: "hora" and "fecha"; abbreviations: its
  appendix 2;
- units: Centro Español de Metrología, El Sistema Internacional de Unidades.
"""

import pytest

from fairseq_mlkd.text.spoken import to_spoken

EXAMPLES = [
    # Cardinal numbers, groups of digits, decimals
    ("21 años y 31 días", "veintiún años y treinta y un días"),
    ("1 año, 1 vez", "un año una vez"),
    ("Tiene 16, yo 22.", "tiene dieciséis yo veintidós"),
    ("200 personas", "doscientas personas"),
    ("100 libros y 101", "cien libros y ciento uno"),
    ("1.000 habitantes", "mil habitantes"),
    (
        "75 957 espectadores",
        "setenta y cinco mil novecientos cincuenta y siete espectadores",
    ),
    ("11,185 votos", "once mil ciento ochenta y cinco votos"),
    (
        "1.234.567 votos",
        "un millón doscientos treinta y cuatro mil quinientos sesenta y siete votos",
    ),
    ("en 1984", "en mil novecientos ochenta y cuatro"),
    ("en 2005", "en dos mil cinco"),
    ("una media de 3,14", "una media de tres coma catorce"),
    ("un 7.8", "un siete coma ocho"),
    ("0,05 puntos", "cero coma cero cinco puntos"),
    ("1 millón", "un millón"),
    # Ordinal numbers, Roman numerals
    ("el 1.º de mayo", "el primero de mayo"),
    ("el 1.er premio", "el primer premio"),
    ("la 3.ª edición", "la tercera edición"),
    ("el puesto 23º", "el puesto vigésimo tercero"),
    ("la 1ª ronda", "la primera ronda"),
    ("en el siglo XIX", "en el siglo diecinueve"),
    ("en el siglo V", "en el siglo quinto"),
    ("los siglos VI y XVII", "los siglos sexto y diecisiete"),
    ("Felipe II y Alfonso XIII", "felipe segundo y alfonso trece"),
    ("Carlos I, Isabel II", "carlos primero isabel segunda"),
    ("Apple II", "apple dos"),
    ("la II Guerra Mundial", "la segunda guerra mundial"),
    ("Pacoro II de Partia", "pacoro segundo de partia"),
    ("Sonic X", "sonic x"),
    ("la 5ta, el 2do", "la quinta el segundo"),
    # Money
    ("3,50 €", "tres euros con cincuenta céntimos"),
    ("1 €", "un euro"),
    ("$25", "veinticinco dólares"),
    ("£ 100", "cien libras esterlinas"),
    (
        "$ 22,763,437",
        "veintidós millones setecientos sesenta y tres mil "
        "cuatrocientos treinta y siete dólares",
    ),
    ("$ 21 millones", "veintiún millones de dólares"),
    ("$70 000 dólares", "setenta mil dólares"),
    ("$ 31,6 millones", "treinta y uno coma seis millones de dólares"),
    ("1 000 USD", "mil dólares estadounidenses"),
    ("US$ 12", "doce dólares estadounidenses"),
    # Time and dates
    ("a las 14:30", "a las catorce treinta"),
    ("a las 20h30", "a las veinte horas treinta"),
    ("a las 21 h", "a las veintiuna horas"),
    ("a las 06:00", "a las seis"),
    ("12/10/1492", "doce de octubre de mil cuatrocientos noventa y dos"),
    # Percentages, units, signs
    ("el 12 %, un 0,5%", "el doce por ciento un cero coma cinco por ciento"),
    ("-5 °C", "menos cinco grados celsius"),
    ("120 km/h", "ciento veinte kilómetros por hora"),
    ("814,21 km²", "ochocientos catorce coma veintiuno kilómetros cuadrados"),
    ("1 kg, 21 km", "un kilogramo veintiún kilómetros"),
    ("un giro de 20° a babor", "un giro de veinte grados a babor"),
    ("-33.3 °C", "menos treinta y tres coma tres grados celsius"),
    ("8,2 / 10", "ocho coma dos sobre diez"),
    ("1/2, 3/4", "un medio tres cuartos"),
    ("2 + 2 = 4", "dos más dos igual a cuatro"),
    ("Pérez & hijos", "pérez y hijos"),
    # Abbreviations
    ("El Sr. Díaz y la Sra. Ruiz", "el señor díaz y la señora ruiz"),
    ("el Dr. Gil, la Dra. Sanz", "el doctor gil la doctora sanz"),
    ("los EE. UU.", "los estados unidos"),
    ("en 362 a. C.", "en trescientos sesenta y dos antes de cristo"),
    ("en 150 d.C.", "en ciento cincuenta después de cristo"),
    ("pan, vino, etc.", "pan vino etcétera"),
    ("p. ej., la pág. 7", "por ejemplo la página siete"),
    ("el n.º 5, el nº 7", "el número cinco el número siete"),
    ("¿Y Ud., qué tal?", "y usted qué tal"),
]


@pytest.mark.parametrize("written, spoken", EXAMPLES)
def test_spanish(written, spoken):
    assert to_spoken(written, "es") == spoken
    assert to_spoken(spoken, "es") == spoken
