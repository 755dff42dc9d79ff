"""Portuguese, read as in Brazil (dezesseis, bilhão)."""

from __future__ import annotations

import re

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


class _PortugueseNumbers(Numbers):
    def ordinal(self, number: int, form: str = MASCULINE) -> str:
        """Return the ordinal; the CLDR has no plurals."""
        gender, _, plural = form.partition("-")
        ordinal = super().ordinal(number, gender)
        return re.sub(r"\b(?= |\Z)", "s", ordinal) if plural else ordinal


_NUMBERS = _PortugueseNumbers("pt")
_MONTHS = words(
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro "
    "novembro dezembro"
)
_KINGS = words(
    "Adriano Afonso Antíoco Artaxerxes Boleslau Calisto Canuto Casimiro Conrado "
    "Dario Estanislau Eugénio Haakon Haroldo Humberto Ivã Ivan Ladislau Lotário "
    "Marcelo Martinho Matias Mehmed Mitrídates Olavo Ordonho Pascoal Ptolomeu "
    "Seleuco Selim Silvestre Solimão Xerxes Tutmés Venceslau Afonso Alberto "
    "Aleixo Alexandre Amadeu Anastácio Augusto Bento Bonifácio Carlos Celestino "
    "Clemente Constantino Cristiano Eduardo Estêvão Fernando Filipe Francisco "
    "Frederico Gregório Guilherme Gustavo Henrique Honório Inocêncio Jaime João "
    "Jorge José Júlio Leopoldo Leão Luís Manuel Maomé Miguel Napoleão Nicolau "
    "Otão Paulo Pedro Pio Ptolemeu Ramiro Ramsés Ricardo Roberto Sancho Sisto "
    "Teodósio Urbano Valdemar"
)
_QUEENS = words(
    "Ana Beatriz Catarina Cristina Isabel Joana Leonor Margarida Maria Vitória"
)
_CENTURIES = r"(?<=século )[ivx]+\b|(?<=séculos )[ivx]+(?:(?:, | e | ao? )[ivx]+)*\b"
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
# Other nouns show their gender by their ending.
_FEMININE_ENDINGS = (
    r"[a-zà-ÿ]+(?:ções|[sx]ões|dades|gens) "
    r"(?!(?:dias|\w*(?:[eo]mas|gramas|istas|letas|nautas|cratas)|poetas|planetas|cometas|"
    r"\w*patriotas|piratas|jesuítas|israelitas|profetas|cineastas|ginastas|gorilas|"
    r"pandas|pumas|belgas|indígenas|papas|"
    r"mapas|dramas|colegas|croatas|das|nas|pelas|às|mas|outras|apenas|est?as|ess?as|"
    r"aquelas|umas|algumas|várias|muitas|poucas|todas|ambas|cujas|ditas|tantas|nossas|"
    r"elas|delas|nelas|nestas|destas|nessas|dessas)\b)[a-zà-ÿ]{2,}as"
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
_DEGREE_AS_ORDINAL = (
    r"\.? ?°(?= (?!norte|sul|leste|oeste|latitude|longitude)[^\W\d_]{4})"
)
_UNITS = units(
    "% = por cento, por cento; ‰ = por mil, por mil; °C = grau celsius, graus celsius; "
    "° C = grau celsius, graus celsius; °F = grau fahrenheit, graus fahrenheit; "
    "° = grau, graus; mm = milímetro, milímetros; cm = centímetro, centímetros; "
    "m = metro, metros; km = quilômetro, quilômetros; "
    "km/h = quilômetro por hora, quilômetros por hora; "
    "km / h = quilômetro por hora, quilômetros por hora; "
    "m/s = metro por segundo, metros por segundo; "
    "m² = metro quadrado, metros quadrados; "
    "km² = quilômetro quadrado, quilômetros quadrados; "
    "m³ = metro cúbico, metros cúbicos; ha = hectare, hectares; g = grama, gramas; "
    "t = tonelada, toneladas, feminine; ft = pé, pés; "
    "cm² = centímetro quadrado, centímetros quadrados; "
    "cm³ = centímetro cúbico, centímetros cúbicos; "
    "km³ = quilômetro cúbico, quilômetros cúbicos; "
    "CV, cv, hp, HP = cavalo-vapor, cavalos-vapor; "
    "mph = milha por hora, milhas por hora, feminine; "
    "kcal = quilocaloria, quilocalorias, feminine; "
    "km/s = quilômetro por segundo, quilômetros por segundo; s = segundo, segundos; "
    "min = minuto, minutos; h = hora, horas, feminine; px = pixel, pixels; "
    "m/s² = metro por segundo ao quadrado, metros por segundo ao quadrado; "
    "mm² = milímetro quadrado, milímetros quadrados; "
    "mm³ = milímetro cúbico, milímetros cúbicos; dm = decímetro, decímetros; "
    "dm³ = decímetro cúbico, decímetros cúbicos; nm = nanômetro, nanômetros; "
    "μm, µm = micrômetro, micrômetros; dB = decibel, decibéis; "
    "Nm = newton metro, newtons metro; mi = milha, milhas, feminine; "
    "hab = habitante, habitantes",
    MASCULINE,
)
_MULTIPLES = multiples(
    "k = quilo; M = mega; G = giga; T = tera; m = mili; c = centi; d = deci; "
    "h = hecto; μ = micro; µ = micro",
    "W -kMGTm = watt, watts; Wh -kMGT = watt hora, watts hora; V -kMm = volt, volts; "
    "Pa -hkMG = pascal, pascais; J kM = joule, joules; N k = newton, newtons; "
    "eV -kMGT = elétron volt, elétron volts; Hz -kMGT = hertz, hertz; "
    "l -hdcm = litro, litros; L -dcm = litro, litros; "
    "Ah -m = ampere hora, amperes hora; A m = ampere, amperes; g kmμµ = grama, gramas; "
    "B kMGT = byte, bytes; bit/s kMGT = bit por segundo, bits por segundo; "
    "B/s kMG = byte por segundo, bytes por segundo",
    MASCULINE,
)
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
        ("$", "US$", "US $", "U$"),
        Unit("dólar", "dólares", MASCULINE, _CENTS, MASCULINE),
    ),
    **dict.fromkeys(
        ("Cr$", "CR$", "NCz$", "Cz$", "NCr$"),
        Unit("cruzeiro", "cruzeiros", MASCULINE, _CENTS, MASCULINE),
    ),
    **units(
        "USD = dólar americano, dólares americanos; "
        "£, GBP = libra esterlina, libras esterlinas, feminine; "
        "¥, JPY = iene, ienes; CHF = franco suíço, francos suíços; "
        "CAD = dólar canadense, dólares canadenses; "
        "MXN = peso mexicano, pesos mexicanos; CNY = yuan, yuans; "
        "Kz = kwanza, kwanzas; ₽ = rublo, rublos; ₹ = rupia, rupias, feminine",
        MASCULINE,
    ),
}

