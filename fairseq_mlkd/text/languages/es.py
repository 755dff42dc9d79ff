"""Spanish. Digits are grouped by points, spaces or (in America) commas."""

from __future__ import annotations

from fairseq_mlkd.text.language import (
    Unit,
    Wiki,
    equals,
    multiples,
    powers,
    rule,
    table,
    units,
    words,
)
from fairseq_mlkd.text.spoken import romance
from fairseq_mlkd.text.spoken.roman import iberian_numerals, parts, small_capitals
from fairseq_mlkd.text.spoken.romance import FEMININE, MASCULINE, Numbers

_NUMBERS = Numbers("es")
_MONTHS = words(
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre "
    "noviembre diciembre"
)
_KINGS = words(
    "Abderramán Adriano Anastasio Antígono Artajerjes Bermudo Boleslao Calixto "
    "Canuto Casimiro Celestino Conrado Darío Estanislao Eugenio Faruq García "
    "Haakon Harald Honorio Humberto Iván Ladislao Lotario Ludovico Marcelo "
    "Martín Matías Mehmed Mitrídates Olaf Ordoño Pascual Ptolomeo Seleuco Selim "
    "Silvestre Solimán Teobaldo Tutmosis Wenceslao Alberto Alejandro Alfonso "
    "Amadeo Andrónico Antíoco Augusto Balduino Basilio Benedicto Bonifacio "
    "Carlos Clemente Constantino Cosme Cristián Eduardo Enrique Esteban "
    "Federico Felipe Fernando Francisco Gregorio Guillermo Gustavo Inocencio "
    "Jacobo Jaime Jerjes Jorge José Juan Julio León Leopoldo Luis Manuel "
    "Maximiliano Miguel Murad Napoleón Nicolás Otón Pablo Paulo Pedro Pío "
    "Ramiro Ramsés Ricardo Roberto Rodolfo Sancho Segismundo Sergio Sixto "
    "Teodosio Urbano Víctor"
)
_QUEENS = words(
    "Ana Beatriz Catalina Cristina Isabel Juana Leonor Margarita María Victoria"
)
_CENTURIES = r"(?<=siglo )[ivx]+\b|(?<=siglos )[ivx]+(?:(?:, | y | al? )[ivx]+)*\b"
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
# Other nouns show their gender by their ending.
_MASCULINE_IN_AS = (
    r"(?:\w*(?:días|[eo]mas|[gr]ramas|istas|letas|nautas|cratas|patriotas)|poetas|"
    r"policías|piratas|dálmatas|jesuitas|israelitas|profetas|cineastas|gimnastas|"
    r"espías|gorilas|pandas|pumas|belgas|indígenas|curas|papas|dracmas|planetas|"
    r"cometas|mapas|dramas|croatas|camaradas|colegas)"
)
_FEMININE_ENDINGS = (
    r"[a-zñáéíóú]+(?:[cgsx]iones|[dt]ades) "
    rf"(?!(?:{_MASCULINE_IN_AS}|las|tras|otras|mientras|contras|apenas|quizas|est?as|"
    r"aquellas|unas|algunas|varias|muchas|pocas|todas|ambas|cuyas|dichas|tantas|"
    r"cuantas|nuestras|ellas)\b)[a-zñáéíóú]{2,}as"
)
_MASCULINE_ENDINGS = (
    rf"{_MASCULINE_IN_AS} [a-zñáéíóú]+[dt]ores "
    r"(?!(?:manos|fotos|motos|los|nos|otros|est?os|aquellos|menos|lejos|juntos|unos|algunos|varios|muchos|"
    r"pocos|todos|ambos|cuyos|dichos|tantos|cuantos|nuestros|ellos)\b)"
    r"[a-zñáéíóú]{2,}os"
)


def _read_clock(hour: int, minute: int) -> str:
    hours = _NUMBERS.cardinal(hour, FEMININE)
    return f"{hours} {_NUMBERS.cardinal(minute)}" if minute else hours


def _read_hours(hour: int, minute: int) -> str:
    words = [_NUMBERS.cardinal(hour, FEMININE), "hora" if hour == 1 else "horas"]
    return " ".join([*words, _NUMBERS.cardinal(minute)] if minute else words)


# Words after an ordinal that it is no adjective of: "1.º de mayo", "quedó 3.º en casa".
_NO_NOUNS = (
    "del|con|por|para|que|los|las|sus|fue|como|tras|ante|entre|hasta|desde|más|según|"
    "sobre|sin|pero|cuando|donde|mientras|norte|sur|este|oeste|latitud|longitud|respecto"
)
# A degree sign stands for º before a word, unless that is a direction.
_DEGREE_AS_ORDINAL = (
    r"\.? ?°(?= (?!norte|sur|este|oeste|latitud|longitud|respecto)[^\W\d_]{4})"
)
_UNITS = units(
    "% = por ciento, por ciento,; ‰ = por mil, por mil,; "
    "°C = grado celsius, grados celsius; ° C = grado celsius, grados celsius; "
    "°F = grado fahrenheit, grados fahrenheit; "
    "° F = grado fahrenheit, grados fahrenheit; ° = grado, grados; "
    "mm = milímetro, milímetros; cm = centímetro, centímetros; m = metro, metros; "
    "km = kilómetro, kilómetros; km/h = kilómetro por hora, kilómetros por hora; "
    "km / h = kilómetro por hora, kilómetros por hora; "
    "m/s = metro por segundo, metros por segundo; "
    "m² = metro cuadrado, metros cuadrados; "
    "km² = kilómetro cuadrado, kilómetros cuadrados; "
    "m³ = metro cúbico, metros cúbicos; g = gramo, gramos; "
    "t = tonelada, toneladas, feminine; mi = milla, millas, feminine; ft = pie, pies; "
    "cm² = centímetro cuadrado, centímetros cuadrados; "
    "cm³ = centímetro cúbico, centímetros cúbicos; s = segundo, segundos; "
    "min = minuto, minutos; h = hora, horas, feminine; μm = micrómetro, micrómetros; "
    "nm = nanómetro, nanómetros; km³ = kilómetro cúbico, kilómetros cúbicos; "
    "hp, HP = caballo de fuerza, caballos de fuerza; CV = caballo, caballos; "
    "mph = milla por hora, millas por hora, feminine; "
    "kcal = kilocaloría, kilocalorías, feminine; "
    "km/s = kilómetro por segundo, kilómetros por segundo; px = píxel, píxeles; "
    "m/s² = metro por segundo al cuadrado, metros por segundo al cuadrado; "
    "mm² = milímetro cuadrado, milímetros cuadrados; "
    "mm³ = milímetro cúbico, milímetros cúbicos; dm = decímetro, decímetros; "
    "dm³ = decímetro cúbico, decímetros cúbicos; dB = decibelio, decibelios; "
    "Nm = newton metro, newtons metro; lb = libra, libras, feminine; "
    "hab = habitante, habitantes; "
    "msnm = metro sobre el nivel del mar, metros sobre el nivel del mar",
    MASCULINE,
)
_MULTIPLES = multiples(
    "k = kilo; M = mega; G = giga; T = tera; m = mili; c = centi; d = deci; h = hecto; "
    "μ = micro; µ = micro",
    "W -kMGTm = vatio, vatios; Wh -kMGT = vatio hora, vatios hora; "
    "V -kMm = voltio, voltios; Pa -hkMG = pascal, pascales; J kM = julio, julios; "
    "N k = newton, newtons; eV -kMGT = electronvoltio, electronvoltios; "
    "Hz -kMGT = hercio, hercios; l -hdcm = litro, litros; L -dcm = litro, litros; "
    "Ah -m = amperio hora, amperios hora; A m = amperio, amperios; "
    "g kmμµ = gramo, gramos; B kMGT = byte, bytes; "
    "bit/s kMGT = bit por segundo, bits por segundo; "
    "B/s kMG = byte por segundo, bytes por segundo",
    MASCULINE,
)
_CENTIMES = ("céntimo", "céntimos")
_CENTS = ("centavo", "centavos")
_CURRENCIES = {
    **dict.fromkeys(
        ("€", "EUR"), Unit("euro", "euros", MASCULINE, _CENTIMES, MASCULINE)
    ),
    "$": Unit("dólar", "dólares", MASCULINE, _CENTS, MASCULINE),
    **units(
        "US$, US $, U$S, USD, USD$ = dólar estadounidense, dólares estadounidenses; "
        "CAD = dólar canadiense, dólares canadienses; "
        "£, GBP = libra esterlina, libras esterlinas, feminine; "
        "¥, JPY = yen, yenes; MXN, MX$, MXN$ = peso mexicano, pesos mexicanos; "
        "ARS, AR$ = peso argentino, pesos argentinos; "
        "COP, COL$ = peso colombiano, pesos colombianos; "
        "CLP, CLP$ = peso chileno, pesos chilenos; S/, S/., PEN = sol, soles; "
        "Bs., Bs = bolívar, bolívares; ₡, CRC = colón, colones; "
        "R$, BRL = real, reales; CHF = franco suizo, francos suizos; "
        "pts., ptas., pta., Ptas. = peseta, pesetas, feminine; "
        "CNY = yuan, yuanes; ₹ = rupia, rupias, feminine; ₽ = rublo, rublos",
        MASCULINE,
    ),
}