_SIGNS = {
    **dict.fromkeys([*romance.NUMBER_SIGNS, "n.", "No."], "número"),
    **dict.fromkeys(("n.os", "nos."), "números"),
    **table(
        "p. = página; pág. = página; págs. = páginas; pp. = páginas; "
        "art. = artigo; arts. = artigos; vol. = volume; t. = tomo; "
        "cap. = capítulo; caps. = capítulos; liv. = livro; fl. = folha; "
        "fls. = folhas; inc. = inciso; fasc. = fascículo; fig. = figura; "
        "tel. = telefone; § = parágrafo"
    ),
}

LANGUAGE = romance.Romance(
    lang="pt",
    decimal_word="vírgula",
    minus="menos",
    singular_below_two=True,
    fractions=table(
        "1/2 = um meio; 1/3 = um terço; 2/3 = dois terços; 1/4 = um quarto; "
        "3/4 = três quartos; 1/5 = um quinto; 1/8 = um oitavo; "
        "1/10 = um décimo"
    ),
    fraction_join="e",
    units={
        **_UNITS,
        **_MULTIPLES,
        **_CURRENCIES,
        "euros": _CURRENCIES["€"],
        "reais": _CURRENCIES["R$"],
    },
    currencies=tuple(_CURRENCIES),
    currency_join="e",
    magnitude_of="de",
    magnitudes={
        **table(
            "mil = mil; milhão = milhão; milhões = milhões; mil milhões = mil milhões"
        ),
        **dict.fromkeys(("mi", "M", "MM"), "milhão|milhões"),
        "bilhão": "bilhão",
        "bilhões": "bilhões",
        **dict.fromkeys(("bi", "B"), "bilhão|bilhões"),
        "trilhão": "trilhão",
        "trilhões": "trilhões",
        **dict.fromkeys(("tri",), "trilhão|trilhões"),
        "k": "mil",
        "K": "mil",
    },
    each="por",
    number_signs=_SIGNS,
    abbreviations=table(
        "Mr. = mister; Mrs. = missis; Ms. = miss; Bros. = brothers; "
        "St. = saint; et al. = et al; Op. = opus; Pe. = padre; "
        "Exa. = excelência; Sec. = secretário; Adm. = administrador; "
        "Me. = mestre; trad. = tradução; ibid. = ibidem; esq. = esquina; "
        "seg. = segunda; qui. = quinta; sex. = sexta; sáb. = sábado; "
        "dom. = domingo; ed. = edição; sr. = senhor; sra. = senhora; "
        "srs. = senhores; sras. = senhoras; srta. = senhorita; dr. = doutor; "
        "dra. = doutora; drs. = doutores; prof. = professor; "
        "profa. = professora; profs. = professores; Eng. = engenheiro; "
        "Arq. = arquiteto; Gen. = general; Gal. = general; Cel. = coronel; "
        "Maj. = major; Cap. = capitão; Ten. = tenente; Sgt. = sargento; "
        "Alm. = almirante; Brig. = brigadeiro; Mons. = monsenhor; "
        "Exmo. = excelentíssimo; Exma. = excelentíssima; Sto. = santo; "
        "Sta. = santa; Av. = avenida; Pça. = praça; Rod. = rodovia; "
        "Trav. = travessa; Est. = estrada; Jd. = jardim; Dep. = deputado; "
        "Sen. = senador; Pres. = presidente; Gov. = governador; art. = artigo; "
        "arts. = artigos; a. C. = antes de Cristo; d. C. = depois de Cristo; "
        "séc. = século; sécs. = séculos; p. ex. = por exemplo; "
        "ex. = exemplo; vs. = versus; etc. = et cetera; "
        "aprox. = aproximadamente; cf. = conforme; ca. = cerca de; "
        "hab. = habitantes; máx. = máximo; mín. = mínimo; ed. = edição; "
        "fig. = figura; obs. = observação; tel. = telefone; "
        "depto. = departamento; dept. = departamento; univ. = universidade; "
        "págs. = páginas; Ltda. = limitada; Cia. = companhia; Jr. = júnior; "
        "Inc. = inc; Corp. = corporation; Ltd. = limited; Co. = company; "
        "EE. UU. = Estados Unidos; FF. AA. = Forças Armadas; jan. = janeiro; "
        "fev. = fevereiro; abr. = abril; jun. = junho; jul. = julho; "
        "ago. = agosto; set. = setembro; out. = outubro; nov. = novembro; "
        "dez. = dezembro"
    ),
    closing="etc. hab.",
    openers=(
        "O A Os As Um Uma Em No Na Nos Nas Este Esta Esse Essa Isso Isto Ele Ela Eles "
        "Elas Seu Sua Com Por Para Mas E Não Sem Sobre Segundo Após Desde Durante "
        "Entre Até Quando Embora Além Também Como Foi Era É São Há Já Muitos Depois "
        "Assim Se De Do Da Ao À Mais Atualmente Hoje Todos Outros"
    ),
    telephone="telefone tel. fax ligue ligar disque",
    dot="ponto",
    slash="barra",
    symbols=table(
        "& = e; @ = arroba; + = mais; ± = mais ou menos; × = por; "
        "% = por cento; ‰ = por mil; € = euro; $ = dólar; £ = libra; "
        "≥ = maior ou igual a; ≤ = menor ou igual a; ≈ = aproximadamente; "
        "÷ = dividido por; ∞ = infinito; √ = raiz de"
    ),
    letter_rules=(
        parts(_SIGNS),
        romance.christ("antes de Cristo", "depois de Cristo"),
        small_capitals("século", _CENTURIES),
        iberian_numerals(_NUMBERS, _KINGS, _QUEENS, _ARTICLES),
    ),
    rules=(
        romance.DECADES,
        *romance.degrees("norte sul leste oeste"),
        *powers("vezes", " elevado a {}"),
        romance.ordinals(_NUMBERS, r"\.?(?:os|ºs)", "masculine-plural"),
        romance.ordinals(_NUMBERS, r"\.?(?:as|ªs)", "feminine-plural"),
        romance.ordinals(_NUMBERS, r"\.? ?º|o"),
        romance.ordinals(_NUMBERS, r"\.? ?ª|a", FEMININE),
        romance.ordinals(_NUMBERS, _DEGREE_AS_ORDINAL, needs="°"),
        *romance.dates(_MONTHS, "de", "primeiro"),
        *romance.lengths(
            "hora horas; minuto minutos; segundo segundos",
            "e",
        ),
        romance.clock(" ?h ?", _read_hours),
        romance.clock(":", _read_clock, "horas"),
        romance.clock(r"\.(?=[0-5]\d ?(?:hs?\b|horas))", _read_clock, "horas"),
        *romance.english_numbers(),
        rule(
            r"(\d)(?<![\w.,]\d)x(\d)(?!\w|[.,]\d)",
            lambda match: f"{match[1]} a {match[2]}",
            "x",
        ),
        romance.out_of("de"),
        equals("igual a"),
        romance.agreement(_NUMBERS, FEMININE, _FEMININE_NOUNS),
        romance.agreement(_NUMBERS, FEMININE, _FEMININE_ENDINGS, romance.NO_YEAR),
    ),
    wiki=Wiki(
        namespaces="ficheiro|arquivo|imagem|categoria",
        page_namespaces="discussão|(?:usuário|usuária|utilizador|utilizadora|"
        "wikipédia|ficheiro|arquivo|imagem|mediawiki|predefinição|"
        "ajuda|categoria|portal|anexo|módulo)(?: discussão)?|"
        "(?:usuário|usuária|utilizador|"
        r"utilizadora)\(a\)(?: discussão)?|discussão .+|especial",
        skipped_sections="referências|bibliografia|ligações externas|ver também|notas|"
        "notas e referências",
        common_words="o os as do da dos das no na em é um uma com foi ao não se por "
        "tem",
        months=_MONTHS,
        date="{day}| de {month}| de {year}",
        decimal_mark=",",
        joins=table("to = a; and = e; or = ou; by = por; ± = ±"),
        units=table(
            "mi = milhas; ft = pés; in = polegadas; yd = jardas; acre = acres; "
            "lb = libras; oz = onças; mph = milhas por hora; nmi = milhas náuticas; "
            "kn = nós; hp = cavalos-vapor; mi2 = milhas quadradas; "
            "ft2 = pés quadrados; USgal = galões americanos; "
            "impgal = galões imperiais; psi = libras por polegada quadrada; "
            "ft3 = pés cúbicos"
        ),
        templates={
            "=small caps": "versalete",
            "{1}": "sem quebra|semquebra|abreviação|carece de fontes2|"
            "ligação interlinguística|maiúsculas|negrito|itálico",
            "{2}": "cor",
            "“{1}”": "aspas|citação2",
            "século {1}": "séc|século|séc.|seculo",
            "séculos {1} e {2}": "séculos|sécs",
            "=quantity": "unit|unidade",
            "=number": "fmtn|formatar número",
            "=date": "dtlink|dtext|dtrans|data|dni|dnibr|data de nascimento|"
            "data de nascimento e idade|falecimento|falecimento2|nascimento|"
            "morte|morte e idade|dn|dm|data de falecimento|"
            "data de morte e idade|data-início|data de início",
            "=fraction": "fração|fracção",
            "{1|} a.C.": "ac|a.c.|a.c|antes de cristo|aec",
            "{1|} d.C.": "dc|d.c.|d.c|depois de cristo",
            "R$ {1|}": "r$|real|reais|brl",
            "n.º {1|}": "n.º|nº",
            "{1}º": "º",
            "{1}ª": "ª",
            " – ": "travessão",
            " ": "esp|espaço|espaço duro",
        },
        silent=r"carece de fontes.*|cf|carecefontes|quem|quando|onde|por quem|"
        r"qual|porque|nota de rodapé|nota|nre|refn|sfn|harvnb|esclarecer|"
        r"info/.*|infobox.*|artigo principal|ver ?artigo|vt|ver também|"
        r"flagicon|bandeira.*|ícone.*|ligação inativa|"
        r"citar.*|en|pt|es|fr|de|it|língicone|link|dead link|fonte primária.*|"
        r"não consta na fonte.*|fonte confiável.*|verificar.*|clarify.*|"
        r"dubious|pesquisa inédita.*|atualizar|data",
    ),
)