_SIGNS = {
    **dict.fromkeys([*romance.NUMBER_SIGNS, "núm.", "No."], "número"),
    **dict.fromkeys(("n.os", "núms."), "números"),
    **table(
        "p. = página; pág. = página; págs. = páginas; pp. = páginas; "
        "art. = artículo; arts. = artículos; vol. = volumen; t. = tomo; "
        "cap. = capítulo; caps. = capítulos; lib. = libro; inc. = inciso; "
        "fasc. = fascículo; fig. = figura; § = parágrafo"
    ),
}

LANGUAGE = romance.Romance(
    lang="es",
    decimal_word="coma",
    minus="menos",
    fractions=table(
        "1/2 = un medio; 1/3 = un tercio; 2/3 = dos tercios; 1/4 = un cuarto; "
        "3/4 = tres cuartos; 1/5 = un quinto; 1/8 = un octavo; "
        "1/10 = un décimo"
    ),
    fraction_join="y",
    units={**_UNITS, **_MULTIPLES, **_CURRENCIES, "euros": _CURRENCIES["€"]},
    currencies=tuple(_CURRENCIES),
    currency_join="con",
    magnitude_of="de",
    magnitudes={
        **table(
            "mil = mil; millón = millón; millones = millones; "
            "mil millones = mil millones; billón = billón; billones = billones"
        ),
        **dict.fromkeys(("M", "MM", "mill.", "mills.", "mm"), "millón|millones"),
        "k": "mil",
        "K": "mil",
    },
    magnitude_gender=MASCULINE,
    each="por",
    number_signs=_SIGNS,
    abbreviations=table(
        "Mr. = míster; Mrs. = misis; Ms. = miss; Bros. = brothers; "
        "Sgt. = sargento; St. = saint; et al. = et al; Op. = opus; "
        "var. = variedad; Excmo. = excelentísimo; Excma. = excelentísima; "
        "Ilmo. = ilustrísimo; Rvdo. = reverendo; Fdo. = firmado; "
        "izda. = izquierda; dcha. = derecha; párr. = párrafo; "
        "trad. = traducción; pdte. = presidente; Fco. = Francisco; "
        "Gob. = gobernador; Dip. = diputado; Sen. = senador; "
        "a. e. c. = antes de la era común; "
        "d. e. c. = después de la era común; sr. = señor; sra. = señora; "
        "srta. = señorita; sres. = señores; sras. = señoras; dr. = doctor; "
        "dra. = doctora; dres. = doctores; prof. = profesor; "
        "profa. = profesora; D.ª = doña; Dña. = doña; Lic. = licenciado; "
        "Lcdo. = licenciado; Ing. = ingeniero; Arq. = arquitecto; "
        "Gral. = general; Gdor. = gobernador; Cap. = capitán; Cnel. = coronel; "
        "Cmdte. = comandante; Tte. = teniente; Sgto. = sargento; "
        "Mons. = monseñor; Pbro. = presbítero; Hno. = hermano; "
        "Hnos. = hermanos; Sto. = santo; Sta. = santa; ud. = usted; "
        "uds. = ustedes; Vd. = usted; Vds. = ustedes; Avda. = avenida; "
        "Av. = avenida; Ctra. = carretera; Pza. = plaza; Dpto. = departamento; "
        "depto. = departamento; Prov. = provincia; Univ. = universidad; "
        "Ltda. = limitada; Cía. = compañía; Inc. = inc; Corp. = corporación; "
        "Ltd. = limited; Co. = compañía; Jr. = junior; "
        "EE. UU. = Estados Unidos; FF. AA. = Fuerzas Armadas; "
        "JJ. OO. = Juegos Olímpicos; RR. HH. = recursos humanos; "
        "RR. EE. = relaciones exteriores; CC. OO. = Comisiones Obreras; "
        "DD. HH. = derechos humanos; SS. MM. = sus majestades; "
        "a. C. = antes de Cristo; d. C. = después de Cristo; "
        "a. de C. = antes de Cristo; d. de C. = después de Cristo; "
        "p. ej. = por ejemplo; ej. = ejemplo; vs. = versus; etc. = etcétera; "
        "aprox. = aproximadamente; hab. = habitantes; cf. = confróntese; "
        "máx. = máximo; mín. = mínimo; ed. = edición; tel. = teléfono; "
        "núm. = número; fig. = figura; s. n. m. = sobre el nivel del mar; "
        "ene. = enero; feb. = febrero; abr. = abril; jun. = junio; "
        "jul. = julio; ago. = agosto; sept. = septiembre; oct. = octubre; "
        "nov. = noviembre; dic. = diciembre"
    ),
    closing="etc. hab.",
    openers=(
        "El La Los Las Un Una Uno En Es Este Esta Estos Estas Ese Esa Eso Esto Se Su "
        "Sus Al Del A Con Por Para Pero Y No Sin Sobre Según Tras Desde Durante Entre "
        "Hasta Cuando Aunque Además También Como Fue Era Son Ha Había Hay Ya Muchos "
        "Después Luego Así Allí Ella Él Ellos Lo Le Más Si Todo Todos Actualmente Hoy"
    ),
    telephone="teléfono tel. fax llame llamar marque marcar",
    dot="punto",
    slash="barra",
    symbols=table(
        "& = y; @ = arroba; + = más; ± = más menos; × = por; "
        "% = por ciento; ‰ = por mil; € = euro; $ = dólar; £ = libra; "
        "≥ = mayor o igual que; ≤ = menor o igual que; ≈ = aproximadamente; "
        "÷ = dividido por; ∞ = infinito; √ = raíz de"
    ),
    letter_rules=(
        parts(_SIGNS),
        romance.christ("antes de Cristo", "después de Cristo"),
        rule(r"E(?<!\wE)E ?UU\b", lambda match: "Estados Unidos", "E"),
        rule(r"s\.(?<!\w[s]\.)(?= ?[IVX]+\b)", lambda _: "siglo", "s."),
        rule(r"ss\.(?<!\w[s]s\.)(?= ?[IVX]+\b)", lambda _: "siglos", "ss."),
        small_capitals("siglo", _CENTURIES),
        iberian_numerals(_NUMBERS, _KINGS, _QUEENS, _ARTICLES),
    ),
    rules=(
        romance.DECADES,
        *romance.degrees("norte sur este oeste"),
        *powers("por", " elevado a {}"),
        romance.ordinals(_NUMBERS, r"\.?(?:er|ᵉʳ)", "masculine-adjective"),
        romance.ordinals(_NUMBERS, r"\.?(?:os|ºs)", "masculine-plural"),
        romance.ordinals(_NUMBERS, r"\.?(?:as|ªs)", "feminine-plural"),
        # The 1.º of May, but the 1.er man.
        romance.ordinals(
            _NUMBERS,
            rf"\.? ?[º°](?= (?!(?:{_NO_NOUNS})\b)[a-zñáéíóú]{{3}})",
            "masculine-adjective",
        ),
        romance.ordinals(_NUMBERS, r"\.? ?º|(?:e?ro|do|to|mo|vo|no|o)"),
        romance.ordinals(_NUMBERS, r"\.? ?ª|(?:e?ra|da|ta|ma|va|na)", FEMININE),
        romance.ordinals(_NUMBERS, _DEGREE_AS_ORDINAL, needs="°"),
        *romance.dates(_MONTHS, "de", "uno"),
        *romance.lengths(
            "hora horas; minuto minutos; segundo segundos",
            "y",
        ),
        romance.clock(" ?h ?", _read_hours),
        romance.clock(":", _read_clock, "horas"),
        romance.clock(r"\.(?<=las \d\.|as \d\d\.)", _read_clock, "horas"),
        romance.clock(r"\.(?=[0-5]\d ?(?:hs?\b|horas))", _read_clock, "horas"),
        # 1,435 may be a decimal number, but of 40 such numbers of Wikipedia 39 are
        # American groups.
        *romance.english_numbers(groups=r"(?:,\d{3})+"),
        rule(r"(\d0)(?<=los \d\d)s\b", lambda match: match[1], "0s"),
        romance.out_of("sobre"),
        equals("igual a"),
        romance.agreement(_NUMBERS, FEMININE, _FEMININE_NOUNS),
        romance.agreement(_NUMBERS, MASCULINE, _MASCULINE_NOUNS),
        romance.agreement(_NUMBERS, FEMININE, _FEMININE_ENDINGS, romance.NO_YEAR),
        romance.agreement(_NUMBERS, MASCULINE, _MASCULINE_ENDINGS, romance.NO_YEAR),
    ),
    wiki=Wiki(
        namespaces="archivo|imagen|categoría",
        page_namespaces="(?:usuario|usuaria|wikipedia|archivo|imagen|mediawiki|"
        "plantilla|ayuda|categoría|portal|anexo|wikiproyecto|"
        "módulo)(?: discusión)?|discusión|(?:usuario|usuaria|anexo|"
        "wikiproyecto) discusión|especial",
        skipped_sections="referencias|bibliografía|enlaces externos|véase también|"
        "notas|fuentes|notas y referencias",
        common_words="el los las del y en es por se con una fue su al lo como más",
        months=_MONTHS,
        date="{day}| de {month}| de {year}",
        joins=table("to = a; and = y; or = o; by = por; ± = ±"),
        units=table(
            "mi = millas; ft = pies; in = pulgadas; yd = yardas; acre = acres; "
            "lb = libras; oz = onzas; mph = millas por hora; nmi = millas náuticas; "
            "kn = nudos; hp = caballos de fuerza; mi2 = millas cuadradas; "
            "ft2 = pies cuadrados; USgal = galones estadounidenses; "
            "impgal = galones imperiales; psi = libras por pulgada cuadrada; "
            "ha = hectáreas; ft3 = pies cúbicos"
        ),
        templates={
            "=small caps": "versalita|versalitas|versales",
            "{1}": "esd|abreviatura|abrev|enlace|demostrar|mayúsculas|minúsculas|"
            "texto|politónico",
            "“{1}”": "cita|cita corta|comillas|cita larga",
            "«{1}»": "comillas latinas",
            "=siglo": "siglo|s",
            "siglos {1} y {2}": "siglos",
            "=quantity": "unidad|unidades",
            "=number": "fmtnum",
            "=date": "fecha|fecha de nacimiento|fecha de fallecimiento|fecha de inicio|"
            "fecha de defunción|fecha nacimiento|fecha defunción|fecha de fin|"
            "fecha de estreno|fecha de lanzamiento",
            "{1|} a. C.": "ac|a. c.|a.c.|a. de c.|adc|antes de cristo",
            "{1|} d. C.": "dc|d. c.|d.c.|d. de c.|después de cristo",
            "n.º {1}": "n.º|nro",
            "{1}.º": ".º|ord",
            "{1}.ª": ".ª",
            "EE. UU.": "eeuu|ee. uu.|ee.uu.",
            " ": "espacio|espacio duro|salto|nb",
        },
        silent=r"cita requerida|cr|citarequerida|referencias?|refn|sfn|harvnp|"
        r"¿?(?:cuándo|quién|cuál|dónde|por qué|cómo)\??|aclarar|ficha.*|ap|vt|"
        r"véase.*|artículo principal.*|otros usos.*|bandera\d?|bandera icono|"
        r"enlace roto|actualizar|"
        r"verificar.*|wikificar|revisar|fuente requerida|no neutral|subst|"
        r"en|es|fr|de|it|pt|ru|definir|obtener|sinrelevancia|página requerida",
    ),
)
